"""Calls written as in PyTorch, with the size of the input among their arguments: what was meant, and how sure that is.

What was typed is held against what comes in. Only where they agree is the size left out without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from archdsl.diagnostics import Fix, Rule
from archdsl.elaborate.cures import without_argument
from archdsl.elaborate.values import Value, show
from archdsl.elaborate.words import INFERRED
from archdsl.lang import ast
from archdsl.ops import OPS, ArgumentError, Op
from archdsl.ops.norm import OPEN_SIZES, GroupNorm, LayerNorm, ShapeNorm
from archdsl.rules import names
from archdsl.source import Source
from archdsl.tensors import TensorType

LARGEST_KERNEL = 11
"""Larger numbers in the second place are hardly kernels."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What to say of a call, and what it was meant to be."""

    rule: Rule
    message: str
    place: ast.Syntax
    help: str
    fix: Fix | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call with the values of its arguments, and the type of the tensor that comes in, where that is known."""

    cls: type[Op]
    node: ast.Call
    positional: tuple[Value, ...]
    keywords: Mapping[str, Value]
    x: TensorType | None
    source: Source

    def fix(self, written: str, *, safe: bool = False) -> Fix:
        return Fix.replacing(self.node.span(self.source), written, safe=safe)

    def written(self, cls: type[Op], without: int | None = None, *more: str) -> str | None:
        """Return the call of `cls` without one argument, those given by name that have to be; `None` if it fails."""
        kept = [i for i in range(len(self.positional)) if i != without]
        known = [a.name for a in cls.arguments]
        most = len(known) if cls.by_position is None else cls.by_position
        if len(kept) > len(known) or any(name in self.keywords for name in known[: len(kept)]):
            return None
        late = dict(zip(known[most:], [self.positional[i] for i in kept[most:]], strict=False))
        try:
            cls(*[self.positional[i] for i in kept[:most]], **late, **self.keywords)
        except ArgumentError:
            return None
        texts = [argument.span(self.source).text for argument in self.node.arguments]
        parts = [texts[i] for i in kept[:most]]
        parts += [f"{name}={texts[i]}" for name, i in zip(late, kept[most:], strict=True)]
        parts += [*texts[len(self.positional) :], *more]
        name = self.node.name if cls is self.cls else cls.name
        return f"{name}({', '.join(parts)})" if parts else name


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the input that a call says, held against what comes in."""

    said: str
    comes: str
    fits: bool | None
    """`None` where it is not known what comes in."""
    dims: str = ""
    """How a norm says over how many axes it works."""


def pasted(call: Call) -> Meant | None:
    """Return what a call was meant to be that PyTorch's size of the input, or a rest by position, has spoilt."""
    place = next((i for i, name in enumerate(call.cls.leading) if name in INFERRED), None)
    if place is None or place >= len(call.positional) or type(call.positional[place]) not in (int, tuple):
        return None
    size = _size(call, call.cls.leading[place], call.positional[place])
    without = call.written(call.cls, place, *[size.dims][: bool(size.dims)])
    as_it_is = _rest_by_name(call)
    if as_it_is and (without is None or size.fits is False):
        known = " and ".join(f"`{a.name}`" for a in call.cls.arguments[: call.cls.by_position])
        message = f"`{call.cls.name}` takes {known} by position and the rest by name"
        late = call.node.arguments[call.cls.by_position or 0]
        fix = call.fix(as_it_is, safe=without is None)
        return Meant(names.BAD_ARGUMENT, message, late, f"write `{as_it_is}`", fix)
    if without is None:
        return None
    if size.fits is False:
        return _given_twice(call) or _misfit(call, size, without)
    help = f"write `{without}`" + _after(call, without)
    if as_it_is:
        help += f", or `{as_it_is}` if the first number counts the filters"
    fix = call.fix(without, safe=bool(size.fits) and as_it_is is None)
    return Meant(names.PASTED, _INFERRED.format(call.cls.name), call.node, help, fix, _known(call, size))


def pasted_by_name(call: Call, argument: ast.Argument) -> Meant:
    """Return what to do about an argument such as `in_channels=3`."""
    assert argument.name is not None, "the argument was found by its name"
    size = _size(call, argument.name, call.keywords.get(argument.name))
    if size.dims:
        fix, help = Fix.replacing(argument.span(call.source), size.dims, safe=bool(size.fits)), f"write `{size.dims}`"
    else:
        fix, help = without_argument(call.node, argument, call.source, safe=bool(size.fits)), "leave this argument out"
    if size.fits is False:
        if _is_of_channels(call, call.keywords.get(argument.name)):
            return Meant(names.PASTED, _compared(call, size), argument, CHANNELS_ALONE)
        return Meant(names.PASTED, _compared(call, size), argument, f"{help}, if what comes in is right", fix)
    return Meant(names.PASTED, _INFERRED.format(call.cls.name), argument, help, fix, _known(call, size))


