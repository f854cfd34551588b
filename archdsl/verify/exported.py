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
        except Exception as error:  # noqa: BLE001 - whatever it is, the model cannot be exported
            if batch == 1 and NEEDS_A_BATCH in str(error):
                continue
            return ended("export", "", [f"torch.export fails: {type(error).__name__}: {error}"]), None
    steps = len([node for node in program.graph.nodes if node.op == "call_function"])
    made = Exported(program.module(check_guards=False), batch)
    return Check("export", f"torch.export gives a graph of {steps:,} operations"), made


def memory(subject: Subject, exported: Exported | None) -> Check:
    """Compare the peak of activations with what PyTorch's own interpreter holds, to the byte."""
    if exported is None:
        return skipped("memory", "there is no exported graph to run")
    expected = subject.network.examine(exported.batch).totals.peak_activation_bytes
    found = peak_bytes(exported.graph, *subject.feeds(exported.batch))
    lines = [] if expected == found else [f"peak: {expected:,} bytes in the analysis, {found:,} in the interpreter"]
    return ended("memory", f"activations peak at {found:,} bytes ({mebibytes(found)}), to the byte", lines)


def peak_bytes(exported: fx.GraphModule, *inputs: Tensor) -> int:
    """Return the most bytes of activations that the interpreter holds, each tensor dropped after its last use.

    A storage counts once, and those of weights and buffers do not. What nobody reads, such as the places of maxima, is
    dropped at once.
    """
    weights = {t.untyped_storage()._cdata for t in (*exported.parameters(), *exported.buffers())}

    class Held(fx.Interpreter):
        peak = 0

        def run_node(self, n: fx.Node) -> Any:
            result = super().run_node(n)
            values = pytree.tree_leaves((list(self.env.values()), result))  # some operations return several tensors
            tensors = [t for t in values if isinstance(t, Tensor)]
            storages = {s._cdata: s.nbytes() for s in (t.untyped_storage() for t in tensors)}
            self.peak = max(self.peak, sum(size for place, size in storages.items() if place not in weights))
            return result

    interpreter = Held(exported, garbage_collect_values=True)
    for node in exported.graph.nodes:
        if node.op == "call_function" and not node.users:
            interpreter.user_to_last_uses.setdefault(node, []).append(node)
    with torch.no_grad():
        interpreter.run(*inputs)
    return interpreter.peak
