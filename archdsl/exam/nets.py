"""Networks inside a sheet: filled with drawn values and built; their errors are told in places of the sheet."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from archdsl.diagnostics import Diagnostic, Edit, Fix, Label
from archdsl.elaborate import Library, Module, Request
from archdsl.exam.texts import SheetError, Text
from archdsl.graph import Graph, Instance
from archdsl.lang import ast
from archdsl.lang.items import scan
from archdsl.pipeline import Network, errors_of, ordered
from archdsl.source import Source, Span

PLACEHOLDER = re.compile(r"\{\{[ \t]*([^{}\n]{0,80}?)[ \t]*\}\}")
"""`{{ name }}` in prose and in nets; the group is the name."""
MODEL = "Net"
"""What the model of an embedded net is called, where it is not a whole file."""

Draw = int | Fraction | bool | str
"""A value that a problem may draw: a whole number, another number, true or false, or a name."""


@dataclass(frozen=True)
class Net:
    """A network as a sheet has it: statements of a `model` body, or a whole file with one model.

    A drawn name is a parameter of the model; `{{ name }}` is replaced by the drawn value, letter for letter.
    """

    name: str
    """Of one of several `nets`; empty where the problem has one."""
    text: Text

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names in `{{ }}`, in the order of the text, each once."""
        return tuple(dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(self.text.text)))

    def problems(self, values: Mapping[str, Draw] | None = None) -> tuple[Diagnostic, ...]:
        """Return the errors of the net for some drawn values, in places of the sheet; lints are for specs."""
        return _Composed(self, values or {}).problems()

    def network(self, values: Mapping[str, Draw] | None = None) -> Network:
        """Return the network for some drawn values.

        Raises:
            SheetError: it has errors; their places are those of the sheet.
        """
        composed = _Composed(self, values or {})
        problems = composed.problems()
        if problems:
            raise SheetError(problems)
        return composed.network()

    def working_part(self, values: Mapping[str, Draw] | None = None) -> Graph:
        """Return the layers that can be built, whatever is wrong with others.

        Raises:
            SheetError: the text is no network at all.
        """
        composed = _Composed(self, values or {})
        if composed.stray:
            raise SheetError(composed.problems())
        return composed.network().graph

    def works(self, place: str, values: Mapping[str, Draw] | None = None) -> bool:
        """Tell whether a layer can take what it is given; with an empty place, whether every layer can."""
        composed = _Composed(self, values or {})
        problems = composed.problems()
        return not problems or (bool(place) and not composed.stray and place in places(composed.network()))


