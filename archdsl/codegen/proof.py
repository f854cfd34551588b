"""Generated code is run before it is given out, on stand-ins for PyTorch, and held against the graph.

The stand-ins compute nothing: a layer notes what it was constructed with, a tensor is a node of the graph. So it is
known without PyTorch, in milliseconds, that the modules have the paths, kinds and arguments of the analysis, and that
`forward` calls them on the right tensors, in evaluation and in training. What fails is written in another way.
"""

from __future__ import annotations

import builtins
import importlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from archdsl.codegen.translate import CHANNELS
from archdsl.graph import Graph, Node
from archdsl.ops import Op
from archdsl.ops.merge import Scale
from archdsl.ops.reshape import Chunk, Crop, Flatten

LIBRARIES = frozenset(("__future__", "math", "collections", "collections.abc", "functools", "itertools", "typing"))
"""What generated code imports beside PyTorch."""
VERBS = {"add": "adds", "multiply": "multiplies"}
CONTAINERS = ("Module", "Sequential", "ModuleList", "ModuleDict")


class Disproved(Exception):
    """The code is not the network. `owner` is the class in which it shows, or empty where that cannot be told."""

    def __init__(self, why: str, owner: str = "") -> None:
        super().__init__(why)
        self.owner = owner


class Module:
    """Stands for `nn.Module`: knows its children, and what it was constructed with."""

    is_layer = False
    training = False
    path = ""
    weight = None
    given: tuple[tuple[Any, ...], dict[str, Any]]
    children: dict[str, Module]
    run: Run

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        made = object.__new__(cls)
        made.given = arguments, keywords
        made.children = {}
        return made

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        pass

    def __setattr__(self, word: str, value: Any) -> None:
        if isinstance(value, Module):
            self.children.setdefault(word, value)
        object.__setattr__(self, word, value)

    def __getattr__(self, word: str) -> Module:
        found: Module | None = self.__dict__["children"].get(word)
        if found is None:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {word!r}")
        return found

    def __call__(self, *xs: Any) -> Any:
        return self.run.call(self, xs)

    def add_module(self, word: str, item: Module) -> None:
        if word in self.children:
            raise KeyError(f"attribute '{word}' already exists")
        self.children[word] = item

    def modules(self) -> Iterator[Module]:
        yield self
        for child in self.children.values():
            yield from child.modules()


class Sequential(Module):
    """Stands for `nn.Sequential`."""

    def __init__(self, *items: Any) -> None:
        first = items[0] if items else None
        pairs = first.items() if isinstance(first, Mapping) else ((str(i), one) for i, one in enumerate(items))
        self.children.update(pairs)

    def __getitem__(self, index: int) -> Module:
        return list(self.children.values())[index]

    def append(self, item: Module) -> None:
        self.children[str(len(self.children))] = item

    def forward(self, x: Any) -> Any:
        for child in self.children.values():
            x = child(x)
        return x


class ModuleList(Module):
    """Stands for `nn.ModuleList`."""

    def __init__(self, items: Sequence[Module] = ()) -> None:
        self.children.update({str(i): one for i, one in enumerate(items)})

    def append(self, item: Module) -> None:
        self.children[str(len(self.children))] = item

    def insert(self, index: int, item: Module) -> None:
        items = list(self.children.values())
        items.insert(index, item)
        self.children.clear()
        self.children.update({str(i): one for i, one in enumerate(items)})

    def __getitem__(self, index: int) -> Module:
        return list(self.children.values())[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(self.children.values())

    def __len__(self) -> int:
        return len(self.children)


class _Initialisers:
    """Stands for `torch.nn.init`: what fills weights does nothing."""

    def __getattr__(self, word: str) -> Callable[..., None]:
        return lambda *arguments, **keywords: None


class ModuleDict(Module):
    """Stands for `nn.ModuleDict`."""

    def __init__(self, items: Mapping[str, Module]) -> None:
        self.children.update(items)

    def __getitem__(self, word: str) -> Module:
        return self.children[word]


class Layers:
    """Stands for `torch.nn`: every layer is a class that notes its arguments."""

    def __init__(self) -> None:
        self.Module, self.Sequential, self.ModuleList, self.ModuleDict = Module, Sequential, ModuleList, ModuleDict
        self.init = _Initialisers()

    def __getattr__(self, word: str) -> type[Module]:
        made = type(word, (Module,), {"is_layer": True})
        setattr(self, word, made)
        return made


class Values:
    """A tensor: a node of the graph, or a sum or product of which only a part is computed yet."""

    def __init__(self, run: Run, index: int | None, sign: str = "", parts: tuple[int, ...] = ()) -> None:
        self.run, self.index, self.sign, self.parts = run, index, sign, parts

    @property
    def node(self) -> Node:
        if self.index is None:
            owner = next(owner for one, owner in self.run.pending if one is self)
            raise Disproved(f"nothing in the graph {VERBS[self.sign]} these tensors", owner)
        return self.run.graph.nodes[self.index]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, *self.node.output.known)

    def dim(self) -> int:
        return len(self.shape)

    def __add__(self, other: Any) -> Values:
        return self.run.joined("add", self, other)

    def __mul__(self, other: Any) -> Values:
        if isinstance(other, Values):
            return self.run.joined("multiply", self, other)
        return self.run.function("scale", (self,), lambda op: isinstance(op, Scale) and op.factor == other)

    __rmul__ = __mul__

    def __getitem__(self, cuts: Any) -> Values:
        cuts = cuts if isinstance(cuts, tuple) else (cuts,)
        ends = [cut.indices(size)[:2] for cut, size in zip(cuts, self.shape, strict=False)]
        if len(cuts) == 2:
            low, high = ends[1]
            return self.run.chunk(self, low, high - low)
        sides = tuple((low, size - high) for (low, high), size in zip(ends[2:], self.shape[2:], strict=True))
        return self.run.crop(self, sides)


