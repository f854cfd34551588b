"""Receptive fields by gradient: what has an influence on a unit is held against what the analysis says it sees.

The generated module is made *positive*: every weight is, maxima are means, and nothing is left that could cancel or
saturate. Then a gradient of a unit is not zero at exactly the positions that it depends on. On its way back every
gradient is replaced by whether it is zero, so that no depth makes it vanish.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archdsl.analysis.coverage import coverage
from archdsl.analysis.fields import unit_field
from archdsl.analysis.receptive_field import receptive_fields as fields_of
from archdsl.analysis.support import Support, positions, support
from archdsl.graph import Graph, Node
from archdsl.ops.base import Elementwise
from archdsl.verify.checks import Check, ended, skipped
from archdsl.verify.subject import Subject, called, calls, spelled

MOST_MACS = 2 * 10**9
ROUNDED = 1e-12
"""A weight below this comes from rounding: the least true one of an interpolation is far larger."""
PROBED = 8
"""Layers whose units are looked at; the last ones before each output are among them."""


def receptive_fields(subject: Subject) -> Check:
    """Compare what a first and a random unit of some layers depend on, position by position."""
    if subject.device == "meta":
        return skipped("receptive field", "tensors on the meta device have no values")
    graph = subject.affordable(MOST_MACS)
    choose = random.Random(subject.seed)
    nodes = _probed(graph, choose)
    probe = Probe(subject, graph)
    lines, count = list[str](), 0
    for node in nodes:
        for unit in _units(node, choose):
            count += 1
            lines += [f"{node.id}, unit {unit}: {line}" for line in probe.differences(node, unit)]
    names = f"{len(nodes)} layers" if len(nodes) != 1 else "1 layer"
    return ended("receptive field", f"{count} units of {names} at {spelled(graph)}, by gradient", lines)


def _probed(graph: Graph, choose: random.Random) -> list[Node]:
    able = [n for n in graph.layers if n.module is not None and n.index not in graph.training_only]
    last = [n for n in graph.outputs.values() if n in able][:PROBED] or able[-1:]
    rest = [n for n in able if n not in last]
    return sorted([*choose.sample(rest, min(len(rest), PROBED - len(last))), *last], key=lambda n: n.index)


def _units(node: Node, choose: random.Random) -> list[tuple[int, ...]]:
    sizes = node.output.known[1:]
    first = (0,) * len(sizes)
    return list(dict.fromkeys([first, tuple(choose.randrange(size) for size in sizes)]))


class Probe:
    """The positive twin of a generated module after one run, asked what units depend on."""

    def __init__(self, subject: Subject, graph: Graph) -> None:
        self.graph, self.fields, self.covers = graph, fields_of(graph), coverage(graph)
        self.seen: dict[str, Tensor] = {}
        self.names = {node.index: name for name, node in calls(graph).items()}
        model = subject.build().double()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        ops = {node.module: node for node in graph.layers if node.module is not None}
        for path, node in ops.items():
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, _positive(model.get_submodule(path), node))
        counts: Counter[str] = Counter()
        for path in ops:
            model.get_submodule(path).register_forward_hook(self._hook(path, counts))
        self.inputs = [
            torch.ones((1, *node.output.known), dtype=torch.double, device=subject.device, requires_grad=True)
            for node in graph.inputs.values()
        ]
        with _Sums():
            model.eval()(*self.inputs)

    def _hook(self, path: str, counts: Counter[str]) -> Callable[..., Tensor]:
        def keep(module: nn.Module, given: Any, output: Tensor) -> Tensor:
            output = output.view_as(output)  # a layer that does nothing gives its input, which others read as well
            if output.requires_grad:
                output.register_hook(lambda g: (g != 0).to(g.dtype))  # type: ignore[no-untyped-call]  # torch's
            self.seen[called(path, counts[path])] = output
            counts[path] += 1
            return output

        return keep

    def differences(self, node: Node, unit: tuple[int, ...]) -> list[str]:
        """Return how what a unit depends on differs from what the analysis says that it sees."""
        value = self.seen.get(self.names[node.index])
        if value is None:
            return ["the layer is not called"]
        expected = support(self.graph, node, unit)
        found = self._depends_on(value, unit)
        lines = []
        for (name, fed), mask in zip(self.graph.inputs.items(), found, strict=True):
            seen = _drawn(expected, name, fed.output.known[1:]).to(mask.device)
            wrong = mask != seen if expected.exact else mask & ~seen
            if bool(wrong.any()):
                place = tuple([int(i) for i in wrong.nonzero()[0]])
                what = "has an influence, and is not seen" if bool(mask[place]) else "is seen, and has no influence"
                lines.append(f"of `{name}`, {int(wrong.sum()):,} positions differ: {place} {what}")
        return lines + self._beside_the_plane(node, unit, expected)

    def _beside_the_plane(self, node: Node, unit: tuple[int, ...], expected: Support) -> list[str]:
        """Return where what a unit sees is not the field that the analysis states, though no border is in the way."""
        lines = []
        for name, field in self.fields[node.index].items() if expected.exact and not expected.clipped else ():
            if field.global_ is not None or len(field.tracks) != len(unit) or not expected.boxes.get(name):
                continue
            for axis, (tracks, place) in enumerate(zip(field.tracks, unit, strict=True)):
                mask = reduce(or_, (box[axis] for box in expected.boxes[name]))
                seen = (mask & -mask).bit_length() - 1, mask.bit_length() - 1
                stated = seen if tracks is None else unit_field(tracks, place)
                if stated != seen:
                    lines.append(f"of `{name}`, axis {axis}: {stated} is stated, and {seen} is seen")
            cover = self.covers[node.index][name]
            if not cover.open and not lines:
                boxes = tuple([tuple([one.bits << one.low for one in box]) for box in cover.at(unit)])
                sizes = self.graph.inputs[name].output.known[1:]
                stated_all = _drawn(Support({name: boxes}, exact=True, clipped=False), name, sizes)
                if not torch.equal(stated_all, _drawn(expected, name, sizes)):
                    lines.append(f"of `{name}`: not all positions that are stated are seen, or the other way round")
        return lines

    def _depends_on(self, value: Tensor, unit: tuple[int, ...]) -> list[Tensor]:
        if not value.requires_grad:
            return [torch.zeros(x.shape[2:], dtype=torch.bool) for x in self.inputs]
        chosen = value[0].flatten(1)[:, _flat(unit, value.shape[2:])].sum() if unit else value[0].sum()
        gradients: Sequence[Tensor | None] = torch.autograd.grad(
            chosen, self.inputs, retain_graph=True, allow_unused=True
        )
        return [
            torch.zeros(x.shape[2:], dtype=torch.bool) if g is None else (g[0] != 0).any(0)
            for x, g in zip(self.inputs, gradients, strict=True)
        ]


def _flat(unit: tuple[int, ...], sizes: Sequence[int]) -> int:
    """Return the number of a unit when they are counted row by row."""
    number = 0
    for place, size in zip(unit, sizes, strict=True):
        number = number * size + place
    return number


def _drawn(found: Support, name: str, sizes: tuple[int, ...]) -> Tensor:
    """Return the positions of a support as a map of truths."""
    drawn = torch.zeros(sizes, dtype=torch.bool)
    for box in found.boxes.get(name, ()):
        part = torch.ones((), dtype=torch.bool)
        for axis, (mask, size) in enumerate(zip(box, sizes, strict=True)):
            row = torch.zeros(size, dtype=torch.bool)
            row[list(positions(mask))] = True
            part = part & row.view([-1 if i == axis else 1 for i in range(len(sizes))])
        drawn |= part
    return drawn


class _Sums(TorchFunctionMode):
    """Add where the module multiplies two tensors: a zero in one must not hide the other."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__):
            tensors = [x for x in args if isinstance(x, Tensor)]
            return tensors[0] if len(tensors) == 1 else torch.add(*tensors)
        if func in (Tensor.__iadd__, Tensor.add_):
            return torch.add(*args)  # what is written over was seen by itself, and is asked for
        return func(*args, **(kwargs or {}))


