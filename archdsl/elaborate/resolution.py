"""Definitions that no model of the file puts to use: their names are looked at all the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from archdsl.diagnostics import Diagnostic, Fix, closest, renaming
from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.cures import argument_name, layer_import, layer_name, without_argument
from archdsl.elaborate.expressions import TENSOR_FUNCTIONS
from archdsl.elaborate.library import Module, bundled_home
from archdsl.elaborate.reach import targets
from archdsl.elaborate.values import show
from archdsl.elaborate.words import INFERRED, NO_BLOCK, as_operation, misnamed, unknown_argument
from archdsl.lang import ast
from archdsl.ops import OPS, ArgumentError
from archdsl.rules import names

MOST_OF_DEFAULTS = 100
"""Mistakes that are looked for in the `defaults` of a file."""
MOST_PROBLEMS = 1000
"""Mistakes that are looked for in definitions that nothing uses."""


def unresolved(module: Module, reached: set[int]) -> list[Diagnostic]:
    """Return the unknown layers, arguments and names in definitions that were not reached."""
    found: list[Diagnostic] = []
    for item in module.spec.items:
        tree = module.spec.parse(item) if item.kind == "defaults" else None
        if isinstance(tree, ast.Defaults) and len(found) < MOST_OF_DEFAULTS:
            found.extend(bad_defaults(module, tree))
    for name, item in module.items.items():
        tree = module.spec.parse(item)
        if not isinstance(tree, ast.Definition) or tree.kind == "model":
            continue
        if id(tree) not in reached and name not in module.spec.broken and len(found) < MOST_PROBLEMS:
            found.extend(islice(_in_definition(module, tree), MOST_PROBLEMS))
    return found


def bad_defaults(module: Module, tree: ast.Defaults) -> Iterator[Diagnostic]:
    """Yield what is not right about a `defaults`, whether or not a layer takes it."""
    cls = OPS.get(tree.layer)
    if cls is None or not cls.is_module:
        yield _no_layer(module, ast.Call(tree.start, tree.end, tree.layer, ()))
        return
    known = {a.name: a for a in cls.arguments}
    for argument in tree.arguments:
        span = argument.span(module.source)
        declared = known.get(argument.name or "")
        if argument.name is None:
            message = "defaults are given by name"
            help = f"write `{tree.layer}(name=...)`; the layer is {cls.signature()}"
            yield Diagnostic(names.BAD_ARGUMENT, message, span, help=help)
        elif declared is None:
            message = f"`{tree.layer}` has no argument `{argument.name}`"
            fix = argument_name(cls, argument, module.source)
            yield Diagnostic(names.BAD_ARGUMENT, message, span, help=unknown_argument(cls, argument.name), fix=fix)
        elif isinstance(argument.value, ast.Literal):
            try:
                declared.read(argument.value.value, cls.dimensions, argument.name)
            except ArgumentError as error:
                message = f"`{tree.layer}`: {error}, not {show(argument.value.value)}"
                help = f"the layer is {cls.signature()}"
                yield Diagnostic(names.BAD_ARGUMENT, message, span, help=help)


def unknown_stages(module: Module, syntax: ast.Syntax, local: set[str]) -> Iterator[Diagnostic]:
    """Yield the unknown layers and arguments among the stages of a statement, given the names that it can read."""
    nodes = list(ast.walk(syntax))
    known = local | {name for node in nodes for name in _bound(node)}
    for node in nodes:
        if isinstance(node, ast.Stage) and isinstance(node.unit, ast.Call):
            yield from _layer(module, node.unit, known)


def _in_definition(module: Module, definition: ast.Definition) -> Iterator[Diagnostic]:
    nodes = list(ast.walk(definition))
    local = {p.name for p in definition.parameters} | {name for node in nodes for name in _bound(node)}
    stages = {id(node.unit) for node in nodes if isinstance(node, ast.Stage)}
    units = {id(value) for node in nodes for value in _units(node) if value.name in OPS and OPS[value.name].is_module}
    for node in nodes:
        if isinstance(node, ast.Call):
            known = _layer if id(node) in stages | units else _function
            yield from known(module, node, local)
        elif isinstance(node, ast.Name) and id(node) not in units and not _means_something(module, node.name, local):
            close = closest(node.name, [*local, *module.items])
            help = f"did you mean `{close}`?" if close else None
            message = f"nothing is called `{node.name}` here"
            span = node.span(module.source)
            fix = renaming(span, node.name, close) if close else None
            yield Diagnostic(names.UNKNOWN_NAME, message, span, help=help, fix=fix)


def _units(node: ast.Syntax) -> Iterator[ast.Name | ast.Call]:
    """Yield what may stand for a layer: what a parameter is by default, and what a call is given."""
    given: list[ast.Syntax | None] = []
    if isinstance(node, ast.Parameter):
        given = [node.default]
    elif isinstance(node, ast.Call | ast.Alias):
        given = [argument.value for argument in node.arguments]
    yield from (value for value in given if isinstance(value, ast.Name | ast.Call))


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
            yield from targets(target)
        case ast.Dim(value=ast.Name(name=name)):
            yield name


def _means_something(module: Module, name: str, local: set[str]) -> bool:
    return name in local or name in module.items or name in module.imported or name in module.missing


def _function(module: Module, node: ast.Call, local: set[str]) -> Iterator[Diagnostic]:
    if node.name not in FUNCTIONS and node.name not in TENSOR_FUNCTIONS:
        close = closest(node.name, [*FUNCTIONS, *TENSOR_FUNCTIONS])
        help = f"did you mean `{close}`?" if close else None
        message = f"there is no function `{node.name}`"
        span = node.span(module.source)
        if written := as_operation(node.name, [argument.span(module.source).text for argument in node.arguments]):
            help, close = f"write `{written}`", None
        fix = renaming(span, node.name, close) if close else None
        yield Diagnostic(names.UNKNOWN_NAME, message, span, help=help, fix=fix)


def _layer(module: Module, node: ast.Call, local: set[str]) -> Iterator[Diagnostic]:
    if _means_something(module, node.name, local):
        return
    cls = OPS.get(node.name)
    if cls is None or not cls.is_module:
        yield _no_layer(module, node)
        return
    arguments = [a.name for a in cls.arguments]
    for argument in node.arguments:
        if argument.name is not None and argument.name not in arguments:
            span = argument.span(module.source)
            if argument.name in INFERRED:
                message = f"`{node.name}` is written with the size of its input, which is inferred here"
                fix: Fix | None = without_argument(node, argument, module.source)
                yield Diagnostic(names.PASTED, message, span, help="leave this argument out", fix=fix)
            else:
                message = f"`{node.name}` has no argument `{argument.name}`"
                fix = argument_name(cls, argument, module.source)
                help = unknown_argument(cls, argument.name)
                yield Diagnostic(names.BAD_ARGUMENT, message, span, help=help, fix=fix)


def _no_layer(module: Module, node: ast.Call) -> Diagnostic:
    """Say that no layer has this name, and which may have been meant."""
    known = {n.lower(): n for n in [*(k for k, c in OPS.items() if c.is_module), *module.callable_names()]}
    close = closest(node.name.lower(), known)
    home = bundled_home(node.name)
    near = f"did you mean `{known[close]}`?" if close else NO_BLOCK.format(name=node.name)
    span = node.span(module.source)
    fix = renaming(span, node.name, known[close]) if close else None
    if home:
        near = f"write `from {home} import {node.name}` at the top"
        fix = layer_import(node, home, module.source)
    help = misnamed(node.name, span.text) or near
    if misnamed(node.name):
        fix = layer_name(node, module.source)
    message = f"there is no layer or block `{node.name}`"
    return Diagnostic(names.UNKNOWN_LAYER, message, span, help=help, fix=fix)
