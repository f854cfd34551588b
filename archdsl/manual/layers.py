"""The pages of layers and functions, made of their declarations, with numbers that are computed when they are shown.

Layers that share their documentation, as those for one, two and three axes do, share a page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from archdsl.elaborate import Library
from archdsl.elaborate.words import ELSEWHERE
from archdsl.lang.parser import Spec
from archdsl.manual.lessons import SCHEMA, reference
from archdsl.manual.page import Page, Points, Prose, Section, Table, Terms
from archdsl.ops import FAMILIES, OPS, REQUIRED, Argument, ArgumentError, Op, ShapeError, spell
from archdsl.ops.arguments import AxisOrNone, PerAxis, Real
from archdsl.pipeline import Network, network
from archdsl.rules import RULES
from archdsl.source import Source
from archdsl.tensors import TensorType, dims

__all__ = ["Group", "catalogue", "elsewhere", "example", "family_title", "group_of", "groups", "layer"]

_AXES = re.compile(r"\d+d$")
_HEADED = re.compile(r"^([A-Z][A-Za-z]*):\s+(.*)$")
_MEASURES: dict[int | None, tuple[int, ...]] = {1: (16, 100), 2: (16, 32, 32), 3: (16, 8, 32, 32)}
"""The input of an example, by the number of spatial axes."""
_VECTOR = (16,)
_FEW, _MANY, _KERNEL, _HALF = 2, 32, 3, 0.5
"""What stands for an argument of an example: a count, one of channels or features, a size per axis, a rate."""
_TRIED: tuple[Any, ...] = (_FEW, 1, _HALF, "none", True)


@dataclass(frozen=True)
class Group:
    """The layers of one page, and the family that they belong to."""

    layers: tuple[type[Op], ...]
    family: ModuleType

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(cls.name for cls in self.layers)

    @property
    def typical(self) -> type[Op]:
        """The layer that stands for the others: the one for images, where there is one."""
        return next((cls for cls in self.layers if cls.dimensions == 2), self.layers[0])

    @property
    def summary(self) -> str:
        return _read(self.typical)[0]


@cache
def groups() -> tuple[Group, ...]:
    """Return every layer and function, in the order of the families."""
    made: list[Group] = []
    for family in FAMILIES:
        pages: dict[str, list[type[Op]]] = {}
        for cls in OPS.values():
            if cls.__module__ == family.__name__:
                pages.setdefault(inspect.getdoc(cls) or cls.name, []).append(cls)
        made += [Group(tuple(sorted(found, key=_order)), family) for found in pages.values()]
    return tuple(made)


def _order(cls: type[Op]) -> int:
    return cls.dimensions or 0


def group_of(name: str) -> Group | None:
    """Return the page on which a layer is, whatever the case of its letters; `None` where there is none."""
    exact = next((group for group in groups() if name in group.names), None)
    folded = name.casefold()
    close = exact or next((g for g in groups() if folded in map(str.casefold, g.names)), None)
    called = close or next((g for g in groups() if g.typical.example.startswith(f"{name}(")), None)
    return called or (_by_example(name) if re.fullmatch(r"[\w.]+ ?\W ?\w+", name) else None)


def meant_elsewhere(name: str) -> str | None:
    """Return what a spec writes for a word of others: `global average pooling` is `GlobalAveragePooling2D`."""
    known = {_squeezed(word): meant for word, meant in reversed(ELSEWHERE.items())}
    return ELSEWHERE.get(name) or known.get(_squeezed(name))


def _squeezed(word: str) -> str:
    """Return a word without its dimension, and without what keeps its parts apart."""
    return re.sub(r"[\s_-]|[123]d$", "", word.casefold())


def elsewhere(name: str) -> Group | None:
    """Return the page of what another library or a textbook calls `name`."""
    meant = meant_elsewhere(name)
    if meant is None:
        return None
    called = re.match(r"\w+(?=\(|$)", meant)
    return group_of(called[0]) if called else _by_example(meant)


def _by_example(written: str) -> Group | None:
    """Return the page of a function that is written with a sign, such as `a + b`."""
    sign = re.sub(r"[\w\s.]", "", written)
    return next((g for g in groups() if sign and re.sub(r"[\w\s.]", "", g.typical.example) == sign), None)


def words_for(group: Group) -> tuple[str, ...]:
    """Return what other libraries and textbooks call the layers of a page."""
    return tuple(word for word in ELSEWHERE if elsewhere(word) is group)


def family_title(family: ModuleType) -> str:
    """Return what the layers of a family have in common."""
    return (inspect.getdoc(family) or family.__name__).split("\n")[0].rstrip(".")


def _read(cls: type[Op]) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Return the documentation of a layer: its first paragraph, the others, and the lines under headings."""
    free: list[str] = [""]
    headed: dict[str, str] = {}
    current = ""
    for line in (inspect.getdoc(cls) or "").split("\n"):
        match = _HEADED.match(line)
        if match:
            current = match[1]
            headed[current] = match[2]
        elif line.startswith(" ") and current:
            headed[current] += f" {line.strip()}"
        elif line:
            current = ""
            free[-1] += f" {line}" if free[-1] else line
        elif free[-1]:
            free.append("")
    first, *rest = free
    return first, tuple(filter(None, rest)), headed


