"""Batches in an order that follows from the seed and the epoch, so that a run can go on in the middle of one."""

from __future__ import annotations

import hashlib
import random

import torch
from torch import Tensor

from archdsl.train.parts.data import Split

DEVICE_SHARE = 0.3
"""The share of a CUDA device's free memory that a data set may take."""


def derived_seed(*numbers: int) -> int:
    """Return a seed, from 0 to 2⁶³ − 1, that follows from some numbers and looks unlike that of any others."""
    text = " ".join(map(str, numbers)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def seed_draws(*numbers: int) -> None:
    """Set the generators that dropout and the changes of images draw from.

    A run does so at every step, with its seed, the step and the process. What it draws therefore needs no memory:
    after an interruption, a step draws what it would have drawn.
    """
    seed = derived_seed(*numbers)
    torch.manual_seed(seed)
    random.seed(seed)


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """Return the order in which an epoch sees `count` images, the same on every device and process."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(derived_seed(seed, 1, epoch)))


class Feed:
    """A split of a data set that gives batches on a device.

    Where it fits, it lies there as bytes: for small images, copying costs more than computing.
    """

    def __init__(self, split: Split, device: torch.device) -> None:
        self.device = device
        self.images, self.targets = split.images, split.targets
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.images.nbytes + self.targets.nbytes < free * DEVICE_SHARE:
                self.images, self.targets = self.images.to(device), self.targets.to(device)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return images of bytes and their targets on the device."""
        indices = indices.to(self.images.device)
        images, targets = self.images[indices], self.targets[indices]
        if images.device != self.device:
            if self.device.type == "cuda":
                images, targets = images.pin_memory(), targets.pin_memory()
            images, targets = images.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True)
        return images, targets
