"""A class for one use of a definition, all of its numbers known: what is written where one class cannot say all uses.

It is read off the instance as it was built: its layers and blocks with their arguments in the constructor, and their
calls in the order of running in `forward`. Equal uses share a class.
"""

from __future__ import annotations

import ast as python
import keyword
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from archdsl.codegen import terms
from archdsl.codegen.forward import goes_along
from archdsl.codegen.layout import WIDTH
from archdsl.codegen.model import Class, Function, Statement
from archdsl.codegen.naming import RESERVED, spelled
from archdsl.codegen.terms import call, constant, name
from archdsl.codegen.translate import Unsupported
from archdsl.codegen.units import Defined
from archdsl.elaborate.values import BlockValue
from archdsl.graph import Graph, Instance, Node
from archdsl.lang import ast
from archdsl.ops.merge import Scale
from archdsl.ops.reshape import Chunk, Crop, Flatten

if TYPE_CHECKING:
    from archdsl.codegen.family import Family, Written


@dataclass(frozen=True, slots=True)
class Step:
    """One line of `forward`: an op, or a call of a block; the tensors that go in and come out."""

    what: Node | Instance
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    first: int
    """The index of its first node, by which steps are put in order."""


class Concrete:
    """What is written of the instances of one graph."""

    def __init__(self, family: Family, graph: Graph) -> None:
        self.family, self.graph = family, graph

    # Constructors.

    def module(self, child: Node | Instance) -> python.expr:
        """Return how a layer, block or Sequential is constructed."""
        if isinstance(child, Node):
            return self._layer(child)
        if child.kind == "list":
            items = {_last(one): self.module(one) for one in sorted(child.children, key=lambda one: int(_last(one)))}
            if is_gapless(child):
                return call("nn.ModuleList", python.List(list(items.values())))
            return call("nn.ModuleDict", python.Dict(list(map(constant, items)), list(items.values())))
        if any(isinstance(one, Instance) and one.kind == "list" for one in child.children) and child.kind != "block":
            return call(self.family.concrete(self.graph, child).name)  # a Sequential cannot call what is in a list
        if child.definition is None:
            return self.sequential(child)
        return self._block(child)

    def _layer(self, node: Node) -> python.expr:
        found = node.op.module(*self.graph.types(node))
        assert found is not None, "a layer has a module"
        if found.name in self.family.HOME_MADE:
            self.family.needs.add(found.name)
        keywords = {word: terms.per_axis(value) for word, value in found.keywords.items()}
        return call(found.name, *map(terms.per_axis, found.positional), **keywords)

    def sequential(self, instance: Instance) -> python.Call:
        """Return a Sequential with everything in it."""
        children = modules(instance)
        made = [(word, self.module(child)) for word, child in children.items()]
        if [word for word, _ in made] == [str(i) for i in range(len(made))]:
            whole = call("nn.Sequential", *(module for _, module in made))
            whole.spread = len(made) > 1  # type: ignore[attr-defined]  # read by the layout
            return whole
        self.family.needs.add("OrderedDict")
        pairs = python.List([python.Tuple([constant(word), module]) for word, module in made])
        return call("nn.Sequential", call("OrderedDict", pairs))

    def _block(self, instance: Instance) -> python.expr:
        definition = instance.definition
        assert definition is not None, "the caller has looked"
        home = self.family.home_of(instance)
        try:
            written = self.family.written(Defined(home, definition))
        except Unsupported:
            return call(self.family.concrete(self.graph, instance).name)
        if not written.inputs:
            return call(written.name)
        positional = [constant(feed.output.channels) for feed in instance.feeds]
        return call(written.name, *positional, **self._arguments(written, instance))

    def _arguments(self, written: Written, instance: Instance) -> dict[str, python.expr]:
        given: dict[str, python.expr] = {}
        for parameter in written.kept:
            value = instance.arguments[parameter.name]
            if parameter.type.name == "block":
                unit = Defined(value.module, value.definition) if isinstance(value, BlockValue) else value
                made = self.family.unit_expression(unit)
            else:
                made = constant(value)
            default = written.defaults.get(parameter.name)
            if default is None or not terms.same(default, made):
                given[written.word(parameter)] = made
        return given

    def constructor(self, instance: Instance) -> list[Statement]:
        """Return the lines that make the modules of a block."""
        return [Statement(f"self.{word} = ", self.module(child)) for word, child in modules(instance).items()]


