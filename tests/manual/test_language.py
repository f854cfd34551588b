"""The reference of the language: its examples compile, its tables are the code's, and nothing is left out."""

from __future__ import annotations

import pytest

from archdsl.analysis import CONVENTIONS
from archdsl.elaborate import Library
from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.expressions import QUESTIONS, TENSOR_FUNCTIONS
from archdsl.elaborate.initialisers import SCHEMES
from archdsl.elaborate.values import TYPES
from archdsl.lang.parser import KEYWORDS
from archdsl.manual import chapters, markdown, text, vocabulary
from archdsl.manual.chapters import CHAPTERS, NAMED
from archdsl.manual.language import chapter_page, chapters_of, keys, program, reference, value, words_of
from archdsl.pipeline import check
from archdsl.source import Source

EXAMPLES = [(chapter, entry) for chapter in CHAPTERS for entry in chapter.entries if entry.example]
EVERY_CHAPTER = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


@pytest.mark.parametrize(("chapter", "entry"), EXAMPLES, ids=[f"{c.name}: {e.words[0]}" for c, e in EXAMPLES])
def test_an_example_compiles_without_error_or_lint_and_its_tests_hold(chapter, entry):
    result = check(Library().add(Source("example.arch", program(entry.example))))

    assert result.diagnostics == ()
    assert result.models >= 1
    assert all(outcome.holds is not False for outcome in result.outcomes)


@pytest.mark.parametrize(("chapter", "entry"), EXAMPLES, ids=[f"{c.name}: {e.words[0]}" for c, e in EXAMPLES])
def test_an_example_shows_the_words_that_it_stands_with(chapter, entry):
    squeezed = entry.example.replace(" ", "")
    shown = [all(part in squeezed for part in word.split()) for word in entry.words]

    assert all(shown) or entry.words[0].startswith("[")


def test_the_words_are_those_of_the_grammar():
    assert set(vocabulary.keywords()) == KEYWORDS


def test_no_word_sign_type_function_or_scheme_is_left_out():
    told = {word for chapter in CHAPTERS for word in words_of(chapter)}
    signs = {sign for level in vocabulary.operators() for sign in level}

    assert told >= {
        *KEYWORDS,
        *vocabulary.arrows(),
        *signs,
        *TYPES,
        *FUNCTIONS,
        *TENSOR_FUNCTIONS,
        *QUESTIONS,
        *SCHEMES,
    }


def test_what_is_said_of_words_is_said_of_no_others():
    signs = {sign for level in vocabulary.operators() for sign in level}

    assert set(chapters.SIGNS) == signs | {"- in front"}
    assert set(chapters.FUNCTIONS) == set(FUNCTIONS)
    assert set(chapters.KINDS) == set(TYPES)


def test_operators_stand_in_the_order_in_which_they_bind():
    assert vocabulary.operators() == (
        ("or",),
        ("and",),
        ("not",),
        ("==", "!=", "<=", ">=", "<", ">"),
        ("+", "-"),
        ("*", "//", "/", "%"),
        ("-",),
        ("**",),
    )


def test_a_minus_in_front_is_told_from_one_between():
    page = text.render(reference())

    assert "5  `-`       the difference\n" in page
    assert "7  `-`       the negative\n" in page


# fmt: off
BINDING = [
    # each would have another value if the looser operator bound more tightly
    ("true or true and false",  "true"),
    ("not true and false",      "false"),
    ("not 1 == 2",              "true"),
    ("1 + 1 == 2",              "true"),
    ("1 + 2 * 3",               "7"),
    ("-2 ** 2",                 "-4"),
    ("2 ** 3 ** 2",             "512"),
    ("-7 // 2",                 "-4"),
    ("7 / 2",                   "3.5"),
    ("-7 % 3",                  "2"),
    ("1 <= 2 <= 3",             "true"),
    ("[1, 2] + [3]",            "[1, 2, 3]"),
    ("61_706",                  "61706"),
    ("1.5K",                    "1500"),
    ("2M",                      "2000000"),
    ("4G",                      "4000000000"),
    ("(1, 2) == [1, 2]",        "true"),
    ("[5, 6][0]",               "5"),
    ("false and 1 // 0 == 1",   "false"),
]
# fmt: on


@pytest.mark.parametrize(("expression", "expected"), BINDING)
def test_what_the_reference_says_of_expressions_is_so(expression, expected):
    assert value(expression) == expected


# fmt: off
VALUES = {
    "range": "[1, 2, 3]", "enumerate": "[[0, 16], [1, 32]]", "zip": "[[1, 16], [2, 32]]", "reversed": "[3, 2, 1]",
    "len": "2", "min": "2", "max": "3", "sum": "6", "cumsum": "[1, 3, 6]", "ceil": "3", "floor": "2", "round": "2.57",
    "round_to": "40",
}
# fmt: on


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gives_what_is_worked_out_by_hand(name):
    call, _ = chapters.FUNCTIONS[name]

    assert call.startswith(f"{name}(")
    assert value(call) == VALUES[name]


def test_the_keys_are_those_that_pytorch_has():
    """The program of the chapter, written as one would in PyTorch."""
    from torch import nn

    class Unit(nn.Module):
        def __init__(self, channels: int, width: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, width, 3, padding=1)
            self.project = nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU())

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(8, 16, 3)
            self.down = nn.ModuleList(Unit(16, 16) for _ in range(2))
            self.layer1 = Unit(16, 32)
            self.layer2 = Unit(32, 32)

    assert keys(NAMED) == list(Net().state_dict())


@EVERY_CHAPTER
def test_a_chapter_is_found_by_its_name(chapter):
    assert chapters_of(chapter.name) == (chapter,)
    assert chapter.title in text.render(chapter_page(chapter))


def test_a_word_of_several_chapters_finds_them_all():
    assert [chapter.name for chapter in chapters_of("for")] == ["statements", "stages"]


def test_the_reference_has_every_chapter_and_every_example():
    page = text.render(reference(), 10_000)

    for chapter in CHAPTERS:
        assert f"  {chapter.title}\n" in page
    for _, entry in EXAMPLES:
        for line in entry.example.split("\n"):
            assert line in page
    for meaning in CONVENTIONS.values():
        assert meaning in page


def test_the_reference_is_a_document_in_markdown():
    document = markdown.render(reference())

    assert document.startswith("# The language\n")
    assert [line for line in document.split("\n") if line.startswith("## ") and ": " in line] == [
        f"## {chapter.title}" for chapter in CHAPTERS if ": " in chapter.title
    ]
    assert document.count("```") % 2 == 0
    assert document.count("```arch\n") == len(EXAMPLES) + 1  # and the program of the chapter on names
    text.ascii_signs(text.render(reference())).encode("ascii")


def test_the_limits_are_the_numbers_of_the_code():
    page = text.render(reference(), 10_000)

    for bound in ("1,000,000  characters of a file", "9,223,372,036,854,775,807", "250,000  layers of a network"):
        assert bound in page
