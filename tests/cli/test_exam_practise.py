"""`archdsl exam practise`: what it prints, what it understands, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from archdsl.cli import cli
from archdsl.cli.exam.practise import TOPICS
from archdsl.exam.topics import topics

CHAIN = str(Path(__file__).resolve().parent.parent / "exam" / "sheets" / "chain.yaml")
RIGHT = ("64x64x32", "32x32x32", "32x32x64", "20,928", "10")


def practise(*arguments: str, typed: str = ""):
    return CliRunner().invoke(cli, ["exam", "practise", *arguments], input=typed, standalone_mode=False)


def printed(*lines: str, arguments: tuple[str, ...] = (CHAIN,)) -> str:
    result = practise(*arguments, typed="".join(f"{line}\n" for line in lines))
    assert result.exception is None
    assert result.return_value == 0
    return result.stdout


def test_right_answers_end_with_all_marks():
    said = printed(*RIGHT)

    assert said.count("right  2/2") == 4
    assert "right  4/4" in said
    assert said.splitlines()[-1] == "5 questions, 5 right at once, 12/12 marks"


def test_the_network_and_the_question_are_shown_and_no_answer_is():
    said = printed()

    assert "Conv2d(32, 5, padding=2)" in said
    assert "Question 1 of 5 (2 marks): What leaves a" in said
    for answer in RIGHT:
        assert answer not in said
    assert said.splitlines()[-1] == "no question was answered"


def test_a_wrong_answer_names_its_mistake_and_allows_a_second_try():
    said = printed("60x60x32", "64x64x32", "quit").splitlines()

    (first,) = [line for line in said if "S01)" in line]
    assert first.startswith("mistake: you would get this if you forgot the padding")
    assert first.endswith("(S01); one more try, or hint, solution, skip")
    assert "right  1/2" in said
    assert "1 of 5, 1/2 marks" in said


def test_a_second_wrong_answer_is_followed_by_the_right_one():
    said = printed(*RIGHT[:4], "8", "11")

    assert "mistake  0/2: you would get this if you multiplied by the layer's own stride" in said
    assert "right: 10 (`why` shows how)" in said


def test_the_end_counts_the_mistakes_and_names_what_to_practise_again():
    said = printed("60x60x32", "60x60x32", *RIGHT[1:4], "8", "11").splitlines()

    assert said[-6].startswith("5 questions, 3 right at once, 8/12 marks")
    assert said[-5] == "Mistakes:"
    assert said[-4].startswith("  2 x S01      you forgot the padding")
    assert said[-3].startswith("  1 x R01/R08  you multiplied")
    assert said[-2].startswith("  1 x R02/R06  you ignored the strides")
    assert said[-1] in (
        "Practise again: output shapes (4/6 marks): archdsl exam practise shapes",
        "Practise again: receptive fields (0/2 marks): archdsl exam practise receptive-field",
    )


def test_hints_are_given_on_request():
    said = printed(*RIGHT[:3], "hint", "HINT", "hint", "quit")

    assert said.count("hint: ") == 2
    assert "there are no more hints" in said
    assert "this question has no hints" in printed("hint")


def test_with_hints_a_wrong_answer_brings_one():
    assert "hint: " not in printed(*RIGHT[:3], "20,832")
    assert "hint: " in printed(*RIGHT[:3], "20,832", arguments=(CHAIN, "--hints"))


def test_a_solution_ends_the_question_and_why_looks_back():
    said = printed(*RIGHT[:4], "solution")
    assert "Answer: 10" in said

    back = printed(RIGHT[0], "why", RIGHT[1])
    assert "(a) output shape of a" in back
    assert back.count("right  2/2") == 2
    assert "there is no question before this one" in printed("why")


def test_skip_goes_on_with_the_right_answer():
    assert "skipped; right: 32x64x64" in printed("skip")


def test_help_lists_the_words_and_costs_nothing():
    said = printed("help", "?", "", RIGHT[0])

    assert said.count("the end, with a summary") == 2
    assert "right  2/2" in said


def test_what_cannot_be_read_is_no_try():
    said = printed("see back", "60x60x32", RIGHT[0])

    assert "this cannot be read: `see back` cannot be read as a shape" in said
    assert "right  1/2" in said


def test_a_pipe_gets_no_prompt_and_no_echo():
    said = printed("60x60x32", "quit")

    assert "> " not in said
    assert "60x60x32" not in said
    assert "\x1b" not in said


def test_a_topic_is_practised_without_a_file():
    result = practise("parameters", "--count", "2", typed="skip\nskip\n")

    assert result.return_value == 0
    assert "Question 2 of 2" in result.stdout
    assert "the same questions again with --seed" in result.stderr


def test_who_was_weak_in_a_topic_practises_it_again():
    said = printed("skip", arguments=("transposed", "--count", "1"))

    assert said.splitlines()[-1].startswith("Practise again: output shapes (0/")
    assert said.splitlines()[-1].endswith(" marks): archdsl exam practise transposed")


def test_every_topic_that_may_be_named_is_bundled():
    assert set(TOPICS.values()) <= topics().keys()


def test_a_seed_brings_the_questions_back():
    def once(seed: str) -> str:
        return printed("skip", "skip", "skip", arguments=("parameters", "--count", "3", "--seed", seed))

    assert once("5") == once("5")
    assert once("5") != once("6")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("parametres", "did you mean parameters?"),
        ("nosuchtopic", "`archdsl exam new` lists the topics"),
        ("sheet.yaml", "there is no file sheet.yaml"),
    ],
)
def test_what_is_not_there_is_told_with_what_may_be_meant(name, said):
    result = practise(name)

    assert said in str(result.exception)
    assert result.exception.exit_code == 2


@pytest.mark.parametrize("count", ["0", "-1", "x"])
def test_a_count_is_a_positive_number(count):
    assert practise(CHAIN, "--count", count).exception.exit_code == 2


def test_a_sheet_with_errors_asks_nothing(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("exam: s\nproblems:\n  - id: q\n    net: |\n      input x: [3, 9, 9]\n      output y = x -> a: Conv2d(8, 50)\n"
                    "    parts: [{id: a, ask: shape(a)}]\n", encoding="utf-8")  # fmt: skip
    result = practise(str(path), typed="8x5x5\n")

    assert result.exit_code == 1 or result.return_value == 1
    assert result.stdout == ""
    assert "s.yaml:6" in result.stderr


def test_long_lines_and_bytes_of_other_encodings_stop_nothing():
    typed = b"9" * 100_000 + b"\n\xff\xfe\x00\nskip\n64x64x32\n"
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "exam", "practise", CHAIN], input=typed, capture_output=True, timeout=60
    )

    assert done.returncode == 0
    assert b"a line has at most 10,000 characters" in done.stdout
    assert b"this cannot be read" in done.stdout
    assert b"skipped" in done.stdout


def test_colour_is_used_where_it_is_asked_for():
    assert "\x1b[" in printed("60x60x32", arguments=(CHAIN, "--color", "always"))
