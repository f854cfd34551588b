"""The worked solution of a part: each quantity derived as `archdsl why` derives it, then the ask's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from archdsl.exam.asks import AskError, Element, Function, Negative, Operation, Question, Term, evaluate
from archdsl.exam.asks import Value as Evaluated
from archdsl.exam.nets import Net
from archdsl.exam.posed import Posed
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Part
from archdsl.exam.solutions import counts, fields, shapes, terms, ways, work
from archdsl.exam.solutions.bench import Bench, in_words
from archdsl.exam.solutions.records import Derivation, Piece, Rows, Solution
from archdsl.exam.walk import INVALID, Value
from archdsl.ops.working import Step

__all__ = ["Bench", "Derivation", "Piece", "Rows", "Solution", "solve"]

ASKED = {
    "shape": "output shape", "params": "parameters", "weights": "weights", "biases": "biases", "buffers": "buffers",
    "receptive_field": "receptive field", "jump": "jump", "macs": "MACs", "flops": "FLOPs",
    "activations": "activations", "memory": "memory", "valid": "validity", "paths": "paths",
}  # fmt: skip
"""What a quantity is called in a heading."""
UNITS = {
    "params": "parameters", "weights": "weights", "biases": "biases", "buffers": "buffers", "macs": "MACs",
    "flops": "FLOPs", "activations": "values", "memory": "bytes", "paths": "paths",
}  # fmt: skip
"""What an answer counts; sides, in pixels, speak for themselves."""

_Deriving = Callable[[Bench, Net, str], Derivation]
_DERIVED: dict[str, _Deriving] = {
    "shape": shapes.derive,
    "valid": shapes.works,
    "params": lambda bench, net, place: counts.derive(bench, net, place, "params"),
    "weights": lambda bench, net, place: counts.derive(bench, net, place, "weights"),
    "biases": lambda bench, net, place: counts.derive(bench, net, place, "biases"),
    "buffers": lambda bench, net, place: counts.derive(bench, net, place, "buffers"),
    "macs": lambda bench, net, place: work.operations(bench, net, place, "macs"),
    "flops": lambda bench, net, place: work.operations(bench, net, place, "flops"),
    "activations": work.activations,
    "memory": work.memory,
    "receptive_field": lambda bench, net, place: fields.derive(bench, net, place, "receptive_field"),
    "jump": lambda bench, net, place: fields.derive(bench, net, place, "jump"),
    "paths": lambda bench, net, place: ways.derive(bench, net),
}
"""By quantity, how it is derived; of one that is not here only the answer is told."""


def solve(posed: Posed | Bench, part: Part) -> Solution:
    """Return the worked solution of a part; give a `Bench` to keep what the parts of a problem share.

    Raises:
        AskError: the part has no right answer; says where in the ask.
        SheetError: a net has errors.
    """
    bench = posed if isinstance(posed, Bench) else Bench(posed)
    value = bench.posed.truth(part)
    term = part.ask.term
    if value == INVALID and isinstance(term, Question):
        net, place = bench.posed.problem.place(term)
        asked = f"{ASKED.get(term.quantity, term.quantity)} {in_words(term.place)}"
        return Solution(part.name, asked, shown(value), "", shapes.works(bench, net, place))
    if isinstance(term, Question):
        quantity, derivation = _derived(bench, term)
        asked = f"{ASKED.get(quantity, quantity)} {in_words(term.place)}"
        return Solution(part.name, asked, _answer(bench, quantity, value), _unit(value, quantity), derivation)
    unit = bench.posed.wanted(part).unit
    return Solution(part.name, str(part.ask), _rounded(value), _UNITS.get(unit, ""), _arithmetic(bench, part, value))


_ONE = {"biases": "bias"}
_UNITS = {"parameters": "parameters", "macs": "MACs", "flops": "FLOPs", "bytes": "bytes", "values": "values",
          "times": "times"}  # fmt: skip


def _answer(bench: Bench, quantity: str, value: Value) -> str:
    """Return the value of a quantity; only shapes have channels, and so an order that the sheet chooses."""
    return shown(value, bench.conventions if quantity == "shape" else None)


def _unit(value: Value, quantity: str) -> str:
    unit = UNITS.get(quantity, "")
    return _ONE.get(unit, unit.removesuffix("s")) if value == 1 else unit


def _derived(bench: Bench, question: Question) -> tuple[str, Derivation]:
    """Return the quantity that is meant under the sheet's conventions, and how it is derived."""
    net, place = bench.posed.problem.place(question)
    quantity = question.quantity
    if quantity == "macs" and bench.conventions.work == "flops":
        quantity = "flops"
    derive = _DERIVED.get(quantity)
    if derive is None:
        return quantity, Derivation(())
    return quantity, derive(bench, net, _layer(bench, net, quantity, place))