# Examples.


@dataclass(frozen=True)
class Example:
    """A layer at work: as written, and the numbers that the analysis gives."""

    text: str
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    params: int
    macs: int


def example(cls: type[Op]) -> Example | None:
    """Return the example of a layer with its numbers; `None` where none can be made of its declaration."""
    written = cls.example or _made(cls)
    if not written:
        return None
    analysis = _network(written).examine()
    node = next((n for n in analysis.graph.layers if type(n.op) is cls), None)
    if node is None or not analysis.is_complete:
        return None
    params = sum(TensorType(shape).elements for shape in analysis.graph.weights(node).values())
    types = analysis.graph.types(node)
    return Example(written, tuple(x.known for x in types), node.output.known, params, node.op.macs(types, node.output))


def _network(written: str) -> Network:
    if written.startswith("["):
        return network(Library().add(Spec.of_pipeline(Source("<example>", written))), None)
    shape = list(_MEASURES[2])
    inputs = [f"input {name}: {shape}" for name in ("x", "y") if re.search(rf"\b{name}\b", written)]
    text = "model Example {\n  " + "\n  ".join((*inputs, f"output {written}")) + "\n}\n"
    return network(Library().add(Source("<example>", text)), None)


def _made(cls: type[Op]) -> str:
    """Return a pipeline with a layer whose required arguments have plain values."""
    given = [_value(argument, cls.dimensions) for argument in cls.arguments if argument.default is REQUIRED]
    if not cls.is_module or cls.arity != 1 or None in given:
        return ""
    shapes = [_MEASURES[cls.dimensions]] if cls.dimensions else [_MEASURES[2], _VECTOR]
    try:
        made = cls(*[None if value == "none" else value for value in given])
    except ArgumentError:
        return ""
    for shape in shapes:
        try:
            made.output(TensorType(shape))
        except ShapeError:
            continue
        written = f"({', '.join(map(_spelt, given))})" if given else ""
        return f"{list(shape)} -> {cls.name}{written}"
    return ""


def _value(argument: Argument, dimensions: int | None) -> Any:
    """Return a value that an argument takes, or `None`."""
    kind = argument.kind
    if isinstance(kind, PerAxis):
        preferred: Any = 1 if isinstance(kind, AxisOrNone) else _KERNEL
    elif isinstance(kind, Real):
        preferred = _HALF
    else:
        preferred = _MANY if argument.name.startswith("out_") else _FEW
    for value in (preferred, *_TRIED, *getattr(kind, "words", ())):
        try:
            kind.read(None if value == "none" else value, dimensions)
        except ValueError:
            continue
        return value
    return None


def _spelt(value: Any) -> str:
    return "none" if value == "none" else spell(value)


# Pages.


def layer(group: Group, said: str = "") -> Page:
    """Return the page of some layers; `said` is a line about the name by which they were asked for."""
    summary, rest, headed = _read(group.typical)
    blocks = [Prose(said)] * bool(said) + [Prose(summary), *map(Prose, rest)]
    sections = [Section("Signature", (Points(tuple(_signatures(group)), verbatim=True),))]
    if arguments := tuple(_arguments(group)):
        sections.append(Section("Arguments", (Table(("Name", "Default", "What it may be"), arguments),)))
    if headed:
        sections.append(Section("What it does", (Table(("", ""), tuple(headed.items())),)))
    shown = [found for cls in group.layers if (found := example(cls))]
    if shown:
        rows = tuple((*_example_row(found),) for found in shown)
        head = ("Input", "Output", "Params", "MACs", "Example")
        sections.append(Section("At work", (Table(head, rows, frozenset({2, 3})),)))
    sections.append(Section("Source", (Prose(f"{group.typical.source}."),)))
    if words := words_for(group):
        sections.append(Section("Elsewhere it is called", (Prose(", ".join(f"`{word}`" for word in words) + "."),)))
    if see := _codes(group):
        sections.append(Section("See also", (Points(tuple(map(reference, see))),)))
    return Page(", ".join(group.names), family_title(group.family), tuple(blocks), tuple(sections), facts(group))


