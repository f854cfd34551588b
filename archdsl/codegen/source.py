"""From a file of the language to the text of a Python module."""

from __future__ import annotations

import ast as python
import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from archdsl.codegen.family import Family, Switched, Variant
from archdsl.codegen.layout import WIDTH
from archdsl.codegen.model import Class, Function
from archdsl.codegen.naming import HELPERS, builder_names, spelled
from archdsl.codegen.proof import Code, Disproved
from archdsl.codegen.translate import Unsupported
from archdsl.diagnostics import SpecError
from archdsl.elaborate import Module, model_chain
from archdsl.lang import ast
from archdsl.pipeline import Network, network, ordered
from archdsl.resources import templates

TEMPLATE = "module.py.j2"
DIGEST = 12
"""Hexadecimal digits of the digest in the first line."""


def generate(
    of: Module | Network, models: Sequence[str] = (), template: Path | None = None, notes: list[str] | None = None
) -> str:
    """Return the PyTorch module of some models of a file, of all of them, or of one network.

    The parameters that a network was given become the defaults of its builder, and its sizes those that a linear layer
    behind a map is written for. `template` is a folder of templates in place of ours.

    The code is run on stand-ins for PyTorch before it is given out, and is the network of the analysis. A definition
    whose uses one class cannot say is written once for each use, all numbers as they are; `notes` is given a line for
    each of them.

    Raises:
        SpecError: a model has errors.
        Unsupported: there is no code for a model, such as one with a parameter that has no value.
        jinja2.TemplateError: a template of the user's own is wrong.
        SyntaxError: what it gives is no Python.
    """
    given = of if isinstance(of, Network) else None
    module = of.module if isinstance(of, Network) else of
    models = (given.name,) if given is not None else models
    if any(problem.severity == "error" for problem in module.library.problems) or not module.models:
        _refuse(module)
    refused: dict[int, str] = {}
    while True:
        family = _family(module, models or module.models, given, refused)
        builders = family.builders()
        reached = family.reached(builders)
        classes = [cls for written in reached for cls in (*written.extra, written.cls)]
        try:
            text = _text(module, family, classes, builders, templates())
            _prove(text, family)
            break
        except (Disproved, SyntaxError) as error:
            # What one class for all uses gets wrong is written for each use; if need be, everything is.
            able = {one.name: id(one.definition) for one in family.order if not one.is_concrete}
            if not able:
                raise Unsupported(f"the code would not be the network: {error}") from None
            owner = error.owner if isinstance(error, Disproved) else ""
            wrong = [able[owner]] if owner in able else able.values()
            refused |= dict.fromkeys(wrong, str(error))
    if notes is not None:
        notes += family.notes(reached)
    return text if template is None else _text(module, family, classes, builders, template)


def _refuse(module: Module) -> None:
    """Raise a `SpecError` with what is wrong with a file before any model of it."""
    module.spec.parse_all()
    problems = [d for d in module.library.problems if d.severity == "error"]
    raise SpecError(ordered(problems) if problems else network(module, None).diagnostics)


def _prove(text: str, family: Family) -> None:
    """Run the code on stand-ins for PyTorch; raises `Disproved` where it is another network than the analysis knows."""
    code = Code(text)
    for variant in family.variants:
        if variant.elaboration is not None:
            code.check(family.builders_called[variant.name], variant.elaboration.graph, {})
    for one in family.switched:
        builder = family.builders_called[one.model]
        word = spelled(one.definition).get(one.parameter, one.parameter)
        if word in code.parameters(builder):
            code.check(builder, one.elaboration.graph, {word: one.value})


def _text(
    module: Module, family: Family, classes: Sequence[Class], builders: Sequence[Function], template: Path
) -> str:
    text = _render(
        template,
        doc=_doc(module),
        imports=_imports(family, classes, builders),
        helpers=sorted(family.needs & HELPERS),
        constants=[],
        classes=classes,
        builders=builders,
        exported=sorted([*(c.name for c in classes), *(b.name for b in builders)]),
    )
    body = text.strip("\n") + "\n"
    if not any(isinstance(node, python.Name) and node.id == "torch" for node in python.walk(python.parse(body))):
        body = body.replace("import torch\n", "", 1)
    return stamp(_file(module), body)


def stamp(name: str, body: str) -> str:
    """Return a generated file: `body` under a line that names where it is from, and holds a digest of it."""
    return f"# {name}, {_digest(body)}\n{body}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


def was_edited(text: str) -> bool:
    """Tell whether a generated module was edited by hand: its first line holds a digest of what is below it."""
    if not text.strip():
        return False
    first, _, body = text.replace("\r\n", "\n").partition("\n")
    return not first.startswith("# ") or first.rpartition(", ")[2] != _digest(body)


