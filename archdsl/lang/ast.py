"""The syntax tree: what was written, with the place of everything. It knows nothing of what names mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from archdsl.source import Source, Span


@dataclass(slots=True, eq=False, repr=False)
class Syntax:
    """A stretch of the text, from `start` up to but not including `end`."""

    start: int
    end: int

    def span(self, source: Source) -> Span:
        return Span(source, self.start, self.end)

    def children(self) -> Iterator[Syntax]:
        """Yield the parts of this stretch, in the order of the text."""
        for field in fields(self):
            yield from _parts(getattr(self, field.name))

    def __repr__(self) -> str:
        values = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in ("start", "end")
        )
        return f"{type(self).__name__}({values})"


def _parts(value: object) -> Iterator[Syntax]:
    if isinstance(value, Syntax):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _parts(part)


def walk(node: Syntax) -> Iterator[Syntax]:
    """Yield a node and all below it, without recursion: a hostile text may nest deeply."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(node.children())))


# Expressions.


@dataclass(slots=True, eq=False, repr=False)
class Name(Syntax):
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Literal(Syntax):
    """A number, a string, `true`, `false` or `none`."""

    value: int | float | str | bool | None


@dataclass(slots=True, eq=False, repr=False)
class Hole(Syntax):
    """The `?` of a question."""


@dataclass(slots=True, eq=False, repr=False)
class Sequence(Syntax):
    """`[a, b]` or `(a, b)`."""

    items: tuple[Syntax, ...]
    is_list: bool


@dataclass(slots=True, eq=False, repr=False)
class Binary(Syntax):
    """`left op right`, with `and` and `or` among the operators."""

    op: str
    left: Syntax
    right: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Unary(Syntax):
    """`-x` or `not x`."""

    op: str
    operand: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Compare(Syntax):
    """`a < b <= c`."""

    first: Syntax
    rest: tuple[tuple[str, Syntax], ...]


@dataclass(slots=True, eq=False, repr=False)
class Index(Syntax):
    value: Syntax
    index: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Argument(Syntax):
    """An argument of a call; `name` is `None` where it is given by position."""

    name: str | None
    value: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Call(Syntax):
    """`Conv2d(64, 3)`, `range(n)`, or a bare `ReLU` after an arrow."""

    name: str
    arguments: tuple[Argument, ...]
    bare: bool = False


@dataclass(slots=True, eq=False, repr=False)
class IfExpression(Syntax):
    condition: Syntax
    then: Syntax
    otherwise: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Pipe(Syntax):
    """`source -> stage -> stage`."""

    source: Syntax
    stages: tuple[Stage, ...]


# Stages.


@dataclass(slots=True, eq=False, repr=False)
class Label(Syntax):
    """A name before a stage: plain, with an index, or computed from a text with `{expressions}`."""

    name: str
    index: Syntax | None = None
    template: tuple[str | Syntax, ...] | None = None


@dataclass(slots=True, eq=False, repr=False)
class Stage(Syntax):
    label: Label | None
    unit: Call | Group | ForStage | IfStage
    repeat: Syntax | None


@dataclass(slots=True, eq=False, repr=False)
class Group(Syntax):
    """`( A -> B )` as a stage."""

    stages: tuple[Stage, ...]


Target = str | tuple["Target", ...]


@dataclass(slots=True, eq=False, repr=False)
class ForStage(Syntax):
    target: Target
    iterable: Syntax
    stages: tuple[Stage, ...]


@dataclass(slots=True, eq=False, repr=False)
class IfStage(Syntax):
    condition: Syntax
    then: tuple[Stage, ...]
    otherwise: tuple[Stage, ...]


# Statements.


@dataclass(slots=True, eq=False, repr=False)
class Dim(Syntax):
    """One size of a pattern: a name to bind, or a value to match, with what to take where none is given."""

    value: Syntax
    default: Syntax | None = None


@dataclass(slots=True, eq=False, repr=False)
class Input(Syntax):
    name: str
    shape: tuple[Dim, ...] | None


@dataclass(slots=True, eq=False, repr=False)
class Output(Syntax):
    name: str | None
    value: Syntax
    training: bool


@dataclass(slots=True, eq=False, repr=False)
class Let(Syntax):
    name: str
    value: Syntax


@dataclass(slots=True, eq=False, repr=False)
class Require(Syntax):
    condition: Syntax
    message: str | None


@dataclass(slots=True, eq=False, repr=False)
class Bind(Syntax):
    """`name = value`, `name[index] = value` or `name: [c, h, w] = value`."""

    name: str
    index: Syntax | None
    shape: tuple[Dim, ...] | None
    value: Syntax


@dataclass(slots=True, eq=False, repr=False)
class BindTuple(Syntax):
    names: tuple[str, ...]
    value: Syntax


@dataclass(slots=True, eq=False, repr=False)
class IfStatement(Syntax):
    condition: Syntax
    then: tuple[Syntax, ...]
    otherwise: tuple[Syntax, ...]


@dataclass(slots=True, eq=False, repr=False)
class ForStatement(Syntax):
    target: Target
    iterable: Syntax
    body: tuple[Syntax, ...]


@dataclass(slots=True, eq=False, repr=False)
class Share(Syntax):
    name: str
    stage: Stage


@dataclass(slots=True, eq=False, repr=False)
class Defaults(Syntax):
    layer: str
    arguments: tuple[Argument, ...]


@dataclass(slots=True, eq=False, repr=False)
class Init(Syntax):
    """`target` is a kind of layer or a label of the body; none is every layer with a kernel."""

    target: str | None
    scheme: str
    arguments: tuple[Argument, ...]


# Items.


@dataclass(slots=True, eq=False, repr=False)
class Type(Syntax):
    name: str
    inner: Type | None

    def __str__(self) -> str:
        return f"{self.name}[{self.inner}]" if self.inner else self.name


@dataclass(slots=True, eq=False, repr=False)
class Parameter(Syntax):
    name: str
    type: Type
    default: Syntax | None


@dataclass(slots=True, eq=False, repr=False)
class Definition(Syntax):
    """A `model` or `block` (its body is statements) or a `seq` (its body is stages)."""

    kind: str
    name: str
    name_start: int
    parameters: tuple[Parameter, ...]
    body: tuple[Syntax, ...]

    def name_span(self, source: Source) -> Span:
        return Span(source, self.name_start, self.name_start + len(self.name))


@dataclass(slots=True, eq=False, repr=False)
class Alias(Syntax):
    """`model ResNet18 = ResNet(unit=BasicBlock)`."""

    name: str
    name_start: int
    base: str
    arguments: tuple[Argument, ...]

    def name_span(self, source: Source) -> Span:
        return Span(source, self.name_start, self.name_start + len(self.name))


@dataclass(slots=True, eq=False, repr=False)
class Import(Syntax):
    level: int
    module: str
    names: tuple[Name, ...]


@dataclass(slots=True, eq=False, repr=False)
class Expect(Syntax):
    value: Syntax
    within: float | None


@dataclass(slots=True, eq=False, repr=False)
class Test(Syntax):
    model: str
    arguments: tuple[Argument, ...]
    expectations: tuple[Expect, ...]
