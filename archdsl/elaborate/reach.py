"""Where a name has a meaning that does not reach the place where it is read: in a loop, a branch, a line below."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from archdsl.elaborate.values import Scope
from archdsl.lang import ast

MOST_SEARCHED = 100
"""Statements that are looked through for a name that means nothing where it stands."""


def meaning_elsewhere(name: str, node: ast.Syntax, scope: Scope) -> str | None:
    """Return what to say of a name that is read at `node` and means something in another place, or `None`."""
    definition = scope.instance.definition
    if definition is None:
        return None
    for statement, around in islice(_nested(definition.body, None), MOST_SEARCHED):
        if isinstance(statement, ast.ForStatement) and name in targets(statement.target):
            line = statement.span(scope.module.source).line
            return f"`{name}` counts the loop in line {line}, and means nothing outside it"
        if isinstance(statement, ast.Bind | ast.Let) and statement.name == name:
            return _why_not_here(statement, around, node, scope)
    for other, statement in islice(_of_others(scope, definition), MOST_SEARCHED):
        if isinstance(statement, ast.Bind) and statement.name == name:
            return f"`{name}` is a tensor inside `{other}`: what comes out of it is named where it is used"
    return None


def _why_not_here(
    statement: ast.Bind | ast.Let, around: ast.Syntax | None, node: ast.Syntax, scope: Scope
) -> str | None:
    name, line = statement.name, statement.span(scope.module.source).line
    if statement.start <= node.start < statement.end:
        return f"this statement makes `{name}`: what stands on its right has a name from before"
    if statement.start > node.start:
        return f"`{name}` is named in line {line}, below this: move that line up"
    if isinstance(around, ast.IfStatement):
        return f"`{name}` is named in line {line}, only where a condition holds that does not hold here"
    if isinstance(around, ast.ForStatement) and isinstance(statement, ast.Let):
        return f"the `let {name}` in line {line} holds for one turn of its loop"
    return f"`{name}` is named in line {line}, in a loop that has no turn" if around else None


def _nested(body: tuple[ast.Syntax, ...], around: ast.Syntax | None) -> Iterator[tuple[ast.Syntax, ast.Syntax | None]]:
    """Yield the statements of a body, and of the loops and branches in it, each with what it stands in."""
    for statement in body:
        yield statement, around
        if isinstance(statement, ast.ForStatement):
            yield from _nested(statement.body, statement)
        elif isinstance(statement, ast.IfStatement):
            yield from _nested((*statement.then, *statement.otherwise), statement)


def _of_others(scope: Scope, own: ast.Definition) -> Iterator[tuple[str, ast.Syntax]]:
    """Yield the statements of the other definitions of the file."""
    for name, item in scope.module.items.items():
        tree = scope.module.spec.parse(item) if item.kind in ("block", "model") else None
        if isinstance(tree, ast.Definition) and tree is not own:
            yield from ((name, statement) for statement in tree.body)


def targets(target: ast.Target) -> Iterator[str]:
    """Yield the names that the target of a loop gives."""
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from targets(part)
