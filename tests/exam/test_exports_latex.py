"""LaTeX for the exam class, read by a strict reader: pairs, environments, and no command but those that we write."""

from __future__ import annotations

import re

import pytest

from archdsl.exam.exports import export
from oracles.exported import chain, hostile, lone, upsampling

COMMANDS = set(
    "documentclass usepackage ifPDFTeX else fi begin end section makebox enspace hrulefill hfill textwidth linewidth"
    " question part half fillin choice CorrectChoice ifprintanswers medskip smallskip noindent par textbf emph texttt"
    " toprule midrule bottomrule item setcounter textbackslash textasciitilde textasciicircum textless textgreater"
    " textquotedbl textasciigrave textquotesingle textbar times cdot lfloor rfloor lceil rceil rightarrow approx leq geq"
    " neq surd sigma gamma beta frac infty pm ldots quad Sigma Pi sum prod".split()
)
ARGUMENTS = {"begin", "end"}


def texts(sheet, **options):
    return export(sheet, "latex", **options).files


def read(text):
    """Return the environments in the order in which they close; fail on anything that LaTeX would stumble over."""
    body = "\n".join(line for line in text.split("\n") if not line.startswith("%"))
    opened, closed, depth, math, at = [], [], 0, False, 0
    while at < len(body):
        sign = body[at]
        if sign == "\\":
            command = re.match(r"\\([A-Za-z]+|.|\n)", body[at:], re.DOTALL)
            name = command[1]
            at += len(command[0])
            if name.isalpha():
                assert name in COMMANDS, name
                if name in ARGUMENTS:
                    argument = re.match(r"\{([a-z]+)\}", body[at:])[1]
                    if name == "begin":
                        opened.append(argument)
                    else:
                        assert opened.pop() == argument
                        closed.append(argument)
            else:
                assert name in "\\#%&$_{}", name
            continue
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
        assert sign not in "#%^~" or math or (sign == "~" and True), body[at - 20 : at + 20]
        assert sign != "&" or "tabular" in opened, body[at - 20 : at + 20]
        math ^= sign == "$"
        at += 1
    assert not opened
    assert depth == 0
    assert not math
    assert text.count("\\ifprintanswers") <= 1 + len(re.findall(r"\\question", text))
    assert len(re.findall(r"\\if[A-Za-z]+", body)) == len(re.findall(r"\\fi\b", body))
    return closed


@pytest.mark.parametrize("sheet", [chain, upsampling, hostile], ids=lambda sheet: sheet.__name__)
def test_environments_and_braces_are_balanced_and_no_text_is_a_command(sheet):
    for text in texts(sheet(), variants=2).values():
        closed = read(text)
        assert closed[-2:] == ["questions", "document"]
        assert closed.count("solution") == text.count("\\part")
        assert "\\input" not in text.replace("\\inputenc", "")
        assert "\\write" not in text


def test_the_reader_itself_finds_what_is_wrong():
    for wrong in (r"\begin{a}", r"\input{x}", "{", "a & b", "100 #", r"\begin{a}\end{b}", "$x"):
        with pytest.raises(AssertionError):
            read(wrong)


def test_parts_have_their_marks_a_line_for_the_answer_and_the_key():
    (text,) = texts(chain()).values()

    assert re.findall(r"\\part\[(\d+)\]", text) == ["2", "2", "2", "4", "2"]
    assert re.findall(r"\\fillin\[([^]]*)\]", text) == ["32x64x64", "32x32x32", "64x32x32", "20,928", "10"]
    assert text.count(r"\begin{solution}") == 5
    assert re.search(r"20,832 & P01: .* & 2 \\\\", text)


def test_the_marker_has_a_table():
    (text,) = texts(chain()).values()

    assert r"(a) = 32x60x60 (S01) & (b) = 32x30x30, (c) = 64x30x30 & (c) = 64x28x28 \\" in text
    assert text.index(r"\ifprintanswers") < text.index("(a) = 32x60x60 (S01)") < text.rindex(r"\fi")


def test_what_we_write_ourselves_needs_no_other_encoding():
    """Of the catalogue's formulas some have a Σ, as that of R02, or a ×."""
    (text,) = texts(chain()).values()

    assert text.isascii()
    assert r"$\Sigma$(k - 1)" in text


def test_each_student_has_a_file():
    found = texts(upsampling(), variants=3, seed=2026)

    assert list(found) == ["upsampling-quiz-s01.tex", "upsampling-quiz-s02.tex", "upsampling-quiz-s03.tex"]
    assert r"\CorrectChoice 8x82x82" in found["upsampling-quiz-s01.tex"]
    assert "enters a transposed convolution with 32 filters" in found["upsampling-quiz-s03.tex"]


@pytest.mark.parametrize(
    ("marks", "printed"),
    [(2, r"\part[2] "), (2.5, r"\part[2\half] "), (0.5, r"\part[\half] "), (0.75, r"\part (0.75 marks) ")],
)
def test_marks_are_whole_or_halves_for_the_class(marks, printed):
    made = export(lone("params(conv)", marks=marks), "latex")
    (text,) = made.files.values()

    assert printed in text
    assert ("marks are printed, and not added up by the class: 1 part (q1.a)" in map(str, made.losses)) == (
        marks == 0.75
    )
