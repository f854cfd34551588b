"""From text to tree: every construct of LANGUAGE.md, where each part stands, and every mistake of a text at once."""

# ruff: noqa: C408 - fields read as arguments

from __future__ import annotations

import pytest

from archdsl.lang import ast
from archdsl.lang.parser import Spec
from archdsl.resources import specs
from archdsl.source import Source


def parsed(text: str) -> Spec:
    spec = Spec(Source("t.arch", text))
    spec.parse_all()
    return spec


def item(text: str) -> ast.Syntax:
    spec = parsed(text)
    assert spec.problems == []
    tree = spec.parse(spec.items[0])
    assert tree is not None
    return tree


def statement(text: str) -> ast.Syntax:
    tree = item(f"block B {{ {text} }}")
    assert isinstance(tree, ast.Definition)
    return tree.body[0]


def value(text: str) -> ast.Syntax:
    found = statement(f"let v = {text}")
    assert isinstance(found, ast.Let)
    return found.value


# A node as it prints: kinds and fields, without places. Worked out by hand from LANGUAGE.md.
# fmt: off
VALUES = [
    ("a",                   "Name(name='a')"),
    ("61_706",              "Literal(value=61706)"),
    ("true",                "Literal(value=True)"),
    ("none",                "Literal(value=None)"),
    ('"same"',              "Literal(value='same')"),
    ("?",                   "Hole()"),
    ("(a)",                 "Name(name='a')"),
    ("(a, b,)",             "Sequence(items=(Name(name='a'), Name(name='b')), is_list=False)"),
    ("(a,)",                "Sequence(items=(Name(name='a'),), is_list=False)"),
    ("[1,]",                "Sequence(items=(Literal(value=1),), is_list=True)"),
    ("[]",                  "Sequence(items=(), is_list=True)"),
    ("-a",                  "Unary(op='-', operand=Name(name='a'))"),
    ("not a",               "Unary(op='not', operand=Name(name='a'))"),
    ("a[0]",                "Index(value=Name(name='a'), index=Literal(value=0))"),
    ("f(a, k=1,)",          "Call(name='f', arguments=(Argument(name=None, value=Name(name='a')), Argument(name='k', value=Literal(value=1))), bare=False)"),
    ("a + b * c",           "Binary(op='+', left=Name(name='a'), right=Binary(op='*', left=Name(name='b'), right=Name(name='c')))"),
    ("a - b - c",           "Binary(op='-', left=Binary(op='-', left=Name(name='a'), right=Name(name='b')), right=Name(name='c'))"),
    ("a ** b ** c",         "Binary(op='**', left=Name(name='a'), right=Binary(op='**', left=Name(name='b'), right=Name(name='c')))"),
    ("-a ** b",             "Unary(op='-', operand=Binary(op='**', left=Name(name='a'), right=Name(name='b')))"),
    ("a or b and c",        "Binary(op='or', left=Name(name='a'), right=Binary(op='and', left=Name(name='b'), right=Name(name='c')))"),
    ("a < b <= c",          "Compare(first=Name(name='a'), rest=(('<', Name(name='b')), ('<=', Name(name='c'))))"),
    ("if a { 1 } else { 2 }", "IfExpression(condition=Name(name='a'), then=Literal(value=1), otherwise=Literal(value=2))"),
    ("x -> A -> b: B",      ("Pipe(source=Name(name='x'), stages=(Stage(label=None, unit=Call(name='A', arguments=(), bare=True), repeat=None), "
                            "Stage(label=Label(name='b', index=None, template=None), unit=Call(name='B', arguments=(), bare=True), repeat=None)))")),
    ("x -> A * 2",          "Pipe(source=Name(name='x'), stages=(Stage(label=None, unit=Call(name='A', arguments=(), bare=True), repeat=Literal(value=2)),))"),
    ("x -> (A)",            "Pipe(source=Name(name='x'), stages=(Stage(label=None, unit=Group(stages=(Stage(label=None, unit=Call(name='A', arguments=(), bare=True), repeat=None),)), repeat=None),))"),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[v[0] for v in VALUES])
def test_an_expression_is_this_tree(text, expected):
    assert repr(value(text)) == expected