class Flowing:
    """The lines of one `forward`, and what each tensor is called in it."""

    def __init__(self, owner: Concrete, instance: Instance, feeds: Mapping[str, int], results: Sequence[int]) -> None:
        self.owner, self.instance = owner, instance
        self.lines: list[Statement] = []
        self.written: list[Statement] = []
        """All lines, those of conditions among them."""
        self.names = {index: word for word, index in feeds.items()}
        self.left = Counter(index for step in steps(instance) for index in step.inputs)
        self.left.update(results)
        self.taken = {*RESERVED, *feeds}
        self.typed = set(feeds)
        """Names that a type checker knows as tensors."""

    def run(self, in_order: Sequence[Step]) -> None:
        """Write the lines of some steps."""
        for step in in_order:
            self.take(step)

    def take(self, step: Step) -> None:
        """Write the line of one step."""
        inputs = [name(self.names[index]) for index in step.inputs]
        before = self._latest(step)
        if before is not None:
            inputs = [before]
            self.lines.pop()
            self.written.pop()
        for index in step.inputs:
            self.left[index] -= 1
        code = self._code(step, inputs)
        words = self._targets(step)
        self.lines.append(Statement(f"{', '.join(words)} = ", code))
        self.written.append(self.lines[-1])
        for index, word in zip(step.outputs, words, strict=True):
            if word != "_":
                self.names[index] = word

    def _latest(self, step: Step) -> python.expr | None:
        """Return what the line before computes, where this step alone goes on with it, on the same line."""
        if not self.lines or len(step.inputs) != 1 or not isinstance(step.what, Node):
            return None
        (index,) = step.inputs
        last = self.lines[-1]
        mine = last.head == f"{self.names[index]} = " and self.left[index] == 1
        node = step.what
        if not mine or not node.is_module or not goes_along(type(node.op)) or last.value is None:
            return None
        return last.value if len(python.unparse(last.value)) + len(self._attribute(node)) < WIDTH // 2 else None

    def _targets(self, step: Step) -> list[str]:
        free = [self.names[i] for i in dict.fromkeys(step.inputs) if not self.left[i]]
        words: list[str] = []
        for index in step.outputs:
            known = index in self.names and index not in step.inputs
            if known or not self.left[index]:
                words.append("_" if len(step.outputs) > 1 else self._fresh(step))
            elif index in step.inputs:
                words.append(self.names[index])  # handed through
            elif free:
                words.append(free.pop(0))
            else:
                words.append(self._fresh(step))
        return words

    def _fresh(self, step: Step) -> str:
        parts = [part for part in step.what.path.split(".") if not part.isdigit()]
        return self._free(parts[-1] if parts and parts[-1].isidentifier() else "y")

    def _free(self, wanted: str) -> str:
        word, number = wanted, 1
        while word in self.taken:
            number += 1
            word = f"{wanted}{number}"
        self.taken.add(word)
        return word

    def _attribute(self, what: Node | Instance) -> str:
        holder, text = self.instance, ""
        for part in what.path[len(holder.path) :].lstrip(".").split("."):
            if holder.kind == "list":
                text += f"[{part if is_gapless(holder) else repr(part)}]"
            elif part.isdigit():
                text += f"[{list(modules(holder)).index(part)}]"
            else:
                text += f".{part}"
            holder = next((one for one in holder.children if isinstance(one, Instance) and _last(one) == part), holder)
        return text

    def _code(self, step: Step, inputs: list[python.expr]) -> python.expr:
        what = step.what
        if isinstance(what, Instance) or what.is_module:
            return call(python.parse(f"self{self._attribute(what)}", mode="eval").body, *inputs)
        return self._function(what, inputs)

    def _function(self, node: Node, inputs: list[python.expr]) -> python.expr:
        first = inputs[0]
        match node.op.name:
            case "add" | "multiply" as kind:
                sign = python.Add() if kind == "add" else python.Mult()
                whole = first
                for other in inputs[1:]:
                    whole = python.BinOp(whole, sign, other)
                return whole
            case "scale":
                assert isinstance(node.op, Scale), "of that name there is one"
                return python.BinOp(constant(node.op.factor), python.Mult(), first)
            case "concat":
                return call("torch.cat", python.Tuple(inputs), dim=constant(1))
            case "chunk":
                assert isinstance(node.op, Chunk), "of that name there is one"
                low, high = node.op.start, node.op.start + node.op.length
                piece = python.Slice(constant(low) if low else None, constant(high))
                return python.Subscript(first, python.Tuple([python.Slice(), piece]))
            case "crop":
                return self._crop(node, first)
            case "Flatten":
                assert isinstance(node.op, Flatten), "of that name there is one"
                start, end = node.op.start_dim, node.op.end_dim
                return call("torch.flatten", first, *map(constant, (start, end) if end != -1 else (start,)))
        raise Unsupported(f"`{node.op.name}` as a function")

    def _crop(self, node: Node, first: python.expr) -> python.expr:
        assert isinstance(node.op, Crop), "only a crop comes here"
        assert isinstance(first, python.Name), "a crop is never on the line of what it cuts"
        (x,) = self.owner.graph.types(node)
        cuts: list[python.expr] = [python.Slice(), python.Slice()]
        for axis, (before, after) in enumerate(node.op.cuts(x), 2):
            size = python.Subscript(name(f"{first.id}.shape"), constant(axis))
            upper = python.BinOp(size, python.Sub(), constant(after)) if after else None
            cuts.append(python.Slice(constant(before) if before else None, upper))
        return python.Subscript(first, python.Tuple(cuts))

    def returned(self, index: int) -> python.expr:
        """Return a result, with a type where it first gets its name, or where that was in a row with others."""
        word = self.names[index]
        if word not in self.typed:
            line = next((line for line in self.written if line.head == f"{word} = "), None)
            if line is None:
                old, word = word, self._free("out")
                line = Statement("", name(old))
                self.lines.append(line)
            line.head = f"{word}: Tensor = "
            self.typed.add(word)
        return name(word)