def _signatures(group: Group) -> Iterator[str]:
    """Yield how the layers are called; those that differ in the name alone are told once."""
    told: list[str] = []
    for cls in (group.typical, *group.layers):
        rest = cls.signature().removeprefix(cls.name)
        if rest not in told:
            told.append(rest)
            yield _called(cls)


def _called(cls: type[Op]) -> str:
    """Return how a layer is written: a function as its example, since several are signs."""
    return cls.signature().removesuffix("()") if cls.is_module or not cls.example else cls.example


def _arguments(group: Group) -> Iterator[tuple[str, str, str]]:
    """Yield what is known of each argument that a spec can name; those of a sign have no names there."""
    typical = group.typical
    if not typical.is_module and not any(f"{a.name}=" in typical.example for a in typical.arguments):
        return
    known: dict[str, tuple[Argument, list[str]]] = {}
    for cls in (group.typical, *group.layers):
        for argument in cls.arguments:
            known.setdefault(argument.name, (argument, []))[1].append(cls.name)
    everywhere = len(group.layers) + 1
    for name, (argument, found) in known.items():
        only = "" if len(found) == everywhere else f"; only {', '.join(dict.fromkeys(found))}"
        yield name, _default(argument), f"{argument.kind.wants}{only}"


def _default(argument: Argument) -> str:
    return "" if argument.default is REQUIRED else str(argument).partition("=")[2]


def _example_row(found: Example) -> tuple[str, str, str, str, str]:
    inputs = ", ".join(map(dims, found.inputs))
    return inputs, dims(found.output), f"{found.params:,}", f"{found.macs:,}", found.text


def _codes(group: Group) -> tuple[str, ...]:
    """Return the codes whose pages send their readers here."""
    return tuple(code for code, rule in RULES.items() if set(rule.see) & set(group.names))


def facts(group: Group) -> dict[str, object]:
    """Return the page as a machine reads it."""
    summary, rest, headed = _read(group.typical)
    return {
        "schema": SCHEMA,
        "kind": "layer",
        "names": list(group.names),
        "family": group.family.__name__.rpartition(".")[2],
        "summary": summary,
        "notes": list(rest),
        "formulas": headed,
        "source": group.typical.source,
        "elsewhere": list(words_for(group)),
        "see": list(_codes(group)),
        "layers": [
            {
                "name": cls.name,
                "signature": cls.signature(),
                "is_module": cls.is_module,
                "dimensions": cls.dimensions,
                "arguments": [
                    {
                        "name": a.name,
                        "required": a.default is REQUIRED,
                        "default": None if a.default is REQUIRED else _default(a),
                        "wants": a.kind.wants,
                    }
                    for a in cls.arguments
                ],
                "example": _example_facts(example(cls)),
            }
            for cls in group.layers
        ],
    }


def _example_facts(found: Example | None) -> dict[str, object] | None:
    if found is None:
        return None
    inputs = [list(shape) for shape in found.inputs]
    return {
        "text": found.text,
        "inputs": inputs,
        "output": list(found.output),
        "params": found.params,
        "macs": found.macs,
    }


def catalogue() -> Page:
    """Return the page that lists every layer and function by family."""
    sections = []
    for family in FAMILIES:
        terms = [(_short(group), group.summary) for group in groups() if group.family is family]
        sections.append(Section(family_title(family), (Terms(tuple(terms)),)))
    names = sum(len(group.names) for group in groups())
    lead = f"{names} layers and functions; `archdsl ops NAME` shows the page of one."
    every = [facts(group) for group in groups()]
    for one in every:
        del one["schema"]
    said = {"schema": "archdsl/ops@1", "kind": "ops", "pages": every}
    return Page("Layers and functions", "", (Prose(lead),), tuple(sections), said)


def _short(group: Group) -> str:
    """Return the layers of a page as one would call them: `Conv1d, 2d, 3d(out_channels, kernel_size, ...)`."""
    typical = group.typical
    if len(group.layers) == 1:
        return _called(typical)
    stem = _AXES.sub("", group.names[0])
    names = ", ".join((group.names[0], *(name.removeprefix(stem) for name in group.names[1:])))
    return names + _called(typical).removeprefix(typical.name)
