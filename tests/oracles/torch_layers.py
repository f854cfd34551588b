"""PyTorch's own layers, as an oracle for ours: what they make of an input, or that they refuse it."""

from __future__ import annotations

import re
import warnings
from typing import Any, NamedTuple

Shape = tuple[int, ...]
BATCH = 7  # more than any number of channels drawn, or PyTorch takes a map for a batch of rows

# What stands in front of the arguments of ours: PyTorch wants the size of the input.
SIZED = ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm", "Linear")


class Facts(NamedTuple):
    """What PyTorch says of one layer on one input, per sample."""

    output: Shape
    weights: dict[str, Shape]
    buffers: dict[str, Shape]
    macs: int
    written: str


def facts(name: str, arguments: dict[str, Any], shape: Shape) -> Facts | None:
    """Return what PyTorch says, or `None` where it refuses, leaves nothing over, or merges the batch.

    The meta device knows no numbers and skips some checks, so both it and the CPU have to agree.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(action="ignore"):  # PyTorch makes empty weights with no more than a warning
            layer_on_cpu = layer(name, arguments, shape, "cpu")
            on_cpu = layer_on_cpu(torch.zeros(BATCH, *shape))
            touches_batch = arguments.get("dim") in (0, -len(shape) - 1)
            if touches_batch or (not name.startswith("BatchNorm") and _mixes_samples(layer_on_cpu, shape)):
                return None
            module = layer(name, arguments, shape, "meta")
            with FlopCounterMode(display=False) as counter:
                output = module(torch.zeros(BATCH, *shape, device="meta"))
    except (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError):
        return None
    weights = {key: tuple(weight.shape) for key, weight in module.named_parameters()}
    if 0 in on_cpu.shape or any(0 in weight for weight in weights.values()):
        return None
    if on_cpu.shape[0] != BATCH or on_cpu.dim() == 1:
        return None
    assert on_cpu.shape == output.shape
    buffers = {key: tuple(buffer.shape) for key, buffer in module.named_buffers()}
    flops = counter.get_total_flops()
    return Facts(tuple(output.shape[1:]), weights, buffers, flops // 2 // BATCH, written(module))


def _mixes_samples(module: Any, shape: Shape) -> bool:
    """Tell whether what comes of a sample depends on the one before it."""
    import torch

    x = torch.zeros(BATCH, *shape)
    dark = module(x.clone())
    x[0] = 1.0
    lit = module(x)
    return dark.shape[0] == BATCH and not torch.equal(lit[1:], dark[1:])


def layer(name: str, arguments: dict[str, Any], shape: Shape, device: str) -> Any:
    """Return the module in evaluation mode."""
    import torch
    from torch import nn

    kind = getattr(nn, name)
    with torch.device(device):
        if name.rstrip("123d") in SIZED:
            # A single position is refused in training alone, and only by this one.
            return kind(shape[0], **arguments).train(name.startswith("InstanceNorm"))
        if name == "GroupNorm":
            return kind(num_channels=shape[0], **arguments).eval()
        if name in ("LayerNorm", "RMSNorm"):
            rest = dict(arguments)
            count = rest.pop("dims", len(shape))
            if count > len(shape):
                raise ValueError("PyTorch would normalise over the batch")
            return kind(shape[-count:], **rest).eval()
        return kind(**arguments).eval()


def written(module: Any) -> str:
    """Return a module as PyTorch prints it, one number standing for several that are equal."""
    return re.sub(r"\(([\w.]+)(, \1)*,?\)", r"\1", repr(module))


def constructed(call: Any) -> Any:
    """Return the module that a `TorchCall` of ours stands for."""
    import torch
    from torch import nn

    kind = getattr(nn, call.name.removeprefix("nn."))
    with torch.device("meta"):
        return kind(*call.positional, **call.keywords)
