"""Outputs by value: the graph run op by op, from what each op says of its module, on the weights of the code."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.graph import Graph, Node
from archdsl.ops.merge import Scale
from archdsl.ops.reshape import Chunk, Crop, Flatten
from archdsl.verify.checks import Check, ended, skipped
from archdsl.verify.subject import Subject, results, spelled, tensors

MOST_MACS = 10**9
EXACT = 1e-9
"""The largest difference in double precision, relative to the largest number."""
ROUNDED = 1e-4
"""Outputs smaller than this, relative to the largest number on the way, may be what rounding left of a difference."""


def values(subject: Subject) -> Check:
    """Compare the outputs of evaluation with those of the graph, all numbers of the model drawn anew."""
    if subject.device == "meta":
        return skipped("values", "tensors on the meta device have no values")
    graph = subject.affordable(MOST_MACS)
    model = subject.build().double().eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dim() == 1 and tensor.is_floating_point():  # of norms and biases, which begin as ones and zeros
                tensor.uniform_(0.5, 1.5) if not name.endswith(("bias", "running_mean")) else tensor.uniform_(-0.5, 0.5)
        feeds = [x.double() for x in subject.feeds(2, graph=graph)]
        found = tensors(model(*feeds))
        expected = _run(graph, feeds, model.state_dict())
    largest = max(map(_largest, expected.values()), default=0.0)
    lines = []
    for (name, node), given in zip(results(graph).items(), found, strict=False):
        wanted = expected[node.index]
        if given.shape != wanted.shape:
            lines.append(f"output `{name}` is {list(given.shape)} where the graph gives {list(wanted.shape)}")
            continue
        scale = max(_largest(wanted), ROUNDED * largest)
        far = _largest(given - wanted) / max(scale, 1e-300)
        if far > EXACT or not torch.equal(given.isfinite(), wanted.isfinite()):
            lines.append(f"output `{name}` differs by {far:.2g} of its largest number")
    return ended(
        "values", f"the outputs are those of the graph, op by op, at {spelled(graph)}, in double precision", lines
    )


def _largest(tensor: Tensor) -> float:
    return float(tensor.nan_to_num(posinf=0, neginf=0).abs().max()) if tensor.numel() else 0.0


def _run(graph: Graph, feeds: list[Tensor], state: dict[str, Tensor]) -> dict[int, Tensor]:
    """Return what every node of evaluation gives."""
    found = {node.index: x for node, x in zip(graph.inputs.values(), feeds, strict=True)}
    made: dict[str, nn.Module] = {}
    for node in graph.layers:
        if node.index in graph.training_only:
            continue
        xs = [found[i] for i in node.inputs]
        if not node.is_module:
            found[node.index] = _function(node, xs)
            continue
        if node.path not in made:
            made[node.path] = _layer(graph, node, state)
        found[node.index] = made[node.path](*xs).clone()  # so that nothing done in place is seen elsewhere
    return found


def _layer(graph: Graph, node: Node, state: dict[str, Tensor]) -> nn.Module:
    call = node.op.module(*graph.types(node))
    assert call is not None, "a layer has a module"
    name = call.name.removeprefix("nn.")
    kind: Any = {**HOME_MADE, name: getattr(nn, name, HOME_MADE.get(name))}[name]
    layer: nn.Module = kind(*call.positional, **{k: v for k, v in call.keywords.items() if k != "inplace"})
    own = {key.removeprefix(f"{node.path}."): t for key, t in state.items() if key.startswith(f"{node.path}.")}
    layer = layer.to(next(iter(state.values())).device if state else "cpu").double().eval()
    layer.load_state_dict(own)
    return layer


class _LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _PadChannels(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.sides = before, after

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x.movedim(1, -1), self.sides).movedim(-1, 1)


HOME_MADE: dict[str, Any] = {
    "LayerNorm2d": _LayerNorm2d,
    "PadChannels": _PadChannels,
    "StochasticDepth": lambda *arguments, **keywords: nn.Identity(),
}


def _function(node: Node, xs: list[Tensor]) -> Tensor:
    """Return what a function of the language gives."""
    op, x = node.op, xs[0]
    if isinstance(op, Scale):
        return x * op.factor
    if isinstance(op, Chunk):
        return x.narrow(1, op.start, op.length)
    if isinstance(op, Flatten):
        return x.flatten(op.start_dim, op.end_dim)
    if isinstance(op, Crop):
        for axis, cut in enumerate(_cuts(op, x), 2):
            x = x.narrow(axis, cut[0], x.shape[axis] - sum(cut))
        return x
    if op.name == "concat":
        return torch.cat(xs, dim=1)
    return reduce({"add": operator.add, "multiply": operator.mul}[op.name], xs)


def _cuts(op: Crop, x: Tensor) -> list[tuple[int, int]]:
    sides = ((op.front, op.back), (op.top, op.bottom), (op.left, op.right))
    chosen = [(op.start, op.end)] if x.dim() == 3 else list(sides[-(x.dim() - 2) :])
    return [(int(str(low)), int(str(high))) for low, high in chosen]