def _imports(family: Family, classes: Sequence[Class], builders: Sequence[Function]) -> list[str]:
    written = " ".join(
        part
        for cls in classes
        for part in [*cls.constants, *(p for f in cls.functions for p in [*f.parameters, f.returns])]
    )
    written += " ".join(p for b in builders for p in b.parameters)
    abstract = [word for word in ("Callable", "Sequence") if f"{word}[" in written]
    typed = [word for word in ("ClassVar", "NamedTuple") if word in family.needs]
    lines = ["import math"] if "math" in family.needs else []
    lines += ["from collections import OrderedDict"] if "OrderedDict" in family.needs else []
    lines += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    lines += ["from functools import partial"] if "partial" in family.needs else []
    lines += ["from itertools import accumulate"] if "accumulate" in family.needs else []
    lines += [f"from typing import {', '.join(typed)}"] if typed else []
    return lines


def _doc(module: Module) -> str:
    return f"The networks of {_file(module)}."


def _file(module: Module) -> str:
    """Return the spec's base name in signs that mean nothing in the first line of a Python file.

    There, `coding:` or `coding=` would say how the rest is to be read.
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", module.source.name.rpartition("/")[2])


def _family(module: Module, models: Sequence[str], given: Network | None, refused: Mapping[int, str]) -> Family:
    variants: list[Variant] = []
    switched: list[Switched] = []
    is_open = False
    for model in models:
        made = given if given is not None and given.name == model else network(module, model)
        found = model_chain(module, model)
        if found is None:
            raise SpecError(made.diagnostics)
        home, definition, aliases = found
        doc = module.items[model].doc if model in module.items else ""
        fixed = {a.name for _, alias in aliases for a in alias.arguments}
        asked = made.request.parameters
        if any(p.default is None and p.name not in fixed and p.name not in asked for p in definition.parameters):
            variants.append(Variant(model, home, definition, aliases, None, doc))
            continue
        if any(d.severity == "error" for d in made.diagnostics):
            raise SpecError(made.diagnostics)
        made, is_open = sized(made), is_open or made.graph.is_symbolic
        chosen = {word: made.graph.root.arguments[word] for word in asked}
        variants.append(Variant(model, home, definition, aliases, made.elaboration, doc, chosen))
        for parameter in definition.parameters:
            # What a switch leaves out is written too, so that a caller can turn it on.
            switch = parameter.type.name == "bool" and parameter.name not in fixed
            if switch and isinstance(parameter.default, ast.Literal):
                turned = sized(network(module, model, {**asked, parameter.name: not parameter.default.value}))
                if not any(d.severity == "error" for d in turned.elaboration.diagnostics):
                    value = not parameter.default.value
                    switched.append(Switched(model, definition, parameter.name, value, turned.elaboration))
    return Family(variants, builder_names(module.models), switched, refused, is_open=is_open)


SIZES = (224, 256, 64, 572, 32, 299, 512, 96, 28, 1024, 65)
"""What open sizes are tried at; the code asks for none of them."""


def sized(made: Network) -> Network:
    """Return a network with numbers for the sizes that it leaves open: its code is the same for all of them.

    Raises:
        Unsupported: none of those that are tried is a size of it.
    """
    if any(d.severity == "error" for d in made.elaboration.diagnostics) or not made.graph.is_symbolic:
        return made
    for size in SIZES:
        tried = made.at(dict.fromkeys(made.elaboration.symbols, size))
        if not any(d.severity == "error" for d in tried.elaboration.diagnostics) and not tried.graph.is_symbolic:
            return tried
    raise Unsupported("its input needs a size; give one with --input")


def _render(folder: Path, **context: Any) -> str:
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["docstring"] = docstring
    return environment.get_template(TEMPLATE).render(**context)


def docstring(lines: Sequence[str], indent: int) -> str:
    """Return a docstring in its place; nothing in it can end it."""
    margin = "    " * indent
    text = "\n".join(lines).strip().replace("\\", "\\\\") or "Nothing is said of it."
    text = re.sub(r'"(?=")|(?<=")"|"$', r'\\"', text)  # of several quotes, and of the last one
    room = WIDTH - len(margin) - 6
    if any(len(line) > room for line in text.split("\n")):
        text = "\n\n".join("\n".join(textwrap.wrap(part, room)) for part in text.split("\n\n"))
    first, *rest = text.split("\n")
    if not rest:
        return f'{margin}"""{first}"""'
    return "\n".join([f'{margin}"""{first}', *(f"{margin}{line}".rstrip() for line in rest), f'{margin}"""'])
