"""Looks at a model while it trains: silent units and the sizes of gradients, at every n-th step.

Between looks there is one hook on the whole model, which counts; those on layers are there for a single step.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from archdsl.train.symptoms import RECENT, Symptom, gradients, silent_units
from archdsl.verify.subject import called

EVERY = 20
"""Steps from one look to the next, at first."""
MOST_LOOKS = 100
"""Where there are more, every second one is dropped, and from then on looks are half as frequent."""
SILENT = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
"""Activations whose units can be zero, with no gradient, whatever comes in."""


class Monitor:
    """What was seen of a model in training."""

    def __init__(self, every: int = EVERY) -> None:
        self.every, self.steps = every, 0
        self.looks: list[dict[str, float]] = []
        """Of each look, the norm of the gradient of each weight over that of the weight, by the path of the layer."""
        self.zeros: dict[str, deque[Tensor]] = {}
        """Of each activation, whether its units were zero for all samples, in the last looks."""
        self._seen: dict[str, Tensor] = {}
        self._calls: Counter[str] = Counter()
        self._handles: list[RemovableHandle] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Monitor:
        """Return the monitor itself: a copy of the model, as for averaged weights, is no other run."""
        return self

    def watch(self, model: nn.Module) -> nn.Module:
        """Count the steps of a model from here on, and look at some; return the model."""
        self._order = [name for name, weight in model.named_parameters() if weight.dim() > 1]
        model.register_forward_pre_hook(self._count)
        return model

    def _count(self, model: nn.Module, given: Any) -> None:
        if not (model.training and torch.is_grad_enabled()):
            return
        self._close()
        if self.steps % self.every == 0:
            self._open(model)
        self.steps += 1

    def _open(self, model: nn.Module) -> None:
        for path, module in model.named_modules():
            if isinstance(module, SILENT):
                self._handles.append(module.register_forward_hook(_Zeros(self, path)))
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and weight.requires_grad:
                hook = weight.register_post_accumulate_grad_hook(_Size(self, name))  # type: ignore[no-untyped-call]
                self._handles.append(hook)

    def _close(self) -> None:
        """End a look: read what its hooks left on the device, at once."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._calls.clear()
        if not self._seen:
            return
        names = [name for name in self._order if name in self._seen]
        sizes = torch.stack([self._seen[name] for name in names]).tolist()
        self.looks.append({name.rpartition(".")[0] or name: size for name, size in zip(names, sizes, strict=True)})
        self._seen = {}
        if len(self.looks) == MOST_LOOKS:
            del self.looks[1::2]
            self.every *= 2

    def note_zeros(self, path: str, output: Tensor) -> None:
        """Keep which units, channels or features, are zero for every sample and place."""
        name = called(path, self._calls[path])
        self._calls[path] += 1
        if output.dim() < 2 or not output.numel():
            return
        others = [axis for axis in range(output.dim()) if axis != 1]
        zero = output.detach().amax(dim=others) <= 0
        self.zeros.setdefault(name, deque(maxlen=RECENT)).append(zero)

    def note_size(self, name: str, weight: Tensor) -> None:
        """Keep the size of a gradient relative to its weight."""
        if weight.grad is not None:
            size = weight.detach().norm().float().clamp(min=1e-12)
            self._seen[name] = weight.grad.detach().norm().float() / size

    def dead(self) -> dict[str, float]:
        """Return the share of units of each activation that were zero in all of the last looks."""
        shares = {}
        for name, looks in self.zeros.items():
            if len(looks) == RECENT:
                shares[name] = float(torch.stack(list(looks)).all(0).float().mean())
        return shares

    def symptoms(self) -> list[Symptom]:
        """Return what goes wrong in the layers, by all that was seen so far."""
        self._close()
        return silent_units(self.dead()) + gradients(self.looks)

    def as_record(self) -> dict[str, Any]:
        """Return what the record of a run says of it: the first look, the last, and dead units."""
        self._close()
        ends = {"first": _finite(self.looks[0]), "last": _finite(self.looks[-1])} if self.looks else {}
        return {"looks": len(self.looks), "every": self.every, "gradient_over_weight": ends,
                "dead": {name: share for name, share in self.dead().items() if share}}  # fmt: skip


def _finite(look: dict[str, float]) -> dict[str, float | None]:
    """Return a look as JSON can say it: a gradient that overflowed has no size."""
    return {layer: size if math.isfinite(size) else None for layer, size in look.items()}


class _Zeros:
    """A hook on an activation; it keeps no copy of the monitor where the model is copied."""

    def __init__(self, monitor: Monitor, path: str) -> None:
        self.monitor, self.path = monitor, path

    def __call__(self, module: nn.Module, given: Any, output: Tensor) -> None:
        self.monitor.note_zeros(self.path, output)


class _Size:
    """A hook on a weight that has got its gradient."""

    def __init__(self, monitor: Monitor, name: str) -> None:
        self.monitor, self.name = monitor, name

    def __call__(self, weight: Tensor) -> None:
        self.monitor.note_size(self.name, weight)
