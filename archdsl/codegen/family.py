"""The classes and builders of a file: which parameters stay parameters, and who is written before whom."""

from __future__ import annotations

import ast as python
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.codegen import layout, terms
from archdsl.codegen.concrete import Concrete, add_return, block_class, model_class, record
from archdsl.codegen.forward import Flow
from archdsl.codegen.model import Class, Function, Parameter, Statement
from archdsl.codegen.naming import IMPORTED, class_name, flat, free, spelled
from archdsl.codegen.shapes import alike, fed_and_given, in_common
from archdsl.codegen.terms import call, constant, name, names_in, value_of
from archdsl.codegen.translate import Body, Unsupported, statements
from archdsl.codegen.units import Defined, Passed, Tensor
from archdsl.codegen.uses import Use, Uses
from archdsl.elaborate import Elaboration, Module
from archdsl.elaborate.initialisers import has_kernel
from archdsl.elaborate.naming import why_not_a_label
from archdsl.elaborate.values import BlockValue, LayerValue
from archdsl.graph import Graph, Instance, Node
from archdsl.lang import ast
from archdsl.ops import OPS
from archdsl.tensors import Shape

TYPES = {"int": "int", "float": "float", "bool": "bool", "str": "str"}


@dataclass(slots=True, eq=False)
class Written:
    """A definition as a class: what it is called, what its constructor takes, and the channels of its outputs."""

    name: str
    definition: ast.Definition | None
    """`None` for a group that cannot be a Sequential."""
    cls: Class
    inputs: tuple[str, ...]
    kept: list[ast.Parameter]
    defaults: dict[str, python.expr]
    channels: tuple[python.expr | None, ...]
    extra: list[Class] = field(default_factory=list)
    is_concrete: bool = False
    """Whether it is written for one use, and takes no arguments."""
    shown: list[tuple[tuple[Shape, ...], tuple[Shape, ...]]] = field(default_factory=list)
    """What the uses of a concrete class are fed and give."""

    def word(self, parameter: ast.Parameter) -> str:
        """Return what the constructor calls a parameter of the definition."""
        spelling = spelled(self.definition) if self.definition is not None else {}
        return spelling.get(parameter.name, parameter.name)

    @property
    def text(self) -> str:
        """All of its lines, to tell what it uses and whether another is the same."""
        lines = [line for f in self.cls.functions for line in (*f.signature(0), *f.lines(0))]
        records = [line for one in self.extra for line in (one.base, *one.constants)]
        return "\n".join([self.cls.base, *self.cls.constants, *records, *lines])


@dataclass(slots=True, eq=False)
class Variant:
    """A model to be written: its name, the definition it stands for, and what its aliases fix."""

    name: str
    home: Module
    definition: ast.Definition
    aliases: list[tuple[Module, ast.Alias]]
    elaboration: Elaboration | None
    """`None` where a parameter has no value yet: then only a caller of its builder knows it."""
    doc: str
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """Values that were asked for: the defaults of the builder."""


@dataclass(frozen=True, slots=True, eq=False)
class Switched:
    """A model with one of its switches, a parameter that is true or false, the other way than by default."""

    model: str
    definition: ast.Definition
    parameter: str
    value: bool
    elaboration: Elaboration


