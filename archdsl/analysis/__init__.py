"""What is known of a network before it runs: one `Analysis`, made of passes over the graph, read by everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.analysis.macs import macs
from archdsl.analysis.memory import DTYPES, Peak, activation_bytes, peak_activations
from archdsl.analysis.params import Parameters, parameters
from archdsl.analysis.receptive_field import Field, receptive_fields
from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph, Node
from archdsl.tensors import Shape

if TYPE_CHECKING:
    import pandas

__all__ = ["DTYPES", "Analysis", "Field", "Layer", "Peak", "Totals", "analyze_graph"]

CONVENTIONS = {
    "macs": "one multiply-add of a convolution, transposed convolution, linear layer or matrix product; "
    "biases, norms, activations and poolings count none",
    "flops": "2 per MAC",
    "params": "learned numbers, shared ones once, with what only training uses; buffers are counted apart",
    "receptive_field": "theoretical, in input pixels, on an infinite plane: the hull per axis, the largest over phases",
    "peak_activation_bytes": "inputs and output of an op alive together, each freed after its last use, nothing in "
    "place, the network's input counted; weights, workspace and the allocator's rounding are not",
    "shapes": "per sample, channels first",
}
"""What the numbers of an analysis mean."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of the whole network; `None` where they need an input size that is left open."""

    params: int
    trainable: int
    buffers: int
    macs: int | None
    flops: int | None
    weight_bytes: int
    peak_activation_bytes: int | None


@dataclass(frozen=True, slots=True)
class Layer:
    """One row: an op of the network, or one call of a shared module."""

    node: Node
    inputs: tuple[str, ...]
    params: int
    buffers: int
    macs: int | None
    weights: Mapping[str, Shape]
    receptive_field: Mapping[str, Field]
    activation_bytes: int | None
    training_only: bool

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def call(self) -> int:
        return self.node.call

    @property
    def id(self) -> str:
        return self.node.id

    @property
    def module(self) -> str | None:
        return self.node.module

    @property
    def op(self) -> str:
        return self.node.op.name

    @property
    def output(self) -> tuple[Any, ...]:
        """The shape without batch; a size that is left open is a `Symbolic`."""
        return self.node.output.shape

    @property
    def trainable(self) -> int:
        """Learned numbers that training changes: all, since the language cannot freeze any."""
        return self.params


@dataclass(frozen=True)
class Analysis:
    """All that is known of one network at one batch and dtype."""

    model: str
    source: str
    batch: int
    dtype: str
    graph: Graph
    parameters: Parameters
    fields: list[dict[str, Field]]
    """Per node and input of the network."""
    node_macs: list[int] | None
    peak: Peak | None
    diagnostics: tuple[Diagnostic, ...] = ()
    requirements: tuple[str, ...] = ()
    """What sizes that are left open must satisfy, as `H % 16 == 0`."""

    @property
    def is_complete(self) -> bool:
        """Whether the whole network could be built."""
        return not any(d.severity == "error" for d in self.diagnostics)

    @cached_property
    def totals(self) -> Totals:
        macs = None if self.node_macs is None else self._evaluated(self.node_macs)
        params = self.parameters.params
        return Totals(
            params,
            params,
            self.parameters.buffers,
            macs,
            None if macs is None else 2 * macs,
            params * DTYPES[self.dtype],
            self.peak.bytes if self.peak else None,
        )

    def _evaluated(self, values: list[int]) -> int:
        only = self.graph.training_only
        return sum(values) - sum(values[index] for index in only)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer in order of running; the inputs of the network are not among them."""
        return tuple(self._layer(node) for node in self.graph.layers)

    def _layer(self, node: Node) -> Layer:
        nodes, index = self.graph.nodes, node.index
        known = self.node_macs is not None
        return Layer(
            node,
            tuple(nodes[i].id for i in node.inputs),
            self.parameters.counts[index],
            self.parameters.buffer_counts[index],
            self.node_macs[index] if self.node_macs is not None else None,
            self.graph.weights(node),
            self.fields[index],
            activation_bytes(node, self.batch, self.dtype) if known else None,
            index in self.graph.training_only,
        )

    def layer(self, name: str) -> Layer:
        """Return the layer with this path or id; raises `KeyError` where there is none."""
        for layer in self.layers:
            if layer.id == name:
                return layer
        raise KeyError(name)

    def with_diagnostics(self, diagnostics: tuple[Diagnostic, ...]) -> Analysis:
        """Return the same analysis with other diagnostics."""
        return replace(self, diagnostics=diagnostics)

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis as `archdsl/analysis@1` describes it."""
        from archdsl.report.json import document

        return document(self)

    def to_json(self) -> str:
        """Return the analysis as a JSON text, the same bytes on every run."""
        from archdsl.report.json import render

        return render(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row a layer; needs pandas."""
        import pandas

        from archdsl.report.table import records

        return pandas.DataFrame.from_records(records(self))

    def to_text(self) -> str:
        """Return the folded table as `archdsl analyze` prints it."""
        from archdsl.report.text import render

        return render(self)

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from archdsl.report.notebook import render

        return render(self)


def analyze_graph(
    graph: Graph,
    *,
    source: str,
    batch: int,
    dtype: str,
    diagnostics: tuple[Diagnostic, ...] = (),
    requirements: tuple[str, ...] = (),
) -> Analysis:
    """Run every pass over a graph. With open sizes, MACs and memory are left out."""
    symbolic = any(node.output.is_symbolic for node in graph.inputs.values())
    return Analysis(
        graph.model,
        source,
        batch,
        dtype,
        graph,
        parameters(graph),
        receptive_fields(graph),
        None if symbolic else macs(graph),
        None if symbolic else peak_activations(graph, batch, dtype),
        diagnostics,
        requirements,
    )
