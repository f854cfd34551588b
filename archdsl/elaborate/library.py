"""Files and the names in them: imports from beside a file and from the bundled specs, and from nowhere else."""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path

from archdsl.diagnostics import Diagnostic, Label, closest, renaming
from archdsl.lang import ast
from archdsl.lang.items import Item
from archdsl.lang.parser import LARGEST_FILE, Spec
from archdsl.ops import OPS
from archdsl.resources import specs
from archdsl.rules import files, names
from archdsl.source import Source, Span

DEEPEST_IMPORT = 16
"""How many files may import one another in a chain."""
MOST_BYTES = 4 * (LARGEST_FILE + 1)
"""What is read of an imported file: enough to tell that it is too large."""

MOST_PROBLEMS = 1000
"""Of imports and of names defined twice that are told."""


class Module:
    """One file with what its names mean: its own definitions and those it imports."""

    def __init__(self, spec: Spec, folder: Path | None, library: Library) -> None:
        self.spec = spec
        self.folder = folder
        self.library = library
        self.items: dict[str, Item] = {}
        self.imported: dict[str, tuple[Module, str]] = {}
        self.takes: dict[str, tuple[Module, ast.Name]] = {}
        """Where each imported name is written."""
        self.missing: set[str] = set()
        """Names whose import failed and was reported."""

    @property
    def source(self) -> Source:
        return self.spec.source

    @cached_property
    def models(self) -> list[str]:
        return self.spec.named("model")

    def definition(self, name: str) -> tuple[Module, ast.Definition | ast.Alias | ast.Let] | None:
        """Return what a name of this file means and the file it stands in, or `None`."""
        item = self.items.get(name)
        if item is not None:
            tree = self.spec.parse(item)
            return (self, tree) if isinstance(tree, ast.Definition | ast.Alias | ast.Let) else None
        if name in self.imported:
            module, inner = self.imported[name]
            return module.definition(inner)
        return None

    def is_broken(self, name: str) -> bool:
        """Return whether a name stands for something whose errors have been reported."""
        if name in self.missing:
            return True
        if name in self.imported:
            module, inner = self.imported[name]
            return module.is_broken(inner)
        return name in self.spec.broken

    def callable_names(self) -> list[str]:
        """Return the blocks and seqs that may be called in this file."""
        return [*self.spec.named("block", "seq"), *self.imported]


