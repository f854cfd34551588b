"""The stages in order, for commands, tests and users of the library: read, parse, elaborate, analyse, check."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.analysis import DTYPES, Analysis, analyze_graph
from archdsl.analysis.expectations import Outcome, run_test
from archdsl.analysis.lint import lint
from archdsl.diagnostics import Diagnostic, Label, SpecError
from archdsl.elaborate import Elaboration, Library, Module, Request, UsageError, elaborate, model_parameters
from archdsl.elaborate.resolution import unresolved
from archdsl.graph import Graph
from archdsl.lang import ast
from archdsl.lang.parser import LARGEST_FILE
from archdsl.resources import bundled_spec
from archdsl.rules import names
from archdsl.source import Source, Span

if TYPE_CHECKING:
    import networkx

__all__ = ["Checked", "Network", "UsageError", "analyze", "check", "choose_model", "load", "loads", "network", "read"]

LARGEST_BATCH = 2**31


@dataclass(frozen=True)
class Network:
    """One model of a file with its parameters filled in, built at its default sizes."""

    module: Module
    request: Request

    @cached_property
    def elaboration(self) -> Elaboration:
        with _without_collection():
            return elaborate(self.module, self.request)

    @property
    def graph(self) -> Graph:
        return self.elaboration.graph

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found in reading the file and building the model, in the order of the text."""
        found = self.elaboration.diagnostics
        if any(d.severity == "error" for d in (*found, *self.module.library.problems)):
            self.module.spec.parse_all()
        return ordered([*self.module.library.problems, *found])

    @property
    def requirements(self) -> tuple[str, ...]:
        """What the sizes that are left open must satisfy, where they must satisfy anything."""
        domains = [size.domain for size in self.elaboration.symbols.values()]
        return tuple(str(domain.requirement) for domain in domains if domain.facts)

    @property
    def name(self) -> str:
        return self.request.model

    def at(self, sizes: Mapping[str, int | tuple[int, ...]]) -> Network:
        """Return the same model at other sizes: by the name of a symbol, or a shape by the name of an input."""
        symbols = {k: v for k, v in sizes.items() if isinstance(v, int)}
        shapes = {k: tuple(v) for k, v in sizes.items() if not isinstance(v, int)}
        request = replace(
            self.request, sizes={**self.request.sizes, **symbols}, shapes={**self.request.shapes, **shapes}
        )
        return Network(self.module, request)

    def examine(self, batch: int = 1, dtype: str = "float32") -> Analysis:
        """Return what is known of the network, as far as it could be built.

        Raises:
            UsageError: the batch is not positive, or there is no such dtype.
        """
        if dtype not in DTYPES:
            close = get_close_matches(dtype, DTYPES, n=1)
            help = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(DTYPES)}"
            raise UsageError(f"there is no dtype `{dtype}`", help)
        if not 1 <= batch <= LARGEST_BATCH:
            raise UsageError(f"a batch is a whole number from 1 up, not {batch}")
        graph, source = self.graph, self.module.source.name
        with _without_collection():
            return analyze_graph(
                graph,
                source=source,
                batch=batch,
                dtype=dtype,
                diagnostics=self.diagnostics,
                requirements=self.requirements,
            )

    def to_networkx(self) -> networkx.DiGraph[str]:
        """Return the graph with shapes and costs on its nodes."""
        return self.graph.to_networkx()

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {node.output}" for name, node in self.graph.inputs.items())
        return f"<Network {self.name} from {self.module.source.name}: {len(self.graph.layers)} layers, input {shapes}>"


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the search for cycles: a graph under construction is all alive, and looking through it again and again
    would make a node of a large network cost twice that of a small one.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def ordered(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics in the order of the text, each once."""
    unique = {(d.code, d.span.source.name, d.span.start, d.span.end, d.message): d for d in diagnostics}
    return tuple(sorted(unique.values(), key=lambda d: (d.span.source.name, d.span.start, d.code)))


def read(path: str | Path, name: str | None = None) -> Module:
    """Read a file with what it imports; the plain name of a bundled spec stands for that where there is no such file.

    Diagnostics call it `name`, which is the path as given unless said otherwise.

    Raises:
        OSError: it cannot be read.
    """
    given = Path(path)
    bundled = None if given.exists() else bundled_spec(str(path))
    found = bundled or given
    name = name or (bundled.name if bundled else given.as_posix())
    with found.open("rb") as file:
        text = file.read(LARGEST_FILE * 4 + 1).decode("utf-8", errors="replace")
    return Library().add(Source(name, text), found)


def choose_model(module: Module, model: str | None) -> str | None:
    """Return the model that is meant: the named one, or the only one; `None` where the file has none.

    Raises:
        UsageError: there are several, or none of that name.
    """
    models = module.models
    if model is not None:
        if models and model not in models:
            close = get_close_matches(model, models, n=1)
            help = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(models)}"
            raise UsageError(f"there is no model `{model}` in {module.source.name}", help)
        return model if models else None
    if len(models) > 1:
        raise UsageError(f"{module.source.name} has {len(models)} models: {', '.join(models)}", "choose one by name")
    return models[0] if models else None


def network(module: Module, model: str | None, parameters: Mapping[str, Any] | None = None) -> Network:
    """Return a model of a file; values named as one of its input symbols are sizes.

    Raises:
        UsageError: the model cannot be told, or has no such parameter.
        SpecError: the file has no model at all.
    """
    chosen = choose_model(module, model)
    if chosen is None:
        module.spec.parse_all()
        problems = module.library.problems
        start = Span(module.source, 0, 0)
        if not problems:
            message = f"{module.source.name} has no model"
            problems = [Diagnostic(names.UNKNOWN_MODEL, message, start, help="add `model Net { ... }`")]
        raise SpecError(ordered(problems))
    _, symbols = model_parameters(module, chosen)
    given = parameters or {}
    sizes = {k: v for k, v in given.items() if k in symbols and isinstance(v, int)}
    rest = {k: v for k, v in given.items() if k not in sizes}
    return Network(module, Request(chosen, rest, sizes))


def _sound(made: Network) -> Network:
    if any(d.severity == "error" for d in made.diagnostics):
        raise SpecError(made.diagnostics)
    return made


def load(path: str | Path, model: str | None = None, **parameters: Any) -> Network:
    """Return a model of a file, with parameters and input sizes given by name.

    Raises:
        SpecError: the file has errors; carries all of them.
        UsageError: the model cannot be told, or has no such parameter.
        OSError: the file cannot be read.
    """
    return _sound(network(read(path), model, parameters))


def loads(text: str, model: str | None = None, **parameters: Any) -> Network:
    """Return a model of a text; imports find the bundled specs only.

    Raises:
        SpecError: the text has errors; carries all of them.
        UsageError: the model cannot be told, or has no such parameter.
    """
    return _sound(network(Library().add(Source("<text>", text), None), model, parameters))


def analyze(
    network: Network,
    sizes: Mapping[str, int | tuple[int, ...]] | None = None,
    batch: int = 1,
    dtype: str = "float32",
) -> Analysis:
    """Return what is known of a network at some input sizes: shapes, parameters, MACs, memory, receptive fields.

    Raises:
        SpecError: the network does not work at these sizes.
        UsageError: there is no such size, input or dtype.
    """
    return _sound(network.at(sizes) if sizes else network).examine(batch, dtype)


@dataclass(frozen=True)
class Checked:
    """What `check` found in one file."""

    module: Module
    diagnostics: tuple[Diagnostic, ...]
    outcomes: tuple[Outcome, ...]
    models: int


def check(module: Module) -> Checked:
    """Read everything in a file, build every model that can be built, run its tests and the lints."""
    module.spec.parse_all()
    found: list[Diagnostic] = []
    outcomes: list[Outcome] = []
    reached: set[int] = set()
    broken: set[str] = set()
    for name in module.models:
        made = Network(module, Request(name))
        needs = _needs_values(made)
        if not needs:
            found.extend(made.elaboration.diagnostics)
            found.extend(lint(made.elaboration))
            found.extend(_requirement(module, name, made))
            if any(d.severity == "error" for d in made.elaboration.diagnostics):
                broken.add(name)
        reached |= made.elaboration.reached
    found.extend(unresolved(module, reached))
    for item in module.spec.items:
        tree = module.spec.parse(item)
        if isinstance(tree, ast.Test) and item.name not in module.spec.broken:
            found.extend(_run(module, tree, broken, outcomes))
    diagnostics = tuple(d for d in ordered([*module.library.problems, *found]) if not _is_allowed(d))
    return Checked(module, diagnostics, tuple(outcomes), len(module.models))


def _is_allowed(diagnostic: Diagnostic) -> bool:
    """Return whether a comment on the line of a lint says `# allow bias-before-norm`, or the code of it."""
    if diagnostic.severity == "error":
        return False
    line = diagnostic.span.source.line(diagnostic.span.line)
    return not _allowed(line).isdisjoint((diagnostic.code, diagnostic.rule.name))


@lru_cache(maxsize=1024)
def _allowed(line: str) -> frozenset[str]:
    """Return the names and codes of lints that a line allows; many lints may stand on one long line."""
    named = line.replace("#allow ", "# allow ").partition("# allow ")[2].partition(":")[0]
    return frozenset(word.strip() for word in named.split(","))


def _needs_values(made: Network) -> bool:
    """Return whether a model has a parameter without a value, so that only its tests or aliases can build it."""
    return any(
        d.code == names.BAD_ARGUMENT.code and d.message.startswith(f"`{made.name}` needs a value")
        for d in made.elaboration.diagnostics
    )


def _requirement(module: Module, name: str, made: Network) -> list[Diagnostic]:
    """Look at a model whose sizes have defaults once more with open sizes, for what it demands of them."""
    if any(d.severity == "error" for d in made.elaboration.diagnostics) or made.elaboration.symbols:
        return []
    opened = elaborate(module, Request(name, open_sizes=True))
    if not opened.symbols or any(d.severity == "error" for d in opened.diagnostics):
        return []
    return [d for d in lint(opened) if d.code == "W0410"]


def network_of(module: Module, tree: ast.Test) -> Network:
    """Return the network that a test is of: a model of the file, with the parameters and sizes that the test gives.

    Raises:
        SpecError: there is no such model, or it has no such parameter or size.
    """
    if tree.model not in module.models:
        close = get_close_matches(tree.model, module.models, n=1)
        help = f"did you mean `{close[0]}`?" if close else None
        start = module.source.text.index(tree.model, tree.start + 4)
        span = Span(module.source, start, start + len(tree.model))
        message = f"there is no model `{tree.model}` in this file"
        if tree.model in module.spec.named("block", "seq"):
            message, help = f"`{tree.model}` is no model, and a test is of one", "write a small model around it"
        raise SpecError((Diagnostic(names.UNKNOWN_MODEL, message, span, help=help),))
    parameters, symbols = model_parameters(module, tree.model)
    given = {a.name: a for a in tree.arguments if a.name}
    unknown = [a for a in tree.arguments if a.name is None or a.name not in (*parameters, *symbols)]
    if unknown:
        span = unknown[0].span(module.source)
        message = f"`{tree.model}` has no parameter or size `{unknown[0].name or span.text}`"
        help = f"it has {', '.join((*parameters, *symbols)) or 'none'}"
        raise SpecError((Diagnostic(names.BAD_ARGUMENT, message, span, help=help),))
    sizes: dict[str, int] = {}
    for symbol in symbols:
        if symbol in given:
            value = given[symbol].value
            if not isinstance(value, ast.Literal) or type(value.value) is not int:
                span = value.span(module.source)
                message = f"the size `{symbol}` is a whole number, not {span.text[:40]}"
                raise SpecError((Diagnostic(names.WRONG_TYPE, message, span),))
            sizes[symbol] = value.value
    rest = {name: a.value for name, a in given.items() if name not in sizes}
    return Network(module, Request(tree.model, rest, sizes))


def errors_of(made: Network, tree: ast.Test) -> list[Diagnostic]:
    """Return the errors of the network that a test is of, each with the test it came up in."""
    here = Label(tree.span(made.module.source), f"this test of {tree.model}")
    found = [d for d in made.elaboration.diagnostics if d.severity == "error"]
    return [replace(d, frames=(*d.frames, here)) for d in found]


def _run(module: Module, tree: ast.Test, broken: set[str], outcomes: list[Outcome]) -> list[Diagnostic]:
    if tree.model in module.models and (tree.model in broken or module.is_broken(tree.model)):
        return []
    try:
        made = network_of(module, tree)
    except SpecError as error:
        return list(error.diagnostics)
    if errors := errors_of(made, tree):
        return errors
    if not made.graph.outputs:
        return []  # a part of it has syntax errors, and there is nothing to hold an expectation against
    analysis = made.examine()
    found, results = run_test(module, tree, analysis)
    outcomes.extend(results)
    return found