@dataclass(frozen=True)
class ModelNet(Net):
    """A model of a whole file, with the arguments that a `test` gives it.

    Nothing is drawn for it, and its errors are in places of the file as they are.
    """

    built: Network = field(compare=False, repr=False)
    test: ast.Test = field(compare=False, repr=False)
    arguments: str = ""
    """As written between the brackets of the test, without blank space."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        return ()

    def problems(self, values: Mapping[str, Draw] | None = None) -> tuple[Diagnostic, ...]:
        return self._errors

    @cached_property
    def _errors(self) -> tuple[Diagnostic, ...]:
        read = [d for d in self.built.module.library.problems if d.severity == "error"]
        return ordered([*read, *errors_of(self.built, self.test)])

    def network(self, values: Mapping[str, Draw] | None = None) -> Network:
        if self._errors:
            raise SheetError(self._errors)
        return self.built

    def working_part(self, values: Mapping[str, Draw] | None = None) -> Graph:
        return self.built.graph

    def works(self, place: str, values: Mapping[str, Draw] | None = None) -> bool:
        return not self._errors or (bool(place) and place in places(self.built))


class _Composed:
    """A net as a file of the language, and where each stretch of it comes from."""

    def __init__(self, net: Net, values: Mapping[str, Draw]) -> None:
        self.net = net
        self.pieces: list[tuple[int, int, int, bool]] = []
        """Starts in the file and in the net, length there, and whether it was copied."""
        filled = self._fill(net.text.text, values)
        self.source = Source(net.text.span.source.name, filled)
        outline = scan(self.source)
        self.stray = outline.problems
        """Brackets without a partner; nothing is composed of such a net."""
        models = [item.name for item in outline.items if item.kind == "model"]
        self.model = models[-1] if models else MODEL
        self.parameters = {} if models else dict(values)
        if not models and not self.stray:
            named = ", ".join(f"{name}: {_type(value)}" for name, value in values.items())
            header = f"model {MODEL}({named}) {{\n" if named else f"model {MODEL} {{\n"
            self.source = Source(self.source.name, f"{header}{filled}\n}}\n")
            self.pieces = [(at + len(header), start, length, copied) for at, start, length, copied in self.pieces]
        self.starts = [piece[0] for piece in self.pieces]

    def _fill(self, written: str, values: Mapping[str, Draw]) -> str:
        parts: list[str] = []
        at = seen = 0
        matches = [m for m in PLACEHOLDER.finditer(written) if m[1] in values]
        for match in matches:
            for start, end, text in (
                (seen, match.start(), written[seen : match.start()]),
                (match.start(), match.end(), shown(values[match[1]])),
            ):
                parts.append(text)
                self.pieces.append((at, start, end - start, start != match.start()))
                at += len(text)
            seen = match.end()
        parts.append(written[seen:])
        self.pieces.append((at, seen, len(written) - seen, True))
        return "".join(parts)

    @cached_property
    def module(self) -> Module:
        return Library().add(self.source, None)

    def network(self) -> Network:
        parameters = {k: float(v) if isinstance(v, Fraction) else v for k, v in self.parameters.items()}
        return Network(self.module, Request(self.model, parameters))

    def problems(self) -> tuple[Diagnostic, ...]:
        if self.stray:
            return tuple(map(self.located, self.stray))
        return tuple(self.located(d) for d in self.network().diagnostics if d.severity == "error")

    def syntax(self) -> tuple[Diagnostic, ...]:
        """Return what cannot be read of the net, whatever its numbers are."""
        if self.stray:
            return self.problems()
        self.module.spec.parse_all()
        return tuple(self.located(d) for d in ordered(list(self.module.library.problems)))

    def located(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its places in the sheet instead of the composed file."""
        return replace(
            diagnostic,
            span=self.place(diagnostic.span),
            related=tuple(Label(self.place(label.span), label.text) for label in diagnostic.related),
            frames=tuple(Label(self.place(label.span), label.text) for label in diagnostic.frames),
            fix=self._fix(diagnostic.fix),
        )

    def place(self, span: Span) -> Span:
        """Return the same place in the sheet; what is of another file stays."""
        if span.source is not self.source:
            return span
        start, end = self._index(span.start, False), self._index(span.end, True)
        return self.net.text.at(start, max(start, end))

    def _index(self, offset: int, end: bool) -> int:
        number = max(0, bisect_right(self.starts, offset - 1 if end else offset) - 1)
        at, start, length, copied = self.pieces[number]
        if copied:
            return start + max(0, min(offset - at, length))
        return start + (length if end else 0)

    def _fix(self, fix: Fix | None) -> Fix | None:
        """Return a fix that changes the sheet, or `None` where the text there is not what the fix was made for."""
        if fix is None:
            return None
        edits = [(self.place(edit.span), edit) for edit in fix.edits]
        if any(span.text != edit.span.text or "\n" in edit.replacement for span, edit in edits):
            return None
        return replace(fix, edits=tuple(Edit(span, edit.replacement) for span, edit in edits))


def syntax_of(net: Net, values: Mapping[str, Draw]) -> tuple[Diagnostic, ...]:
    """Return the syntax errors of a net, in places of the sheet; `values` are any that it may draw."""
    return _Composed(net, values).syntax()


def shown(value: Draw) -> str:
    """Return a drawn value as a text or a net has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{float(value):g}" if Fraction(f"{float(value):g}") == value else repr(float(value))
    return str(value)


def _type(value: Draw) -> str:
    """Return the language's type for a drawn value; a name may be that of a layer."""
    if isinstance(value, str):
        return "block" if value[:1].isupper() else "str"
    return {bool: "bool", int: "int", Fraction: "float"}[type(value)]


def places(network: Network) -> tuple[str, ...]:
    """Return what an ask may name in a network: layers, blocks and outputs."""
    return tuple(dict.fromkeys((*layers_and_blocks(network.graph), *network.graph.outputs)))


def layers_and_blocks(graph: Graph) -> list[str]:
    """Return the paths of all layers, and of the blocks that they are in."""
    found = [node.id for node in graph.nodes]
    pending = [graph.root]
    while pending:
        one = pending.pop()
        found += [one.path] if one.path else []
        pending.extend(child for child in one.children if isinstance(child, Instance))
    return found
