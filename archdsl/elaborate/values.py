"""What an expression can be: numbers, texts, lists, blocks, tensors. Tensors are nodes of the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate.library import Module
from archdsl.elaborate.naming import Children
from archdsl.graph import Instance, Node
from archdsl.lang import ast
from archdsl.ops import Op
from archdsl.sizes import Condition, Symbolic


class Poison:
    """The value of what failed: whatever touches it is left out without another report."""

    def __repr__(self) -> str:
        return "POISON"


POISON: Final = Poison()

Value = Any
"""int, float, bool, str, None, tuple, range, Symbolic, Condition, Node, BlockValue, LayerValue, Shared, Indexed or
POISON."""


class Problem(Exception):
    """Carries a diagnostic from where it is found to the statement that it spoils."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True, eq=False)
class BlockValue:
    """A block or seq that can be called, or passed as an argument; one object per definition."""

    definition: ast.Definition
    module: Module
    feeds: int
    """How many tensors it takes."""

    def __repr__(self) -> str:
        return self.definition.name


@dataclass(slots=True, frozen=True)
class LayerValue:
    """A layer passed as an argument, as in `act: block = ReLU`; `op` where it has its arguments already."""

    kind: type[Op]
    op: Op | None = None

    def __repr__(self) -> str:
        return self.kind.name if self.op is None else str(self.op)


@dataclass(slots=True, eq=False)
class Shared:
    """A module declared by `share`: made at its first call, called again after that."""

    name: str
    stage: ast.Stage
    first: tuple[int, int] | None = None
    calls: dict[str, int] = field(default_factory=dict)
    """How often each path below it has been called."""


class Indexed(dict[int, Value]):
    """The values bound as `name[i]`, each once."""


@dataclass(slots=True, eq=False)
class Scope:
    """The names of one running definition."""

    values: dict[str, Value]
    module: Module
    instance: Instance
    constants: set[str]
    defaults: Mapping[str, Mapping[str, ast.Argument]]
    children: Children
    loops: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Names that were read, for the lint on unused tensors."""
    missed: set[str] = field(default_factory=set)
    """Names that a statement would have read that failed."""
    misnamed: bool = False
    """Whether a statement failed for a name that means nothing, and may have meant any other."""
    bound: dict[str, ast.Syntax] = field(default_factory=dict)
    """Where each tensor was bound last."""


def type_name(value: Value) -> str:
    """Return the language's word for the type of a value."""
    if type(value) is tuple and value and all(type(item) is Node for item in value):
        return "1 tensor in a tuple" if len(value) == 1 else f"{len(value)} tensors"
    names: dict[type, str] = {
        bool: "bool", int: "int", float: "float", str: "str", type(None): "none", range: "list", tuple: "list",
        Node: "a tensor", BlockValue: "block", LayerValue: "a layer", Symbolic: "a size",
        Condition: "a condition on sizes", Shared: "a shared module", Indexed: "tensors by their index",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def fits(value: Value, kind: ast.Type) -> bool:
    """Return whether a value has a declared type; a whole number is a float too."""
    match kind.name:
        case "int":
            return type(value) is int or type(value) is Symbolic
        case "float":
            return type(value) in (int, float)
        case "bool":
            return type(value) is bool
        case "str":
            return type(value) is str
        case "block":
            return type(value) in (BlockValue, LayerValue)
        case "list" | "tuple":
            if type(value) is range:
                return kind.inner is None or kind.inner.name in ("int", "float")
            return type(value) is tuple and (kind.inner is None or all(fits(v, kind.inner) for v in value))
    return False


TYPES = ("int", "float", "bool", "str", "block", "list", "tuple")


def show(value: Value, length: int = 60) -> str:
    """Return a value as the language writes it, cut where it is long."""
    if value is None or isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, tuple):
        text = f"[{', '.join(show(v) for v in value[:20])}{', ...' if len(value) > 20 else ''}]"
    elif isinstance(value, Node):
        text = str(value.output)
    elif isinstance(value, Indexed):
        text = f"[{', '.join(f'{i}: {show(v)}' for i, v in list(value.items())[:20])}]"
    elif isinstance(value, BlockValue | LayerValue | Poison | range):
        text = repr(value)
    else:
        text = str(value)
    return text if len(text) <= length else text[: length - 3] + "..."


def cure(value: Value, kind: ast.Type) -> str | None:
    """Return how a value is written that a type wants, where it is nearly one."""
    if kind.name == "list" and type(value) in (int, float, str, bool):
        return f"write `[{show(value)}]` for a list of one"
    if kind.name in ("int", "float") and type(value) is str and value.replace(".", "", 1).isdecimal():
        return f"a number has no quotes: write `{value}`"
    if kind.name == "int" and type(value) is float and value.is_integer() and abs(value) < 2**53:
        return f"write `{int(value)}`; `//` divides whole numbers, `/` gives a fraction"
    if kind.name == "bool" and type(value) is int and value in (0, 1):
        return f"write `{show(bool(value))}`"
    return None