# fmt: off
STATEMENTS = [
    ("input x",                         ast.Input,          dict(name="x", shape=None)),
    ("output y",                        ast.Output,         dict(name=None, training=False)),
    ("output logits = y",               ast.Output,         dict(name="logits", training=False)),
    ("output aux = y when training",    ast.Output,         dict(name="aux", training=True)),
    ("output y when training",          ast.Output,         dict(name=None, training=True)),
    ("let n = 1",                       ast.Let,            dict(name="n")),
    ('require a, "why"',                ast.Require,        dict(message="why")),
    ("require a == b",                  ast.Require,        dict(message=None)),
    ("y = x",                           ast.Bind,           dict(name="y", index=None, shape=None)),
    ("a, b = split(x, 2)",              ast.BindTuple,      dict(names=("a", "b"))),
    ("for (i, (a, b)) in l { }",        ast.ForStatement,   dict(target=("i", ("a", "b")), body=())),
    ("for (i, n,) in l { }",            ast.ForStatement,   dict(target=("i", "n"))),
    ("if a { } else { }",               ast.IfStatement,    dict(then=(), otherwise=())),
    ("defaults Conv2d(bias=false,)",    ast.Defaults,       dict(layer="Conv2d")),
    ("init xavier_uniform",             ast.Init,           dict(target=None, scheme="xavier_uniform", arguments=())),
    ("init head: zeros()",              ast.Init,           dict(target="head", scheme="zeros", arguments=())),
]
# fmt: on


@pytest.mark.parametrize(("text", "kind", "fields"), STATEMENTS, ids=[s[0] for s in STATEMENTS])
def test_a_statement_is_this_node(text, kind, fields):
    node = statement(text)

    assert type(node) is kind
    assert {name: getattr(node, name) for name in fields} == fields


def test_patterns_bind_match_and_carry_defaults():
    node = statement("input image: [3, H = 224, c + 1,]")

    assert isinstance(node, ast.Input)
    assert node.shape is not None
    assert [repr(d) for d in node.shape] == [
        "Dim(value=Literal(value=3), default=None)",
        "Dim(value=Name(name='H'), default=Literal(value=224))",
        "Dim(value=Binary(op='+', left=Name(name='c'), right=Literal(value=1)), default=None)",
    ]


def test_computed_and_indexed_labels_hold_their_expressions():
    node = value('x -> "layer{i + 1}_{n}": A -> down[i]: B')
    assert isinstance(node, ast.Pipe)
    template, index = (stage.label for stage in node.stages)

    assert template is not None
    assert template.template is not None
    assert [p if isinstance(p, str) else type(p).__name__ for p in template.template] == [
        "layer",
        "Binary",
        "_",
        "Name",
    ]
    assert index is not None
    assert (index.name, repr(index.index)) == ("down", "Name(name='i')")


def test_definitions_hold_parameters_with_types_and_defaults():
    node = item("seq Stage(unit: block, depths: list[int] = [3, 4],) = unit(1) -> ReLU")

    assert isinstance(node, ast.Definition)
    assert (node.kind, node.name, len(node.body)) == ("seq", "Stage", 2)
    assert [(p.name, str(p.type), p.default is not None) for p in node.parameters] == [
        ("unit", "block", False),
        ("depths", "list[int]", True),
    ]


def test_imports_aliases_and_tests():
    near, alias, test = (
        item("from .parts.more import A, B,"),
        item("model Small = Net(n=1,)"),
        item("test Net(H=32,) { expect macs == 4.09G within 1%  expect params == ? }"),
    )

    assert isinstance(near, ast.Import)
    assert (near.level, near.module, [n.name for n in near.names]) == (1, "parts.more", ["A", "B"])
    assert isinstance(alias, ast.Alias)
    assert (alias.name, alias.base, [a.name for a in alias.arguments]) == ("Small", "Net", ["n"])
    assert isinstance(test, ast.Test)
    assert [e.within for e in test.expectations] == [1.0, None]
    assert "Hole()" in repr(test.expectations[1])


# Places.

PROGRAM = """\
from resnet import Bottleneck
block B(n: int = 2) {
    input x: [c, H = 8, w]
    let k = if n > 1 and not c == 3 { -n } else { [1, 2][0] }
    skip[0] = x -> (A -> b: B(1, k=2)) * 2 -> for (i, j) in zip(a, b) { "l{i}": C } -> if n { D } else { E }
    if k { y = 0.5 * (x + z) } else { share f = C }
    output concat((x, y), "s") -> d[0]: D when training
}
test B { expect params == ? within 1% }
"""
# fmt: off
PLACES = [
    ("Name",        ["Bottleneck", "c", "H", "w", "n", "c", "n", "x", "a"]),
    ("Type",        ["int"]),
    ("Parameter",   ["n: int = 2"]),
    ("Dim",         ["c", "H = 8", "w"]),
    ("IfExpression", ["if n > 1 and not c == 3 { -n } else { [1, 2][0] }"]),
    ("Unary",       ["not c == 3", "-n"]),
    ("Compare",     ["n > 1", "c == 3", "params == ?"]),
    ("Index",       ["[1, 2][0]"]),
    ("Group",       ["(A -> b: B(1, k=2))"]),
    ("ForStage",    ['for (i, j) in zip(a, b) { "l{i}": C }']),
    ("IfStage",     ["if n { D } else { E }"]),
    ("Label",       ["b", '"l{i}"', "d[0]"]),
    ("Argument",    ["1", "k=2", "a", "b", "(x, y)", '"s"']),
    ("IfStatement", ["if k { y = 0.5 * (x + z) } else { share f = C }"]),
    ("Share",       ["share f = C"]),
    ("Output",      ['output concat((x, y), "s") -> d[0]: D when training']),
    ("Expect",      ["expect params == ? within 1%"]),
    ("Import",      ["from resnet import Bottleneck"]),
    ("Sequence",    ["[1, 2]", "(x, y)"]),
    ("Hole",        ["?"]),
]
# fmt: on