def _layer(bench: Bench, net: Net, quantity: str, place: str) -> str:
    """Return the layer that a place means: an output is the layer that gives it."""
    if not place or quantity in ("valid", "paths"):
        return place
    graph = bench.subject(net).graph
    if place in graph.outputs and all(place not in (node.id, node.path) for node in graph.nodes):
        return graph.outputs[place].id
    return place


# Arithmetic.


def _arithmetic(bench: Bench, part: Part, value: Value) -> Derivation:
    """Return the quantities of an ask one by one, then the formula, with its numbers, and what it comes to."""
    term = part.ask.term
    pieces: list[Piece] = []
    conventions: list[str] = []
    known: dict[tuple[str, str], Value] = {}
    for question in _questions(term):
        quantity, derivation = _derived(bench, question)
        answer = _value_of(bench, part, question)
        known[question.quantity, question.place] = answer
        place = question.place
        heading = f"{ASKED.get(quantity, quantity)} {in_words(place)}: {_answer(bench, quantity, answer)}"
        first, *rest = derivation.pieces or (Piece(),)
        pieces += [_headed(first, heading), *rest]
        conventions += derivation.conventions
    names = terms.written(term, terms.leaf_name)

    def number(leaf: Term) -> str:
        return terms.leaf_value(_leaf(bench, leaf, known))

    filled = terms.written(term, number)
    result = _rounded(value)
    steps = _steps_of(names, filled, result)
    pieces.append(Piece("", steps))
    return Derivation(tuple(pieces), _brief(filled, result), "", tuple(dict.fromkeys(conventions)))


def _headed(piece: Piece, heading: str) -> Piece:
    return Piece(f"{heading}; {piece.heading}" if piece.heading else heading, piece.lines, piece.total, piece.table,
                 piece.notes)  # fmt: skip


def _steps_of(names: str, filled: str, result: str) -> tuple[Step, ...]:
    if names == filled:
        return (Step("", filled, result),) if filled != result else (Step("", "", result),)
    return (Step("", names, filled), *([Step("", filled, result)] if filled != result else []))


def _brief(filled: str, result: str) -> str:
    return filled if filled == result else f"{filled} = {result}".replace("= ≈", "≈")


def _questions(term: Term) -> list[Question]:
    """Return the quantities of an ask in the order of the text, each once."""
    found: dict[tuple[str, str], Question] = {}
    pending = [term]
    while pending:
        one = pending.pop()
        match one:
            case Question():
                found.setdefault((one.quantity, one.place), one)
            case Element(whole=inner) | Negative(of=inner):
                pending.append(inner)
            case Operation(left=left, right=right):
                pending += [right, left]
            case Function(arguments=arguments):
                pending += reversed(arguments)
    return list(found.values())


def _value_of(bench: Bench, part: Part, question: Question) -> Value:
    """Return the value of one quantity of an ask, which is the answer to a part that asks for it alone."""
    alone = replace(part, id=f"{part.id} {question.quantity}({question.place})", ask=replace(part.ask, term=question))
    return bench.posed.truth(alone)


def _leaf(bench: Bench, leaf: Term, known: dict[tuple[str, str], Value]) -> Evaluated:
    def quantity(question: Question) -> Evaluated:
        value = known[question.quantity, question.place]
        if isinstance(value, str):
            raise AskError("it is no number", question.start, question.end)
        return value if isinstance(value, bool | tuple) else Fraction(value)

    return evaluate(leaf, quantity, bench.posed.numbers)


def _rounded(value: Value) -> str:
    """Return an answer, with a sign in front where it is rounded."""
    if isinstance(value, bool | str | tuple):
        return shown(value)
    full = terms.exact(value)
    text = shown(value)
    return text if full.replace("−", "-") == text else full if _is_short(full) else f"≈ {text}"


def _is_short(text: str) -> bool:
    return "/" not in text and len(text) <= 12
