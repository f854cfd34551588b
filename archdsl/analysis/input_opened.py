"""A model with its input sizes left open: those with a default, and those that are numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archdsl.elaborate import Elaboration, Module, Request, elaborate, model_chain
from archdsl.lang import ast

LETTERS = {1: "L", 2: "HW", 3: "DHW"}
"""What the sizes of an input are called where they are numbers, by how many they are."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that can be built with symbols for its input sizes, or with any numbers for them."""

    module: Module
    request: Request

    def symbolic(self) -> Elaboration:
        """Build it with every size open but those that the request fixes by name."""
        return elaborate(self.module, self.request)

    def at(self, sizes: dict[str, int]) -> Elaboration:
        """Build it at numbers, given by the names of the symbols."""
        return elaborate(self.module, replace(self.request, sizes={**self.request.sizes, **sizes}))


def opened(module: Module, request: Request, *, first_only: bool = False) -> Opened:
    """Open the input sizes of a model. Sizes that share a symbol share it still, and so do inputs that have the same
    number at the same place; shapes that the request gives are left aside.

    With `first_only` the numbers of other inputs stay as they are, but where they are those of the first.
    """
    found = model_chain(module, request.model)
    view = module
    if found is not None:
        home, definition, aliases = found
        changed = _named(home, definition, first_only=first_only)
        if changed is not definition:
            view = _view(module, request.model, home, changed, aliases[::-1])
    return Opened(view, replace(request, shapes={}, open_sizes=True))


def _view(
    module: Module, name: str, home: Module, changed: ast.Definition, aliases: list[tuple[Module, ast.Alias]]
) -> Module:
    """Return a file in which `name` leads to the changed model, through the same aliases."""
    files = [module, *(there for there, _ in aliases)]
    names = [name, *(alias.base for _, alias in aliases)]
    trees: list[ast.Alias | ast.Definition] = [*(alias for _, alias in aliases), changed]
    view = home
    for file, called, tree in reversed(list(zip(files, names, trees, strict=True))):
        view = _View(file, called, tree, view)
    return view


class _View(Module):
    """A file in which one name means another tree, and that stands in `home`."""

    def __init__(self, module: Module, name: str, tree: ast.Definition | ast.Alias, home: Module) -> None:
        self.__dict__.update(module.__dict__)
        self._name, self._tree, self._home = name, tree, home

    def definition(self, name: str) -> tuple[Module, ast.Definition | ast.Alias | ast.Let] | None:
        return (self._home, self._tree) if name == self._name else super().definition(name)


def _named(module: Module, definition: ast.Definition, *, first_only: bool) -> ast.Definition:
    """Return a model in which every spatial size of an input is a name; the same one where all are."""
    known = {p.name for p in definition.parameters} | {s.name for s in definition.body if isinstance(s, ast.Let)}
    inputs = [s for s in definition.body if isinstance(s, ast.Input) and s.shape]
    symbols = {
        dim.value.name
        for statement in inputs
        for dim in statement.shape or ()
        if isinstance(dim.value, ast.Name) and dim.value.name not in known
    }
    words = set(re.findall(r"\w+", module.source.text[definition.start : definition.end]))
    made: dict[tuple[str, str], str] = {}
    body = list(definition.body)
    for place, statement in enumerate(body):
        if not isinstance(statement, ast.Input) or not statement.shape:
            continue
        dims = list(statement.shape)
        letters = LETTERS.get(len(dims) - 1, "")
        for axis, dim in enumerate(dims[1:]):
            if any(isinstance(part, ast.Name) and part.name in symbols for part in ast.walk(dim.value)):
                continue
            letter = letters[axis] if letters else f"S{axis + 1}"
            written = dim.value.span(module.source).text
            if (letter, written) not in made and first_only and statement is not inputs[0]:
                continue
            if (letter, written) not in made:
                made[letter, written] = name = _unused(letter, words)
                words.add(name)
            value = ast.Name(dim.value.start, dim.value.end, made[letter, written])
            dims[axis + 1] = replace(dim, value=value, default=dim.value)
        body[place] = replace(statement, shape=tuple(dims))
    return replace(definition, body=tuple(body)) if made else definition


def _unused(letter: str, words: set[str]) -> str:
    """Return a name that a model does not use yet: `H`, `H2`, `H3`, ..."""
    number = 2
    name = letter
    while name in words:
        name = f"{letter}{number}"
        number += 1
    return name
