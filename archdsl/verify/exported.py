"""The exported graph: that `torch.export` can make it, and how many bytes its interpreter holds at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from archdsl.report.units import mebibytes
from archdsl.verify.checks import Check, ended, skipped
from archdsl.verify.shapes import NEEDS_A_BATCH
from archdsl.verify.subject import Subject

MOST_MACS = 20 * 10**9
"""For one sample; more are not computed for the sake of memory."""


@dataclass(frozen=True)
class Exported:
    """A graph as `torch.export` makes it, with the samples that it takes."""

    graph: fx.GraphModule
    batch: int


def export(subject: Subject, model: nn.Module) -> tuple[Check, Exported | None]:
    """Export the model in evaluation mode, with nothing done in place; return the graph too."""
    for module in model.modules():
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010 - a plain attribute of some layers, of which types know not
    for batch in (1, 2):
        try:
            program = torch.export.export(model.eval(), tuple(subject.feeds(batch)))
            break
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the model cannot be exported
            if batch == 1 and NEEDS_A_BATCH in str(error):
                continue
            return ended("export", "", [f"torch.export fails: {type(error).__name__}: {error}"]), None
    steps = len([node for node in program.graph.nodes if node.op == "call_function"])
    graph = program.module(check_guards=False)
    for node in graph.graph.nodes:
        if node.target is torch.ops.aten.add_.Tensor:
            node.target = torch.ops.aten.add.Tensor
    graph.recompile()
    made = Exported(graph, batch)
    return Check("export", f"torch.export gives a graph of {steps:,} operations"), made


def memory(subject: Subject, exported: Exported | None) -> Check:
    """Compare the peak of activations with what PyTorch's own interpreter holds, to the byte.

    What would take long to compute is run on the meta device.
    """
    if exported is None:
        return skipped("memory", "there is no exported graph to run")
    device = subject.device if (subject.analysis.totals.macs or 0) <= MOST_MACS else "meta"
    if device == "meta" and any(node.op.name == "ChannelShuffle" for node in subject.graph.nodes):
        return skipped("memory", "on the meta device a shuffle of channels takes no memory, elsewhere it does")
    expected = subject.network.examine(exported.batch).totals.peak_activation_bytes
    found = peak_bytes(exported.graph.to(device), *subject.feeds(exported.batch, device))
    lines = [] if expected == found else [f"peak: {expected:,} bytes in the analysis, {found:,} in the interpreter"]
    return ended("memory", f"activations peak at {found:,} bytes ({mebibytes(found)}), to the byte", lines)


class _Held(fx.Interpreter):
    """Runs a graph and notes how many bytes of activations are held at most."""

    def __init__(self, exported: fx.GraphModule) -> None:
        super().__init__(exported, garbage_collect_values=True)
        self.weights = {t.untyped_storage()._cdata for t in (*exported.parameters(), *exported.buffers())}
        self.sizes: dict[int, int] = {}
        """The bytes of each storage that is held."""
        self.peak = 0
        for node in exported.graph.nodes:
            if node.op in ("call_function", "placeholder") and not node.users:
                self.user_to_last_uses.setdefault(node, []).append(node)

    def run_node(self, n: fx.Node) -> Any:
        before = self._held(list(self.env.values()))  # where a storage was dropped, the next one may take its place
        self.sizes = {key: size for key, size in self.sizes.items() if key in before}
        result = super().run_node(n)
        for key, tensor in self._held((list(self.env.values()), result)).items():
            self.sizes.setdefault(key, _bytes(tensor))
        self.peak = max(self.peak, sum(self.sizes.values()))
        return result

    def _held(self, values: Any) -> dict[int, Tensor]:
        """Return a tensor for each storage that is held and no weight; some operations return several tensors."""
        tensors = [t for t in pytree.tree_leaves(values) if isinstance(t, Tensor)]
        found = {t.untyped_storage()._cdata: t for t in reversed(tensors)}
        return {key: tensor for key, tensor in found.items() if key not in self.weights}


def _bytes(tensor: Tensor) -> int:
    """Return the bytes of a new tensor; some kernels begin with a larger buffer, of which nothing else has a part."""
    whole = tensor.untyped_storage().nbytes()
    alone = tensor.is_contiguous() and tensor.storage_offset() == 0
    return min(whole, tensor.numel() * tensor.element_size()) if alone else whole


def peak_bytes(exported: fx.GraphModule, *inputs: Tensor) -> int:
    """Return the most bytes of activations that the interpreter holds, each tensor dropped after its last use.

    A storage counts once, and those of weights and buffers do not. What nobody reads, such as the places of maxima, is
    dropped at once.
    """
    interpreter = _Held(exported)
    interpreter.peak = sum(map(_bytes, inputs))  # all of them are there from the start
    with torch.no_grad():
        interpreter.run(*inputs)
    return interpreter.peak
