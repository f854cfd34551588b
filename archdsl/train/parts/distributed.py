"""One process or many, under `torchrun`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from archdsl.train.parts.problems import RunError


@dataclass(frozen=True)
class World:
    """Which of the processes this is, and the device that it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Add tensors up over all processes, in place."""
        if self.size > 1:
            for tensor in tensors:
                distributed.all_reduce(tensor)

    def copy_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite tensors with those of the first process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def tell(self, value: Any) -> Any:
        """Return the value that the first process has."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, 0)
        return values[0]

    def wait(self) -> None:
        """Return when all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def close(self) -> None:
        """Leave the group of processes."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


def join_world(device: str) -> World:
    """Join the processes that `torchrun` started, or be alone; a process on CUDA gets the device of its local rank.

    Raises:
        RunError: there is no such device.
    """
    size, rank, local = (int(os.environ.get(name, least)) for name, least in
                         (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))  # fmt: skip
    if size > 1 and device.startswith("cuda:"):
        raise RunError(f"each of the {size} processes has a device of its own: --device cuda, not {device}", 2)
    chosen = choose_device(device, local)
    if size > 1 and chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        distributed.init_process_group("nccl", device_id=chosen)
    elif size > 1:
        distributed.init_process_group("gloo")
    return World(rank, size, chosen)


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Return a device by name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        RunError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and torch.cuda.is_available():
        if local_rank >= (devices := torch.cuda.device_count()):
            raise RunError(f"process {local_rank} of this machine has no CUDA device: there are {devices}; "
                           f"torchrun --nproc-per-node {devices}", 2)  # fmt: skip
        return torch.device("cuda", local_rank)
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        said = str(error).partition("\n")[0]
        raise RunError(f"there is no device {name} here: {said}", 2) from None
    return device


def share_of(indices: Tensor, rank: int, size: int) -> Tensor:
    """Return the part of some indices that a process looks at: every index is in exactly one part."""
    return indices[rank::size]


def across_processes(model: nn.Module, world: World) -> nn.Module:
    """Return a model whose gradients are averaged over the processes."""
    if world.size == 1:
        return model
    devices = [world.device.index] if world.device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=devices)