_INFERRED = "`{}` is written with the size of its input, which is inferred here"
CHANNELS_ALONE = "for the channels at each position there is `LayerNorm2d`"


def _size(call: Call, name: str, value: Value) -> Size:
    """Return what an argument says of the input, and what comes in."""
    x = call.x
    axes = call.cls.dimensions
    if x is not None and axes is not None and len(x.shape) not in (axes + 1, axes):
        x = None  # a tensor of other axes than the layer works on: that is told when the size is gone
    if issubclass(call.cls, ShapeNorm):
        last = value if type(value) is tuple else (value,)
        whole = x is not None and len(last) >= len(x.shape)
        fits = None if x is None else x.shape[-len(last) :] == last
        said = f"shapes that end in [{', '.join(map(str, last))}]"
        return Size(said, f"{x} comes in", fits, "" if whole else f"dims={len(last)}")
    unit = "feature" if name == "in_features" else "channel"
    if x is not None and x.is_symbolic and (unit == "feature" or type(x.shape[0]) is not int):
        x = None
    count = None if x is None else prod(x.known) if unit == "feature" else x.channels
    said = f"{value:,} {unit}{'s' * (value != 1)}" if type(value) is int else show(value)
    if x is None or count is None:
        return Size(said, "", None)
    if unit == "feature" and x.spatial:
        return Size(said, f"{x} comes in", value == count)
    return Size(said, f"{count:,} come{'s' * (count == 1)} in", value == count)


def _known(call: Call, size: Size) -> str:
    if not size.fits:
        return ""
    return f"what comes in is known: {call.x if 'comes in' in size.comes and call.x else size.said}"


def _compared(call: Call, size: Size) -> str:
    return f"`{call.cls.name}` is written for {size.said}, and {size.comes}"


def _misfit(call: Call, size: Size, without: str) -> Meant:
    """Say what was written and what comes in; which of them is right, nobody but the author knows."""
    first, x = call.positional[0], call.x
    assert x is not None, "it does not fit what comes in"
    help = f"write `{without}`, if what comes in is right"
    fix: Fix | None = call.fix(without)
    if issubclass(call.cls, ShapeNorm) and x.is_symbolic:
        help, fix = OPEN_SIZES, None
    elif _is_of_channels(call, first) and (other := call.written(OPS["LayerNorm2d"], 0)):
        help, fix = CHANNELS_ALONE, call.fix(other)
    elif call.cls is GroupNorm and first == x.channels and (swapped := call.written(GroupNorm, 0)):
        help, fix = f"the groups come first: write `{swapped}`", call.fix(swapped)
    elif after := _after(call, without):
        help = f"write `{without}`{after}"
    return Meant(names.PASTED, _compared(call, size), call.node, help, fix)


def _is_of_channels(call: Call, value: Value) -> bool:
    """Tell whether a norm over last axes is given the channels of a map."""
    x = call.x
    if call.cls is not LayerNorm or x is None or len(x.shape) != 3:
        return False
    return (value if type(value) is tuple else (value,)) == x.shape[:1]


def _after(call: Call, without: str) -> str:
    """Return what belongs in front of a layer that wants a vector and gets a map."""
    x = call.x
    if "in_features" not in call.cls.leading or x is None or not 1 <= len(x.spatial) <= 3:
        return ""
    pooled = call.positional[0] == x.channels
    before = f"`AdaptiveAvgPool{len(x.spatial)}d(1) -> Flatten`" if pooled else "`Flatten`"
    return f" after {before}"


def _rest_by_name(call: Call) -> str | None:
    """Return a convolution with filters, kernel and more by position as it stands, the rest by name."""
    if call.cls.by_position != 2 or len(call.positional) <= 2:
        return None
    filters, kernel = call.positional[:2]
    sizes = kernel if type(kernel) is tuple else (kernel,)
    if type(filters) is not int or any(type(n) is not int or n > LARGEST_KERNEL or n >= filters for n in sizes):
        return None
    return call.written(call.cls)


def _given_twice(call: Call) -> Meant | None:
    """Return what to do about an argument that is given by position and by name, both times the same."""
    known = [a.name for a in call.cls.arguments][: len(call.positional)]
    for argument in call.node.arguments:
        if argument.name in known and call.positional[known.index(argument.name)] == call.keywords[argument.name]:
            fix = without_argument(call.node, argument, call.source)
            message = f"`{call.cls.name}`: `{argument.name}` is given twice"
            return Meant(names.BAD_ARGUMENT, message, argument, "leave it out here", fix)
    return None