def is_gapless(instance: Instance) -> bool:
    """Tell whether indexed labels begin with 0 and leave none out, as the items of a list do."""
    return sorted(int(_last(one)) for one in instance.children) == list(range(len(instance.children)))


def _last(child: Node | Instance) -> str:
    return child.path.rpartition(".")[2]


def modules(instance: Instance) -> dict[str, Node | Instance]:
    """Return what the constructor makes, by the name of its attribute: every module once."""
    made: dict[str, Node | Instance] = {}
    inside = len(instance.path)
    for child in instance.children:
        word = child.path[inside:].lstrip(".")
        if isinstance(child, Instance) or (child.is_module and not child.call and "." not in word):
            made.setdefault(word, child)
    return made


def steps(instance: Instance) -> list[Step]:
    """Return what `forward` does, in the order of running."""
    return sorted(_steps(instance), key=lambda step: step.first)


def _steps(instance: Instance) -> Iterator[Step]:
    later: set[int] = set()
    for child in instance.children:
        if isinstance(child, Instance):
            for again in child.again:
                later.update(node.index for node in again.nodes)
    for child in instance.children:
        if isinstance(child, Node):
            if child.index not in later:
                yield Step(child, child.inputs, (child.index,), child.index)
        elif child.kind == "list":
            yield from _steps(child)
        else:
            yield from _calls(child)


def _calls(instance: Instance) -> Iterator[Step]:
    """Yield the calls of a module that is made of others; one without layers is not called."""
    first = next(instance.nodes(), None)
    if first is not None:
        yield Step(instance, _indexes(instance.feeds), _indexes(instance.results), first.index)
    whole = [node.path for node in instance.nodes()]
    for again in instance.again:
        if not again.nodes:
            continue
        if [node.path for node in again.nodes] == whole:
            yield Step(instance, _indexes(again.feeds), _indexes(again.results), again.nodes[0].index)
        else:  # what a condition of its size leaves out of this call
            yield from (Step(node, node.inputs, (node.index,), node.index) for node in again.nodes)


def _indexes(nodes: Sequence[Node]) -> tuple[int, ...]:
    return tuple(node.index for node in nodes)


def parameter_names(definition: ast.Definition | None) -> list[str]:
    """Return what `forward` calls the inputs of a definition."""
    if definition is None:
        return ["x"]
    spelling = spelled(definition)
    named = [statement.name for statement in definition.body if isinstance(statement, ast.Input)]
    return [spelling.get(word, word) for word in named] or ["x"]


def block_class(concrete: Concrete, instance: Instance, word: str, doc: Sequence[str], extra: list[Statement]) -> Class:
    """Return the class of one use of a block, seq or group; `extra` ends its constructor."""
    constructor = Function("__init__", ["self"], "None")
    definition = instance.definition
    listed = any(isinstance(one, Instance) and one.kind == "list" for one in instance.children)
    if instance.kind != "block":
        whole = concrete.sequential(instance)
        whole.func = python.Attribute(call("super"), "__init__")
        constructor.body = [Statement("", whole)]
        if not listed:
            return Class(word, "nn.Sequential", doc, [constructor])
    else:
        constructor.body = [Statement("super().__init__()"), *concrete.constructor(instance), *extra]
    parameters = parameter_names(definition)
    feeds = {parameter: feed.index for parameter, feed in zip(parameters, instance.feeds, strict=True)}
    flowing = Flowing(concrete, instance, feeds, _indexes(instance.results))
    flowing.run(steps(instance))
    given = [flowing.returned(result.index) for result in instance.results]
    kind = "Tensor" if len(given) == 1 else f"tuple[{', '.join(['Tensor'] * len(given))}]"
    add_return(flowing.lines, given[0] if len(given) == 1 else python.Tuple(given), parameters)
    forward = Function("forward", ["self", *(f"{one}: Tensor" for one in parameters)], kind, flowing.lines)
    return Class(word, "nn.Module" if instance.kind == "block" else "nn.Sequential", doc, [constructor, forward])