class Run:
    """One run of a model on the nodes of its graph."""

    def __init__(self, graph: Graph, *, training: bool) -> None:
        self.graph, self.training = graph, training
        nodes = graph.nodes if training else [n for n in graph.nodes if n.index not in graph.training_only]
        self.same: dict[int, int] = {}
        """The first node that computes the same from the same, for functions: it does not matter which one is meant."""
        self.times: Counter[int] = Counter()
        """How often each of them may be computed."""
        self.layers: dict[tuple[str, tuple[int, ...]], list[Node]] = defaultdict(list)
        self.functions: dict[tuple[str, tuple[int, ...]], list[Node]] = defaultdict(list)
        self.pending: list[tuple[Values, str]] = []
        """Sums and products that are not computed to the end, and the classes they are in."""
        self.latest: dict[str, int] = {}
        """The last call of each layer, by its path."""
        self.owners: list[str] = []
        for node in nodes:
            inputs = self._same(node.inputs)
            self.same[node.index] = node.index
            if not node.inputs:
                continue  # each input of the network is its own
            if node.is_module:
                self.layers[node.path, inputs].append(node)
                continue
            for other in self.functions[node.op.name, inputs]:
                if other.op == node.op or other.op.non_defaults() == node.op.non_defaults():
                    self.same[node.index] = other.index
                    self.times[other.index] += 1
                    break
            else:
                self.functions[node.op.name, inputs].append(node)
                self.times[node.index] = 1

    def _same(self, indexes: Sequence[int]) -> tuple[int, ...]:
        return tuple([self.same[i] for i in indexes])

    def check(self, model: Module) -> None:
        """Run the model and compare; raises `Disproved`."""
        self._prepare(model, "")
        feeds = [Values(self, node.index) for node in self.graph.inputs.values()]
        given = model(*feeds)
        outputs = self.graph.outputs
        wanted = [n for word, n in outputs.items() if word not in self.graph.training_outputs]
        wanted += [n for word, n in outputs.items() if self.training and word in self.graph.training_outputs]
        found = [given] if isinstance(given, Values) else list(given)
        if [one.node.index for one in found] != [self.same[n.index] for n in wanted]:
            raise Disproved("the outputs are other tensors", type(model).__name__)
        for one, owner in self.pending:
            raise Disproved(f"nothing in the graph {VERBS[one.sign]} these tensors", owner)
        missing = next((node for nodes in self.layers.values() for node in nodes), None)
        if missing is not None:
            raise Disproved(f"{missing.id} is not called", self._owner(model, missing.path))
        known = {node.path for node in self.graph.nodes if node.is_module}
        more = next((one.path for one in model.modules() if one.is_layer and one.path not in known), None)
        if more is not None:
            raise Disproved(f"{more} is no layer of the graph", self._owner(model, more))

    def _prepare(self, module: Module, path: str) -> None:
        module.path, module.run, module.training = path, self, self.training
        for word, child in module.children.items():
            if not word.isidentifier() and not word.isdigit():
                raise Disproved(f"`{word}` is no name of a module", type(module).__name__)
            self._prepare(child, f"{path}.{word}".lstrip("."))

    @staticmethod
    def _owner(model: Module, path: str) -> str:
        """Return the innermost class on the way to a layer that was written for a definition."""
        owner, module = type(model).__name__, model
        for word in path.split(".")[:-1]:
            child = module.children.get(word)
            if child is None:
                break
            module = child
            if type(module).__name__ not in CONTAINERS:
                owner = type(module).__name__
        return owner

    # What modules and functions do.

    def call(self, module: Module, xs: Sequence[Values]) -> Any:
        if not module.is_layer:
            kind = type(module).__name__
            self.owners.append(kind if kind not in CONTAINERS else self.owners[-1])
            result = module.forward(*xs)
            self.owners.pop()
            return result
        key = module.path, self._inputs(xs)
        if not self.layers.get(key):
            raise Disproved(f"{module.path} is called on other tensors", self.owners[-1])
        node = self.layers[key].pop(0)
        if node.index < self.latest.get(node.path, 0):
            raise Disproved(f"the calls of {node.path} come in another order", self.owners[-1])
        self.latest[node.path] = node.index
        why = difference(node.op, module, self.graph.types(node))
        if why:
            raise Disproved(f"{module.path}: {why}", self.owners[-1])
        return Values(self, node.index)

    def _inputs(self, xs: Sequence[Values]) -> tuple[int, ...]:
        return tuple([x.node.index for x in xs])

    def function(self, word: str, xs: Sequence[Values], fits: Callable[[Op], bool] = lambda op: True) -> Values:
        for node in self.functions.get((word, self._inputs(xs)), ()):
            if fits(node.op):
                self._count(node)
                return Values(self, node.index)
        raise Disproved(f"nothing in the graph is this `{word}`", self.owners[-1])

    def joined(self, sign: str, left: Values, right: Values) -> Values:
        """Return a sum or product; of three tensors, two are joined first."""
        for a in ((left.index,), left.parts if left.sign == sign else (None,)):
            for b in ((right.index,), right.parts if right.sign == sign else (None,)):
                parts = (*a, *b)
                if None not in parts and (found := self.functions.get((sign, parts))):
                    self._take(left, right)
                    self._count(found[0])
                    return Values(self, found[0].index, sign, parts)
        self._take(left, right)
        parts = left.parts if left.index is None else (left.index,)
        made = Values(self, None, sign, (*parts, *(right.parts if right.index is None else (right.index,))))
        self.pending.append((made, self.owners[-1]))
        return made

    def _count(self, node: Node) -> None:
        self.times[node.index] -= 1
        if self.times[node.index] < 0:
            raise Disproved(f"{node.id} is computed more often than in the graph", self.owners[-1])

    def _take(self, *joined: Values) -> None:
        self.pending = [(one, owner) for one, owner in self.pending if not any(one is other for other in joined)]

    def chunk(self, x: Values, start: int, length: int) -> Values:
        fits = lambda op: isinstance(op, Chunk) and (op.start, op.length) == (start, length)  # noqa: E731
        return self.function("chunk", (x,), fits)

    def crop(self, x: Values, sides: tuple[tuple[int, int], ...]) -> Values:
        return self.function("crop", (x,), lambda op: isinstance(op, Crop) and op.cuts(x.node.output) == sides)