class Family:
    """All that is written of one file."""

    HOME_MADE = frozenset(("StochasticDepth", "LayerNorm2d", "PadChannels"))
    """Small classes that come with the code, where PyTorch has none."""

    def __init__(
        self,
        variants: Sequence[Variant],
        builders: Mapping[str, str],
        switched: Sequence[Switched] = (),
        refused: Mapping[int, str] | None = None,
        *,
        is_open: bool = False,
    ) -> None:
        """Take in the models, also with their switches turned; `refused` says what is written for each use, and why."""
        self.variants = variants
        self.uses = Uses()
        self.switched = switched
        for one in switched:
            self.uses.add(one.elaboration, one.definition)
        for variant in variants:
            if variant.elaboration is not None:
                self.uses.add(variant.elaboration, variant.definition)
        if not self.uses.of:
            raise Unsupported("its only model has a parameter without a value")
        self.needs: set[str] = set()
        self._written: dict[int, Written] = {}
        self.refused = refused or {}
        self.is_open = is_open
        """Whether some model leaves its sizes open, so that no comment may state them."""
        self._failed: dict[int, Unsupported] = {}
        """Why a definition cannot be one class, by its identity."""
        self._causes: dict[int, Unsupported] = {}
        """Why a definition is written with its numbers as they are, by its identity."""
        self._concrete: dict[int, Written] = {}
        """By the identity of an instance."""
        self.builders_called = dict(builders)
        self.taken = {*IMPORTED, *builders.values()}
        """The names in the module."""
        self.order: list[Written] = []
        self.open = self._open_parameters()
        self._consumers: dict[int, dict[int, int]] = {}
        self._calls: dict[int, dict[str, list[Node]]] = {}

    # What stays a parameter.

    def _open_parameters(self) -> dict[int, set[str]]:
        """Return the names of the parameters that stay parameters, by definition.

        A model's own do, unless every model of the file fixes one to the same value. A block's do where it takes more
        than one value, or where what it is given depends on a parameter that stays.
        """
        found: dict[int, set[str]] = {}
        for variant in self.variants:
            fixed = {p for _, alias in variant.aliases for p in _bound(variant.definition, alias)}
            names = {p.name for p in variant.definition.parameters if p.name not in fixed and p.type.name != "block"}
            found.setdefault(id(variant.definition), set()).update(names)
        definitions = {
            id(use.instance.definition): use.instance.definition for uses in self.uses.of.values() for use in uses
        }
        for key, definition in definitions.items():
            if definition is not None:
                found.setdefault(key, set()).update(p.name for p in definition.parameters if self._differs(key, p.name))
        changed = True
        while changed:
            changed = False
            for definition in definitions.values():
                if definition is not None:
                    changed |= self._pass_on(definition, found)
        return found

    def _differs(self, key: int, word: str) -> bool:
        values = [use.arguments[word] for use in self.uses.of[key] if word in use.arguments]
        return any(type(v) is not type(values[0]) or v != values[0] for v in values[1:])

    def _pass_on(self, definition: ast.Definition, found: dict[int, set[str]]) -> bool:
        """Enter the parameters of called blocks that are given something open; return whether there was one."""
        opened = self._open_names(definition, found)
        changed = False
        for node in ast.walk(definition):
            if not isinstance(node, ast.Call):
                continue
            for _, instance in self.uses.modules.get(id(node), ()):
                target = instance.definition
                if target is None:
                    continue
                for word, argument in _bound(target, node).items():
                    names = {n.name for n in ast.walk(argument.value) if isinstance(n, ast.Name)}
                    kind = next(p for p in target.parameters if p.name == word).type.name
                    if names & opened and word not in found[id(target)] and kind != "block":
                        found[id(target)].add(word)
                        changed = True
        return changed

    def _open_names(self, definition: ast.Definition, found: dict[int, set[str]]) -> set[str]:
        """Return the names in a body whose values are not known when the code is written."""
        opened = set(found[id(definition)])
        nodes = list(ast.walk(definition))
        for node in nodes:
            if isinstance(node, ast.Input) and node.shape and definition.kind != "model":
                opened |= {d.value.name for d in node.shape if isinstance(d.value, ast.Name)}
            if isinstance(node, ast.ForStage | ast.ForStatement):
                opened |= set(flat(node.target))
        size = -1
        while size != len(opened):
            size = len(opened)
            for node in nodes:
                if isinstance(node, ast.Let) and opened & {
                    n.name for n in ast.walk(node.value) if isinstance(n, ast.Name)
                }:
                    opened.add(node.name)
        return opened

    # Questions of the translation.

    def defaults(self, home: Module) -> dict[str, dict[str, ast.Argument]]:
        """Return the `defaults` at the top of a file."""
        found: dict[str, dict[str, ast.Argument]] = {}
        for item in home.spec.items:
            if item.kind == "defaults":
                tree = home.spec.parse(item)
                if isinstance(tree, ast.Defaults):
                    found.setdefault(tree.layer, {}).update({a.name: a for a in tree.arguments if a.name})
        return found

    def constant(self, home: Module, word: str) -> python.expr | None:
        """Return a constant of a file."""
        found = home.definition(word)
        if found is None or not isinstance(found[1], ast.Let):
            return None
        body = Body(self, Defined(found[0], ast.Definition(0, 0, "seq", "", 0, (), ())))
        return body.number(found[1].value)

    def lengths(self, definition: ast.Definition, word: str) -> set[int]:
        """Return how long a list parameter is in the uses of a definition."""
        return {len(use.arguments[word]) for use in self.uses.of[id(definition)] if word in use.arguments}

    def may_overwrite(self, node: ast.Call | ast.Binary) -> bool:
        """Tell whether an activation or a sum may overwrite its first input.

        Nobody else may read that, and no gradient need it; of a module that is called again, at every call.
        """
        seen = self.uses.nodes.get(id(node), [])
        return bool(seen or isinstance(node, ast.Call)) and all(self._is_free(use, one) for use, one in seen)

    def _is_free(self, use: Use, node: Node) -> bool:
        graph = use.graph
        if id(graph) not in self._consumers:
            counts: dict[int, int] = {}
            calls_by_path: dict[str, list[Node]] = {}
            for one in graph.nodes:
                calls_by_path.setdefault(one.path, []).append(one)
                for i in one.inputs:
                    counts[i] = counts.get(i, 0) + 1
            for output in graph.outputs.values():
                counts[output.index] = counts.get(output.index, 0) + 1
            self._consumers[id(graph)], self._calls[id(graph)] = counts, calls_by_path
        calls = self._calls[id(graph)][node.path] if node.is_module else [node]
        sources = [one.inputs[0] for one in calls]
        return all(graph.nodes[i].op.may_be_overwritten and self._consumers[id(graph)][i] == 1 for i in sources)

    def shapes_behind(self, syntax: ast.Syntax, definition: ast.Definition, child: str) -> list[str]:
        """Return the axes behind a stage of a model, or else behind the child that it calls.

        A size that differs between the models is left open. There are no axes where not even their number is known.
        """
        stage = syntax.stages[-1] if isinstance(syntax, ast.Pipe) else syntax
        unit = stage.unit if isinstance(stage, ast.Stage) else stage
        shapes = {node.output.shape for use, node in self.uses.nodes.get(id(unit), ()) if use.instance.kind == "model"}
        for key in (id(unit), id(stage)):
            for use, instance in self.uses.modules.get(key, ()):
                if use.instance.kind == "model" and instance.result is not None:
                    shapes.add(instance.result.output.shape)
        if not shapes and definition.kind == "model":
            made = [one for use in self.uses.of[id(definition)] for one in use.instance.children if one.path == child]
            shapes = {one.result.output.shape for one in made if isinstance(one, Instance) and one.result is not None}
        if len({len(shape) for shape in shapes}) != 1 or (self.is_open and len(next(iter(shapes))) > 1):
            return []
        first, *rest = [alike(axis) for axis in zip(*shapes, strict=True)]
        return ["c" if first == "..." else first, *(rest if set(rest) != {"..."} else ["..."])]

    def annotation(self, init: list[Statement], word: str) -> str:
        """Return the type of an attribute by the line that makes it."""
        for statement in init:
            if statement.head == f"self.{word} = " and isinstance(statement.value, python.Call):
                return layout.expression(statement.value.func)
        return "nn.Module"

    def unit_expression(self, unit: Any) -> python.expr:
        """Return a block or layer as it is passed to a constructor."""
        if isinstance(unit, Defined):
            return name(self.written(unit).name)
        if isinstance(unit, Passed):
            return name(unit.name)
        assert isinstance(unit, LayerValue), "a unit is one of these"
        kind = unit.kind
        if kind.name in self.HOME_MADE:
            self.needs.add(kind.name)
        made = name(kind.name if kind.name in self.HOME_MADE else f"nn.{kind.name}")
        changed = {k: terms.per_axis(v) for k, v in (unit.op.non_defaults() if unit.op else {}).items()}
        if not changed:
            return made
        self.needs.add("partial")
        leading = [changed.pop(word) for word in kind.leading if word in changed]
        return call("partial", made, *leading, **changed)

    def expansions(self, blocks: Sequence[Written]) -> list[int] | None:
        """Return what each block multiplies one width by, where that tells their channels; it becomes a constant."""
        factors: list[int] = []
        bases: list[python.expr] = []
        for written in blocks:
            (out,) = written.channels
            if out is None:
                return None
            factor, base = 1, out
            if (
                isinstance(out, python.BinOp)
                and isinstance(out.op, python.Mult)
                and isinstance(value_of(out.left), int)
            ):
                factor, base = value_of(out.left), out.right
            factors.append(factor)
            bases.append(base)
        if any(not terms.same(base, bases[0]) for base in bases):
            return None
        if len(set(factors)) > 1:
            for written, factor in zip(blocks, factors, strict=True):
                line = f"expansion: ClassVar[int] = {factor}"
                if line not in written.cls.constants:
                    written.cls.constants.append(line)
            self.needs.add("ClassVar")
        return factors

    # Classes.

    def written(self, defined: Defined) -> Written:
        """Return the class of a definition, written once."""
        key = id(defined.definition)
        if key in self._failed:
            raise self._failed[key]
        if key not in self._written:
            try:
                made = self._write(defined)
                self.order.append(made)
            except Unsupported as error:
                made = self._for_all_uses(defined, error)
            self._written[key] = made
        return self._written[key]

    def _for_all_uses(self, defined: Defined, error: Unsupported) -> Written:
        """Return the one class that is enough because all uses of a definition are alike, or raise the error."""
        self._causes[id(defined.definition)] = error
        made = []
        if defined.definition.kind != "model":
            made = [self.concrete(use.graph, use.instance) for use in self.uses.of[id(defined.definition)]]
        if not made or any(one is not made[0] for one in made):
            failed = Unsupported(f"`{defined.definition.name}` in it has no class for all of its uses")
            self._failed[id(defined.definition)] = failed
            raise failed
        return made[0]

    def notes(self, classes: Sequence[Written]) -> list[str]:
        """Return why the parameters of some definitions are not those of their classes, one line each.

        With the names of those that a model loses that way.
        """
        found: dict[int, str] = {}
        for written in classes:
            key = id(written.definition)
            if written.is_concrete and written.definition is not None and key in self._causes:
                cause = self._causes[key]
                found[key] = f"`{written.definition.name}` is written with its numbers as they are: {cause}"
        for written in classes:
            lost = [f"`{word}`" for word in self._lost(written)] if found else []
            if lost and written.definition is not None:
                text = f"`{written.definition.name}` takes no {' and no '.join(lost)}: only what is written so reads it"
                found[id(written.definition)] = text
        return list(found.values())

    def _lost(self, written: Written) -> list[str]:
        """Return the parameters of a model that its body reads and its class does not take."""
        definition = written.definition
        if definition is None or definition.kind != "model" or written.is_concrete:
            return []
        read = {node.name for node in ast.walk(definition) if isinstance(node, ast.Name)}
        gone = (read & self.open[id(definition)]) - {parameter.name for parameter in written.kept}
        return [parameter.name for parameter in definition.parameters if parameter.name in gone]

    def concrete(self, graph: Graph, instance: Instance) -> Written:
        """Return the class of one use of a definition, all of its numbers known; equal uses share it."""
        if id(instance) in self._concrete:
            return self._concrete[id(instance)]
        definition = instance.definition
        word = definition.name if definition is not None else instance.name
        doc, ending = [f"The layers of `{word}`."], list[Statement]()
        if definition is not None:
            doc, ending = self._doc(Defined(self.home_of(instance), definition)), self._init(definition)
        cls = block_class(Concrete(self, graph), instance, "", doc, ending)
        channels = tuple(constant(result.output.channels) for result in instance.results)
        made = Written("", definition, cls, (), [], {}, channels, is_concrete=True)
        for other in self._concrete.values():
            if other.definition is definition and other.text == made.text:
                made = other
                break
        self._concrete[id(instance)] = made
        made.shown.append(fed_and_given(Use(graph, instance)))
        cls.doc = made.cls.doc = [*doc, *_shape_line(made.shown, sized=False)]
        if made.name:
            return made
        made.name = cls.name = free(class_name(word if word.isidentifier() else "Layers"), self.taken)
        self.order.append(made)
        return made

    def _concrete_model(self, variant: Variant) -> Written:
        """Return the class of one model, all of its numbers known."""
        assert variant.elaboration is not None, "a model without a value for a parameter has not been built"
        doc = variant.doc.split("\n") if variant.doc else self._doc(Defined(variant.home, variant.definition))
        word = free(class_name(variant.name), self.taken)
        graph = variant.elaboration.graph
        doc = [*doc, *_shape_line([fed_and_given(Use(graph, graph.root))], sized=not self.is_open)]
        writer = Concrete(self, graph)
        cls, extra = model_class(writer, word, doc, self._init(variant.definition))
        made = Written(word, variant.definition, cls, (), [], {}, (), extra, is_concrete=True)
        self.order.append(made)
        return made

    def home_of(self, instance: Instance) -> Module:
        """Return the file that an instance's definition stands in."""
        return self.variants[0].home.library.module_of(instance.source)

    def _write(self, defined: Defined) -> Written:
        definition = defined.definition
        if id(definition) in self.refused:
            raise Unsupported(f"one class for all of its uses would be wrong: {self.refused[id(definition)]}")
        word = free(class_name(definition.name), self.taken)
        try:
            body = Flow(self, defined)
            parameters = self._parameters(body, definition)
            if definition.kind == "seq":
                return self._sequence(body, defined, parameters, word)
            return self._block(body, defined, parameters, word)
        except Unsupported:
            self.taken.discard(word)
            raise

    def _parameters(self, body: Body, definition: ast.Definition) -> list[tuple[ast.Parameter, Parameter]]:
        """Bind the parameters of a definition; return those that stay."""
        uses = self.uses.of[id(definition)]
        kept: list[tuple[ast.Parameter, Parameter]] = []
        for parameter in definition.parameters:
            word = parameter.name
            values = [use.arguments[word] for use in uses if word in use.arguments]
            if parameter.type.name == "block":
                units = list(
                    {id(getattr(v, "definition", v)) if isinstance(v, BlockValue) else v: v for v in values}.values()
                )
                candidates = tuple(body.as_unit(v) for v in units)
                if len(candidates) == 1:
                    body.scope[word] = candidates[0]
                    continue
                body.scope[word] = Passed(body.word(word), candidates)
                default = self._unit_default(body, parameter)
                kept.append((parameter, Parameter(body.word(word), self._unit_type(candidates), default)))
                continue
            if values and word not in self.open.get(id(definition), ()):
                body.scope[word] = constant(values[0])
                continue
            body.scope[word] = name(body.word(word))
            default = None
            if parameter.default is not None:
                default = body.number(parameter.default)
                if not terms.is_known(default):
                    default = None
            kept.append((parameter, Parameter(body.word(word), _annotation(parameter.type, default), default)))
        return kept

    def _unit_type(self, candidates: Sequence[Any]) -> str:
        if all(isinstance(c, Defined) for c in candidates):
            return f"type[{' | '.join(self.written(c).name for c in candidates)}]"
        self.needs.add("Callable")
        sized = all(isinstance(c, LayerValue) and c.kind.leading for c in candidates)
        return f"Callable[[{'int' if sized else ''}], nn.Module]"

    def _unit_default(self, body: Body, parameter: ast.Parameter) -> python.expr | None:
        return None if parameter.default is None else self.unit_expression(body.unit_argument(parameter.default))

    def _constructor(self, parameters: Sequence[Parameter], inputs: Sequence[str]) -> Function:
        first = [Parameter(word, "int") for word in inputs]
        ordered = [*(p for p in parameters if p.default is None), *(p for p in parameters if p.default is not None)]
        written = ["self", *map(str, first), *map(str, ordered)]
        return Function("__init__", written, "None")

    def _sequence(
        self, body: Flow, defined: Defined, parameters: list[tuple[ast.Parameter, Parameter]], word: str
    ) -> Written:
        definition = defined.definition
        stages: tuple[Any, ...] = definition.body
        channels = body.sequence(stages, "self", name("in_channels"))
        constructor = self._constructor([p for _, p in parameters], ("in_channels",))
        appended = [_appended(statement) for statement in body.init]
        if all(node is not None for node in appended):
            whole = call("super().__init__", *[node for node in appended if node is not None])
            whole.func = python.Attribute(call("super"), "__init__")
            whole.spread = True  # type: ignore[attr-defined]  # read by the layout
            constructor.body = [Statement("", whole)]
        else:
            constructor.body = [Statement("super().__init__()"), *body.init]
        behind = (body.in_parameters(channels),)
        doc = [*self._doc(defined), *self._shapes(definition, ("in_channels",), behind)]
        cls = Class(word, "nn.Sequential", doc, [constructor])
        return self._finished(cls, definition, ("in_channels",), parameters, behind)

    def _block(
        self, body: Flow, defined: Defined, parameters: list[tuple[ast.Parameter, Parameter]], word: str
    ) -> Written:
        definition = defined.definition
        feeds = [s for s in definition.body if isinstance(s, ast.Input)]
        is_model = definition.kind == "model"
        inputs = () if is_model else tuple("in_channels" if len(feeds) == 1 else f"{s.name}_channels" for s in feeds)
        for number, statement in enumerate(feeds):
            self._feed(body, statement, inputs[number] if inputs else None, definition)
        body.has_training_output = any(isinstance(s, ast.Output) and s.training for s in ast.walk(definition))
        body.run(definition.body)
        if hidden := [w for w in body.kept if w in body.made or why_not_a_label(w, in_sequence=False)]:
            raise Unsupported(f"`{hidden[0]}` cannot be an attribute as well")
        returned = self._returned(body, definition, word)
        given = [f"{body.word(s.name)}: Tensor" for s in feeds]
        forward = Function("forward", ["self", *given], returned[0], body.forward)
        read = {*body.kept, *(word for s in statements(body.init) if s.value is not None for word in names_in(s.value))}
        parameters = [(p, made) for p, made in parameters if made.name in read or not is_model]
        constructor = self._constructor([p for _, p in parameters], inputs)
        kept = [Statement(f"self.{word} = ", name(word)) for word in body.kept]
        constructor.body = [Statement("super().__init__()"), *kept, *body.init, *self._init(definition)]
        channels = tuple(body.in_parameters(x.channels) for _, x, training in body.outputs if not training)
        doc = [*self._doc(defined), *self._shapes(definition, inputs, channels)]
        cls = Class(word, "nn.Module", doc, [constructor, forward])
        written = self._finished(cls, definition, inputs, parameters, channels)
        written.extra = returned[1]
        return written

    def _feed(self, body: Flow, statement: ast.Input, channels: str | None, definition: ast.Definition) -> None:
        dims = statement.shape or ()
        if channels is not None:
            body.scope[statement.name] = Tensor(name(body.word(statement.name)), name(channels))
            if dims and isinstance(dims[0].value, ast.Name):
                body.scope[dims[0].value.name] = name(channels)
                if (
                    len([s for s in ast.walk(definition) if isinstance(s, ast.Name) and s.name == dims[0].value.name])
                    > 1
                ):
                    body.carried = "channels"
        else:
            body.scope[statement.name] = Tensor(name(body.word(statement.name)), body.number(dims[0].value))
        uses = self.uses.of[id(definition)]
        for axis, dim in enumerate(dims[1:], 1):
            if isinstance(dim.value, ast.Name) and dim.value.name not in body.scope:
                found = self._sizes(uses, statement, axis)
                if len(found) == 1:
                    body.scope[dim.value.name] = constant(found.pop())

    def _sizes(self, uses: Sequence[Use], statement: ast.Input, axis: int) -> set[int]:
        return set()

    def _returned(self, body: Flow, definition: ast.Definition, owner: str) -> tuple[str, list[Class]]:
        """Write what `forward` returns; return its type, and the class of several outputs."""
        regular = [(word, x) for word, x, training in body.outputs if not training]
        extra = [(word, x) for word, x, training in body.outputs if training]
        if len(regular) == 1 and not extra:
            self._return_tensor(body, regular[0][1].code, regular[0][0], definition)
            return "Tensor", []
        self.needs.add("NamedTuple")
        kind = free(f"{owner}Output", self.taken)
        words = [word or "" for word, _ in [*regular, *extra]]
        records = [record(kind, words, f"What `{owner}` gives{' in training' if extra else ''}.")]
        whole = call(kind, *(x.code for _, x in [*regular, *extra]))
        if not extra:
            body.forward.append(Statement("return ", whole))
            return kind, records
        asked = [body.asked.get(id(x)) for _, x in extra]
        tests = [name("self.training")] if asked[0] is None else [name("self.training"), asked[0]]
        if any((a is None) != (asked[0] is None) or (a and asked[0] and not terms.same(a, asked[0])) for a in asked):
            raise Unsupported("outputs of training under different conditions")
        body.forward.append(Statement("if ", terms.both(tests), ":", body=[Statement("return ", whole)]))
        if len(regular) == 1:
            self._return_tensor(body, regular[0][1].code, regular[0][0], definition)
            return f"Tensor | {kind}", records
        plain = free(f"{owner}EvaluationOutput", self.taken)
        body.forward.append(Statement("return ", call(plain, *(x.code for _, x in regular))))
        records.append(record(plain, words[: len(regular)], f"What `{owner}` gives in evaluation."))
        return f"{plain} | {kind}", records

    def _return_tensor(self, body: Flow, code: python.expr, word: str | None, definition: ast.Definition) -> None:
        """Return a tensor by a name with a type: what a module gives has none for a type checker."""
        feeds = {body.word(s.name) for s in definition.body if isinstance(s, ast.Input)}
        word = body.word(word) if word is not None else None
        if _is_typed(code, feeds):
            add_return(body.forward, code, feeds)
            return
        bound = {s.head.removesuffix(" = ") for s in body.forward} | feeds
        new = word if word is not None and word not in bound else "out"
        while new in bound:
            new += "_"
        if not isinstance(code, python.Name):
            variable = new
            body.forward.append(Statement(f"{variable}: Tensor = ", code))
        else:
            variable = code.id
            first = next((s for s in body.forward if s.head == f"{variable} = "), None)
            if first is not None:
                first.head = f"{variable}: Tensor = "
        body.forward.append(Statement(f"return {variable}"))

    def _init(self, definition: ast.Definition) -> list[Statement]:
        """Return what initialises the weights as the definition states: a loop over modules, or a call for a layer."""
        made: list[Statement] = []
        over_all: list[Statement] = []  # the body of the loop over all modules, while it is the last statement
        for statement in definition.body:
            if not isinstance(statement, ast.Init):
                continue
            label = None if statement.target in OPS else statement.target
            places = self._places(definition, label)
            nodes = [node for place in places for node in ([place] if isinstance(place, Node) else place.nodes())]
            kinds = {node.op.name for node in nodes if has_kernel(node.op.name)}
            if statement.target in OPS:
                kinds &= {statement.target}
            if not kinds:
                continue
            if label is None:
                asked = self._asked(statement, definition, kinds)
                if not over_all:
                    over_all = []
                    made.append(Statement("for module in ", call("self.modules"), ":", body=over_all))
                over_all.append(asked)
                continue
            over_all = []
            if all(isinstance(place, Node) for place in places):
                applied = self._applied(statement, definition, f"self.{label}")
            else:
                inner = self._asked(statement, definition, kinds)
                applied = Statement("for module in ", call(f"self.{label}.modules"), ":", body=[inner])
            if len(places) < len(self._places(definition, None)):  # in a branch that not every use takes
                applied = Statement("if ", call("hasattr", name("self"), constant(label)), ":", body=[applied])
            made.append(applied)
        return made

    def _asked(self, statement: ast.Init, definition: ast.Definition, kinds: set[str]) -> Statement:
        """Return what initialises a module of a loop, if it is of some kinds."""
        asked = call("isinstance", name("module"), name(" | ".join(f"nn.{kind}" for kind in sorted(kinds))))
        return Statement("if ", asked, ":", body=[self._applied(statement, definition, "module")])

    def _applied(self, statement: ast.Init, definition: ast.Definition, module: str) -> Statement:
        """Return the call that initialises the weight of a module."""
        body = Body(self, Defined(self.variants[0].home, definition))
        arguments = [body.number(a.value) for a in statement.arguments if a.name is None]
        keywords = {a.name: body.number(a.value) for a in statement.arguments if a.name is not None}
        return Statement("", call(f"nn.init.{statement.scheme}_", name(f"{module}.weight"), *arguments, **keywords))

    def _places(self, definition: ast.Definition, label: str | None) -> list[Instance | Node]:
        """Return the instances of a definition, or what has a label in each of them."""
        instances = [use.instance for use in self.uses.of[id(definition)]]
        if label is None:
            return [*instances]
        children = [child for instance in instances for child in instance.children]
        return [child for child in children if child.path.rpartition(".")[2] == label]

    def _finished(
        self,
        cls: Class,
        definition: ast.Definition,
        inputs: tuple[str, ...],
        parameters: list[tuple[ast.Parameter, Parameter]],
        channels: tuple[python.expr | None, ...],
    ) -> Written:
        defaults = {p.name: made.default for p, made in parameters if made.default is not None}
        return Written(cls.name, definition, cls, inputs, [p for p, _ in parameters], defaults, channels)

    def _doc(self, defined: Defined) -> list[str]:
        item = defined.home.items.get(defined.definition.name)
        return (
            item.doc.split("\n")
            if item is not None and item.doc
            else [f"The {defined.definition.kind} `{defined.definition.name}`."]
        )

    def _shapes(
        self, definition: ast.Definition, inputs: Sequence[str], channels: Sequence[python.expr | None]
    ) -> list[str]:
        """Return what a docstring says of shapes: a block's channels by its parameters, a model's sizes by default."""
        uses = self.uses.of[id(definition)]
        if not uses or (inputs and None in channels):  # without a use where an arm that no model takes names it
            return []
        fed, given = zip(*map(fed_and_given, uses), strict=True)
        first = [*inputs], [layout.expression(one) for one in channels if one is not None]
        sides = [
            in_common(shapes, names, sized=not inputs and not self.is_open)
            for shapes, names in zip((fed, given), first, strict=True)
        ]
        if "" in sides:
            return []
        return ["", f"Shape: {sides[0]} -> {sides[1]}, without the batch."]

    # Builders.

    def builders(self) -> list[Function]:
        """Return one function for each model."""
        return [self._builder(variant) for variant in self.variants]

    def reached(self, builders: Sequence[Function]) -> list[Written]:
        """Return the classes that builders use, in their order; what a failed attempt left behind is not among them."""
        pending = [line for builder in builders for line in builder.lines(0)]
        by_name = {written.name: written for written in self.order}
        found: set[str] = set()
        used: set[str] = set()
        while pending:
            words = set(re.findall(r"\w+", pending.pop()))
            used |= words
            for word in (words & by_name.keys()) - found:
                found.add(word)
                pending.append(by_name[word].text)
        self.needs &= used
        return [written for written in self.order if written.name in found]

    def _builder(self, variant: Variant) -> Function:
        doc = variant.doc.split("\n") if variant.doc else [f"Build {variant.name}."]
        try:
            written = self.written(Defined(variant.home, variant.definition))
        except Unsupported:
            if variant.elaboration is None:
                raise self._causes[id(variant.definition)] from None
            written = self._concrete_model(variant)
            return Function(self.builders_called[variant.name], [], written.name, [_returns(written.name)], doc)
        given: dict[str, python.expr] = {}
        for module, alias in variant.aliases:
            for word, argument in _bound(variant.definition, alias).items():
                parameter = next(p for p in variant.definition.parameters if p.name == word)
                there = Body(self, Defined(module, variant.definition))
                if parameter.type.name == "block":
                    given[word] = self.unit_expression(there.unit_argument(argument.value))
                else:
                    given[word] = there.number(argument.value)
        parameters: list[str] = []
        keywords: dict[str, python.expr] = {}
        for parameter in written.kept:
            word = parameter.name
            if word in given:
                keywords[written.word(parameter)] = given[word]
                continue
            default = constant(variant.chosen[word]) if word in variant.chosen else written.defaults.get(word)
            annotation = _annotation(parameter.type, default) if parameter.type.name != "block" else None
            if annotation is None:
                continue
            parameters.append(str(Parameter(written.word(parameter), annotation, default)))
            keywords[written.word(parameter)] = name(written.word(parameter))
        body = [_returns(written.name, **keywords)]
        return Function(self.builders_called[variant.name], parameters, written.name, body, doc)


