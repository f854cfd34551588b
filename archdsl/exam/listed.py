"""Asks whose answer is a list of numbers: the values of a small net, and kernels that interpolate."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError, Listed, Question
from archdsl.exam.data import Tensor
from archdsl.exam.kernels import kernel
from archdsl.exam.nets import Net
from archdsl.exam.sheet import Problem
from archdsl.exam.texts import SheetError
from archdsl.exam.values import DataError, values
from archdsl.exam.walk import whole
from archdsl.graph import Graph, Node
from archdsl.rules import exam as rules


def listed(problem: Problem, question: Question, graph: Graph, drawn: Mapping[str, Fraction]) -> Listed:
    """Return the numbers that a question of `asks.LISTS` asks for, row after row.

    Raises:
        AskError: it has no answer; says where in the ask.
        SheetError: `data` does not fit the net.
    """
    net, place = problem.place(question)
    node = _node(graph, place, question)
    try:
        if question.quantity == "kernel":
            found = kernel(node.op, len(node.output.spatial))
        else:
            found = _values(problem, net, graph, node, drawn)
    except DataError as error:
        raise AskError(str(error), question.start, question.end, error.help) from None
    except (ValueError, KeyError) as error:
        if isinstance(error, SheetError):
            raise
        raise AskError(str(error), question.start, question.end) from None
    return Listed(map(whole, found.numbers))


def _values(problem: Problem, net: Net, graph: Graph, node: Node, drawn: Mapping[str, Fraction]) -> Tensor:
    before = f"{net.name}." if net.name else ""
    given = {name.removeprefix(before): data for name, data in problem.data.items() if name.startswith(before)}
    try:
        return values(graph, node, {name: data.tensor(drawn) for name, data in given.items()})
    except DataError as error:
        if error.name not in given:
            raise
        where = given[error.name].span
        raise SheetError((Diagnostic(rules.WRONG_DATA, str(error), where, help=error.help),)) from None


def _node(graph: Graph, place: str, question: Question) -> Node:
    """Return the layer, the output of a block, or the output of the net that is meant."""
    if not place:
        if len(graph.outputs) == 1:
            return next(iter(graph.outputs.values()))
        raise AskError("the net has several outputs", question.start, question.end, "ask for one of them by its name")
    for node in graph.nodes:
        if place == node.id:
            return node
    if place in graph.outputs:
        return graph.outputs[place]
    pending = [graph.root]
    while pending:
        one = pending.pop()
        if one.path == place and one.result is not None:
            return one.result
        pending.extend(child for child in one.children if not isinstance(child, Node))
    raise AskError(f"`{place}` has no output of its own", question.start, question.end)
