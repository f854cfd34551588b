"""What a part asks for: a quantity of a net or of one of its layers, or arithmetic of such quantities.

`params`, `shape(conv1)`, `params(wide) / params(narrow)`, `shape(b)[0]`, `0.9 * mean + 0.1 * batch`. A quantity without
an argument is that of the whole net; a plain name is a drawn value. Numbers are exact fractions, and every step is
bounded, so that no text runs for long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt, log2, sqrt

from archdsl.diagnostics import closest

QUANTITIES = {
    "shape": "the shape of a layer's output, channels first, without the batch",
    "params": "the learned numbers",
    "weights": "the learned numbers that are no biases",
    "biases": "the learned numbers that are biases",
    "buffers": "the numbers that are kept but not learned, without counters of batches",
    "receptive_field": "the side of what one unit sees, in pixels of the input",
    "jump": "how many pixels of the input lie between neighbouring units",
    "macs": "multiply-accumulate operations for one sample",
    "flops": "floating point operations for one sample, two for a MAC",
    "activations": "the numbers in a layer's output, for one sample",
    "memory": "the bytes of a layer's output in float32; of a net, the most that is alive at once",
    "valid": "whether a layer can take what it is given",
    "paths": "how many ways lead from the input to a layer",
    "values": "the numbers in a layer's output, row after row, for the numbers that `data` gives",
    "kernel": "the kernel with which a transposed convolution interpolates, row after row",
}
"""Every quantity that may be asked for, and what it counts."""

MEANT = {
    "parameters": "params", "param": "params", "num_params": "params", "bias": "biases", "weight": "weights",
    "rf": "receptive_field", "receptive": "receptive_field", "field": "receptive_field", "stride": "jump",
    "mac": "macs", "madds": "macs", "mult_adds": "macs", "flop": "flops", "size": "shape", "output": "shape",
    "output_shape": "shape", "mem": "memory", "bytes": "memory", "path": "paths", "activation": "activations",
}  # fmt: skip
"""What others call the quantities."""

LONGEST = 1000
"""Characters of an ask."""
DEEPEST = 32
"""How deep parentheses and signs may nest."""
MOST_OPERATIONS = 100
"""Sums, products and the like in one ask."""
MOST_BITS = 1000
"""Of a number on the way to an answer."""
MOST_DIGITS = 40

LISTS = frozenset({"values", "kernel"})
"""The quantities that are a list of numbers."""


class Listed(tuple[Fraction | int, ...]):
    """Numbers one after the other, row by row: no shape, although it is a tuple as well."""


Value = Fraction | bool | tuple[Fraction | int, ...]
"""An answer: a number, whether something works, a shape, or a list of numbers (`Listed`)."""


class AskError(ValueError):
    """What is wrong with an ask, and from where to where in its text."""

    def __init__(self, message: str, start: int, end: int, help: str | None = None) -> None:
        super().__init__(message)
        self.start = start
        self.end = end
        self.help = help


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of an ask and where it stands in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant(Term):
    value: Fraction


@dataclass(frozen=True, slots=True)
class Drawn(Term):
    """The value of a name that the problem draws."""

    name: str


@dataclass(frozen=True, slots=True)
class Question(Term):
    """A quantity of a place: a layer, a block, an output, a net of several; `""` is the whole net."""

    quantity: str
    place: str = ""
    place_start: int = 0
    """Where in the text the place is written."""


@dataclass(frozen=True, slots=True)
class Element(Term):
    """One size of a shape, counted from 0."""

    whole: Term
    index: int


@dataclass(frozen=True, slots=True)
class Negative(Term):
    of: Term


@dataclass(frozen=True, slots=True)
class Operation(Term):
    sign: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Function(Term):
    name: str
    arguments: tuple[Term, ...]


def parse(text: str) -> Term:
    """Return the tree of an ask.

    Raises:
        AskError: it is none; says where.
    """
    if len(text) > LONGEST:
        raise AskError(f"an ask has at most {LONGEST} characters, and this has {len(text):,}", 0, len(text))
    return _Parser(text).whole()


def questions(term: Term) -> Iterator[Question]:
    """Yield the quantities that an ask is made of, in the order of the text."""
    yield from (found for found in _walk(term) if isinstance(found, Question))


def names(term: Term) -> Iterator[Drawn]:
    """Yield the drawn names that an ask reads, in the order of the text."""
    yield from (found for found in _walk(term) if isinstance(found, Drawn))


def evaluate(term: Term, quantity: Callable[[Question], Value], drawn: Mapping[str, Fraction | int]) -> Value:
    """Return the answer to an ask; `quantity` answers its questions, `drawn` has the values of its names.

    Exact, except that a root or logarithm that is no fraction is its nearest double.

    Raises:
        AskError: it has no value; says where.
    """
    return _Evaluation(quantity, drawn).value(term)


def _walk(term: Term) -> Iterator[Term]:
    yield term
    match term:
        case Element(whole=inner) | Negative(of=inner):
            yield from _walk(inner)
        case Operation(left=left, right=right):
            yield from _walk(left)
            yield from _walk(right)
        case Function(arguments=arguments):
            for argument in arguments:
                yield from _walk(argument)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|//|[-+*/%^()\[\],×·−]))",
    re.ASCII,
)
_PLACE = re.compile(r'\s*(?:"([^"\n]*)"|([A-Za-z_]\w*(?:\.\w+|\[\d+\])*))\s*(?=\))', re.ASCII)
_FOLDED = {"×": "*", "·": "*", "−": "-", "^": "**"}
_Token = tuple[str, str, int, int]
"""Kind, text, start and end."""


class _Parser:
    """Reads an ask by recursive descent, a token at a time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.operations = 0
        self.token = self._next(0)

    def whole(self) -> Term:
        if self.token[0] == "end":
            raise AskError("an ask is empty", 0, len(self.text), "write a quantity, as `params` or `shape(conv1)`")
        term = self._sum()
        if self.token[0] != "end":
            raise self._unexpected("an operator")
        return term

    def _next(self, at: int) -> _Token:
        rest = len(self.text) - len(self.text[at:].lstrip())
        if rest >= len(self.text):
            return ("end", "", len(self.text), len(self.text))
        match = _TOKEN.match(self.text, at)
        if match is None:
            raise AskError(f"`{self.text[rest]}` has no meaning in an ask", rest, rest + 1)
        kind = match.lastgroup or ""
        return (kind, _FOLDED.get(match[kind], match[kind]), match.start(kind), match.end(kind))

    def _take(self) -> _Token:
        taken = self.token
        self.token = self._next(taken[3])
        return taken

    def _expect(self, sign: str) -> _Token:
        if self.token[:2] != ("sign", sign):
            raise self._unexpected(f"`{sign}`")
        return self._take()

    def _unexpected(self, wanted: str) -> AskError:
        kind, text, start, end = self.token
        if kind == "end":
            return AskError(f"the ask ends where {wanted} should stand", max(0, end - 1), end)
        return AskError(f"`{text}` stands where {wanted} should", start, end)

    def _nested(self, read: Callable[[], Term]) -> Term:
        self.depth += 1
        if self.depth > DEEPEST:
            raise AskError(f"an ask is nested more than {DEEPEST} deep", self.token[2], self.token[3])
        term = read()
        self.depth -= 1
        return term

    def _sum(self) -> Term:
        return self._row(("+", "-"), self._product)

    def _product(self) -> Term:
        return self._row(("*", "/", "//", "%"), self._signed)

    def _row(self, signs: tuple[str, ...], operand: Callable[[], Term]) -> Term:
        left = operand()
        while self.token[0] == "sign" and self.token[1] in signs:
            sign = self._take()
            self.operations += 1
            if self.operations > MOST_OPERATIONS:
                raise AskError(f"an ask has at most {MOST_OPERATIONS} operations", sign[2], sign[3])
            right = operand()
            left = Operation(left.start, right.end, sign[1], left, right)
        return left

    def _signed(self) -> Term:
        if self.token[:2] == ("sign", "-"):
            start = self._take()[2]
            inner = self._nested(self._signed)
            return Negative(start, inner.end, inner)
        return self._power()

    def _power(self) -> Term:
        base = self._element()
        if self.token[:2] == ("sign", "**"):
            self._take()
            exponent = self._nested(self._signed)
            return Operation(base.start, exponent.end, "**", base, exponent)
        return base

    def _element(self) -> Term:
        term = self._atom()
        while self.token[:2] == ("sign", "["):
            self._take()
            kind, text, start, end = self.token
            if kind != "number" or not text.isdigit() or len(text) > 3:
                raise AskError("an index is a whole number from 0 up", start, max(end, start))
            self._take()
            term = Element(term.start, self._expect("]")[3], term, int(text))
        return term

    def _atom(self) -> Term:
        kind, text, start, end = self.token
        if kind == "number":
            self._take()
            if len(text) > MOST_DIGITS:
                raise AskError(f"a number in an ask has at most {MOST_DIGITS} signs", start, end)
            return Constant(start, end, Fraction(text.replace("_", "")))
        if kind == "name":
            return self._named()
        if (kind, text) == ("sign", "("):
            self._take()
            inner = self._nested(self._sum)
            self._expect(")")
            return inner
        raise self._unexpected("a quantity or a number")

    def _named(self) -> Term:
        _, name, start, end = self.token
        opens = self.text[end:].lstrip().startswith("(")
        if name in QUANTITIES:
            return self._question() if opens else self._bare()
        if not opens:
            self._take()
            return Drawn(start, end, name)
        if name not in _FUNCTIONS:
            meant = MEANT.get(name.lower()) or closest(name, (*QUANTITIES, *_FUNCTIONS))
            help = f"did you mean `{meant}`?" if meant else f"known are {', '.join(QUANTITIES)}"
            raise AskError(f"there is no quantity `{name}`", start, end, help)
        self._take()
        self._take()
        arguments = [self._nested(self._sum)]
        while self.token[:2] == ("sign", ","):
            self._take()
            arguments.append(self._nested(self._sum))
        closed = self._expect(")")
        least, most = _FUNCTIONS[name][0]
        if not least <= len(arguments) <= most:
            raise AskError(
                f"`{name}` takes {least} argument{'s' * (least > 1)}, not {len(arguments)}", start, closed[3]
            )
        return Function(start, closed[3], name, tuple(arguments))

    def _bare(self) -> Question:
        _, name, start, end = self._take()
        return Question(start, end, name, "", start)

    def _question(self) -> Question:
        _, name, start, end = self.token
        opening = self.text.index("(", end)
        match = _PLACE.match(self.text, opening + 1)
        if match is None:
            closing = self.text.find(")", opening)
            last = closing + 1 if closing >= 0 else len(self.text)
            message = f"`{name}` takes the name of a layer or a net, as in `{name}(conv1)`"
            help = f"of the whole net it is `{name}`" if not self.text[opening + 1 : last].strip(" )") else None
            raise AskError(message, start, last, help)
        quoted, path = match.groups()
        place = quoted if quoted is not None else re.sub(r"\[(\d+)\]", r".\1", path)
        self.token = self._next(match.end() + 1)
        return Question(start, match.end() + 1, name, place, match.start(1 if quoted is not None else 2))


