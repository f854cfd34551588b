"""Memory of a training step: what autograd keeps, storage by storage, and the peak of CUDA's allocator."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

import torch
from torch import Tensor, nn

from archdsl.verify.subject import tensors


class _Kept:
    """A tensor that autograd keeps; it is there for as long as autograd wants it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()


def saved_bytes(model: nn.Module, feeds: list[Tensor]) -> int:
    """Return the bytes that are kept for the backward when the forward pass of training has ended.

    Each storage counts once; those of parameters and buffers, which are there anyway, do not count. What no output
    depends on is dropped on the way.
    """
    alive: WeakSet[_Kept] = WeakSet()

    def pack(tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        alive.add(kept)
        return kept

    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        outputs = tensors(model.train()(*feeds))
    storages = [kept.tensor.untyped_storage() for kept in alive]
    sizes = {storage._cdata: storage.nbytes() for storage in storages}
    del outputs
    return sum(size for place, size in sizes.items() if place not in own)


def peak_bytes(device: torch.device, step: Callable[[], None]) -> int:
    """Return the most bytes that CUDA's allocator has given out at once during the second of two steps.

    The first one chooses algorithms, and makes the states of the optimiser.
    """
    step()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device))
