"""The training script that is written beside a model: the parts that it needs in one file, which then stands alone.

A part is an ordinary module of `archdsl.train.parts`. Here its text is taken apart into imports and the rest; the
rest is written below that of the parts it imports. Nothing is imported for it, so torch need not be installed.
"""

from __future__ import annotations

import ast
import keyword
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

from archdsl.codegen import Unsupported, builder_names, stamp
from archdsl.codegen.layout import WIDTH
from archdsl.codegen.source import sized
from archdsl.elaborate import Module, model_parameters
from archdsl.pipeline import Network, network
from archdsl.sizes import Symbolic

PARTS = "archdsl.train.parts"
ROOT = "command"
"""The part with `main`, which imports all others."""

TAKEN = frozenset(("torch", "torchvision", "safetensors", "PIL", "numpy"))
"""Libraries that the script may import: a model's file of that name would stand in their place."""


class Untrainable(Exception):
    """Why there is no training script for a model, in a sentence."""


class Clash(Exception):
    """Two parts that give different things one name: a mistake in the parts."""


@dataclass(frozen=True)
class Part:
    """A part of the script: its imports, and its text below them."""

    name: str
    doc: str
    needs: tuple[str, ...]
    modules: frozenset[str]
    names: frozenset[tuple[str, str]]
    """What it imports from elsewhere: modules, and names with their module."""
    defined: frozenset[str]
    body: str


@dataclass(frozen=True)
class Trained:
    """A model that the script can train: its name, its builder, and the input that it declares."""

    name: str
    builder: str
    shape: tuple[int, int, int]
    any_size: bool


def training_script(of: Module | Network, model_file: str, notes: list[str] | None = None) -> str:
    """Return a script that trains the models of a file, or one network, with the code in `model_file` beside it.

    Models that do not take one image each are left out of a family; `notes` is given a line for each.

    Raises:
        Untrainable: there is no model left, or the name of the file cannot be imported.
    """
    stem = PurePath(model_file).stem
    if not stem.isidentifier() or keyword.iskeyword(stem):
        raise Untrainable(f"a script cannot import `{stem}`: give the file a name of letters, digits and underscores")
    if stem in sys.stdlib_module_names or stem in TAKEN:
        raise Untrainable(f"`{stem}` is the name of a library that the script needs: give the file another name")
    trained = list(_trained(of, notes if notes is not None else []))
    parts = in_order(ROOT)
    source = of.module.source.name if isinstance(of, Network) else of.source.name
    spec = PurePath(source).name
    builders = {f"build_{one.builder}" for one in trained}
    if taken := builders & {name for part in parts for name in part.defined}:
        raise Untrainable(f"the name {min(taken)} is used in the script: give the model another name")
    lines = [
        f'"""Train {_listed([one.name for one in trained])} of {spec}; `python train_{stem}.py --help` tells how."""'
    ]
    lines += ["", *_imports(parts, [(stem, one.builder) for one in trained])]
    for part in parts:  # a comment right below the imports stands one line from them
        lines += ["" if part is parts[0] else "\n", f"# {part.doc}", "", "", part.body]
    lines += ["", "", *_models(trained), "", 'if __name__ == "__main__":']
    lines += ["    sys.exit(main(ARCHITECTURES, sys.argv[1:]))"]
    return stamp(f"train_{stem}.py", "\n".join(lines) + "\n")


def _trained(of: Module | Network, notes: list[str]) -> Iterable[Trained]:
    module = of.module if isinstance(of, Network) else of
    names = builder_names(module.models)
    chosen = [of.name] if isinstance(of, Network) else list(module.models)
    found = 0
    for name in chosen:
        made = of if isinstance(of, Network) else network(module, name)
        try:
            yield _one(made, names[name])
            found += 1
        except Untrainable as error:
            if isinstance(of, Network):
                raise
            notes.append(f"{error}, and is left out of the training script")
    if not found:
        raise Untrainable(f"{module.source.name} has no model that takes one image")


def _one(made: Network, builder: str) -> Trained:
    if any(d.severity == "error" for d in made.diagnostics):
        raise Untrainable(f"{made.name} cannot be built as it is: a parameter has no value, or there is an error")
    _, symbols = model_parameters(made.module, made.name)
    return Trained(made.name, builder, declared_shape(made), bool(symbols))


def declared_shape(made: Network) -> tuple[int, int, int]:
    """Return the input that a network declares, channels first; 0 for a height or a width that it leaves open.

    Raises:
        Untrainable: it takes several inputs, or none that is an image.
    """
    try:
        inputs = [node.output.known for node in sized(made).graph.inputs.values()]
    except Unsupported as error:
        raise Untrainable(f"{made.name}: {error}") from None
    if len(inputs) != 1 or len(inputs[0]) != 3:
        raise Untrainable(f"{made.name} does not take one image of channels, height and width")
    (given,) = made.graph.inputs.values()
    is_open = [isinstance(size, Symbolic) for size in given.output.shape]
    channels, height, width = inputs[0]
    return channels, 0 if is_open[1] else height, 0 if is_open[2] else width


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"the {len(names)} models"


