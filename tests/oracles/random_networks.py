"""Random networks as whole files, right by construction: every layer with every argument, every construct.

A network is drawn a statement at a time. Values are numbers first, shapes included; then they are written, as a number,
an expression, or the name of a constant, parameter or loop variable that is made for them. Each new piece is loaded by
itself, a model of one statement, and left out where it does not fit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from math import gcd, prod
from random import Random
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from archdsl.diagnostics import SpecError
from archdsl.elaborate import Library
from archdsl.lang import ast
from archdsl.ops import OPS, REQUIRED, Argument, ArgumentError, Op, ShapeError
from archdsl.ops.arguments import Boolean, Choice, Never
from archdsl.ops.reshape import AFTER, SIDES
from archdsl.ops.resize import LINEAR
from archdsl.pipeline import loads
from archdsl.source import Source
from archdsl.tensors import TensorType

Shape = tuple[int, ...]
One = TypeVar("One")

MOST_CHANNELS, MOST_ELEMENTS = 16, 8000
LARGEST = {0: 8000, 1: 160, 2: 32, 3: 14}
"""The largest size along an axis inside a network, by the number of spatial axes."""
INPUTS = {1: (6, 40), 2: (5, 24), 3: (3, 10)}
"""The smallest and largest size of an input along an axis."""


class Pick:
    """Draws, all of them whole numbers; the first of some options is the simplest."""

    def __init__(self, number: Callable[[int, int], int]) -> None:
        self.number = number

    def one(self, options: Sequence[One]) -> One:
        return options[self.number(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.number(1, 100) > 100 - percent


# Layers: the value of an argument, given what it is called, the shape, and the arguments before it.

SKIP: Any = object()
"""Stands for an argument that is not given."""


class Ask(NamedTuple):
    """What the value of an argument may depend on."""

    pick: Pick
    shape: Shape
    given: Mapping[str, Any]

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def sizes(self) -> Shape:
        return self.shape[1:]

    def each(self, least: int, most: Sequence[int]) -> Any:
        """Return one number for all axes, or one for each."""
        if self.pick.chance(40):
            return tuple(self.pick.number(least, max(least, n)) for n in most)
        return self.pick.number(least, max(least, min(most)))

    def axes_of(self, name: str, default: int) -> Shape:
        """Return an argument that is there already, for each axis."""
        value = self.given.get(name, default)
        return value if isinstance(value, tuple) else (value,) * len(self.sizes)

    def divisor(self, whole: int) -> int:
        return self.pick.one([n for n in range(1, whole + 1) if whole % n == 0][::-1])

    def sides(self, least: int, most: int) -> Any:
        if self.pick.chance(50):
            return tuple(self.pick.number(least, most) for _ in range(2 * len(self.sizes)))
        return self.pick.number(max(least, 0), most)

    def axis(self, first: int = 1) -> int:
        """Return an axis counted with the batch, from either end."""
        axis = self.pick.number(first, len(self.shape))
        return axis if self.pick.chance(60) else axis - len(self.shape) - 1


def _out(ask: Ask) -> int:
    return ask.pick.one([4, ask.channels, 2, 6, 8, 3, 5, 1, 12, min(2 * ask.channels, 12)])


def _conv_padding(ask: Ask) -> Any:
    word = ask.pick.one([None, None, None, "same", "valid"])
    return ask.each(0, [3] * len(ask.sizes)) if word is None else word


def _output_size(ask: Ask) -> Any:
    most = [6, 6, 4][len(ask.sizes) - 1]
    size = ask.each(1, [most] * len(ask.sizes))
    if isinstance(size, tuple) and len(size) > 1:  # PyTorch takes no `none` alone
        return tuple(None if ask.pick.chance(30) else n for n in size)
    return size


def _unflattened(ask: Ask) -> Shape:
    dim = ask.given["dim"]
    whole = ask.shape[dim - 1 if dim > 0 else dim]
    first = ask.divisor(whole)
    second = ask.divisor(whole // first)
    sizes = [first, second, whole // first // second] if ask.pick.chance(40) else [first, whole // first]
    if ask.pick.chance(40):
        sizes[ask.pick.number(0, len(sizes) - 1)] = -1
    return tuple(sizes)


def _resized(ask: Ask) -> Any:
    if ask.pick.chance(50):
        return SKIP
    most = min(LARGEST[len(ask.sizes)], 12)
    return ask.each(1, [most] * len(ask.sizes))


def _scale(ask: Ask) -> Any:
    if "size" in ask.given:
        return SKIP
    factors = (2, 1.5, 0.5, 3, 0.7, 1, 2.5)  # at 2.25 the nearest is a matter of rounding, which differs by layout
    if ask.pick.chance(40):
        return tuple(ask.pick.one(factors) for _ in ask.sizes)
    return ask.pick.one(factors)


def _mode(ask: Ask) -> str:
    own = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}.get(len(ask.sizes), [])
    return ask.pick.one([*own, "nearest", *own, "nearest-exact", "area"])


def _corners(ask: Ask) -> Any:
    return ask.pick.chance(60) if ask.given.get("mode") in (*LINEAR, "bicubic") else SKIP


# fmt: off
VALUES: dict[str, Callable[[Ask], Any]] = {
    "out_channels":             _out,
    "kernel_size":              lambda a: a.each(1, [min(n, 5 if len(a.sizes) < 3 else 3) for n in a.sizes]),
    "stride":                   lambda a: a.each(1, [3] * len(a.sizes)),
    "dilation":                 lambda a: a.each(1, [3] * len(a.sizes)),
    "Conv.padding":             _conv_padding,
    "ConvTranspose.padding":    lambda a: a.each(0, [2] * len(a.sizes)),
    "padding":                  lambda a: a.each(0, [k // 2 for k in a.axes_of("kernel_size", 1)]),
    "output_padding":           lambda a: a.each(min(a.axes_of("stride", 1)) - 1, [s - 1 for s in a.axes_of("stride", 1)]),
    "Conv.groups":              lambda a: a.divisor(gcd(a.channels, a.given["out_channels"])),
    "ConvTranspose.groups":     lambda a: a.divisor(gcd(a.channels, a.given["out_channels"])),
    "ChannelShuffle.groups":    lambda a: a.divisor(a.channels),
    "num_groups":               lambda a: a.divisor(a.channels),
    "divisor_override":         lambda a: a.pick.one([2, 1, 7, None]),
    "output_size":              _output_size,
    "eps":                      lambda a: a.pick.one([1e-3, 1e-6, 0.01]),
    "momentum":                 lambda a: a.pick.one([0.2, None, 0.01, 1.0, 0]),
    "dims":                     lambda a: a.pick.one([*range(1, len(a.shape) + 1), None]),
    "LocalResponseNorm.size":   lambda a: a.pick.number(1, 5),
    "LocalResponseNorm.alpha":  lambda a: a.pick.one([0.001, 0.5]),
    "LocalResponseNorm.beta":   lambda a: a.pick.one([0.5, 1.0]),
    "LocalResponseNorm.k":      lambda a: a.pick.one([2.0, 1.5]),
    "negative_slope":           lambda a: a.pick.one([0.2, 0.0, 1.5, -0.1]),
    "num_parameters":           lambda a: a.pick.one([a.channels, 1]),
    "init":                     lambda a: a.pick.one([0.1, 0, -0.5]),
    "ELU.alpha":                lambda a: a.pick.one([0.5, 2.0, 1]),
    "Softplus.beta":            lambda a: a.pick.one([2.0, 0.5, 3]),
    "threshold":                lambda a: a.pick.one([10.0, 1, 0.5]),
    "dim":                      Ask.axis,
    "p":                        lambda a: a.pick.one([0.1, 0.0, 0.5, 0.9, 1]),
    "out_features":             lambda a: a.pick.one([4, 10, 3, 8, 12, 24, 1]),
    "Upsample.size":            _resized,
    "scale_factor":             _scale,
    "Upsample.mode":            _mode,
    "align_corners":            _corners,
    "recompute_scale_factor":   lambda a: a.pick.one([True, False, None]),
    "upscale_factor":           lambda a: a.pick.one([r for r in (2, 3, 1) if a.channels % r**2 == 0]),
    "downscale_factor":         lambda a: a.pick.one([r for r in (2, 3, 1) if not any(n % r for n in a.sizes)]),
    "ZeroPad.padding":          lambda a: a.sides(-2, 3),
    "ReflectionPad.padding":    lambda a: a.sides(0, min(min(a.sizes) - 1, 3)),
    "ReplicationPad.padding":   lambda a: a.sides(0, 3),
    "before":                   lambda a: a.pick.number(0, 3),
    "after":                    lambda a: a.pick.number(0, 3),
    "start_dim":                Ask.axis,
    "end_dim":                  Ask.axis,
    "unflattened_size":         _unflattened,
}
# fmt: on
NEEDED = ("Upsample.size", "Upsample.scale_factor")
"""Arguments with a default of which one has to be given."""
SAFE_BEFORE = ("Conv", "BatchNorm", "Linear", "GroupNorm", "InstanceNorm", "LayerNorm")
"""Layers whose output an activation may overwrite: nothing else reads it, and no gradient needs it."""
SELDOM_FIT = ("inplace", "groups", "output_padding")
"""Arguments that are tried more often than others."""
ON_MAPS = ("Upsample", "ChannelShuffle", "LocalResponseNorm")
"""Layers for any number of axes but none."""


class Layer(NamedTuple):
    """A layer with its arguments, on a shape."""

    kind: type[Op]
    arguments: dict[str, Any]
    output: Shape


def family(kind: type[Op]) -> str:
    """Return the name of a layer without its number of axes."""
    return kind.name.removesuffix(f"{kind.dimensions}d")


def _value(kind: type[Op], argument: Argument, ask: Ask, *, overwrites: bool) -> Any:
    row = VALUES.get(f"{family(kind)}.{argument.name}") or VALUES.get(argument.name)
    if argument.name == "inplace":
        return True if overwrites else SKIP
    if row is not None:
        return row(ask)
    if isinstance(argument.kind, Never):
        return False
    if isinstance(argument.kind, Boolean):
        return argument.default is not True if ask.pick.chance(80) else argument.default
    assert isinstance(argument.kind, Choice), f"a row of VALUES for {kind.name}.{argument.name} is missing"
    others = [word for word in argument.kind.words if word != argument.default]
    return ask.pick.one([*others, *others, argument.kind.words[0]])


def fitted(pick: Pick, kind: type[Op], shape: Shape, *, overwrites: bool = False) -> Layer | None:
    """Return a layer with arguments that fit: the optional ones are left out where they do not."""
    given: dict[str, Any] = {}
    optional = []
    for argument in kind.arguments:
        needed = argument.default is REQUIRED or f"{family(kind)}.{argument.name}" in NEEDED
        if not needed and not pick.chance(70 if argument.name in SELDOM_FIT else 45):
            continue
        value = _value(kind, argument, Ask(pick, shape, given), overwrites=overwrites)
        if value is not SKIP:
            given[argument.name] = value
            optional += [] if needed else [argument.name]
    while True:
        try:
            output: Any = kind(**given).output(TensorType(shape)).shape
            if is_small(output):
                return Layer(kind, given, output)
        except (ArgumentError, ShapeError):
            pass
        if not optional:
            return None
        del given[optional.pop()]


def is_small(shape: Shape) -> bool:
    """Tell whether a tensor is as small as those in these networks are."""
    axes = len(shape) - 1
    if axes > 3 or prod(shape) > MOST_ELEMENTS or (axes and shape[0] > MOST_CHANNELS):
        return False
    return all(size <= LARGEST[axes] for size in shape[1:])


OVERWRITING = [
    kind for kind in OPS.values() if not kind.dimensions and any(a.name == "inplace" for a in kind.arguments)
]


@cache
def families(axes: int) -> tuple[tuple[type[Op], ...], ...]:
    """Return the layers for a number of spatial axes, by family."""
    found: dict[str, list[type[Op]]] = {}
    for kind in OPS.values():
        fits = kind.dimensions in (None, axes) or (kind.name == "BatchNorm1d" and axes == 0)
        fits = fits and (kind.name not in ON_MAPS if axes == 0 else kind.name != "Linear")
        if kind.is_module and fits:
            found.setdefault(kind.__module__, []).extend([kind] * (3 if kind.name.startswith("Pixel") else 1))
    return tuple(map(tuple, found.values()))


def any_layer(pick: Pick, shape: Shape, *, overwrites: bool = False) -> Layer:
    """Return any layer on a shape."""
    for _ in range(4):
        kind = pick.one(OVERWRITING if overwrites and pick.chance(60) else pick.one(families(len(shape) - 1)))
        if kind.name.startswith("Pixel") and not _shuffles(kind, shape):
            continue
        if layer := fitted(pick, kind, shape, overwrites=overwrites):
            return layer
    return Layer(OPS["ReLU"], {}, shape)


def _shuffles(kind: type[Op], shape: Shape) -> bool:
    """Tell whether there is a factor above 1 for a pixel shuffle."""
    if kind.name == "PixelShuffle":
        return any(shape[0] % r**2 == 0 for r in (2, 3))
    return any(all(size % r == 0 for size in shape[1:]) for r in (2, 3))


# Values, written.


class Unit(NamedTuple):
    """What is given for a parameter of type `block`: a layer or seq, and what else may be given."""

    text: str
    others: tuple[str, ...] = ()


TYPES = {bool: "bool", int: "int", float: "float", str: "str", Unit: "block"}


def type_of(value: Any) -> str:
    """Return the type of a parameter that has a value."""
    if isinstance(value, tuple) and not isinstance(value, Unit):
        inner = {type(item) for item in value}
        return f"list[{TYPES[inner.pop()]}]" if len(inner) == 1 and inner <= {int, float} else "list"
    return TYPES[type(value)]


def literal(value: Any) -> str:
    """Return a value as it is written; a list of one takes brackets."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Unit):
        return value.text
    if isinstance(value, tuple):
        inside = ", ".join(map(literal, value))
        return f"({inside})" if len(value) > 1 else f"[{inside}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def varied(pick: Pick, value: Any) -> Any:
    """Return another value of the same type, or this one."""
    if pick.chance(40):
        return value
    if isinstance(value, Unit):
        return Unit(pick.one([*value.others, value.text]), value.others)
    if isinstance(value, tuple):
        return tuple(varied(pick, item) for item in value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return pick.one([value + 1, max(value - 1, min(value, 1)), 2 * value]) if value > 0 else value
    return pick.one([value / 2, value]) if isinstance(value, float) else value


class Scope:
    """Names that an expression may use, with the values that they have when it is first evaluated."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.outer = outer
        self.known: dict[str, Any] = {}

    def visible(self) -> dict[str, Any]:
        return (self.outer.visible() if self.outer else {}) | self.known

    def lift(self, pick: Pick, value: Any) -> str | None:
        """Return a new name for a value, such as a parameter; `None` where none can be made."""
        return self.outer.lift(pick, value) if self.outer else None

    def whole(self) -> list[tuple[str, int]]:
        return [(name, value) for name, value in self.visible().items() if type(value) is int]


def written(pick: Pick, value: Any, scope: Scope) -> str:
    """Return an expression that has a value: a constant, a name, or one to be computed."""
    if value is None or (isinstance(value, tuple) and None in value):
        return literal(value)
    same = [name for name, known in scope.visible().items() if type(known) is type(value) and known == value]
    if same and pick.chance(30):
        return pick.one(same)
    if pick.chance(20) and (name := scope.lift(pick, value)):
        return name
    if isinstance(value, bool):
        return condition(pick, value, scope) if pick.chance(15) else literal(value)
    if type(value) is int and value >= 0 and pick.chance(20):
        return _computed(pick, value, scope)
    if isinstance(value, tuple) and not isinstance(value, Unit) and pick.chance(50):
        inside = ", ".join(written(pick, item, scope) for item in value)
        return f"({inside})" if len(value) > 1 and pick.chance(60) else f"[{inside}]"
    return literal(value)


def _computed(pick: Pick, value: int, scope: Scope) -> str:
    forms = [f"max({value}, 0)", f"[{value}, 7][0]", f"min({value}, 99)", f"sum([{value}])", f"{2 * value} // 2"]
    if value and value & (value - 1) == 0:
        forms.append(f"2**{value.bit_length() - 1}")
    forms.append(f"if {condition(pick, True, scope)} {{ {value} }} else {{ {value + 1} }}")
    whole = scope.whole()
    if whole:
        name, known = pick.one(whole)
        forms += [f"{name} + {value - known}" if value >= known else f"{name} - {known - value}"] * 3
        if 0 < known <= value and value % known == 0:
            forms += [f"{value // known} * {name}"] * 3
        if 0 < value <= known and known % value == 0:
            forms += [f"{name} // {known // value}"] * 3
    return pick.one(forms)


def condition(pick: Pick, truth: bool, scope: Scope) -> str:
    """Return a condition that holds, or does not."""
    if pick.chance(30) and (name := scope.lift(pick, truth)):
        return name
    whole = scope.whole()
    name, value = pick.one(whole) if whole else ("1", 1)
    forms = {
        True: ("{0} == {1}", "{0} <= {1}", "{1} <= {0} < {1} + 5", "true", "not {0} > {1}"),
        False: ("{0} != {1}", "{0} < {1}", "{0} > {1} and true", "false", "{0} % 1 == 1"),
    }
    return pick.one(forms[truth]).format(name, value)


# Pieces of a file.


class Statement(NamedTuple):
    """A statement, or some: what they read, and the tensors that they bind."""

    text: str
    reads: tuple[str, ...]
    binds: dict[str, Shape]


class Definition(NamedTuple):
    """A block or seq to be called: its parameters, and the shapes that it was drawn for."""

    name: str
    kind: str
    parameters: dict[str, Any]
    optional: frozenset[str]
    feeds: tuple[Shape, ...]
    results: int


class File(Scope):
    """A file under construction: its items, the names given out, and its constants."""

    def __init__(self, pick: Pick) -> None:
        super().__init__()
        self.pick = pick
        self.items: list[str] = []
        self.definitions: list[Definition] = []
        self.count = 0
        self.words = ["block", "input", "test", "model", "output", "seq", "share", "expect", "let"]

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def lift(self, pick: Pick, value: Any) -> str | None:
        if isinstance(value, Unit):
            return None
        name = self.fresh("K")
        self.known[name] = value
        self.items.append(f"let {name} = {literal(value)}")
        return name

    def shapes(
        self, scope: Scope, feeds: Mapping[str, Shape], lines: Sequence[str], results: Sequence[str]
    ) -> list[Shape] | None:
        """Return the shapes that some statements give, or `None` where they do not fit."""
        known = {name: value for name, value in scope.visible().items() if name not in self.known and value is not None}
        parameters = ", ".join(f"{name}: {type_of(value)} = {literal(value)}" for name, value in known.items())
        inputs = [f"input {name}: {list(shape)}" for name, shape in feeds.items()]
        outputs = [f"output out_{name} = {name}" for name in results]
        head = f"model Probe({parameters}) {{" if known else "model Probe {"
        text = "\n".join([*self.items, head, *inputs, *lines, *outputs, "}"])
        try:
            graph = loads(text, "Probe").graph
        except SpecError:
            return None
        shapes: list[Any] = [graph.outputs[f"out_{name}"].output.shape for name in results]
        return shapes if all(map(is_small, shapes)) else None


class Parameters(Scope):
    """The scope of a definition: names are made as parameters."""

    def __init__(self, file: File, *, defaults: bool = False) -> None:
        super().__init__(file)
        self.file = file
        self.defaults = defaults
        self.parameters: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        """The parameters with defaults, as they are written."""

    def lift(self, pick: Pick, value: Any) -> str | None:
        if len(self.parameters) >= 5 or (pick.chance(20) and not isinstance(value, Unit)):
            return super().lift(pick, value)
        name = self.file.fresh({Unit: "unit", bool: "flag", tuple: "sizes"}.get(type(value), "n"))
        if self.defaults or pick.chance(50):
            before = Fixed(self.file)
            before.known = dict(self.parameters) if pick.chance(20) else {}
            self.written[name] = literal(value) if isinstance(value, Unit) else written(pick, value, before)
        self.known[name] = self.parameters[name] = value
        return name

    def prune(self, text: str) -> None:
        """Forget the parameters that a text does not use."""
        for name in reversed(list(self.parameters)):
            if not re.search(rf"\b{name}\b", " ".join([text, *self.written.values()])):
                del self.parameters[name], self.known[name]
                self.written.pop(name, None)

    def signature(self) -> str:
        written = [
            f"{name}: {type_of(value)}" + (f" = {self.written[name]}" if name in self.written else "")
            for name, value in self.parameters.items()
        ]
        return f"({', '.join(written)})" if written else ""


class Fixed(Scope):
    """A scope in which no names are made."""

    def lift(self, pick: Pick, value: Any) -> str | None:
        return None


class Loop(Scope):
    """The scope of a loop: names are made as further variables, with a value for each turn."""

    def __init__(self, outer: Scope, pick: Pick, depth: int, *, is_stage: bool = False) -> None:
        super().__init__(outer)
        self.is_stage = is_stage
        self.turns = pick.number(1, 3)
        self.variable = "ijk"[depth % 3]
        self.known[self.variable] = 0
        self.columns: dict[str, tuple[Any, ...]] = {}

    def lift(self, pick: Pick, value: Any) -> str | None:
        if len(self.columns) == 2 or isinstance(value, Unit) or pick.chance(30):
            return super().lift(pick, value)
        name = f"{self.variable}{len(self.columns)}_"
        self.columns[name] = (value, *(varied(pick, value) for _ in range(self.turns - 1)))
        self.known[name] = value
        return name

    def head(self, pick: Pick, body: str) -> str:
        """Return the loop's `for ... in ...`, with the variables that its body uses."""
        assert self.outer is not None, "a loop is inside a definition"
        uses = re.search(rf"\b{self.variable}\b", body) is not None
        lists = [written(pick, column, self.outer) for column in self.columns.values()]
        target, over = f"({', '.join(self.columns)})", f"zip({', '.join(lists)})"
        if len(lists) == 1:
            (target,), (over,) = self.columns, lists
        elif lists and pick.chance(50):
            over = f"[{', '.join(literal(row) for row in zip(*self.columns.values(), strict=True))}]"
        if not lists:
            turns = written(pick, self.turns, self.outer)
            over = pick.one([f"range({turns})", f"range(0, {turns})", f"reversed(range({turns}))"])
            return f"for {self.variable} in {over}"
        if uses:
            return f"for ({self.variable}, {target}) in enumerate({over})"
        return f"for {target} in {over}"


class Stages:
    """Draws what stands between arrows."""

    def __init__(self, file: File) -> None:
        self.file, self.pick = file, file.pick

    def label(self, scope: Scope, *, percent: int = 70) -> str:
        """Return a label with its colon, or none. In a loop it says the turn."""
        pick, loops = self.pick, list(_loops(scope))
        if not pick.chance(95 if loops and not loops[0].is_stage else percent):
            return ""
        name, whole = self.file.fresh("l"), scope.whole()
        if loops:
            turns = "_".join(f"{{{loop.variable}}}" for loop in loops)
            index, template = f"{name}[{loops[0].variable}]: ", f'"{name}_{turns}": '
            if len(loops) > 1:
                return template
            return pick.one(
                [template, template, template, index] if loops[0].is_stage else [index, index, index, template]
            )
        if self.file.words and pick.chance(8):
            return f"{self.file.words.pop()}: "
        template = f'"{name}_{{{whole[0][0] if whole else "1 + 1"}}}": '
        return pick.one([f"{name}: "] * 10 + [f"{name}[0]: ", template])

    def called(self, layer: Layer, scope: Scope, name: str = "") -> str:
        """Return a layer as it is written: the first of its arguments perhaps by position."""
        names = [argument.name for argument in layer.kind.arguments]
        most = len(names) if layer.kind.by_position is None else layer.kind.by_position
        leading = 0
        while leading < min(most, len(layer.arguments)) and names[leading] in layer.arguments:
            leading += 1
        required = sum(argument.default is REQUIRED for argument in layer.kind.arguments)
        by_position = min(leading, self.pick.one([required, required, leading, 0]))
        parts = []
        for name_ in names:
            if name_ in layer.arguments:
                text = written(self.pick, layer.arguments[name_], scope)
                parts.append(text if names.index(name_) < by_position else f"{name_}={text}")
        name = name or layer.kind.name
        return f"{name}({', '.join(parts)})" if parts else name

    def chain(self, shape: Shape, scope: Scope, depth: int, most: int = 4) -> tuple[str, Shape]:
        """Return some stages behind one another, and what they make of a shape."""
        stages, before = [], ""
        for _ in range(self.pick.number(1, most)):
            layer = None
            if depth > 2 or self.pick.chance(70):
                layer = any_layer(self.pick, shape, overwrites=before.startswith(SAFE_BEFORE))
                text, shape = self.label(scope) + self.called(layer, scope), layer.output
            else:
                text, shape = self.compound(shape, scope, depth + 1)
            stages.append(text)
            before = layer.kind.name if layer else ""
        return " -> ".join(stages), shape

    def compound(self, shape: Shape, scope: Scope, depth: int) -> tuple[str, Shape]:
        """Return a stage that is more than a layer; a layer where none fits."""
        make = self.pick.one(COMPOUND)
        items, definitions = len(self.file.items), len(self.file.definitions)
        text = make(self, shape, scope, depth)
        found = self.file.shapes(scope, {"q": shape}, [f"r = q -> {text}"], ["r"]) if text else None
        if text and found:
            return text, found[0]
        if len(self.file.definitions) > definitions:
            self.drop(items, definitions)
        layer = any_layer(self.pick, shape)
        return self.label(scope) + self.called(layer, scope), layer.output

    def drop(self, items: int, definitions: int) -> None:
        """Forget definitions that are not called after all; constants stay."""
        self.file.items[items:] = [item for item in self.file.items[items:] if item.startswith("let ")]
        del self.file.definitions[definitions:]

    # Stages.

    def group(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return stages in parentheses, perhaps repeated."""
        inside, _ = self.chain(shape, scope, depth)
        return f"{self.label(scope)}({inside})" + (self.times(scope) if self.pick.chance(30) else "")

    def repeated(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return a layer and how often."""
        layer = any_layer(self.pick, shape)
        return f"{self.label(scope, percent=30)}{self.called(layer, scope)}{self.times(scope)}"

    def times(self, scope: Scope) -> str:
        count = written(self.pick, self.pick.one([2, 3, 1, 0]), scope)
        return f" * {count}" if count.isalnum() else f" * ({count})"

    def chosen(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return an `if` as a stage, with or without `else`."""
        truth = self.pick.chance(60)
        test = condition(self.pick, truth, scope)
        then, _ = self.chain(shape, scope, depth, 2)
        if self.pick.chance(40):
            return f"if {test} {{ {then} }}"
        otherwise, _ = self.chain(shape, scope, depth, 2)
        return f"if {test} {{ {then} }} else {{ {otherwise} }}"

    def looped(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return a `for` as a stage."""
        loop = Loop(scope, self.pick, depth, is_stage=True)
        body, _ = self.chain(shape, loop, depth, 2)
        return f"{loop.head(self.pick, body)} {{ {body} }}"

    def passed(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return a layer that is given as a parameter, with its arguments or without."""
        layer = any_layer(self.pick, shape)
        if self.pick.chance(50):
            others = [any_layer(self.pick, shape) for _ in range(2)]
            texts = [self.called(other, Fixed()) for other in others if other.output == layer.output]
            name = scope.lift(self.pick, Unit(self.called(layer, Fixed()), tuple(texts)))
            return self.label(scope) + name if name else ""
        wanted = _required(layer.kind)
        alike = [k.name for k in _layers(len(shape) - 1) if _required(k) == wanted and k is not layer.kind]
        name = scope.lift(self.pick, Unit(layer.kind.name, tuple(alike)))
        return self.label(scope) + self.called(layer, scope, name) if name else ""

    def known(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return a call of a seq or block that is there already."""
        fit = self.fitting(shape)
        return self.label(scope) + self.call(self.pick.one(fit), scope) if fit else ""

    def fitting(self, shape: Shape) -> list[Definition]:
        """Return the definitions that take a tensor of that many axes, and give one."""
        return [d for d in self.file.definitions if len(d.feeds) == d.results == 1 and len(d.feeds[0]) == len(shape)]

    def lent(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return a call of a seq or block that is given as a parameter."""
        fit = self.fitting(shape)
        if not fit:
            return ""
        made = self.pick.one(fit)
        alike = [d.name for d in fit if list(d.parameters) == list(made.parameters) and d is not made]
        name = scope.lift(self.pick, Unit(made.name, tuple(alike)))
        return self.label(scope) + self.call(made._replace(name=name), scope) if name else ""

    def call(self, definition: Definition, scope: Scope, *, first: bool = False) -> str:
        """Return a call with the arguments for which a definition was drawn, or others."""
        pick, parts, by_position = self.pick, [], True
        for name, value in definition.parameters.items():
            if name in definition.optional and pick.chance(50):
                by_position = False
                continue
            text = written(pick, value if first else varied(pick, value), scope)
            by_position = by_position and pick.chance(60)
            parts.append(text if by_position else f"{name}={text}")
        return f"{definition.name}({', '.join(parts)})" if parts else definition.name

    def new_seq(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return the first call of a new seq."""
        inner = Parameters(self.file)
        body, _ = self.chain(shape, inner, depth, 4)
        inner.prune(body)
        name = self.file.fresh("Seq")
        self.file.items.append(f"seq {name}{inner.signature()} =\n    {body}")
        made = Definition(name, "seq", inner.parameters, frozenset(inner.written), (shape,), 1)
        self.file.definitions.append(made)
        return self.label(scope) + self.call(made, scope, first=True)

    def new_block(self, shape: Shape, scope: Scope, depth: int) -> str:
        """Return the first call of a new block with one input and one output."""
        made = Body(self.file, (shape,), depth).define(outputs=1)
        return self.label(scope) + self.call(made, scope, first=True)


COMPOUND = (
    Stages.group, Stages.repeated, Stages.chosen, Stages.looped, Stages.passed, Stages.known, Stages.known, Stages.lent,
    Stages.lent, Stages.new_seq, Stages.new_block,
)  # fmt: skip


def _loops(scope: Scope | None) -> Iterator[Loop]:
    while scope is not None:
        if isinstance(scope, Loop):
            yield scope
        scope = scope.outer


def _required(kind: type[Op]) -> tuple[str, ...]:
    return tuple(argument.name for argument in kind.arguments if argument.default is REQUIRED)


def _layers(axes: int) -> list[type[Op]]:
    return [kind for kinds in families(axes) for kind in kinds]


class Body(Stages):
    """A model or block under construction: its tensors, and the statements that make them."""

    def __init__(self, file: File, feeds: Sequence[Shape], depth: int = 0) -> None:
        super().__init__(file)
        self.depth = depth
        self.scope = Parameters(file, defaults=depth == 0)
        self.feeds = dict(zip("xuv", feeds, strict=False))
        self.tensors = dict(self.feeds)
        self.statements: list[Statement] = []
        self.head = [self.feed(name, shape) for name, shape in self.feeds.items()]

    def feed(self, name: str, shape: Shape) -> str:
        """Return an input; that of a block may bind its sizes, that of a model may name them."""
        pick = self.pick
        names = [f"{letter}{name}" for letter in ("c", "d", "h", "w")][: len(shape)]
        pairs = list(zip(names, shape, strict=True))
        if self.depth == 0:
            opened = len(shape) > 1 and pick.chance(15)
            sizes = [f"{n.upper()} = {size}" if opened and n != names[0] else str(size) for n, size in pairs]
        elif pick.chance(30):
            return f"input {name}"
        else:
            sizes = [str(size) if pick.chance(5) else n for n, size in pairs]
        for size, known in zip(sizes, shape, strict=True):
            if not size.isdecimal() and (size == names[0] or pick.chance(20)):
                self.scope.known[size.partition(" ")[0]] = known
        return f"input {name}: [{', '.join(sizes)}]"

    def unread(self) -> list[str]:
        """Return the tensors that nothing reads yet."""
        found = list(self.feeds)
        for statement in self.statements:
            found = [name for name in found if name not in statement.reads and name not in statement.binds]
            found += statement.binds
        return found

    def attempt(self, text: str, reads: Sequence[str], binds: Sequence[str]) -> bool:
        """Add a statement where it fits; tell whether it does."""
        feeds = {name: self.tensors[name] for name in reads}
        shapes = self.file.shapes(self.scope, feeds, [text], binds)
        if shapes is None:
            return False
        made = dict(zip(binds, shapes, strict=True))
        self.statements.append(Statement(text, tuple(reads), made))
        self.tensors |= made
        return True

    def fill(self, most: int) -> None:
        for _ in range(self.pick.number(1 if self.depth else 2, most)):
            items, definitions = len(self.file.items), len(self.file.definitions)
            if not self.pick.one(STATEMENTS)(self):
                self.drop(items, definitions)
        if not any(statement.binds for statement in self.statements):
            self.plain()

    def plain(self) -> None:
        """Add a layer alone, which always fits."""
        layer, name = any_layer(self.pick, self.tensors["x"]), self.name()
        self.statements.append(Statement(f"{name} = x -> {self.called(layer, Fixed())}", ("x",), {name: layer.output}))
        self.tensors[name] = layer.output

    def define(self, outputs: int | None = None) -> Definition:
        """Fill a block and enter it in the file."""
        self.fill(3)
        ends = self.ends(outputs)
        named = len(ends) > 1 or self.pick.chance(20)
        lines = [*self.head, *(s.text for s in self.statements)]
        lines += [f"output {self.file.fresh('o')} = {text}" if named else f"output {text}" for text in ends]
        name, feeds = self.file.fresh("Block"), tuple(self.feeds.values())
        self.scope.prune(" ".join(lines))
        self.file.items.append(f"block {name}{self.scope.signature()} {{\n{_indented(lines)}\n}}")
        optional = frozenset(self.scope.written)
        made = Definition(name, "block", self.scope.parameters, optional, feeds, len(ends))
        self.file.definitions.append(made)
        return made

    def ends(self, outputs: int | None) -> list[str]:
        """Return what to put out: what nothing reads, joined if there is more than wanted."""
        ends = self.unread()
        if len(ends) == 1 or (outputs is None and len(ends) <= 3 and self.pick.chance(60)):
            return ends
        flat = [self.flat(name) for name in ends]
        return [f"concat({', '.join(flat)})"]

    def flat(self, name: str) -> str:
        """Return a tensor as a short vector."""
        axes = len(self.tensors[name]) - 1
        return f"{name} -> AdaptiveAvgPool{axes}d(1) -> Flatten" if axes else f"{name} -> Identity"

    def any(self, axes: int | None = None) -> str:
        """Return a tensor, of some number of axes if told; rather one that nothing reads yet."""
        names = self.axes(axes)
        unread = self.unread()
        fresh = [name for name in names if name in unread]
        return self.pick.one((names if not fresh or self.pick.chance(25) else fresh)[::-1])

    def axes(self, count: int | None) -> list[str]:
        """Return the tensors of some number of axes."""
        return [name for name, shape in self.tensors.items() if count in (None, len(shape) - 1)]

    def name(self) -> str:
        return self.file.fresh("y")

    # Statements.

    def pipe(self) -> bool:
        """Add a chain of stages, perhaps under the name of the tensor that it begins with."""
        a = self.any()
        stages, _ = self.chain(self.tensors[a], self.scope, self.depth)
        b = a if self.pick.chance(20) else self.name()
        return self.attempt(f"{b} = {a} -> {stages}", [a], [b])

    def bound(self) -> bool:
        """Add a chain whose sizes are bound."""
        a, b = self.any(), self.name()
        stages, shape = self.chain(self.tensors[a], self.scope, self.depth)
        names = [f"{letter}{b}" for letter in "cdhw"[: len(shape)]]
        if not self.attempt(f"{b}: [{', '.join(names)}] = {a} -> {stages}", [a], [b]):
            return False
        self.scope.known |= {n: size for n, size in zip(names, shape, strict=True) if self.pick.chance(40)}
        return True

    def combine(self) -> bool:
        """Add a sum or product of tensors, brought to one shape where they differ, or a concatenation."""
        pick = self.pick
        a = self.any()
        b = self.any(len(self.tensors[a]) - 1)
        shapes = [self.tensors[a], self.tensors[b]]
        wanted = tuple(map(min, shapes[0][1:], shapes[1][1:]))
        parts = [self.cut(name, shape, wanted) for name, shape in zip((a, b), shapes, strict=True)]
        kind = pick.one(["+", "concat", "*", "weighted"])
        if kind != "concat" and shapes[0][0] != shapes[1][0]:
            parts[1] = f"({parts[1]} -> {self.label(self.scope)}{self.projection((shapes[0][0], *wanted))})"
        if pick.chance(20):
            stages, _ = self.chain((shapes[0][0], *wanted), self.scope, 3, 1)
            parts[0] = f"({parts[0]} -> {stages})"
        forms = {
            "+": "{} + {}",
            "*": "{} * {}",
            "concat": "concat({}, {})",
            "weighted": "{} + " + pick.one(("0.5", "-1")) + " * {}",
        }
        c = self.name()
        return self.attempt(f"{c} = {forms[kind].format(*parts)}", list(dict.fromkeys([a, b])), [c])

    def projection(self, shape: Shape) -> str:
        """Return a layer that changes the channels of a tensor alone."""
        width = written(self.pick, shape[0], self.scope)
        return f"Conv{len(shape) - 1}d({width}, 1)" if len(shape) > 1 else f"Linear({width})"

    def cut(self, name: str, shape: Shape, wanted: Shape) -> str:
        """Return a tensor cut to some sizes."""
        cuts = []
        for first, size, want in zip(SIDES.get(len(wanted), ()), shape[1:], wanted, strict=False):
            before = self.pick.number(0, size - want)
            cuts += [(first, before), (AFTER[first], size - want - before)]
        parts = [f"{side}={written(self.pick, cut, self.scope)}" for side, cut in cuts if cut]
        return f"crop({name}, {', '.join(parts)})" if parts else name

    def cropped(self) -> bool:
        """Add a crop, by its sides or like another tensor."""
        a, b = self.any(), self.name()
        shape = self.tensors[a]
        larger = [
            n for n, other in self.tensors.items()
            if n != a and len(shape) == len(other) > 1 and all(map(int.__ge__, other[1:], shape[1:]))
        ]  # fmt: skip
        if larger and self.pick.chance(60):
            whole = self.pick.one(larger)
            return self.attempt(f"{b} = concat(crop({whole}, like={a}), {a})", [whole, a], [b])
        wanted = tuple(max(1, size - self.pick.number(0, 3)) for size in shape[1:])
        return self.attempt(f"{b} = {self.cut(a, shape, wanted)}", [a], [b])

    def scaled(self) -> bool:
        """Add a tensor times a number."""
        a, b = self.any(), self.name()
        factor = written(self.pick, self.pick.one([0.5, 2, -1, 1e-3, -0.25]), Fixed(self.scope))
        factor = factor if re.fullmatch(r"[-\w.]+", factor) else f"({factor})"
        return self.attempt(f"{b} = " + self.pick.one([f"{factor} * {a}", f"{a} * {factor}"]), [a], [b])

    def gated(self) -> bool:
        """Add squeeze and excitation."""
        a, b = self.any(), self.name()
        channels, *sizes = self.tensors[a]
        if not sizes:
            return False
        axes, width = len(sizes), written(self.pick, channels, self.scope)
        pool = self.pick.one(["AdaptiveAvgPool", "AdaptiveMaxPool"])
        gate = f"{a} -> {pool}{axes}d(1) -> {self.label(self.scope)}Conv{axes}d({width}, 1) -> Sigmoid"
        form = self.pick.one(["{a} * ({gate})", "({gate}) * {a}"])
        return self.attempt(f"{b} = {form.format(a=a, gate=gate)}", [a], [b])

    def divided(self) -> bool:
        """Add a split, into equal pieces or as listed; perhaps with the pieces joined in another order."""
        a, pick = self.any(), self.pick
        channels, *sizes = self.tensors[a]
        if not 2 <= channels <= 64:
            return False
        equal = [n for n in (2, 3, 4) if channels % n == 0]
        first = pick.number(1, channels - 1)
        pieces, count = written(pick, (first, channels - first), self.scope), 2
        if pick.chance(40):
            pieces = f"[{written(pick, first, self.scope)}, {channels - first}]"
        if equal and pick.chance(50):
            count = pick.one(equal)
            pieces, first = written(pick, count, self.scope), channels // count
        names = [self.name() for _ in range(count)]
        text = f"{', '.join(names)} = split({a}, {pieces})"
        if pick.chance(50):
            stages, _ = self.chain((first, *sizes), self.scope, 3, 1)
            joined = self.name()
            parts = [*names[:0:-1], f"{names[0]} -> {stages}"]
            if self.attempt(f"{text}\n{joined} = concat({', '.join(parts)})", [a], [joined]):
                return True
        return self.attempt(text, [a], names)

    def branches(self) -> bool:
        """Add a concatenation of chains that begin with one tensor, or their sum."""
        a, b = self.any(), self.name()
        chains = [self.chain(self.tensors[a], self.scope, self.depth + 1, 2)[0] for _ in range(self.pick.number(2, 3))]
        parts = [f"{a} -> {stages}" for stages in chains]
        text = f"concat({', '.join(parts)})" if self.pick.chance(70) else " + ".join(f"({part})" for part in parts)
        return self.attempt(f"{b} = {text}", [a], [b])

    def residual(self) -> bool:
        """Add a shortcut around a chain, with a projection where it needs one."""
        a, b = self.any(), self.name()
        shape = self.tensors[a]
        stages, after = self.chain(shape, self.scope, self.depth)
        if len(shape) != len(after) or shape[1:] != after[1:]:
            return False
        skip = f"{a} -> {self.label(self.scope)}{self.projection(after)}"
        test = condition(self.pick, shape != after, self.scope)
        short = f"(if {test} {{ {skip} }} else {{ {a} }})"
        return self.attempt(f"{b} = ({a} -> {stages}) + {short}", [a], [b])

    def either(self) -> bool:
        """Add an `if` as a statement: one of two chains, or a chain or none."""
        a = self.any()
        test = condition(self.pick, self.pick.chance(60), self.scope)
        first, second = (self.chain(self.tensors[a], self.scope, self.depth + 1, 2)[0] for _ in range(2))
        if self.pick.chance(40):
            return self.attempt(f"if {test} {{\n    {a} = {a} -> {first}\n}}", [a], [a])
        b = self.name()
        text = f"if {test} {{\n    {b} = {a} -> {first}\n}} else {{\n    {b} = {a} -> {second}\n}}"
        if self.pick.chance(30):
            text = f"{b} = if {test} {{ {a} -> {first} }} else {{ {a} -> {second} }}"
        return self.attempt(text, [a], [b])

    def each(self) -> bool:
        """Add a `for` as a statement that carries a tensor, or numbers those that it makes."""
        a = self.any()
        loop = Loop(self.scope, self.pick, self.depth)
        stages, _ = self.chain(self.tensors[a], loop, self.depth + 1, 2)
        head = loop.head(self.pick, stages)
        if self.pick.chance(50):
            return self.attempt(f"{head} {{\n    {a} = {a} -> {stages}\n}}", [a], [a])
        b, c, i = self.name(), self.name(), loop.variable
        if not re.search(rf"\b{i}\b", head):
            return False
        joined = self.pick.one([f"concat({b})", " + ".join(f"{b}[{n}]" for n in range(loop.turns))])
        return self.attempt(f"{head} {{\n    {b}[{i}] = {a} -> {stages}\n}}\n{c} = {joined}", [a], [c])

    def shared(self) -> bool:
        """Add a module that is called twice."""
        a, name = self.any(), self.file.fresh("shared")
        make = self.pick.one([Stages.repeated, Stages.group, Stages.known])
        unit = make(self, self.tensors[a], self.scope, self.depth + 1)
        unit = unit.partition(": ")[2] if re.match(r'["\w\[\]{}+ ]+: ', unit) else unit
        alike = [n for n in self.tensors if self.tensors[n][0] == self.tensors[a][0]]
        b, c, d = self.pick.one(alike), self.name(), self.name()
        if not unit:
            return False
        text = f"share {name} = {unit}\n{c} = {a} -> {name}"
        if self.pick.chance(50) and self.attempt(f"{text} -> ReLU -> {name}", [a], [c]):
            return True
        return self.attempt(f"{text}\n{d} = {b} -> {name}", list(dict.fromkeys([a, b])), [c, d])

    def several(self) -> bool:
        """Add a call of a block with several inputs or outputs, new or known."""
        known = [d for d in self.file.definitions if d.kind == "block"]
        is_new = self.depth < 2 and not (known and self.pick.chance(40))
        if not known and not is_new:
            return False
        if is_new:
            fed = list(dict.fromkeys(self.any() for _ in range(self.pick.number(1, 3))))
            made = Body(self.file, [self.tensors[n] for n in fed], self.depth + 1).define()
        else:
            made = self.pick.one(known)
            fed = [self.any(len(shape) - 1) for shape in made.feeds if self.axes(len(shape) - 1)]
        names = [self.name() for _ in range(made.results)]
        call = self.label(self.scope) + self.call(made, self.scope, first=is_new)
        source = f"({', '.join(fed)})" if len(fed) != 1 else fed[0]
        return self.attempt(f"{', '.join(names)} = {source} -> {call}", list(dict.fromkeys(fed)), names)

    def constant(self) -> bool:
        """Add a `let`."""
        name, value = self.file.fresh("k"), self.pick.one([4, 2, 6, 3, 8, 1])
        self.statements.append(Statement(f"let {name} = {written(self.pick, value, self.scope)}", (), {}))
        self.scope.known[name] = value
        return True

    def demanded(self) -> bool:
        """Add a `require`."""
        message = self.pick.one(["", ', "as drawn"'])
        self.statements.append(Statement(f"require {condition(self.pick, True, Fixed(self.scope))}{message}", (), {}))
        return True

    def preset(self) -> bool:
        """Add a `defaults` for what follows."""
        self.statements.append(Statement(preset(self.pick, len(self.feeds["x"]) - 1), (), {}))
        return True


STATEMENTS = (
    *(Body.pipe,) * 5, *(Body.combine,) * 3, *(Body.several,) * 3, Body.bound, Body.cropped, Body.scaled, Body.gated,
    Body.divided, Body.branches, Body.residual, Body.either, Body.each, Body.shared, Body.constant, Body.demanded,
    Body.preset,
)  # fmt: skip

INITIALISERS = ("kaiming_normal", "xavier_uniform(gain=0.5)", 'kaiming_uniform(mode="fan_out")')
PRESETS = (
    "Conv{}d(bias=false)", "BatchNorm{}d(eps=1e-3, momentum=0.01)", "BatchNorm{}d(affine=false)", "LeakyReLU(negative_slope=0.3)",
    "Dropout(p=0.25)", "StochasticDepth(p=0.1)", "GroupNorm(eps=0.01)", "ConvTranspose{}d(bias=false)", "Linear(bias=false)",
    "InstanceNorm{}d(affine=true, track_running_stats=true)", 'Conv{}d(padding_mode="replicate")',
    'GELU(approximate="tanh")', "Softmax(dim=-1)",
)  # fmt: skip
"""Defaults that do not change a shape."""


def preset(pick: Pick, axes: int) -> str:
    return f"defaults {pick.one(PRESETS).format(axes or 1)}"


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for text in lines for line in text.split("\n"))


def _text(pick: Pick, some: Sequence[int]) -> str:
    """Return a whole file."""
    axes = pick.one(some)
    file = File(pick)
    if pick.chance(20):
        file.items.append(preset(pick, axes))
    low, high = INPUTS[axes]
    feeds = []
    for number in range(pick.one([1, 1, 1, 2, 2, 3])):
        if feeds and pick.chance(30):
            feeds.append((pick.number(1, 8), *feeds[0][1:]))
        elif number and pick.chance(10):
            feeds.append((pick.number(2, 20),))
        else:
            feeds.append((pick.number(1, 6), *(pick.number(low, high) for _ in range(axes))))
    body = Body(file, feeds)
    body.fill(8)
    while True:
        text = _file(body)
        count = _count(text)
        if count:
            return text
        if count is None:  # two statements do not go together
            body.statements.pop()
            body.tensors = body.feeds | {k: v for s in body.statements for k, v in s.binds.items()}
        else:
            body.plain()


def _file(body: Body) -> str:
    pick, ends = body.pick, body.ends(None)
    lines = [*body.head, *(s.text for s in body.statements)]
    if pick.chance(10):
        lines.append(f"init {pick.one(INITIALISERS)}")
    training = len(ends) > 1 and pick.chance(40)
    for number, end in enumerate(ends):
        named = f"out{number} = " if len(ends) > 1 or pick.chance(50) else ""
        lines.append(f"output {named}{end}" + (" when training" if training and number else ""))
    body.scope.prune(" ".join(lines))
    items = [*body.file.items, f"model Net{body.scope.signature()} {{\n{_indented(lines)}\n}}"]
    for item in reversed(body.file.items):
        if (name := _defined(item)) and len(re.findall(rf"\b{name}\b", " ".join(items))) < 2:
            items.remove(item)
    items = [
        f"## Drawn at random.\n{item}" if not item.startswith("let") and pick.chance(5) else item for item in items
    ]
    text = "\n".join(items) + "\n"
    if pick.chance(5):
        text = text.replace("->", "→")
    for name, value in body.scope.parameters.items():
        other = varied(pick, value)
        alias = f"model Other = Net({name}={literal(other)})\n"
        if pick.chance(30) and _count(text + alias, "Other"):
            return text + alias
    return text


def _defined(item: str) -> str:
    """Return the name that an item defines; none for `defaults`."""
    word, name = re.split(r"\W+", item, maxsplit=2)[:2]
    return name if word in ("let", "seq", "block") else ""


def _count(text: str, model: str = "Net") -> int | None:
    """Return how many layers a model has; `None` where it has errors."""
    try:
        return len(loads(text, model).graph.layers)
    except SpecError:
        return None


@st.composite
def networks(draw: Any, axes: Sequence[int] = (2, 1, 3, 2)) -> str:
    """Texts of files with a model `Net` on maps of some number of axes, and perhaps an alias of it; none is refused."""
    return _text(Pick(lambda low, high: draw(_numbers(low, high))), axes)


@cache
def _numbers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def network_at(seed: int, axes: Sequence[int] = (1, 2, 3)) -> str:
    """Return the text of one network without hypothesis, the same for the same seed."""
    return _text(Pick(Random(seed).randint), axes)


# What is in a text.


def ops_of(text: str) -> Counter[str]:
    """Count the ops of a network by their names."""
    return Counter(node.op.name for node in loads(text, "Net").graph.layers)


def _is_stage(node: ast.Syntax, kind: type) -> bool:
    return isinstance(node, ast.Stage) and isinstance(node.unit, kind)


FEATURES: dict[str, Callable[[ast.Syntax], bool]] = {
    "block": lambda n: isinstance(n, ast.Definition) and n.kind == "block",
    "seq": lambda n: isinstance(n, ast.Definition) and n.kind == "seq",
    "alias": lambda n: isinstance(n, ast.Alias),
    "parameter with default": lambda n: isinstance(n, ast.Parameter) and n.default is not None,
    "parameter without default": lambda n: isinstance(n, ast.Parameter) and n.default is None,
    "share": lambda n: isinstance(n, ast.Share),
    "let": lambda n: isinstance(n, ast.Let),
    "defaults": lambda n: isinstance(n, ast.Defaults),
    "require": lambda n: isinstance(n, ast.Require),
    "init": lambda n: isinstance(n, ast.Init),
    "group": lambda n: _is_stage(n, ast.Group),
    "repeat": lambda n: isinstance(n, ast.Stage) and n.repeat is not None,
    "for stage": lambda n: _is_stage(n, ast.ForStage),
    "for statement": lambda n: isinstance(n, ast.ForStatement),
    "for of several": lambda n: isinstance(n, ast.ForStage | ast.ForStatement) and not isinstance(n.target, str),
    "if stage": lambda n: _is_stage(n, ast.IfStage) and bool(n.unit.otherwise),
    "if stage without else": lambda n: _is_stage(n, ast.IfStage) and not n.unit.otherwise,
    "if statement": lambda n: isinstance(n, ast.IfStatement),
    "if expression": lambda n: isinstance(n, ast.IfExpression),
    "label": lambda n: isinstance(n, ast.Label) and n.index is None and n.template is None,
    "label with index": lambda n: isinstance(n, ast.Label) and n.index is not None,
    "label template": lambda n: isinstance(n, ast.Label) and n.template is not None,
    "no label": lambda n: isinstance(n, ast.Stage) and n.label is None,
    "several tensors bound": lambda n: isinstance(n, ast.BindTuple),
    "several tensors fed": lambda n: isinstance(n, ast.Pipe) and isinstance(n.source, ast.Sequence),
    "tensor with index": lambda n: isinstance(n, ast.Bind) and n.index is not None,
    "sizes bound": lambda n: isinstance(n, ast.Bind) and n.shape is not None,
    "size with default": lambda n: isinstance(n, ast.Dim) and n.default is not None,
    "output when training": lambda n: isinstance(n, ast.Output) and n.training,
    "crop": lambda n: isinstance(n, ast.Call) and n.name == "crop" and n.arguments[-1].name != "like",
    "crop like": lambda n: isinstance(n, ast.Call) and n.name == "crop" and n.arguments[-1].name == "like",
    "split": lambda n: isinstance(n, ast.Call) and n.name == "split" and isinstance(n.arguments[1].value, ast.Literal),
    "split of a list": lambda n: (
        isinstance(n, ast.Call) and n.name == "split" and isinstance(n.arguments[1].value, ast.Sequence)
    ),
}


def structures_of(text: str) -> Counter[str]:
    """Count the constructs of a file by the names in `FEATURES`, with types of parameters and several ends."""
    found: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    spec = Library().add(Source("net.arch", text)).spec
    defined = set(spec.named("block", "seq"))
    for tree in filter(None, map(spec.parse, spec.items)):
        nodes = list(ast.walk(tree))
        found += Counter(name for name, holds in FEATURES.items() for node in nodes if holds(node))
        found += Counter(f"parameter: {node.type.name}" for node in nodes if isinstance(node, ast.Parameter))
        if isinstance(tree, ast.Definition):
            for kind, name in ((ast.Input, "inputs"), (ast.Output, "outputs")):
                found[f"several {name} of a {tree.kind}"] += sum(isinstance(node, kind) for node in nodes) > 1
            calls.update(node.name for node in nodes if isinstance(node, ast.Call))
            inside = {node.name for node in nodes if isinstance(node, ast.Call)} & defined
            found[f"call in a {tree.kind}"] += len(inside)
        found["definition passed"] += sum(isinstance(node, ast.Name) and node.name in defined for node in nodes)
    found["definition called again"] = sum(calls[name] > 1 for name in defined)
    return +found