# What stands for each layer.


def _positive(module: nn.Module, node: Node) -> nn.Module:
    """Return what depends on the same positions as a layer, and can neither cancel nor saturate."""
    if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
        with torch.no_grad():
            module.weight.fill_(module.weight.shape[0] / module.weight.numel())
        return module
    if isinstance(module, nn.modules.pooling._MaxPoolNd):
        return _Windows(module)
    if isinstance(module, nn.modules.pooling._AdaptiveMaxPoolNd):
        means = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
        return means[len(node.output.known) - 2](module.output_size)
    axes = _axes(module, len(node.output.known))
    if axes:
        return _Along(axes)
    if isinstance(module, nn.Upsample) and module.mode.startswith("nearest"):
        return _Nearest(module)
    if isinstance(module, nn.Upsample):
        return _Between(module)
    kept = (nn.PixelShuffle, nn.PixelUnshuffle)
    same = isinstance(node.op, Elementwise) and type(module).__name__ != "PadChannels"
    return nn.Identity() if same and not isinstance(module, kept) else module


def _axes(module: nn.Module, rank: int) -> tuple[int, ...]:
    """Return the axes along which a layer makes every position depend on every other, as PyTorch documents them."""
    if isinstance(module, nn.GroupNorm):
        return tuple(range(2, rank + 1))
    if isinstance(module, nn.modules.batchnorm._NormBase) and not module.track_running_stats:
        return tuple(range(2, rank + 1))
    if isinstance(module, nn.LayerNorm | nn.RMSNorm) and type(module).__name__ != "LayerNorm2d":
        return tuple(range(rank + 1 - len(module.normalized_shape), rank + 1))
    if isinstance(module, nn.Softmax | nn.LogSoftmax):
        return (int(module.dim or 0) % (rank + 1),)
    return ()


