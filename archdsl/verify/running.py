"""What running shows: multiply-adds, the outputs of evaluation, and gradients in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.graph import Graph
from archdsl.ops import Reads
from archdsl.ops.pool import MaxPool
from archdsl.verify.checks import Check, compared, ended, skipped
from archdsl.verify.shapes import run
from archdsl.verify.subject import Subject, spelled, tensors

MOST_MACS = 5 * 10**9
"""For one sample: a larger network is run at a smaller size."""


def macs(subject: Subject, model: nn.Module) -> Check:
    """Compare the multiply-adds of every layer with half of what PyTorch's counter says, on the meta device.

    Two samples are run, since a norm over a batch may need them.
    """
    graph, owner = subject.graph, type(model).__name__
    expected: Counter[str] = Counter()
    for layer in subject.analysis.layers:
        if layer.macs and not layer.training_only:
            expected[layer.path] += layer.macs
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*subject.feeds(2, "meta"))
    wanted = {node.module for node in graph.layers}
    by_module: dict[str, Any] = counter.get_flop_counts()
    prefix = f"{owner}."
    found = {path.removeprefix(prefix): sum(counts.values()) // 4 for path, counts in by_module.items()}
    found = {path: count for path, count in found.items() if path in wanted and count}
    lines = compared(dict(expected), found, "{:,}".format)
    total, flops = sum(expected.values()), counter.get_total_flops() // 2
    if total * 2 != flops:
        lines.append(f"in total: {total:,} in the analysis, half of {flops:,} FLOPs by PyTorch's counter")
    return ended("MACs", f"{total:,}, half of the {flops:,} FLOPs that PyTorch counts", lines)


def evaluation(subject: Subject, model: nn.Module) -> Check:
    """Run twice in evaluation mode: everything is finite, and the same."""
    if subject.device == "meta":
        return skipped("outputs", "tensors on the meta device have no values")
    graph = subject.affordable(MOST_MACS)
    feeds = subject.feeds(2, graph=graph)
    with torch.no_grad(), _deterministic():
        first, second = (tensors(model.eval()(*feeds)) for _ in range(2))
    lines, empty, far = list[str](), _empty_pool(graph), list[str]()
    for name, a, b in zip(subject.graph.outputs, first, second, strict=False):
        if not bool(torch.isfinite(a).all()) and not empty:
            far.append(name)
        elif not torch.equal(a.nan_to_num(), b.nan_to_num()):
            lines.append(f"output `{name}` differs from run to run by {float((a - b).abs().max()):.3g}")
    if far:
        with torch.no_grad():
            wide = tensors(subject.build().double().eval()(*[x.double() for x in feeds]))
        if not all(map(_is_finite, wide)):
            lines += [f"output `{name}` has values that are not finite" for name in far]
    finite = f"without an end where `{empty}` sees padding alone, and" if empty else "finite, and"
    if far and not lines:
        finite = f"`{far[0]}` is beyond float32, and finite in float64;"
    return ended("outputs", f"{finite} the same in two runs of evaluation at {spelled(graph)}", lines)


def training(subject: Subject, model: nn.Module) -> Check:
    """Train one step: the outputs of training have their shapes, and all that an output depends on gets a gradient."""
    needed, graph = _needed(subject), subject.affordable(MOST_MACS)
    try:
        given, lines = run(model, graph, _fed(subject, graph), training=True)
        if lines:
            return ended("training", "", lines)
        if not needed:
            return Check("training", "runs; there is nothing to train")
        if empty := _empty_pool(graph):
            # The index of such a maximum is outside the map, and PyTorch 2.13 writes the gradient there.
            return skipped("training", f"`{empty}` sees padding alone, and its backward pass would damage memory")
        _backward(given)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the model cannot be trained
        if subject.device == "meta" and "meta tensors" in str(error):
            return skipped("training", "a layer needs values for it, and tensors on the meta device have none")
        return ended("training", "", [f"a step cannot be made: {type(error).__name__}: {error}"])
    finally:
        model.eval()
    learned, far = dict(model.named_parameters()), list[str]()
    for name, parameter in learned.items():
        if parameter.grad is None and name in needed:
            lines.append(f"{name} gets no gradient")
        elif parameter.grad is not None and name not in needed:
            lines.append(f"{name} gets a gradient, though no output depends on it")
        elif parameter.grad is not None and not _is_finite(parameter.grad):
            far.append(name)
    model.zero_grad(set_to_none=True)
    idle = len(learned) - len(needed)
    summary = f"all {len(learned):,} parameter tensors get a gradient"
    if idle:
        summary = f"{len(needed):,} parameter tensors get a gradient; no output depends on the other {idle:,}"
    if far and _is_finite_in_double(subject, graph):
        summary += (
            f"; {far[0]} and {len(far) - 1:,} others overflow in float32"
            if far[1:]
            else f"; {far[0]} overflows in float32"
        )
    else:
        lines += [f"{name} has a gradient that is not finite" for name in far]
    return ended("training", summary, lines)


def _fed(subject: Subject, graph: Graph) -> list[Tensor]:
    """Return inputs that want a gradient: without, PyTorch 2.13 crashes in the backward pass of some `GroupNorm`s."""
    return [x.requires_grad_().clone() for x in subject.feeds(2, graph=graph)]


def _backward(outputs: list[Tensor]) -> None:
    squares = [x.square().mean() if x.dtype == torch.double else x.float().square().mean() for x in outputs]
    torch.autograd.backward(sum(squares[1:], squares[0]))


def _is_finite_in_double(subject: Subject, graph: Graph) -> bool:
    model = subject.build().double().train()
    _backward(tensors(model(*[x.double() for x in _fed(subject, graph)])))
    return all(p.grad is None or _is_finite(p.grad) for p in model.parameters())


def _is_finite(tensor: Tensor) -> bool:
    return tensor.is_meta or bool(torch.isfinite(tensor).all())


def _empty_pool(graph: Graph) -> str:
    """Return a maximum pool with windows that lie in the padding alone, where the maximum is minus infinity."""
    for node in graph.layers:
        if isinstance(node.op, MaxPool):
            window = node.op.window(graph.types(node), node.output)
            assert isinstance(window, tuple), "a pool slides along axes"
            sizes = zip(window, graph.types(node)[0].known[1:], node.output.known[1:], strict=True)
            if any(reads is not None and _is_outside(reads, size, units) for reads, size, units in sizes):
                return node.id
    return ""


def _is_outside(reads: Reads, size: int, units: int) -> bool:
    """Tell whether a unit reads no position of an axis."""
    (taps,) = reads.taps
    return any(not any(0 <= tap + unit * reads.shift < size for tap in taps) for unit in range(units))


def _needed(subject: Subject) -> set[str]:
    """Return the learned tensors that an output depends on."""
    graph = subject.graph
    alive = {node.index for node in graph.outputs.values()}
    for node in reversed(graph.nodes):
        if node.index in alive:
            alive.update(node.inputs)
    paths = {graph.nodes[index].path for index in alive}
    return {name for name in subject.analysis.parameters.weights if name.rpartition(".")[0] in paths}


@contextmanager
def _deterministic() -> Iterator[None]:
    """Let PyTorch choose the same algorithms in every run."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
