"""`archdsl exam solve` as a person types it."""

from __future__ import annotations

import pytest

from archdsl.cli import run

CHAIN = """\
exam: sheet-3
title: CNN arithmetic
problems:
  - id: q1
    title: A three-layer network
    net: |
      input image: [3, 64, 64]
      output y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)
    parts:
      - {id: a, ask: shape(a)}
      - {id: d, ask: params}
      - {id: e, ask: receptive_field(c)}
"""
DRAWN = """\
exam: quiz
problems:
  - id: up1
    draw: {n: [14, 28], k: [4, 5], m: [0.9, 0.5]}
    net: |
      input x: [16, n, n]
      output y = x -> up: ConvTranspose2d(8, k, stride=3, padding=2)
    parts:
      - {id: a, ask: shape(up)}
      - {id: b, ask: m * n}
"""


@pytest.fixture
def sheet(tmp_path):
    def write(text: str, name: str = "sheet.yaml") -> str:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write


def solve(*arguments: str) -> int:
    return run(["exam", "solve", *arguments])


def test_every_part_is_solved_under_its_problem(sheet, capsys):
    assert solve(sheet(CHAIN)) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["CNN arithmetic", "", "q1  A three-layer network"]
    assert [line.strip() for line in lines if "Answer" in line] == [
        "Answer: 32x64x64",
        "Answer: 20,928 parameters",
        "Answer: 10 (the stride of b acts from c on, not in b)",
    ]


def test_one_part_in_brief_is_a_line(sheet, capsys):
    assert solve(sheet(CHAIN), "--part", "q1.d", "--brief") == 0

    out = capsys.readouterr().out
    assert out.splitlines()[1:] == ["(d) parameters of the network: 20,928 parameters   2,432 + 18,496 = 20,928"]


def test_a_problem_s_name_means_all_of_its_parts(sheet, capsys):
    assert solve(sheet(CHAIN), "--part", "q1", "--brief") == 0

    assert capsys.readouterr().out.count("\n(") == 3


@pytest.mark.parametrize(
    ("to", "line"),
    [
        ("text", "    c      Conv2d     3  1  2            6 + (3 − 1)·2 = 10    2"),
        ("md", "| c | Conv2d | 3 | 1 | 2 | 6 + (3 − 1)·2 = 10 | 2 |"),
        ("latex", r"  c & Conv2d & 3 & 1 & 2 & 6 + (3 $-$ 1)$\cdot$2 = 10 & 2 \\"),
    ],
)
def test_the_same_working_is_in_every_format(sheet, capsys, to, line):
    assert solve(sheet(CHAIN), "--part", "q1.e", "--to", to) == 0

    assert line in capsys.readouterr().out.splitlines()


def test_it_is_written_to_a_file(sheet, capsys, tmp_path):
    assert solve(sheet(CHAIN), "--to", "latex", "-o", str(tmp_path / "key.tex")) == 0

    assert capsys.readouterr().out == ""
    assert (tmp_path / "key.tex").read_text("utf-8").startswith(r"% needs \usepackage{booktabs,longtable,textcomp}")


# Drawn values.


def test_drawn_values_are_given_by_name(sheet, capsys):
    assert solve(sheet(DRAWN), "-D", "n=28", "-D", "k=5", "-D", "m=.9") == 0

    out = capsys.readouterr().out
    assert out.startswith("up1  (n = 28, k = 5, m = 0.9)\n")
    assert "each size: (28 − 1)·3 − 2·2 + 5 + 0 = 82" in out
    assert "Answer: 25.2" in out


def test_the_values_of_a_student_are_those_of_the_variant(sheet, capsys):
    from archdsl.exam.draws import drawn
    from archdsl.exam.reading import read_sheet

    path = sheet(DRAWN)
    read = read_sheet(path)
    values = drawn(read.problems[0], read.conventions, seed="2026", student="s01")

    assert solve(path, "--variant", "s01", "--seed", "2026") == 0
    assert f"n = {values['n']}, k = {values['k']}, " in capsys.readouterr().out


# fmt: off
REFUSED = [
    # sheet   arguments                                       exit  what is said
    (DRAWN,   [],                                             2,    "up1 draws n, k, m; give -D n=14 -D k=4 -D m=0.9, or a student's values with --variant s01 --seed 2026"),
    (DRAWN,   ["-D", "n=14", "-D", "k=4"],                    2,    "and m has no value"),
    (DRAWN,   ["-D", "n=15"],                                 2,    "and k, m have no value"),
    (DRAWN,   ["-D", "n=15", "-D", "k=4", "-D", "m=0.5"],     2,    "`n` cannot be 15: up1 draws it from 14, 28"),
    (DRAWN,   ["-D", "nn=14"],                                2,    "no problem draws `nn`; did you mean n?"),
    (DRAWN,   ["-D", "n"],                                    2,    "-D takes NAME=VALUE"),
    (DRAWN,   ["-D", "n=14", "-D", "n=28"],                   2,    "-D gives `n` twice"),
    (DRAWN,   ["--variant", "s01"],                           2,    "give both"),
    (DRAWN,   ["--variant", "s01", "--seed", "1", "-D", "n=14"], 2, "give --variant or -D, not both"),
    (CHAIN,   ["-D", "n=14"],                                 2,    "no problem draws `n`; none is drawn"),
    (CHAIN,   ["--part", "q1.x"],                             2,    "there is no part `q1.x`; did you mean q1."),
    (CHAIN,   ["--to", "pdf"],                                2,    "'pdf' is not one of"),
    ("exam: e\nproblems: []\n", [],                           2,    "has no problems"),
    (CHAIN.replace("params}", "params(zz)}"), [],             1,    "has no layer `zz`"),
    (CHAIN.replace("Conv2d(32, 5, padding=2)", "Conv2d(32, 99)"), [], 1, "the kernel reaches 99 rows"),
]
# fmt: on


@pytest.mark.parametrize(("text", "arguments", "code", "said"), REFUSED)
def test_what_cannot_be_solved_is_told(sheet, capsys, text, arguments, code, said):
    assert solve(sheet(text), *arguments) == code
    assert said in capsys.readouterr().err


def test_one_part_without_an_answer_does_not_stop_the_others(sheet, capsys):
    assert solve(sheet(CHAIN.replace("params}", "params(zz)}"))) == 1

    assert capsys.readouterr().out.count("Answer:") == 2