class _Evaluation:
    """Computes an ask from the leaves up."""

    def __init__(self, quantity: Callable[[Question], Value], drawn: Mapping[str, Fraction | int]) -> None:
        self.quantity = quantity
        self.drawn = drawn

    def value(self, term: Term) -> Value:
        match term:
            case Constant(value=value):
                return value
            case Drawn(name=name):
                if name not in self.drawn:
                    raise AskError(f"`{name}` has no value", term.start, term.end)
                return Fraction(self.drawn[name])
            case Question():
                return self.quantity(term)
            case Element(whole=whole, index=index):
                shape = self.value(whole)
                if not isinstance(shape, tuple) or index >= len(shape):
                    length = f"has {len(shape)} {_parts(shape)}" if isinstance(shape, tuple) else "is no shape"
                    raise AskError(f"there is no element {index}: this {length}", term.start, term.end)
                return Fraction(shape[index])
            case Negative(of=inner):
                return -self._number(inner)
            case Operation(sign=sign, left=left, right=right):
                return self._bounded(self._operation(sign, self._number(left), self._number(right), term), term)
            case Function(name=name, arguments=arguments):
                try:
                    result = _FUNCTIONS[name][1](*[self._number(a) for a in arguments])
                except (ValueError, OverflowError):
                    raise AskError(f"`{name}` has no value here", term.start, term.end) from None
                return self._bounded(result, term)
        raise AssertionError("every term is one of these")

    def _number(self, term: Term) -> Fraction:
        value = self.value(term)
        if isinstance(value, bool | tuple):
            what, help = "no number", None
            if isinstance(value, Listed):
                what, help = "a list", "one of its numbers is `values(x)[0]`"
            elif isinstance(value, tuple):
                what, help = "a shape", "one of its sizes is `shape(x)[0]`"
            raise AskError(f"this is {what}, and arithmetic is of numbers", term.start, term.end, help)
        return Fraction(value)

    def _bounded(self, value: Fraction, term: Term) -> Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
            raise AskError("the number is too large", term.start, term.end)
        return value

    def _operation(self, sign: str, left: Fraction, right: Fraction, term: Term) -> Fraction:
        if sign == "**":
            return self._powered(left, right, term)
        if sign in ("/", "//", "%") and right == 0:
            raise AskError("a division by zero", term.start, term.end)
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "//":
                return Fraction(left // right)
        return left % right

    def _powered(self, base: Fraction, exponent: Fraction, term: Term) -> Fraction:
        if exponent.denominator != 1:
            raise AskError("an exponent is a whole number; a root is `sqrt(x)`", term.start, term.end)
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent) > MOST_BITS or (size > 1 and size * abs(exponent) > 2 * MOST_BITS):
            raise AskError("the number is too large", term.start, term.end)
        if base == 0 and exponent < 0:
            raise AskError("a division by zero", term.start, term.end)
        return Fraction(base**exponent)


