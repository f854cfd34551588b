"""What a `test` expects, held against the analysis. A `?` is a blank that is asked, not checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from archdsl.analysis import Analysis
from archdsl.analysis.receptive_field import Field
from archdsl.diagnostics import Diagnostic
from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.expressions import Expressions
from archdsl.elaborate.library import Module
from archdsl.elaborate.naming import Children
from archdsl.elaborate.values import Problem, Scope, Value, show
from archdsl.graph import Instance, Node
from archdsl.lang import ast
from archdsl.rules import limits, names, shapes, structure

TOTALS = ("params", "trainable", "buffers", "macs", "flops", "weight_bytes", "peak_activation_bytes")


MEANT = {
    "parameters": "params", "param": "params", "num_params": "params", "weights": "params", "mac": "macs",
    "madds": "macs", "mult_adds": "macs", "flop": "flops", "rf": "receptive_field", "receptive": "receptive_field",
    "size": "shape", "output": "shape", "output_shape": "shape", "memory": "peak_activation_bytes",
}  # fmt: skip
"""What others call the quantities of a test."""


@dataclass(frozen=True)
class Outcome:
    """One expectation: as written, with the numbers on both sides; `holds` is `None` for a question."""

    text: str
    diagnostic: Diagnostic | None
    holds: bool | None


def run_test(module: Module, test: ast.Test, analysis: Analysis) -> tuple[list[Diagnostic], list[Outcome]]:
    """Hold every expectation of a test against an analysis."""
    questions = _Questions(analysis)
    root = analysis.graph.root
    scope = Scope({}, module, root, set(), {}, Children(root, sequence=False))
    found: list[Diagnostic] = []
    outcomes: list[Outcome] = []
    for expect in test.expectations:
        text = " ".join(expect.span(module.source).text.split()).removeprefix("expect ")
        try:
            diagnostic = questions.judge(expect, scope)
            holds = None if _is_question(expect.value) else diagnostic is None
        except Problem as problem:
            diagnostic, holds = problem.diagnostic, False
        except RecursionError:
            message = "this is nested too deeply to be evaluated"
            diagnostic, holds = Diagnostic(limits.TOO_DEEP, message, expect.span(module.source)), False
        if diagnostic is not None:
            found.append(diagnostic)
        outcomes.append(Outcome(text, diagnostic, holds))
    return found, outcomes


def _is_question(value: ast.Syntax) -> bool:
    return any(isinstance(node, ast.Hole) for node in ast.walk(value))


class _Questions(Expressions):
    """Evaluates the two sides of an expectation over a finished analysis."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__()
        self.analysis = analysis
        self.instances = dict(_instances(analysis.graph.root))
        self._answers: dict[str, Callable[[str], Value]] = {
            "shape": self._shape,
            "params": lambda name: sum(analysis.parameters.counts[n.index] for n in self._below(name)),
            "buffers": lambda name: sum(analysis.parameters.buffer_counts[n.index] for n in self._below(name)),
            "macs": self._macs,
            "flops": lambda name: 2 * self._macs(name),
            "receptive_field": self._field,
        }

    def judge(self, expect: ast.Expect, scope: Scope) -> Diagnostic | None:
        """Return what is wrong with an expectation, or `None` where it holds or is a question."""
        compared = expect.value
        if not isinstance(compared, ast.Compare) or len(compared.rest) != 1:
            if isinstance(compared, ast.Binary | ast.Unary) and expect.within is None:
                value = self.evaluate(compared, scope)
                if type(value) is bool:
                    return None if value else self._failed(expect, "this is false", scope)
            message = 'an expectation compares, as in `params == 61_706` or `shape("conv1") == [6, 28, 28]`'
            raise self.problem(structure.BAD_EXPECTATION, message, expect.value, scope)
        op, right_node = compared.rest[0]
        sides = [compared.first, right_node]
        holes = [isinstance(side, ast.Hole) for side in sides]
        if any(holes):
            self.evaluate(sides[holes.index(False)] if not all(holes) else sides[0], scope)
            return None
        left, right = (self.evaluate(side, scope) for side in sides)
        if expect.within is not None:
            return self._close(expect, left, right, op, scope)
        if self._compared_safely(op, left, right, compared, scope):
            return None
        written = " ".join(compared.first.span(scope.module.source).text.split())
        text = f"`{written}` is {_number(left)}, and {'' if op == '==' else f'{op} '}{_number(right)} is expected"
        return self._failed(expect, text, scope, _shape_habit(written, left, right))

    def _compared_safely(self, op: str, left: Value, right: Value, node: ast.Syntax, scope: Scope) -> bool:
        try:
            return bool(self._compared(op, left, right))
        except TypeError:
            message = f"`{op}` cannot compare {show(left)} with {show(right)}"
            raise self.problem(structure.BAD_EXPECTATION, message, node, scope) from None

    def _close(self, expect: ast.Expect, left: Value, right: Value, op: str, scope: Scope) -> Diagnostic | None:
        if op != "==" or type(left) not in (int, float) or type(right) not in (int, float) or expect.within is None:
            message = "`within` goes with `==` between two numbers"
            raise self.problem(structure.BAD_EXPECTATION, message, expect.value, scope)
        if abs(left - right) * 100 <= expect.within * abs(right):
            return None
        off = f", {abs(left - right) / abs(right):.2%} off" if right else ""
        text = f"{_number(left)} is computed{off}, and {_number(right)} within {expect.within:g}% is expected"
        return self._failed(expect, text, scope)

    def _failed(self, expect: ast.Expect, message: str, scope: Scope, help: str | None = None) -> Diagnostic:
        return self.problem(structure.EXPECTATION_FAILED, message, expect.value, scope, help=help).diagnostic

    # What names and calls mean here.

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        if node.name in TOTALS and getattr(self.analysis.totals, node.name) is None:
            message = f"`{node.name}` depends on sizes that are left open"
            help = f"say them: `test {self.analysis.graph.model}(H=224, W=224) {{ ... }}`"
            raise self.problem(shapes.SIZE_NEEDED, message, node, scope, help=help)
        return super()._name(node, scope)

    def unknown_name(self, name: str, node: ast.Syntax, scope: Scope) -> Problem:
        """Return the problem of a name that means nothing in a test, with what may have been meant."""
        meant = MEANT.get(name.lower()) or next(iter(get_close_matches(name, TOTALS, n=1)), None)
        help = f"did you mean `{meant}`?" if meant else f"known are {', '.join(TOTALS)}"
        if name in self._known():
            help = f'the path of a layer is a text: `"{name}"`'
        return self.problem(names.UNKNOWN_NAME, f"nothing is called `{name}` in a test", node, scope, help=help)

    def global_name(self, name: str, scope: Scope) -> Value:
        if name in TOTALS:
            return getattr(self.analysis.totals, name)
        return None

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        answer = self._answers.get(node.name)
        if answer is None:
            meant = MEANT.get(node.name.lower()) or next(iter(get_close_matches(node.name, self._answers, n=1)), None)
            if meant is None or node.name in FUNCTIONS:
                return super()._call(node, scope)
            message = f"a test cannot ask for `{node.name}`"
            raise self.problem(names.UNKNOWN_NAME, message, node, scope, help=f"did you mean `{meant}`?")
        values = [self.evaluate(a.value, scope) for a in node.arguments]
        if len(values) != 1 or type(values[0]) is not str:
            message = f'`{node.name}` takes the path of a layer, as in `{node.name}("layer1.0.conv1")`'
            raise self.problem(structure.BAD_EXPECTATION, message, node, scope)
        try:
            return answer(values[0])
        except KeyError:
            known = self._known()
            close = get_close_matches(values[0], known, n=1)
            help = f"did you mean `{close[0]}`?" if close else None
            message = f"there is no layer, block or output `{values[0]}`"
            raise self.problem(names.UNKNOWN_NAME, message, node.arguments[0], scope, help=help) from None

    def _known(self) -> Iterable[str]:
        graph = self.analysis.graph
        return [*(n.id for n in graph.nodes), *self.instances, *graph.outputs]

    def _node(self, name: str) -> Node:
        """Return the node that a path means; a block means its result, an output what it is."""
        graph = self.analysis.graph
        for node in graph.nodes:
            if node.id == name:
                return node
        instance = self.instances.get(name)
        if instance is not None and instance.result is not None:
            return instance.result
        return graph.outputs[name]

    def _below(self, name: str) -> list[Node]:
        instance = self.instances.get(name)
        if instance is not None:
            return list(instance.nodes())
        found = [node for node in self.analysis.graph.layers if node.path == name]
        if not found:
            raise KeyError(name)
        return found

    def _shape(self, name: str) -> Value:
        return self._node(name).output.shape

    def _macs(self, name: str) -> Value:
        nodes = self._below(name)
        counts = self.analysis.node_macs
        return None if counts is None else sum(counts[node.index] for node in nodes)

    def _field(self, name: str) -> Value:
        fields: dict[str, Field] = self.analysis.fields[self._node(name).index]
        if len(fields) != 1:
            return tuple(field.size for field in fields.values())
        (field,) = fields.values()
        sizes = tuple(field.size)
        return sizes[0] if len(set(sizes)) == 1 else sizes


def _instances(instance: Instance) -> Iterable[tuple[str, Instance]]:
    pending = [instance]
    while pending:
        one = pending.pop()
        if one.path:
            yield one.path, one
        pending.extend(child for child in one.children if isinstance(child, Instance))


def _shape_habit(written: str, left: Value, right: Value) -> str | None:
    """Return what may have been meant by an expected shape: it has a batch, or its channels come last."""
    if type(left) is not tuple:
        return None
    if type(right) is int and right in left[:1]:
        return f"a shape is a list; its channels alone are `{written}[0]`"
    if type(right) is tuple and len(right) == len(left) + 1 and right[1:] == left:
        return "shapes are those of one sample, without the batch"
    if type(right) is tuple and len(left) == 3 and right == (*left[1:], left[0]):
        return "shapes are channels first"
    return None


def _number(value: Any) -> str:
    return f"{value:,}" if type(value) is int else show(value)