def add_return(lines: list[Statement], value: python.expr, parameters: Collection[str]) -> None:
    """Return a value; where the last line assigns it to a parameter, it gets a name with a type of its own."""
    if isinstance(value, python.Name) and value.id in parameters and lines and lines[-1].head == f"{value.id} = ":
        variable, bound = "out", {line.head.partition(" =")[0] for line in lines} | {*parameters}
        while variable in bound:
            variable += "_"
        lines[-1].head, value = f"{variable}: Tensor = ", name(variable)
    lines.append(Statement("return ", value))


def model_class(concrete: Concrete, word: str, doc: Sequence[str], extra: list[Statement]) -> tuple[Class, list[Class]]:
    """Return the class of a model, and that of its outputs where it has several."""
    graph = concrete.graph
    definition = graph.root.definition
    assert definition is not None, "a model has a definition"
    constructor = Function("__init__", ["self"], "None")
    constructor.body = [Statement("super().__init__()"), *concrete.constructor(graph.root), *extra]
    parameters = parameter_names(definition)
    feeds = {parameter: node.index for parameter, node in zip(parameters, graph.inputs.values(), strict=True)}
    evaluated = [node.index for output, node in graph.outputs.items() if output not in graph.training_outputs]
    trained = [node.index for output, node in graph.outputs.items() if output in graph.training_outputs]
    flowing = Flowing(concrete, graph.root, feeds, [*evaluated, *trained])
    regular, kinds = list[python.expr](), ["Tensor"] if len(evaluated) == 1 else []
    whole = f"{word}Output"
    in_order = [step for step in steps(graph.root) if step.first not in feeds.values()]
    # What only training does stays in its place, so that modules which are called again are called in their order.
    for training, group in groupby(in_order, key=lambda step: step.first in graph.training_only):
        if not training:
            flowing.run(list(group))
            continue
        before, flowing.lines = flowing.lines, []
        flowing.run(list(group))
        flowing.lines = [*before, Statement("if ", name("self.training"), ":", body=flowing.lines)]
    regular = [flowing.returned(index) for index in evaluated]
    if trained:
        before = flowing.lines
        inner = before.pop().body if before and before[-1].body is not None else None
        flowing.lines = inner or []
        made = call(whole, *regular, *(flowing.returned(index) for index in trained))
        inner = [*flowing.lines, Statement("return ", made)]
        flowing.lines = [*before, Statement("if ", name("self.training"), ":", body=inner)]
    kinds += [whole] if trained or len(regular) > 1 else []
    plain = name(f"{word}EvaluationOutput") if trained and len(regular) > 1 else name(whole)
    add_return(flowing.lines, regular[0] if len(regular) == 1 else call(plain, *regular), parameters)
    extras: list[Class] = []
    if len(kinds) > 1 or len(regular) > 1:
        words = sorted(graph.outputs, key=lambda o: o in graph.training_outputs)
        extras.append(record(whole, words, f"What `{word}` gives{' in training' if trained else ''}."))
        if trained and len(regular) > 1:
            kinds = [f"{word}EvaluationOutput", whole]
            extras.append(record(kinds[0], words[: len(regular)], f"What `{word}` gives in evaluation."))
        concrete.family.needs.add("NamedTuple")
    forward = Function("forward", ["self", *(f"{one}: Tensor" for one in parameters)], " | ".join(kinds), flowing.lines)
    return Class(word, "nn.Module", doc, [constructor, forward]), extras


def record(word: str, outputs: Sequence[str], doc: str) -> Class:
    """Return the class of several outputs, a tuple with names."""
    fields = [f"{field_name(output, number)}: Tensor" for number, output in enumerate(outputs)]
    return Class(word, "NamedTuple", [doc], [], fields)


def field_name(output: str, number: int) -> str:
    """Return what an output is called in a tuple with names, where none begins with `_` or hides a method."""
    fits = output.isidentifier() and not output.startswith("_") and not keyword.iskeyword(output)
    return output if fits and output not in ("count", "index") else f"output{number}"
