"""A block that is called again with equal arguments is copied, and nobody can tell it from one that was built again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.elaborate import Elaboration, Library, Request, construction, elaborate
from archdsl.elaborate.construction import Construction
from archdsl.graph import Instance, Node
from archdsl.source import Source


class Forgetful(dict[Any, Any]):
    """Holds nothing, so that every call is built anew."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


def built(text: str, copying: bool) -> Elaboration:
    before = Construction.__init__

    def without_memory(self: Construction) -> None:
        before(self)
        self._made = Forgetful()

    with pytest.MonkeyPatch.context() as patch:
        if not copying:
            patch.setattr(Construction, "__init__", without_memory)
        return elaborate(Library().add(Source("m.arch", text)), Request("M"))


def nodes(made: Elaboration) -> list[tuple[Any, ...]]:
    return [
        (n.index, n.path, n.call, n.op, n.inputs, n.output.shape, n.is_module, n.instance.path, n.span[1:])
        for n in made.graph.nodes
    ]


def tree(instance: Instance) -> tuple[Any, ...]:
    children = tuple(c.id if isinstance(c, Node) else tree(c) for c in instance.children)
    result = instance.result and (instance.result.path, instance.result.call)
    definition = instance.definition and instance.definition.name
    inits = [i.scheme for i in instance.inits]
    arguments = {k: str(v) for k, v in instance.arguments.items()}
    return instance.path, instance.kind, definition, arguments, dict(instance.loops), inits, result, children


def facts(made: Elaboration) -> dict[str, Any]:
    return {
        "nodes": nodes(made),
        "tree": tree(made.graph.root),
        "outputs": {name: node.index for name, node in made.graph.outputs.items()},
        "problems": sorted((d.code, d.message, d.span[1:], d.layer) for d in made.diagnostics),
    }


LEAVES = ["ReLU", "Tanh", "Conv2d(4, 1)", "BatchNorm2d", "Dropout(0.5)", "MaxPool2d(3, stride=1, padding=1)"]
WRAPPERS = [
    "({0} -> {1})",
    "({0}) * 2",
    "for i in range(2) {{ {0} -> {1} }}",
    "if n > 1 {{ {0} }} else {{ {1} }}",
    "(if n == 1 {{ {0} }}) -> {1}",
]


@st.composite
def chains(draw: st.DrawFn, known: list[str]) -> str:
    stages = draw(st.lists(st.sampled_from([*LEAVES, *known, *known]), min_size=1, max_size=3))
    chain = " -> ".join(stages)
    if draw(st.booleans()):
        chain = draw(st.sampled_from(WRAPPERS)).format(chain, draw(st.sampled_from([*LEAVES, *known])))
    return chain


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A file of blocks, each of which uses those before it; all keep the shape [4, 8, 8]."""
    text, known = "", []
    for number in range(draw(st.integers(1, 5))):
        name = f"B{number}"
        chain = draw(chains(known))
        again = draw(chains(known))
        kind = draw(st.sampled_from(["seq", "block", "shared", "residual", "double", "indexed"]))
        head = f"{'seq' if kind == 'seq' else 'block'} {name}(n: int = 1)"
        body = {
            "seq": f"= {chain}",
            "block": f"{{ input x  init ones  output x -> a: ({chain}) -> b: ({again}) }}",
            "shared": f"{{ input x  share f = ({chain})  y = x -> f  output y + (y -> f -> f) }}",
            "residual": f"{{ input x: [c, h, w]  y = if n == 1 {{ x -> {chain} }} else {{ x }}  output x + y }}",
            "double": f"{{ input x  output p = x -> {chain}  output q = x }}",
            "indexed": f"{{ input x  for i in range(2) {{ y[i] = x -> d[i]: ({chain})  x = y[i] }}  output y[0] + x }}",
        }[kind]
        text += f"{head} {body}\n"
        if kind == "double":
            text += f"block D{number}(n: int = 1) {{ input x  p, q = x -> {name}(n)  output p + q }}\n"
            name = f"D{number}"
        known += [name, f"{name}({draw(st.integers(1, 2))})"]
    last = draw(chains(known)).replace("n > 1", "1 > 1").replace("n == 1", "1 == 1")
    return text + f"model M {{\n  input x: [4, 8, 8]\n  y = x -> {last}\n  output y -> {known[-1]} -> {known[-2]}\n}}\n"


@settings(max_examples=120)
@given(programs())
def test_a_copy_is_what_building_again_would_give(text):
    copied, anew = facts(built(text, copying=True)), facts(built(text, copying=False))

    assert copied == anew


def test_equal_blocks_are_copied_at_all(monkeypatch):
    """Without this, the property above would hold of an elaborator that never copies."""
    copies = []
    copied = construction.Construction._copied
    monkeypatch.setattr(
        construction.Construction, "_copied", lambda *given: copies.append(given[2].path) or copied(*given)
    )

    built(
        "seq B = ReLU -> Tanh\nmodel M {\n  input x: [4, 8, 8]\n  output x -> a: B -> b: B -> c: B\n}\n", copying=True
    )
    assert copies == ["b", "c"]


def test_what_a_later_call_of_a_shared_module_made_is_no_model_for_others():
    """The second `u` has weights of its own, though an equal block was last built as a repeated call."""
    text = (
        "block B { input x  output x -> Conv2d(4, 1) }\n"
        "block U { input x  share f = B  output x -> f -> f -> f }\n"
        "model M {\n  input x: [4, 8, 8]\n  output x -> u: U -> v: U\n}\n"
    )
    made = built(text, copying=True)
    layers = [(n.path, n.call) for n in made.graph.layers]

    assert layers == [(f"{u}.f.conv2d", call) for u in "uv" for call in (0, 1, 2)]