def _parts(value: tuple[Fraction | int, ...]) -> str:
    return "numbers" if isinstance(value, Listed) else "sizes"


def root(x: Fraction) -> Fraction:
    """Return a square root; of what is no square, the nearest double."""
    if x < 0:
        raise ValueError
    top, bottom = isqrt(x.numerator), isqrt(x.denominator)
    exact = top * top == x.numerator and bottom * bottom == x.denominator
    return Fraction(top, bottom) if exact else Fraction(sqrt(x))


def _logarithm(x: Fraction) -> Fraction:
    if x <= 0:
        raise ValueError
    over, under = x.numerator.bit_length() - 1, x.denominator.bit_length() - 1
    exact = x.numerator == 1 << over and x.denominator == 1 << under
    return Fraction(over - under) if exact else Fraction(log2(x.numerator) - log2(x.denominator))


_FUNCTIONS: dict[str, tuple[tuple[int, int], Callable[..., Fraction]]] = {
    "floor": ((1, 1), lambda x: Fraction(floor(x))),
    "ceil": ((1, 1), lambda x: Fraction(ceil(x))),
    "abs": ((1, 1), abs),
    "min": ((2, 16), min),
    "max": ((2, 16), max),
    "sqrt": ((1, 1), root),
    "log2": ((1, 1), _logarithm),
}
"""How many arguments each takes, and what it does."""

FUNCTIONS = tuple(_FUNCTIONS)
"""Functions of numbers that an ask may use."""
