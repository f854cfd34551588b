"""No text makes the answer reader fail; `python tests/exam/test_answer_fuzz.py --inputs 100000` tries as many as one likes.

Texts are pieces of real answers put together at random, answers with a few signs changed, and any characters at all.
Each is read as an answer to every kind of question, within a tenth of a second of one core.
"""

from __future__ import annotations

import argparse
import sys
from time import process_time

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from archdsl.exam.answers import (
    Answer,
    Blank,
    Impossible,
    Number,
    Numbers,
    Possible,
    ShapeAnswer,
    Unreadable,
    read_answer,
)

SECONDS = 0.1
"""For one text and one question."""

PIECES = [
    *"0123456789.,;:'_ @=≈~x×·*^+-/()[]{}?%⌊⌋⌈⌉²³⁶½\n",
    *("1,792", "196.672", "1 792", "1e6", "1e-9", "10", "64", "32x32x64", "64@32x32", "(None, ", "torch.Size([1, "),
    *("**", "//", "->", " by ", " times ", "about ", "ca. ", "k", "M", "Ki", "GMACs", " MB", " px", " parameters"),
    *("C=", "H=", "W:", "channels ", "HWC", "N", "-1", "impossible", "not an integer", "yes", "no", " or ", "floor("),
    *(r"\times ", "$", "{,}", "\u200b", "\u00a0", "\u202e", "\uff11", "٣", "①", "\ud800", "é", "\u0445"),
]
ANSWERS = [
    "1,792", "25,6M", "1.2288×10^6", "(27+1)·64 = 1792", "≈197k", "4.09 GMACs", "(None, 32, 32, 64)", "64@32x32",
    "H=32, W=32, C=64", "32^2 x 64", "30.5 is not an integer", "2432 + 18496 = 20929", "[[1, 2], [3, 4]]",
]  # fmt: skip
QUESTIONS = [
    {"kind": "number"},
    {"kind": "number", "unit": "bytes", "kilo": 1024},
    {"kind": "number", "unit": "pixels"},
    {"kind": "numbers"},
    {"kind": "shape"},
    {"kind": "shape", "axes": 1, "layout": "HWC"},
    {"kind": "shape", "axes": 2, "habit": "HWC"},
    {"kind": "valid"},
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw an answer with a few pieces put in or in place of others."""
    text = draw(st.sampled_from(ANSWERS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return text


any_text = (
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
    | damaged()
    | st.text(st.characters(), max_size=60)  # surrogates among them
)


def look(text: str) -> None:
    """Ask every question of a text."""
    for question in QUESTIONS:
        answer, seconds = timed(text, question)
        if seconds >= SECONDS:  # the interpreter may have collected its garbage meanwhile
            answer, seconds = timed(text, question)
        assert seconds < SECONDS, f"{text!a} took {seconds:.2f} s"
        sound(answer, question["kind"])


def timed(text: str, question: dict) -> tuple[Answer, float]:
    """Read a text, and return the answer and the seconds of one core that it took."""
    start = process_time()
    return read_answer(text, **question), process_time() - start


def sound(answer: Answer, kind: str) -> None:
    """Look at what every answer promises of itself."""
    expected = {"number": Number, "numbers": Numbers, "shape": ShapeAnswer, "valid": Possible}[kind]
    assert isinstance(answer, expected | Blank | Impossible | Unreadable)
    if isinstance(answer, Number):
        assert answer.sides
        assert answer.low <= answer.value <= answer.high
    if isinstance(answer, ShapeAnswer):
        assert len(set(answer.readings)) == len(answer.readings) > 0
    if isinstance(answer, Unreadable):
        answer.why.encode()  # can be printed
        assert len(answer.why) < 300


@settings(max_examples=1500)
@given(any_text)
def test_any_text_is_an_answer(text):
    look(text)


def main(arguments: list[str]) -> int:
    """Try many texts; the first that fails is shown, made small."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(arguments)

    @seed(chosen.seed)
    @settings(
        max_examples=chosen.inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(any_text)
    def run(text: str) -> None:
        look(text)

    run()
    sys.stdout.write(f"{chosen.inputs:,} texts, none fails\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
