"""What is written: classes, builders and statements, decided but not yet laid out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.codegen import layout


@dataclass(slots=True, eq=False)
class Statement:
    """A head, perhaps an expression and a tail; with a body where it is a loop or a condition."""

    head: str
    value: ast.expr | None = None
    tail: str = ""
    comment: str = ""
    body: list[Statement] | None = None

    def lines(self, indent: int) -> Iterator[str]:
        made = layout.statement(self.head, self.value, self.tail, indent)
        if self.comment and len(made) == 1 and len(made[0]) + len(self.comment) + 4 <= layout.WIDTH:
            made[0] += f"  # {self.comment}"
        yield from made
        if self.body is not None:
            for inner in self.body or [Statement("pass")]:
                yield from inner.lines(indent + 1)


@dataclass(slots=True, eq=False)
class Parameter:
    """A parameter of a constructor or builder."""

    name: str
    annotation: str
    default: ast.expr | None = None

    def __str__(self) -> str:
        written = f"{self.name}: {self.annotation}"
        if self.default is None:
            return written
        default = self.default
        if isinstance(default, ast.List):
            default = ast.Tuple([ast.Tuple(x.elts) if isinstance(x, ast.List) else x for x in default.elts])
        return f"{written} = {layout.expression(default, 10**6)}"


@dataclass(slots=True, eq=False)
class Function:
    """A method or a builder."""

    name: str
    parameters: Sequence[str]
    returns: str
    body: list[Statement] = field(default_factory=list)
    doc: Sequence[str] = ()

    def signature(self, indent: int) -> list[str]:
        return layout.signature(self.name, self.parameters, f" -> {self.returns}:", indent)

    def lines(self, indent: int) -> list[str]:
        return [line for statement in self.body for line in statement.lines(indent)]


@dataclass(slots=True, eq=False)
class Class:
    """A module of the network."""

    name: str
    base: str
    doc: Sequence[str]
    functions: list[Function]
    constants: list[str] = field(default_factory=list)