def _models(trained: Sequence[Trained]) -> list[str]:
    lines = ["ARCHITECTURES = {"]
    for one in trained:
        size = ", any_size=True" if one.any_size else ""
        call = f'Architecture("{one.name}", build_{one.builder}, {one.shape}{size})'
        lines.append(f'    "{one.name}": {call},')
    return [*lines, "}"]


def in_order(root: str) -> list[Part]:
    """Return a part and all that it needs, each below what it needs itself.

    Raises:
        Clash: two of them define one name, or mean different things by it.
    """
    ordered: dict[str, Part] = {}
    _visit(root, ordered, ())
    parts = list(ordered.values())
    _refuse_clashes(parts)
    return parts


def _visit(name: str, ordered: dict[str, Part], above: tuple[str, ...]) -> None:
    if name in above:
        raise Clash(f"the parts {' -> '.join((*above, name))} import each other")
    if name in ordered:
        return
    part = read_part(name, files(PARTS).joinpath(f"{name}.py").read_text(encoding="utf-8"))
    for needed in part.needs:
        _visit(needed, ordered, (*above, name))
    ordered[name] = part


def read_part(name: str, text: str) -> Part:
    """Take the text of a part apart.

    Raises:
        Clash: it imports in a way that a single file could not say.
    """
    tree = ast.parse(text)
    needs: list[str] = []
    modules: set[str] = set()
    names: set[tuple[str, str]] = set()
    dropped: set[int] = set()
    for number, node in enumerate(tree.body):
        if number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            dropped.update(range(node.lineno, (node.end_lineno or 0) + 1))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            dropped.update(range(node.lineno, (node.end_lineno or 0) + 1))
            if any(alias.asname for alias in node.names):
                raise Clash(f"{name} imports under another name in line {node.lineno}")
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
            elif (node.module or "").startswith(f"{PARTS}."):
                needs.append((node.module or "").removeprefix(f"{PARTS}."))
            else:
                names.update((node.module or "", alias.name) for alias in node.names)
    inner = [n for top in tree.body for n in ast.walk(top) if isinstance(n, ast.ImportFrom) and n not in tree.body]
    if any((node.module or "").startswith("archdsl") for node in inner):
        raise Clash(f"{name} imports another part in the body of a function")
    kept = [line for number, line in enumerate(text.splitlines(), 1) if number not in dropped]
    doc = (ast.get_docstring(tree) or name).partition("\n")[0]
    defined = frozenset(_defined(tree.body))
    return Part(name, doc, tuple(sorted(needs)), frozenset(modules), frozenset(names), defined, "\n".join(kept).strip())


def _defined(body: Sequence[ast.stmt]) -> Iterable[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from (name.id for name in ast.walk(node) if isinstance(name, ast.Name) and _is_bound(name))
        elif not isinstance(node, ast.Import | ast.ImportFrom) and not _is_text(node):
            raise Clash(f"line {node.lineno} of a part does something when it is imported")


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_bound(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _refuse_clashes(parts: Sequence[Part]) -> None:
    homes: dict[str, str] = {}
    for part in parts:
        for module in part.modules:
            top = module.partition(".")[0]
            _claim(homes, top, f"import {top}")
        for module, name in part.names:
            _claim(homes, name, f"from {module} import {name}")
        for name in part.defined:
            _claim(homes, name, part.name)


def _claim(homes: dict[str, str], name: str, home: str) -> None:
    if homes.setdefault(name, home) != home:
        raise Clash(f"{name} is both that of `{homes[name]}` and of `{home}`")


def _imports(parts: Sequence[Part], models: Sequence[tuple[str, str]]) -> list[str]:
    modules = {module for part in parts for module in part.modules} | {"sys"}
    names: dict[str, set[str]] = {}
    for part in parts:
        for module, name in part.names:
            names.setdefault(module, set()).add(name)
    lines = ["from __future__ import annotations"]
    names.pop("__future__", None)
    for standard in (True, False):
        lines.append("")
        lines += [f"import {m}" for m in sorted(modules, key=str.lower) if _is_standard(m) == standard]
        for module in sorted(names, key=str.lower):
            if _is_standard(module) == standard:
                lines += _from(module, sorted(names[module], key=_import_order))
    lines.append("")
    for module, builder in models:
        lines += _from(module, [f"{builder} as build_{builder}"])
    return lines


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _import_order(name: str) -> tuple[int, str]:
    """Return a key that sorts as ruff does: constants, then classes, then functions and modules."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def _from(module: str, names: Sequence[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]
