"""Python laid out as its formatter lays it out: what is printed, `ruff format` leaves as it is."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archdsl.codegen import layout

WIDTH = ["--line-length", str(layout.WIDTH)]


def by_formatter(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", *WIDTH, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def laid_out(node: ast.expr) -> str:
    return "\n".join(layout.statement("x = ", node)) + "\n"


NAMES = st.sampled_from(
    ["x", "width", "in_channels", "self.downsample", "a_rather_long_name_of_something", "nn.Conv2d"]
).map(lambda text: ast.parse(text, mode="eval").body)
NUMBERS = st.sampled_from([0, 1, 64, 0.1, 1e-5, 1e20, 2.0, True, None, "text", "it's", 'a "quote"']).map(ast.Constant)
SIGNS = st.sampled_from([ast.Add(), ast.Sub(), ast.Mult(), ast.Div(), ast.FloorDiv(), ast.Mod(), ast.Pow()])
COMPARED = st.sampled_from([ast.Eq(), ast.NotEq(), ast.Lt(), ast.IsNot(), ast.In()])


def larger(inner):
    several = st.lists(inner, min_size=1, max_size=5)
    return st.one_of(
        st.builds(
            lambda f, a, k: ast.Call(f, a, [ast.keyword(f"key{i}", v) for i, v in enumerate(k)]),
            NAMES,
            several,
            several,
        ),
        st.builds(lambda items: ast.List(items), several),
        st.builds(lambda items: ast.Tuple(items), several),
        st.builds(ast.BinOp, inner, SIGNS, inner),
        st.builds(lambda a, op, b: ast.Compare(a, [op], [b]), inner, COMPARED, inner),
        st.builds(lambda op, a, b: ast.BoolOp(op, [a, b]), st.sampled_from([ast.And(), ast.Or()]), inner, inner),
        st.builds(ast.IfExp, inner, inner, inner),
        st.builds(lambda a: ast.UnaryOp(ast.Not(), a), inner),
        st.builds(lambda a, i: ast.Subscript(a, i), NAMES, inner),
    )


EXPRESSIONS = st.recursive(NAMES | NUMBERS, larger, max_leaves=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EXPRESSIONS, min_size=5, max_size=15))
def test_what_is_printed_is_what_was_meant(nodes):
    for node in nodes:
        text = laid_out(node)
        (read,) = ast.parse(text).body

        assert ast.dump(read.value) == ast.dump(
            ast.parse(ast.unparse(ast.fix_missing_locations(node)), mode="eval").body
        )


# fmt: off
LINES = [
    "made = self.append(nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, dilation=dilation, groups=groups, bias=False))",
    "self.downsample = nn.Sequential(nn.Conv2d(in_channels, 4 * width, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(4 * width))",
    "stages = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]",
    "out = torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x), self.branch5(x), self.branch_pool(x)), dim=1)",
    "y = a_rather_long_name_of_something + another_rather_long_name_of_something * a_third_name_of_something + self.shortcut(x)",
    "skip = x if self.a_very_long_name_for_a_downsampling_shortcut is None else self.a_very_long_name_for_a_downsampling_shortcut(x)",
    "in_channels = round_to(320 * width, 8) if a_condition_with_a_long_name and another_condition_with_a_long_name else 4 * in_channels",
    "x = 2**i + (1 + i) ** 2 - -i // (3 * i) % 5",
    "x = not (a and b or c) and d != e",
    "x = [f(i) for i in range(10)]",
    "x = y[:, :, top : y.shape[2] - bottom, left:]",
    "x = (only,)",
    "x = y[(a, b),]",
    "x = y[()]",
]
# fmt: on


@pytest.mark.parametrize("line", LINES)
def test_a_formatter_leaves_it_as_it_is(line):
    (statement,) = ast.parse(line).body
    assert isinstance(statement, ast.Assign)
    text = "\n".join(layout.statement(f"{layout.expression(statement.targets[0])} = ", statement.value)) + "\n"

    assert by_formatter(text) == text


def test_a_signature_stands_on_one_line_on_two_or_on_one_for_each_parameter():
    def lines(count):
        return layout.signature("f", [f"a_parameter{i}: int = {i}" for i in range(count)], " -> None:", 0)

    for count in (1, 4, 5, 6, 12):
        text = "\n".join(lines(count)) + "\n    pass\n"

        assert by_formatter(text) == text
    assert [len(lines(count)) for count in (1, 5, 12)] == [1, 3, 14]