# Functions of PyTorch that generated code calls.


def _cat(xs: Sequence[Values], dim: int) -> Values:
    return xs[0].run.function("concat", xs, lambda op: dim == 1)


def _pieces(x: Values, sizes: Sequence[int]) -> tuple[Values, ...]:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    if sum(sizes) != x.node.output.channels:
        raise Disproved("the pieces are not the whole")
    return tuple(x.run.chunk(x, start, size) for start, size in zip(starts, sizes, strict=True))


def _chunk(x: Values, pieces: int, dim: int) -> tuple[Values, ...]:
    return _pieces(x, [x.node.output.channels // pieces] * pieces)


def _split(x: Values, sizes: Sequence[int], dim: int) -> tuple[Values, ...]:
    return _pieces(x, sizes)


def _flatten(x: Values, start: int = 0, end: int = -1) -> Values:
    def fits(op: Op) -> bool:
        return isinstance(op, Flatten) and (op.start_dim, op.end_dim) == (start, end)

    return x.run.function("Flatten", (x,), fits)


def _center_crop(x: Values, like: Values) -> Values:
    cuts = [have - want for have, want in zip(x.shape[2:], like.shape[2:], strict=True)]
    return x.run.crop(x, tuple((cut // 2, cut - cut // 2) for cut in cuts))


def difference(op: Op, layer: Module, types: tuple[Any, ...]) -> str:
    """Return in which argument a layer differs from what an op says of its module; empty where it does not."""
    wanted = op.module(*types)
    assert wanted is not None, "an op that is called as a module has one"
    if type(layer).__name__ != wanted.name.removeprefix("nn."):
        return f"it is a {type(layer).__name__}, not a {op.name}"
    if isinstance(layer.given[1].get("scale_factor"), list):
        return "PyTorch takes several factors as a tuple only"
    try:
        expected = _arguments(op, wanted.positional, wanted.keywords)
        found = _arguments(op, *layer.given)
    except Exception as error:  # noqa: BLE001 - an argument that cannot be read is a wrong one
        return f"its arguments cannot be read: {error}"
    for word in expected:
        if expected[word] != found.get(word):
            return f"`{word}` is {found.get(word)}, not {expected[word]}"
    return "" if expected.keys() == found.keys() else "it has other arguments"


def _arguments(op: Op, positional: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer by name, defaults filled in and spelled alike."""
    kind = type(op)
    if len(positional) > len(kind.leading):
        raise ValueError("there are too many of them")
    given = {**dict(zip(kind.leading, positional, strict=False)), **keywords}
    declared = {one.name: one for one in kind.arguments}
    found: dict[str, Any] = {}
    for word, value in given.items():
        value = tuple(value) if isinstance(value, list) else value
        if word in declared:
            found[word] = declared[word].read(value, kind.dimensions, word)
        elif word in CHANNELS or word == "normalized_shape":
            found[word] = value if isinstance(value, tuple) else (value,)
        else:
            raise ValueError(f"there is no `{word}`")
    for word, one in declared.items():
        if word not in found and word not in ("inplace", "dims"):
            found[word] = one.fill(kind.dimensions)
    found.pop("inplace", None)
    return found


# A module of generated code.


class Code:
    """Generated code as a module, PyTorch replaced by stand-ins."""

    def __init__(self, text: str) -> None:
        self.nn = Layers()
        functions = {"cat": _cat, "chunk": _chunk, "split": _split, "flatten": _flatten}
        self.torch = SimpleNamespace(nn=self.nn, Tensor=Values, **functions)
        safe = {**vars(builtins), "__import__": self._import}
        self.names: dict[str, Any] = {"__builtins__": safe, "__name__": "generated"}
        try:
            exec(compile(text, "<generated>", "exec"), self.names)
        except Exception as error:  # noqa: BLE001 - whatever it is, the code is wrong
            raise Disproved(f"{type(error).__name__}: {error}") from None
        for word, one in list(self.names.items()):
            if word in ("StochasticDepth", "LayerNorm2d", "PadChannels") and isinstance(one, type):
                one.is_layer = True  # type: ignore[attr-defined]  # a small class that comes with the code
        if "center_crop" in self.names:
            self.names["center_crop"] = _center_crop

    def _import(self, word: str, names: Any = None, inside: Any = None, wanted: Any = (), level: int = 0) -> Any:
        if word == "torch":
            return self.torch
        if word not in LIBRARIES:
            raise ImportError(f"generated code has no business with {word}")
        return importlib.import_module(word)

    def parameters(self, builder: str) -> tuple[str, ...]:
        """Return what a builder takes."""
        code = self.names[builder].__code__
        names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        return names

    def check(self, builder: str, graph: Graph, arguments: Mapping[str, Any]) -> None:
        """Build a model and hold it against its graph, in evaluation and where there is more to it in training.

        Raises:
            Disproved: it is another network, or it cannot be built or run.
        """
        for training in (False, True) if graph.training_outputs else (False,):
            run = Run(graph, training=training)
            try:
                run.check(self.names[builder](**arguments))
            except Disproved as error:
                raise Disproved(str(error), error.owner or (run.owners or [""])[-1]) from None
            except Exception as error:  # noqa: BLE001 - whatever it is, the code is wrong
                raise Disproved(f"{type(error).__name__}: {error}", _class_in(error)) from None


def _class_in(error: Exception) -> str:
    """Return the class in whose method an error came up."""
    owner, trace = "", error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_filename == "<generated>" and isinstance(frame.f_locals.get("self"), Module):
            owner = type(frame.f_locals["self"]).__name__
        trace = trace.tb_next
    return owner
