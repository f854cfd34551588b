"""What derivations are worked out from: the nets of a posed problem, as the sheet's conventions have them."""

from __future__ import annotations

from archdsl.analysis import Analysis, analyze_graph
from archdsl.analysis.working import Section, explain
from archdsl.exam.nets import Net
from archdsl.exam.posed import Posed
from archdsl.exam.walk import Subject
from archdsl.graph import Node
from archdsl.tensors import dims

MOST_ROWS = 120
"""Rows of one table; longer ones are summed up block by block, or their beginning is left out."""
MOST_IN_CHAIN = 12
"""Shapes that are listed on the way to a layer."""


class Bench:
    """A posed problem and the analyses of its nets; keep one for all parts of a problem."""

    def __init__(self, posed: Posed) -> None:
        self.posed = posed
        self.conventions = posed.conventions
        self._analyses: dict[str, Analysis] = {}
        self._sections: dict[tuple[str, str], tuple[Section, ...]] = {}

    def subject(self, net: Net) -> Subject:
        """Return what is true of a net."""
        return self.posed.subject(net)

    def analysis(self, net: Net) -> Analysis:
        """Return the analysis that `archdsl why` explains, for one sample in float32."""
        if net.name not in self._analyses:
            graph = self.subject(net).graph
            self._analyses[net.name] = analyze_graph(graph, source=net.text.span.source.name, batch=1, dtype="float32")
        return self._analyses[net.name]

    def section(self, net: Net, node: Node, metric: str) -> tuple[Section, ...]:
        """Return what `archdsl why` says of one metric of a layer."""
        key = net.name, node.id
        if key not in self._sections:
            self._sections[key] = explain(self.analysis(net), node.id).sections
        return tuple(s for s in self._sections[key] if s.metric == metric)

    def nodes(self, net: Net, place: str) -> list[Node]:
        """Return the layers that a place names, in order of running; all of the net where it names none."""
        subject = self.subject(net)
        fed = {node.index for node in subject.graph.inputs.values()}
        return [subject.nodes[i] for i in subject.scope(place or None) if i not in fed]

    def run(self, net: Net, place: str) -> list[Node]:
        """Return those of the layers that run in evaluation, where the whole net is asked about."""
        only = self.subject(net).graph.training_only
        return [node for node in self.nodes(net, place) if place or node.index not in only]


def in_words(place: str) -> str:
    """Return what a place of an ask is called in a sentence."""
    return f"of {place}" if place else "of the network"


def shape_of(node: Node) -> str:
    """Return a layer's name with the shape that it gives."""
    return f"{node.id} {dims(node.output.shape)}"