class _Along(nn.Module):
    """Let each position depend on all along some axes."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x + x.mean(dim=self.axes, keepdim=True)


class _Between(nn.Module):
    """Interpolates; a position that only a rounding error gives a weight has none (29 to 7 in double precision)."""

    def __init__(self, module: nn.Upsample) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        x = x.view_as(x)
        x.register_hook(lambda g: g.masked_fill(g.abs() < ROUNDED, 0))  # type: ignore[no-untyped-call]  # torch's
        drawn: Tensor = self.module(x)
        return drawn


class _Nearest(nn.Module):
    """Repeats what a nearest upsampling repeats; for some factors its gradient in PyTorch goes elsewhere."""

    def __init__(self, module: nn.Upsample) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        for axis, chosen in [(axis, self._chosen(x, axis)) for axis in range(2, x.dim())]:
            x = x.index_select(axis, chosen)
        return x

    def _chosen(self, x: Tensor, axis: int) -> Tensor:
        """Return which positions of an axis are repeated: what upsampling makes of their numbers."""
        numbers = torch.arange(float(x.shape[axis]), dtype=x.dtype, device=x.device)
        along = numbers.view(1, 1, *(-1 if i == axis else 1 for i in range(2, x.dim())))
        drawn: Tensor = self.module(along.expand(1, 1, *x.shape[2:])).movedim(axis, -1)
        return drawn.flatten()[: drawn.shape[-1]].long()


class _Windows(nn.Module):
    """Sums over the windows of a maximum pool: a convolution with ones, channel by channel."""

    def __init__(self, pool: Any) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        pool, sizes = self.pool, self.pool(torch.empty_like(x, device="meta")).shape[2:]
        given = (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
        kernel, stride, padding, dilation = (_each(one, len(sizes)) for one in given)
        around: list[int] = []
        for axis in reversed(range(len(sizes))):
            need = (sizes[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
            around += [padding[axis], max(0, need - padding[axis] - x.shape[2 + axis])]
        alone = functional.pad(x.flatten(0, 1).unsqueeze(1), around)
        ones = torch.ones(1, 1, *kernel, dtype=x.dtype, device=x.device)
        slide = (functional.conv1d, functional.conv2d, functional.conv3d)[len(sizes) - 1]
        sums: Tensor = slide(alone, ones, stride=stride, dilation=dilation)
        for axis, size in enumerate(sizes, 2):
            sums = sums.narrow(axis, 0, size)
        return sums.reshape(*x.shape[:2], *sizes)


def _each(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)
