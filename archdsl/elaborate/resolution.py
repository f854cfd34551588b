"""Definitions that no model of the file puts to use: their names are looked at all the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from archdsl.diagnostics import Diagnostic, closest
from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.expressions import TENSOR_FUNCTIONS
from archdsl.elaborate.library import Module
from archdsl.elaborate.words import ELSEWHERE
from archdsl.lang import ast
from archdsl.ops import OPS
from archdsl.rules import names

MOST_PROBLEMS = 1000
"""Mistakes that are looked for in definitions that nothing uses."""


def unresolved(module: Module, reached: set[int]) -> list[Diagnostic]:
    """Return the unknown layers, arguments and names in definitions that were not reached."""
    found: list[Diagnostic] = []
    for name, item in module.items.items():
        tree = module.spec.parse(item)
        if not isinstance(tree, ast.Definition) or tree.kind == "model":
            continue
        if id(tree) not in reached and name not in module.spec.broken and len(found) < MOST_PROBLEMS:
            found.extend(islice(_in_definition(module, tree), MOST_PROBLEMS))
    return found


def _in_definition(module: Module, definition: ast.Definition) -> Iterator[Diagnostic]:
    nodes = list(ast.walk(definition))
    local = {p.name for p in definition.parameters} | {name for node in nodes for name in _bound(node)}
    stages = {id(node.unit) for node in nodes if isinstance(node, ast.Stage)}
    for node in nodes:
        if isinstance(node, ast.Call):
            known = _layer if id(node) in stages else _function
            yield from known(module, node, local)
        elif isinstance(node, ast.Name) and not _means_something(module, node.name, local):
            close = closest(node.name, [*local, *module.items])
            help = f"did you mean `{close}`?" if close else None
            message = f"nothing is called `{node.name}` here"
            yield Diagnostic(names.UNKNOWN_NAME, message, node.span(module.source), help=help)


def _bound(node: ast.Syntax) -> Iterator[str]:
    """Yield the names that a piece of a body gives a meaning to."""
    match node:
        case ast.Input(name=name) | ast.Let(name=name) | ast.Share(name=name):
            yield name
        case ast.Bind(name=name):
            yield name
        case ast.BindTuple(names=several):
            yield from several
        case ast.ForStatement(target=target) | ast.ForStage(target=target):
            yield from _targets(target)
        case ast.Dim(value=ast.Name(name=name)):
            yield name


def _targets(target: ast.Target) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from _targets(part)


def _means_something(module: Module, name: str, local: set[str]) -> bool:
    return name in local or name in module.items or name in module.imported or name in module.missing


def _function(module: Module, node: ast.Call, local: set[str]) -> Iterator[Diagnostic]:
    if node.name not in FUNCTIONS and node.name not in TENSOR_FUNCTIONS:
        close = closest(node.name, [*FUNCTIONS, *TENSOR_FUNCTIONS])
        help = f"did you mean `{close}`?" if close else None
        message = f"there is no function `{node.name}`"
        yield Diagnostic(names.UNKNOWN_NAME, message, node.span(module.source), help=help)


def _layer(module: Module, node: ast.Call, local: set[str]) -> Iterator[Diagnostic]:
    if _means_something(module, node.name, local):
        return
    cls = OPS.get(node.name)
    if cls is None or not cls.is_module:
        known = {n.lower(): n for n in [*(k for k, c in OPS.items() if c.is_module), *module.callable_names()]}
        close = closest(node.name.lower(), known)
        meant = ELSEWHERE.get(node.name) or (known[close] if close else None)
        message = f"there is no layer or block `{node.name}`"
        help = f"did you mean `{meant}`?" if meant else None
        yield Diagnostic(names.UNKNOWN_LAYER, message, node.span(module.source), help=help)
        return
    arguments = [a.name for a in cls.arguments]
    for argument in node.arguments:
        if argument.name is not None and argument.name not in arguments:
            help = f"the layer is {cls.signature()}"
            message = f"`{node.name}`: has no argument `{argument.name}`"
            yield Diagnostic(names.BAD_ARGUMENT, message, argument.span(module.source), help=help)