@pytest.mark.parametrize(("kind", "expected"), PLACES, ids=[p[0] for p in PLACES])
def test_a_node_stands_where_it_is_written(kind, expected):
    spec = parsed(PROGRAM)
    assert spec.problems == []
    nodes = [n for i in spec.items for n in ast.walk(spec.parse(i))]
    found = [n.span(spec.source).text for n in nodes if type(n).__name__ == kind]

    assert found[: len(expected)] == expected
    assert kind == "Name" or len(found) == len(expected)


@pytest.mark.parametrize("path", sorted(specs().glob("*.arch")), ids=lambda path: path.name)
def test_a_part_lies_inside_the_whole(path):
    spec = parsed(path.read_text(encoding="utf-8"))

    assert spec.problems == []
    for one in spec.items:
        for node in ast.walk(spec.parse(one)):
            assert node.start < node.end
            assert node.span(spec.source).text == node.span(spec.source).text.strip()
            assert all(node.start <= part.start <= part.end <= node.end for part in node.children())


def test_comments_are_kept_and_double_ones_document_the_definition_below():
    spec = parsed(
        "# one\n## A net.\n## Of two lines.\nmodel M { # two\n  input x: [1]  output x }\n\n## far\n\nseq S = A\n"
    )

    assert [c.text for c in spec.comments] == ["# one", "## A net.", "## Of two lines.", "# two", "## far"]
    assert [(i.name, i.doc) for i in spec.items] == [("M", "A net.\nOf two lines."), ("S", "")]


# Mistakes: each with its code, line and column.
# fmt: off
MISTAKES = [
    ("two arrows",                      "model M {\n  output x -> -> A\n}",                     [("E0101", 2, 15)]),
    ("an arrow at the end",             "model M {\n  output x ->\n}",                          [("E0101", 2, 12)]),
    ("a flow without a name",           "model M {\n  x -> A\n  output x\n}",                   [("E0104", 2, 3)]),
    ("a layer without an arrow",        "model M {\n  output x -> A B\n}",                      [("E0104", 2, 17)]),
    ("two statements of one body",      "model M {\n  y = -> A\n  z = x\n  output -> B\n}",     [("E0101", 2, 7), ("E0101", 4, 10)]),
    ("two definitions",                 "seq A = -> B\nseq C = D\nseq E = (F -> )\n",           [("E0101", 1, 9), ("E0101", 3, 12)]),
    ("a bracket that is not closed",    "model M {\n  output x -> A(1\n}",                      [("E0102", 3, 1)]),
    ("a bracket that closes nothing",   "model M {\n  output x\n}\n}\n",                        [("E0102", 4, 1)]),
    ("a brace that is never closed",    "model M {\n  output x\n",                              [("E0102", 1, 9)]),
    ("a broken model and another mistake", "model M {\n  output (x\n}\nseq A = -> B\n",         [("E0102", 3, 1), ("E0101", 4, 9)]),
    ("a word of the language",          "model M {\n  let = 3\n  output x\n}",                  [("E0103", 2, 3)]),
    ("a label whose braces do not pair", 'seq A = "a{i": B\n',                                  [("E0105", 1, 11)]),
    ("an empty label expression",       'seq A = "a{}": B\n',                                   [("E0105", 1, 11)]),
    ("single quotes",                   "seq A = B('x')\n",                                     [("E0101", 1, 11)]),
    ("text before the first definition", "hello\nseq A = B\n",                                  [("E0101", 1, 1)]),
    ("text after the last definition",  "seq A = B\nhello\n",                                   [("E0101", 2, 1)]),
    ("an assignment in a condition",    "block B {\n  require a = 1\n  output x\n}",            [("E0101", 2, 13)]),
    ("a mistake in a label's expression", 'seq A = "a{1 +}": B\n',                              [("E0101", 1, 14)]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_every_mistake_of_a_text_is_told_at_its_place(text, expected):
    found = sorted(parsed(text).problems, key=lambda d: d.span.start)

    assert [(d.code, d.span.line, d.span.column) for d in found] == expected


def test_a_broken_definition_leaves_the_others_readable():
    spec = parsed("seq A = -> B\nseq C = D\n")

    assert spec.broken == {"A"}
    assert [type(spec.parse(i)).__name__ for i in spec.items] == ["NoneType", "Definition"]