def _shape_line(shown: Sequence[tuple[tuple[Shape, ...], tuple[Shape, ...]]], *, sized: bool) -> list[str]:
    """Return what a docstring says of the shapes of a class whose numbers are as they are."""
    sides = [in_common(side, (), sized=sized) for side in zip(*shown, strict=True)]
    return [] if "" in sides else ["", f"Shape: {sides[0]} -> {sides[1]}, without the batch."]


def _is_typed(code: python.expr, feeds: set[str]) -> bool:
    """Tell whether a type checker knows that an expression is a tensor."""
    match code:
        case python.Name(id=word):
            return word in feeds
        case python.Call(func=python.Attribute(value=python.Name(id="torch"))):
            return True
    return False


def _returns(cls: str, **keywords: python.expr) -> Statement:
    return Statement("return ", call(cls, **keywords))


def _annotation(kind: ast.Type, default: python.expr | None) -> str:
    if kind.name in TYPES:
        made = TYPES[kind.name]
    elif kind.name in ("list", "tuple"):
        made = f"Sequence[{_annotation(kind.inner, None)}]" if kind.inner else "Sequence[Any]"
    else:
        made = "Any"
    return f"{made} | None" if default is not None and value_of(default) is None else made


def _bound(definition: ast.Definition, node: ast.Call | ast.Alias) -> dict[str, ast.Argument]:
    order = [parameter.name for parameter in definition.parameters]
    return {a.name or order[i]: a for i, a in enumerate(node.arguments)}


def _appended(statement: Statement) -> python.expr | None:
    """Return what a statement appends to a Sequential, if that is all it does."""
    value = statement.value
    if statement.head or statement.body is not None or not isinstance(value, python.Call):
        return None
    if layout.expression(value.func) == "self.append" and len(value.args) == 1:
        return value.args[0]
    return None