class Library:
    """All files of one run, each read once."""

    def __init__(self) -> None:
        self._modules: dict[Path, Module | None] = {}
        """By where they are; `None` while a file's imports are being read."""
        self._all: list[Module] = []
        self._found: list[Diagnostic] = []

    def add(self, spec: Source | Spec, path: Path | None = None) -> Module:
        """Enter a text that was read from `path`, or that has no path, and what it imports."""
        if isinstance(spec, Source):
            spec = Spec(spec)
        module = Module(spec, path.resolve().parent if path else None, self)
        self._all.append(module)
        if path:
            self._modules[path.resolve()] = None
        self._enter(module, depth=0)
        if path:
            self._modules[path.resolve()] = module
        return module

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read."""
        return tuple(self._modules)

    def module_of(self, source: Source) -> Module:
        """Return the file that a text belongs to."""
        return next(module for module in self._all if module.source is source)

    @property
    def problems(self) -> list[Diagnostic]:
        """What was found in reading, of every file."""
        return [*(problem for module in self._all for problem in module.spec.problems), *self._found]

    def follows_from_syntax(self, span: Span) -> bool:
        """Return whether a place is in a definition whose syntax errors have been reported."""
        return any(m.source is span.source and m.spec.is_broken_at(span.start) for m in self._all)

    def _enter(self, module: Module, depth: int) -> None:
        for item in module.spec.items:
            if item.kind == "from":
                tree = module.spec.parse(item)
                if isinstance(tree, ast.Import):
                    self._import(module, tree, depth)
            elif item.kind in ("model", "block", "seq", "let"):
                if item.name in module.items:
                    first = module.items[item.name]
                    if len(self._found) >= MOST_PROBLEMS:
                        continue
                    self._found.append(
                        Diagnostic(
                            names.DUPLICATE_DEFINITION,
                            f"`{item.name}` is defined twice",
                            _name_span(module.source, item),
                            related=(Label(_name_span(module.source, first), "first here"),),
                        )
                    )
                else:
                    module.items[item.name] = item
                    self._check_builtin(module, item)
        if module.spec.problems:  # the names of an import that cannot be read are not missed again
            for line in re.findall(r"^from\b[^\n]{,200}?\bimport\b([^\n]{,2000})", module.source.text, re.MULTILINE):
                module.missing.update(set(re.findall(r"[^\W\d]\w*", line)) - module.imported.keys())
        for name, (_, tree) in module.takes.items():
            if name in module.items:
                related = (Label(tree.span(module.source), "imported here"),)
                message = f"`{name}` is imported, and defined here too"
                span = _name_span(module.source, module.items[name])
                help = "give one of the two another name, or leave the import out"
                self._found.append(Diagnostic(names.DUPLICATE_DEFINITION, message, span, help=help, related=related))

    def _check_builtin(self, module: Module, item: Item) -> None:
        """Refuse a block or seq that would never be called, because a layer has its name."""
        if item.kind in ("block", "seq") and item.name in OPS:
            message = f"`{item.name}` is a layer already, and this definition would never be used"
            help = f"give it a name of its own, such as `My{item.name}`"
            span = _name_span(module.source, item)
            self._found.append(Diagnostic(names.DUPLICATE_DEFINITION, message, span, help=help))

    def _import(self, module: Module, tree: ast.Import, depth: int) -> None:
        span = tree.span(module.source)
        module.missing.update(name.name for name in tree.names)
        if tree.level > 1:
            help = "write `from name import ...` for a file beside this one or a bundled spec"
            message = "the import climbs out of the file's folder"
            self._found.append(Diagnostic(files.IMPORT_OUTSIDE, message, span, help=help))
            return
        roots = ([module.folder] if module.folder else []) + ([specs()] if tree.level == 0 else [])
        path = self._find(tree.module, roots)
        if path is None:
            near = _advice(tree, [p.stem for root in roots for p in root.glob("*.arch")])
            wanted = tree.module.replace(".", "/")
            wanted = wanted if len(wanted) <= 60 else f"{wanted[:60]}..."
            message = f"there is no `{wanted}.arch` beside this file or among the bundled specs"
            self._found.append(Diagnostic(files.IMPORT_NOT_FOUND, message, span, help=near))
        else:
            other = self._load(path, _name_beside(module, path), depth, span)
            if other:
                self._take(module, other, tree)

    def _find(self, name: str, roots: list[Path]) -> Path | None:
        for root in roots:
            path = root.joinpath(*name.split(".")).with_suffix(".arch")
            try:
                found = path.is_file() and path.resolve().is_relative_to(root.resolve())
            except (OSError, RuntimeError):  # a name longer than the system takes, or links in a circle
                continue
            if found:
                return path.resolve()
        return None

    def _load(self, path: Path, name: str, depth: int, span: Span) -> Module | None:
        if path in self._modules:
            module = self._modules[path]
            if module is None:
                self._found.append(Diagnostic(files.IMPORT_LOOP, "this import leads back to the file itself", span))
            return module
        if depth >= DEEPEST_IMPORT:
            message = f"more than {DEEPEST_IMPORT} files import one another in a chain"
            self._found.append(Diagnostic(files.IMPORT_LOOP, message, span))
            return None
        self._modules[path] = None
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", errors="replace")
        module = Module(Spec(Source(name, text)), path.parent, self)
        self._all.append(module)
        self._enter(module, depth + 1)
        self._modules[path] = module
        return module

    def _take(self, module: Module, other: Module, tree: ast.Import) -> None:
        for name in tree.names:
            if name.name in other.items or name.name in other.imported:
                module.takes[name.name] = (other, name)
                module.imported[name.name] = (other, name.name)
                module.missing.discard(name.name)
            elif not other.is_broken(name.name):
                message = f"`{other.source.name}` defines no `{name.name}`"
                help = _suggest(name.name, list(other.items))
                span = name.span(module.source)
                close = closest(name.name, list(other.items))
                fix = renaming(span, name.name, close) if close else None
                self._found.append(Diagnostic(files.IMPORT_NOT_FOUND, message, span, help=help, fix=fix))


def bundled_home(name: str) -> str | None:
    """Return the bundled spec that defines a block or seq of this name, or `None`."""
    return _bundled_parts().get(name)


@cache
def _bundled_parts() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(specs().glob("*.arch")):
        for name in re.findall(r"^(?:block|seq)\s+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, path.stem)
    return found


def _name_beside(module: Module, path: Path) -> str:
    """Return what to call an imported file: as its importer is called if it lies beside that, else by its own name."""
    if module.folder is None or not path.is_relative_to(module.folder):
        return path.name
    return (Path(module.source.name).parent / path.relative_to(module.folder)).as_posix()


def _name_span(source: Source, item: Item) -> Span:
    start = source.text.index(item.name, item.start + len(item.kind))
    return Span(source, start, start + len(item.name))


def _advice(tree: ast.Import, known: list[str]) -> str | None:
    """Return what to do about an import that finds no file."""
    package, _, last = tree.module.partition(".")
    if package in ("torch", "torchvision", "tensorflow", "keras", "numpy", "timm", "jax"):
        return "leave this line out: all layers are known, and nothing of Python is imported"
    if last == "arch" and package in known:
        return f"write `from {package} import ...`, without the ending"
    return _suggest(tree.module, known)


def _suggest(name: str, known: list[str]) -> str | None:
    close = closest(name, known)
    return f"did you mean `{close}`?" if close else None
