"""What to say of input sizes that do not work: which layer asks for what, and which sizes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archdsl.analysis.input_opened import opened
from archdsl.analysis.input_sizes import USUAL, demands_of, numbers_given
from archdsl.elaborate import Elaboration, Module, Request, elaborate, model_chain
from archdsl.lang import ast
from archdsl.rules.shapes import SIZE_NEEDED
from archdsl.sizes import at

CHANNELS = (3, 1)
"""What channels are tried with where they are left open."""


def nearest_valid(module: Module, request: Request) -> str | None:
    """Return what to say of the nearest sizes that work, where the sizes of a request do not and others would.

    It is a help for diagnostics: `the nearest sizes that work are H = 672 or 688 and W = 672 or 688`. For a size below
    1, at which no layer was asked, it begins with the layer that asks for most.
    """
    plain = elaborate(module, replace(request, open_sizes=False))
    begun = opened(module, replace(request, sizes={})).symbolic()
    if any(d.severity == "error" and d.rule is not SIZE_NEEDED for d in begun.diagnostics):
        return None
    given, texts, count = numbers_given(begun, plain), [], 0
    for name, size in given.items():
        requirement = begun.symbols[name].domain.requirement
        near = [str(n) for n in requirement.nearest(size) if n is not None]
        if near and not requirement.holds(size):
            texts.append(f"{name} = {' or '.join(near)}")
            count += len(near)
    if not texts:
        return None
    work = "size that works is" if count == 1 else "sizes that work are"
    said = f"the nearest {work} {' and '.join(texts)}"
    low = [name for name, size in given.items() if size < 1]
    asked = _asked(begun, low)
    return f"{asked}; {said}" if asked else said


def numbers_that_work(module: Module, request: Request) -> str | None:
    """Return what to say of a model that cannot be built with open sizes: an option of the command line that works."""
    channels = _open_channels(module, request)
    for number in CHANNELS if channels else (0,):
        sizes = {**request.sizes, **dict.fromkeys(channels, number)}
        if channels and _is_sound(module, replace(request, sizes=sizes)):
            return f"`{' '.join(f'-D {name}={number}' for name in channels)}` works"
        begun = opened(module, replace(request, sizes=dict.fromkeys(channels, number))).symbolic()
        given = numbers_given(begun, elaborate(module, replace(request, open_sizes=False)))
        for wanted in (1, USUAL):
            values = _nearest(begun, {**dict.fromkeys(begun.symbols, wanted), **given})
            shapes = {n: tuple([at(s, values) for s in feed.output.shape]) for n, feed in begun.graph.inputs.items()}
            if shapes and _is_sound(module, replace(request, sizes={}, shapes=shapes)):
                smallest = " and is the smallest that does" if wanted == 1 and not given and not channels else ""
                return f"`{_options(shapes)}` works{smallest}"
    return None


def _asked(begun: Elaboration, names: Sequence[str]) -> str:
    """Return who asks for the most of some sizes: `p` needs H >= 16 and W >= 16."""
    if not names:
        return ""
    asked = [(f"`{demand.node.id}`", demand.condition) for demand in demands_of(begun)]
    asked += [("the model", condition) for condition in begun.stated]
    found: dict[str, list[str]] = {}
    for name in names:
        failed = [(who, one) for who, one in asked if one.domain.name == name and not one.holds(0)]
        if failed:
            who, most = max(failed, key=lambda pair: pair[1].smallest() or 0)
            found.setdefault(who, []).append(str(most))
    return " and ".join(f"{who} needs {' and '.join(conditions)}" for who, conditions in found.items())


def _open_channels(module: Module, request: Request) -> list[str]:
    """Return the names that stand for channels of an input and have no value."""
    found = model_chain(module, request.model)
    if found is None or request.shapes:
        return []
    inputs = [statement for statement in found[1].body if isinstance(statement, ast.Input) and statement.shape]
    first = [statement.shape[0] for statement in inputs if statement.shape]
    named = dict.fromkeys(dim.value.name for dim in first if isinstance(dim.value, ast.Name))
    open_names = elaborate(module, request).symbols if named else {}
    return [name for name in named if name in open_names]


def _nearest(begun: Elaboration, wanted: Mapping[str, int]) -> dict[str, int]:
    found = {}
    for name, size in begun.symbols.items():
        below, above = size.domain.requirement.nearest(wanted[name])
        found[name] = above or below or 1
    return found


def _is_sound(module: Module, request: Request) -> bool:
    return not any(d.severity == "error" for d in elaborate(module, request).diagnostics)


def _options(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return shapes as the command line gives them."""
    written = {name: "x".join(map(str, shape)) for name, shape in shapes.items()}
    if len(written) == 1:
        return f"--input {next(iter(written.values()))}"
    return " ".join(f"--input {name}={shape}" for name, shape in written.items())
