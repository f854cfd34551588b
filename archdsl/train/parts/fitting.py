"""Data meets model: numbers of classes and channels, sizes, and the kind of the answers."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.train.parts.data import IGNORED, Data, Split
from archdsl.train.parts.losses import first_output
from archdsl.train.parts.options import Options, did_you_mean
from archdsl.train.parts.problems import RunError

PADDED_AT_MOST = 1.5
"""How many times the size of an image black borders may make it; beyond, images are enlarged."""


@dataclass(frozen=True)
class Architecture:
    """A model to be trained: what builds it, and the input that it declares, channels first.

    A height or a width of 0 is one that its spec leaves open: it is that of the images. `any_size` tells that others
    than the declared ones may be given.
    """

    name: str
    build: Callable[..., nn.Module]
    shape: tuple[int, int, int]
    any_size: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the arguments that it can be built with."""
        return tuple(inspect.signature(self.build).parameters)


@dataclass(frozen=True)
class Fit:
    """How images of bytes become what a model takes: their size, how they get it, and their scale."""

    size: tuple[int, int]
    how: str
    channels: int
    repeats: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind: str
    classes: int

    def decode(self, images: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return images from 0 to 1 in the size and with the channels of the model, and masks to match."""
        pixels = images.float() / 255
        if self.how == "pad":
            rows, columns = self.size[0] - pixels.shape[2], self.size[1] - pixels.shape[3]
            border = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            pixels = functional.pad(pixels, border)
            masks = None if masks is None else functional.pad(masks, border, value=IGNORED)
        elif self.how == "resize":
            pixels = functional.interpolate(
                pixels, size=self.size, mode="bilinear", align_corners=False, antialias=True
            ).clamp(0, 1)
            if masks is not None:
                masks = functional.interpolate(masks.unsqueeze(1).float(), size=self.size).squeeze(1).to(masks.dtype)
        return (pixels.expand(-1, self.channels, -1, -1) if self.repeats else pixels), masks

    def normalise(self, images: Tensor) -> Tensor:
        """Return images with mean 0 and standard deviation 1 in each channel, as measured on the training images."""
        return (images - _per_channel(self.mean, images.device)) / _per_channel(self.std, images.device)

    def as_record(self) -> dict[str, Any]:
        """Return what the record of a run says of it."""
        return {"size": list(self.size), "how": self.how, "channels": self.channels, "repeated": self.repeats,
                "mean": list(self.mean), "std": list(self.std), "kind": self.kind}  # fmt: skip


@cache
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return a number for each channel on a device, once: a copy to CUDA waits for all that the device has to do."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(1, -1, 1, 1)


def model_arguments(architecture: Architecture, data: Data, given: str, size: int = 0) -> dict[str, Any]:
    """Return what a model is built with for a data set: `classes`, `channels`, `size`, what is given.

    Raises:
        RunError: something is given that it does not take.
    """
    known = architecture.parameters
    chosen: dict[str, Any] = {}
    if "classes" in known:
        chosen["classes"] = data.classes
    if "channels" in known:
        chosen["channels"] = data.train.images.shape[1]
    if "size" in known and size:
        chosen["size"] = size
    for part in given.split(",") if given.strip() else ():
        name, _, text = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise RunError(f"{architecture.name} takes no {name}{did_you_mean(name, known)}", 2)
        try:
            chosen[name] = {"true": True, "false": False}[text] if text in ("true", "false") else ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise RunError(f"--set takes NAME=VALUE with a number, true or false, not {part.strip()}", 2) from None
    return chosen


def meet(architecture: Architecture, data: Data, options: Options) -> tuple[nn.Module, Fit, dict[str, Any]]:
    """Return a model for a data set, how images come to it, and the arguments that it was built with.

    Raises:
        RunError: the two do not go together; says what differs.
    """
    arguments = model_arguments(architecture, data, options.set, options.size)
    model = architecture.build(**arguments)
    found, *image = data.train.images.shape[1:]
    wanted = int(arguments.get("channels", architecture.shape[0]))
    if found != wanted and found != 1:
        raise RunError(f"{architecture.name} takes {counted(wanted, 'channel')}, and {data.name} has {found}", 2)
    mean, std = data.mean, tuple(max(value, 1e-3) for value in data.std)
    repeats = found != wanted
    if repeats:
        mean, std = mean * wanted, std * wanted
    size, how = _size(architecture, (image[0], image[1]), data.kind == "mask", options, model, wanted)
    kind = "labels" if data.several else data.kind
    if data.classes < 2 and not data.several:
        raise RunError(f"{data.name} has one class alone, with nothing to tell it from", 2)
    output = _probe(model, wanted, size)
    if output is None:
        _, height, width = architecture.shape
        other = f"it declares {height}×{width}" if height and width else "--size gives another"
        raise RunError(f"{architecture.name} cannot take images of {size[0]}×{size[1]} pixels; {other}", 2)
    if (output.dim() == 4) != (kind == "mask") or output.dim() not in (2, 4):
        gives = "a map of answers" if output.dim() == 4 else "one answer an image"
        wants = "masks" if kind == "mask" else "one answer an image"
        raise RunError(f"{architecture.name} gives {gives}, and {data.name} has {wants}", 2)
    if output.shape[1] != data.classes and not (output.shape[1] == 1 and data.classes == 2):
        raise RunError(
            f"{architecture.name} tells {output.shape[1]} classes apart, and {data.name} has {data.classes}", 2
        )
    fit = Fit(size, how, wanted, repeats, mean, std, kind, int(output.shape[1]))
    return model, fit, arguments


def _size(
    architecture: Architecture, own: tuple[int, int], masks: bool, options: Options, model: nn.Module, channels: int
) -> tuple[tuple[int, int], str]:
    declared = (architecture.shape[1] or own[0], architecture.shape[2] or own[1])
    if options.size:
        declared = (options.size, options.size)
    elif options.fit == "none" or (masks and architecture.any_size and _probe(model, channels, own) is not None):
        return own, "none"
    if own == declared or options.fit == "none":
        return own, "none"
    ratio = max(want / have for want, have in zip(declared, own, strict=True))
    smaller = all(have <= want for want, have in zip(declared, own, strict=True))
    if options.fit == "pad" and not smaller:
        raise RunError(f"images of {own[0]}×{own[1]} pixels are larger than {declared[0]}×{declared[1]}: "
                       "they are not padded but resized", 2)  # fmt: skip
    pads = options.fit == "pad" or (options.fit == "auto" and smaller and ratio <= PADDED_AT_MOST)
    return declared, "pad" if pads else "resize"


@torch.no_grad()
def _probe(model: nn.Module, channels: int, size: tuple[int, int]) -> Tensor | None:
    """Return what a model answers to black images of a size; `None` where it cannot take them."""
    was_training = model.training
    try:
        return first_output(model.eval()(torch.zeros(1, channels, *size)))
    except (RuntimeError, ValueError):
        return None
    finally:
        model.train(was_training)


def check_targets(data: Data) -> None:
    """Refuse a data set whose answers are not those of its classes.

    Raises:
        RunError: a label is out of range; says which, and where it is first.
    """
    for name, split in (("training", data.train), ("test", data.test)):
        targets = split.targets
        if targets.is_floating_point() or not targets.numel():
            continue
        wrong = (targets < 0) | (targets >= data.classes)
        if data.kind == "mask":
            wrong &= targets != IGNORED
        if bool(wrong.any()):
            place = int(wrong.flatten(1).any(1).nonzero()[0]) if wrong.dim() > 1 else int(wrong.nonzero()[0])
            value = int(targets[wrong][0])
            raise RunError(
                f"{data.name}: the label {value} of {name} image {place} is out of range: there are {data.classes} "
                f"classes, from 0 to {data.classes - 1}"
            )


def counted(number: int, what: str) -> str:
    """Return a number of things as it is said."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}{'es' if what.endswith('s') else 's'}"


def carve(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Return a split without a share of its images, drawn with a seed, and that share."""
    order = torch.randperm(len(split.images), generator=torch.Generator().manual_seed(seed))
    held = round(len(order) * share)
    kept, out = order[held:].sort().values, order[:held].sort().values
    return Split(split.images[kept], split.targets[kept]), Split(split.images[out], split.targets[out])
