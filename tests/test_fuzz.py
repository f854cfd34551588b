"""No text makes the reader fail: sentences of the grammar, damaged bundled specs, and noise.

Each comes with some thousands of examples in all; `python -m tests.fuzz_texts --inputs 1000000` goes on for as long as one
likes, in processes with little time and memory.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fuzz_texts as fuzz
from oracles import sentences

patient = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
)


@settings(patient, max_examples=100)
@given(sentences.items)
def test_any_sentence_of_the_grammar_is_answered(sentence):
    for text in sentences.variants(sentence, 9):
        sentences.look(text)


@settings(patient, max_examples=10)
@given(sentences.bodies)
def test_any_statements_in_a_model_are_answered(sentence):
    for text in sentences.variants(sentence, 19):
        sentences.look(text)


@settings(patient, max_examples=40)
@given(sentences.damaged())
def test_a_damaged_spec_is_answered(text):
    sentences.look(text)


@settings(patient, max_examples=25)
@given(sentences.damaged())
def test_a_damaged_spec_is_mended_for_the_better_or_not_at_all(text):
    sentences.put_right(text)


@settings(patient, max_examples=1000)
@given(sentences.signs)
def test_any_text_is_answered(text):
    sentences.look(text)
    sentences.look(sentences.MODEL.format(text))


@settings(patient, max_examples=700)
@given(sentences.noise())
def test_a_file_of_any_bytes_is_answered(tmp_path, data):
    sentences.look_at_bytes(data, tmp_path / "fuzz.arch")


def test_the_script_counts_what_it_tried():
    command = [sys.executable, fuzz.__file__, "--inputs", "40", "--jobs", "2", "--seed", "3", "--kinds", "signs,bytes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("40 inputs, none fails")


def hang(value):
    while True:
        pass


def fill(value):
    assert bytearray(2**29)


TROUBLES = [("a loop without end", hang, fuzz.TooSlow), ("memory without end", fill, MemoryError)]


@pytest.mark.parametrize(("question", "error"), [c[1:] for c in TROUBLES], ids=[c[0] for c in TROUBLES])
def test_the_script_ends_what_takes_too_much(question, error):
    with pytest.raises(error):
        fuzz.guarded(question, "x")


def refuse(value):
    assert "b" not in value


def test_the_script_keeps_the_smallest_input_that_fails():
    made = fuzz.portion(fuzz.Kind(st.text("abc"), refuse, 1), 0, 100)

    assert 1 <= made["tried"] < 100
    assert made["failed"]["input"] == "'b'"
    assert "AssertionError" in made["failed"]["error"]
