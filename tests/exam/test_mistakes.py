"""The truth of a question and the values that mistakes lead to, against published problems and counting by hand."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings

from archdsl.analysis import analyze_graph
from archdsl.exam.mistakes import CONVENTIONS, IDS, MISTAKES, SLIPS, slips
from archdsl.exam.quantities import candidates, pairs, truth
from archdsl.exam.seen import extents, seen
from archdsl.exam.walk import INVALID, QUANTITIES, Ask, Kind, Subject, Walk
from oracles.drafts import networks
from oracles.exam_problems import Problem, plain, problems
from oracles.networks import bundled, chain, written

PROBLEMS = problems()
ALL = tuple(Kind)

# Where the branches of a merge get different sizes a student stops; the simulation went on with the first branch's.
BRANCHES_DIFFER = {("cs231n-029", "S03"), ("cs231n-029", "S16"), ("goog-001", "S03"), ("goog-001", "S16")}

SUMMED_WRONGLY = {"cs231n-030"}
"""A published sum that no rule explains: its six terms are right."""


def values(subject: Subject, ask: Ask, id: str, **more: object) -> list[object]:
    found = candidates(subject, ask, **{"kinds": ALL, "only": frozenset({id}), **more})  # type: ignore[arg-type]
    return [c.value for c in found]


def ids(subject: Subject, ask: Ask, value: object, **more: object) -> set[str]:
    found = candidates(subject, ask, **{"kinds": ALL, **more})  # type: ignore[arg-type]
    return {id for c in found if c.value == value for id in c.ids}


def chained(text: str, *shape: int) -> Subject:
    return Subject(chain(text, *shape))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.id)
def test_the_truth_is_the_published_answer_or_its_correction(problem: Problem):
    subject = Subject(problem.graph)

    assert [truth(subject, Ask(problem.quantity, layer)) for layer in problem.labels] == problem.answers


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.id)
def test_a_mistake_in_every_layer_gives_the_simulated_value(problem: Problem):
    subject = Subject(problem.graph)
    missed = []
    for i, (layer, answer) in enumerate(zip(problem.labels, problem.answers, strict=True)):
        found = {(id, c.value) for c in candidates(subject, Ask(problem.quantity, layer), kinds=ALL) for id in c.ids}
        for id, wrong in problem.simulated.items():
            if wrong[i] != answer and (id, wrong[i]) not in found:
                missed.append((problem.id, id))

    assert set(missed) <= BRANCHES_DIFFER


def test_the_simulated_values_are_many():
    assert sum(len(p.simulated) for p in PROBLEMS) == 835
    assert len({id for p in PROBLEMS for id in p.simulated}) == 74


OPTIONS = [(p, *option) for p in PROBLEMS if p.labels == [None] for option in p.row["options"]]


@pytest.mark.parametrize(("problem", "value", "id", "origin"), OPTIONS)
def test_an_option_beside_the_answer_names_its_mistake(problem, value, id, origin):
    subject, ask, value = Subject(problem.graph), Ask(problem.quantity), plain(value)
    named = ids(subject, ask, value)
    named |= {pair for c in pairs(subject, ask) if c.value == value for pair in c.ids}
    named |= {"+".join(reversed(pair.split("+"))) for pair in named}

    if id == "unknown":
        assert not named
    else:
        assert id in named


WRONG_KEYS = [
    ("seed-007", {"R01", "R03"}),
    ("seed-009", {"R01", "R08"}),
    ("cs230-004", {"A01"}),
    ("dlai-013", {"P18+P02"}),
]


@pytest.mark.parametrize(("name", "expected"), WRONG_KEYS)
def test_a_wrong_published_key_names_its_mistake(name, expected):
    (problem,) = [p for p in PROBLEMS if p.id == name]
    subject, ask, wrong = Subject(problem.graph), Ask(problem.quantity), plain(problem.row["wrong"])
    found = ids(subject, ask, wrong)
    found |= {
        "+".join(sorted(id.split("+"), reverse=True)) for c in pairs(subject, ask) if c.value == wrong for id in c.ids
    }
    found |= {id for id, value in slips(problem.answers[0]) if value == wrong}

    assert expected <= found


def test_all_wrong_published_keys_are_looked_at():
    assert {p.id for p in PROBLEMS if "wrong" in p.row} == {name for name, _ in WRONG_KEYS} | SUMMED_WRONGLY


# The numbers of rows in EXAM.md's tables: S 29, T 7, P 32, R 17, F 10, M 4; conventions 12; slips 6.
def test_the_catalogue_holds_every_row():
    by_family = {letter: [id for id in IDS if id[0] == letter] for letter in "STPRFMCA"}

    assert {letter: len(found) for letter, found in by_family.items()} == {
        "S": 28, "T": 7, "P": 32, "R": 17, "F": 10, "M": 4, "C": 12, "A": 6,
    }  # fmt: skip
    assert {c.id for c in CONVENTIONS} == {f"C{i}" for i in range(1, 13)} | {"S20", "R17"}
    assert [s.id for s in SLIPS] == [f"A0{i}" for i in range(1, 7)]


@pytest.mark.parametrize("row", MISTAKES, ids=lambda m: f"{m.id} {m.did}")
def test_a_row_says_what_was_done_and_asks_known_quantities(row):
    assert row.did
    assert row.formula
    assert row.asks <= set(QUANTITIES)


EXAMPLE = "a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)"

# Worked by hand: 3 x 64 x 64 into conv 5x5, pool 2x2, conv 3x3 (EXAM.md, example 1).
EXAMPLE_1 = [
    (Ask("shape", "a"), (32, 64, 64), {}),
    (Ask("params"), 20_928, {"P01": 20_832, "P02": 20_834}),
    (Ask("receptive_field", "c"), 10, {"R01": 11, "R02": 8, "R03": 10, "R06": 8, "R08": 11}),
    (Ask("jump"), 2, {"R02": 1, "R06": 1}),
    (Ask("shape", "c"), (64, 32, 32), {"S01": (64, 28, 28), "S03": (64, 29, 29)}),
]


@pytest.mark.parametrize(("ask", "right", "wrong"), EXAMPLE_1)
def test_the_worked_sheet_has_its_numbers(ask, right, wrong):
    subject = chained(EXAMPLE, 3, 64, 64)

    assert truth(subject, ask) == right
    for id, value in wrong.items():
        assert values(subject, ask, id)[:1] == ([] if value == right else [value])


BLOCK = """model Block {
 input x: [64, 56, 56]
 y = x -> c1: Conv2d(128, 3, stride=2, padding=1, bias=false) -> BatchNorm2d -> ReLU
   -> c2: Conv2d(128, 3, padding=1, bias=false) -> BatchNorm2d
 skip = x -> proj: Conv2d(128, 1, stride=2, bias=false) -> BatchNorm2d
 output z = y + skip -> ReLU
}"""

# EXAM.md, example 3; the projection of R16 sees one pixel.
EXAMPLE_3 = [
    (Ask("shape"), (128, 28, 28), {}),
    (Ask("params"), 230_144, {"P17": 230_528, "P22": 221_696, "P14": 230_912, "P29": 229_376, "C5": 230_912}),
    (Ask("buffers"), 768, {"P14n": 1536}),
    (Ask("macs"), 179_830_784, {"C3": 359_661_568, "F01": 359_661_568, "F10": 230_144}),
    (Ask("flops"), 359_661_568, {"C3": 179_830_784}),
    (Ask("receptive_field"), 7, {"R16": 1, "R14": 49}),
    (Ask("activations", "c1"), 128 * 28 * 28, {"S04": 128 * 56 * 56}),
    (Ask("memory", "c1"), 4 * 128 * 28 * 28, {"M01": 128 * 28 * 28, "M03": 8 * 128 * 28 * 28}),
]


@pytest.mark.parametrize(("ask", "right", "wrong"), EXAMPLE_3)
def test_the_residual_block_has_its_numbers(ask, right, wrong):
    subject = Subject(written(BLOCK))

    assert truth(subject, ask) == right
    for id, value in wrong.items():
        assert value in values(subject, ask, id)


# Counted by hand on small networks: what the corpus has no problem for.
BY_HAND = [
    ("Conv2d(4, 2, padding=0)", (2, 5, 5), Ask("shape"), "S24", (4, 6, 6)),  # p = 1: 5 + 2 - 2 + 1
    ("MaxPool2d(2)", (8, 6, 6), Ask("shape"), "S26", (4, 6, 6)),
    ("ZeroPad2d(1)", (8, 6, 6), Ask("shape"), "S17b", (10, 6, 6)),
    ("Conv2d(4, 3, padding=1)", (2, 6, 8), Ask("shape"), "S19", (4, 8, 6)),
    ("Conv2d(4, 3, padding=1)", (2, 6, 8), Ask("shape"), "S20", (6, 8, 4)),
    ("Conv2d(4, 3, stride=2)", (2, 8, 8), Ask("shape"), "S06", (4, 4, 4)),  # 2.5 rounds to 3
    ("Conv2d(4, 3, stride=2)", (2, 8, 8), Ask("shape"), "S06", (4, Fraction(7, 2), Fraction(7, 2))),
    ("Conv2d(4, 3, stride=2)", (2, 8, 8), Ask("shape"), "C12", INVALID),
    ("MaxPool2d(2)", (4, 7, 7), Ask("shape"), "C1", (4, 4, 4)),
    ("Conv2d(4, 3) -> Conv2d(8, 3)", (2, 8, 8), Ask("params"), "P30", 8),
    ("Conv2d(4, 3)", (2, 8, 8), Ask("params"), "P26", 4 * 2 * 9 * 36 + 4),
    ("Conv2d(4, 3, groups=4) -> Conv2d(8, 1)", (4, 8, 8), Ask("params"), "P28", 40 + 8 * 4 * 9 + 8),
    ("Conv2d(4, 3, groups=4)", (4, 8, 8), Ask("params"), "P12", 4 * 4 * 9 + 4),
    ("Conv2d(4, 3, bias=false) -> BatchNorm2d", (2, 4, 4), Ask("params"), "P15", 72 + 2 * 4 * 2 * 2),
    ("Conv2d(4, 3, stride=2)", (2, 9, 9), Ask("macs"), "F02", 4 * 2 * 9 * 81),
    ("Conv2d(4, 3, stride=2)", (2, 9, 9), Ask("flops"), "F06", 2 * 4 * 2 * 9 * 16 + 4 * 16),
    ("Conv2d(4, 3)", (2, 5, 5), Ask("macs", batch=8), "F08", 8 * 4 * 2 * 9 * 9),
    ("ConvTranspose2d(4, 2, stride=2)", (2, 5, 5), Ask("macs"), "C8", 4 * 2 * 4 * 100),
    ("AvgPool2d(2)", (6, 28, 28), Ask("params"), "C11", 12),
    ("Conv2d(1, 3, padding=1) -> Conv2d(1, 5, padding=2)", (1, 5, 5), Ask("receptive_field"), "C9", 5),
    ("Conv2d(1, 1) -> Conv2d(1, 3)", (1, 9, 9), Ask("receptive_field"), "R12", 4),
    ("Conv2d(2, 3) -> ReLU", (1, 6, 6), Ask("activations"), "M04", 36 + 32),  # where 32 + 32 are made in all
    ("Conv2d(2, 3) -> ReLU", (1, 6, 6), Ask("memory"), "M02", Fraction(4 * (36 + 32) * 2**20, 10**6)),
    ("Conv2d(100, 3)", (100, 12, 12), Ask("macs"), "F09", 9_216_000 * Fraction(1024, 1000)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape", "ask", "id", "value"), BY_HAND)
def test_a_mistake_gives_the_number_counted_by_hand(text, shape, ask, id, value):
    subject = chained(text, *shape)

    assert truth(subject, ask) != value
    assert value in values(subject, ask, id)


ONCE = [
    # The layers of 3 -> conv 5x5 p2 (2,432) -> pool -> conv 3x3 p1 (18,496).
    (Ask("params"), 2_400 + 18_496, "P01", "a"),
    (Ask("params"), 2_432 + 18_432, "P01", "c"),
    (Ask("params"), 2_432, "P32", "c"),
    (Ask("shape"), (64, 30, 30), "S01", "a"),  # 64 -> 60 -> 30
    (Ask("shape"), (64, 30, 30), "S01", "c"),  # 32 - 2
    (Ask("shape"), (64, 64, 64), "S22", "b"),
    (Ask("receptive_field"), 7, "R05", "b"),  # 5 + 2
]


@pytest.mark.parametrize(("ask", "value", "id", "layer"), ONCE)
def test_a_mistake_in_one_layer_only_says_where(ask, value, id, layer):
    subject = chained(EXAMPLE, 3, 64, 64)
    (found,) = [c for c in candidates(subject, ask, kinds=ALL, once=True, only=frozenset({id})) if c.value == value]

    assert layer in found.where


A, B, C = Ask("shape", "a"), Ask("shape", "b"), Ask("shape", "c")

# EXAM.md, example 1: students s02 and s03 follow through from their own answers.
FOLLOWED = [
    ({A: (32, 60, 60)}, B, (32, 30, 30)),
    ({A: (32, 60, 60), B: (32, 30, 30)}, C, (64, 30, 30)),
    ({B: (16, 32, 32)}, Ask("params"), 2_432 + 64 * 16 * 9 + 64),
    ({Ask("params", "a"): 2_400}, Ask("params"), 2_400 + 18_496),
    ({Ask("receptive_field", "b"): 7}, Ask("receptive_field", "c"), 11),
    ({Ask("macs", "a"): 10}, Ask("flops"), 2 * (32 * 3 * 25 * 64 * 64 + 64 * 32 * 9 * 32 * 32)),
]


@pytest.mark.parametrize(("answers", "ask", "value"), FOLLOWED)
def test_an_answer_follows_from_the_students_own_earlier_ones(answers, ask, value):
    assert truth(chained(EXAMPLE, 3, 64, 64), ask, answers) == value


def test_a_mistake_is_made_from_the_students_own_previous_value():
    subject = chained(EXAMPLE, 3, 64, 64)

    assert (64, 28, 28) in values(subject, C, "S01", given={B: (32, 30, 30)})
    assert truth(subject, C, {B: (32, 30, 30)}) == (64, 30, 30)


def test_what_a_later_layer_cannot_take_has_no_value():
    with pytest.raises(ValueError, match="cannot be computed"):
        truth(chained("a: Conv2d(8, 3) -> b: Conv2d(8, 5)", 3, 9, 9), Ask("shape", "b"), {A: (8, 2, 2)})


@pytest.mark.parametrize("quantity", ["shape", "macs", "flops", "activations", "memory"])
def test_an_open_size_leaves_what_needs_it_without_a_value(quantity):
    subject = Subject(written("model Net {\n input x: [3, h, w]\n output y = x -> Conv2d(8, 3)\n}"))

    with pytest.raises(ValueError, match="left open"):
        truth(subject, Ask(quantity))
    assert truth(subject, Ask("params")) == 224


def test_looking_for_mistakes_leaves_the_requirements_of_open_sizes_alone():
    graph = written("model Net {\n input x: [3, h, w]\n output y = x -> Conv2d(8, 3) -> MaxPool2d(2)\n}")
    before = [str(size.domain.facts) for size in graph.nodes[-1].output.shape[1:]]

    for quantity in QUANTITIES:
        candidates(Subject(graph), Ask(quantity), kinds=ALL)
        candidates(Subject(graph), Ask(quantity), kinds=ALL, once=True)

    assert [str(size.domain.facts) for size in graph.nodes[-1].output.shape[1:]] == before


# EXAM.md: mistakes that often give one value are named together.
COLLISIONS = [
    ("Conv2d(6, 5)", (1, 32, 32), Ask("shape"), {"S07", "S08"}),
    ("Flatten -> Linear(64)", (3, 8, 8), Ask("params"), {"P18", "S21"}),
    ("Conv2d(8, 3, stride=2, padding=1)", (3, 8, 8), Ask("shape"), {"S05", "S06"}),
    ("Conv2d(8, 3, padding=1)", (3, 8, 8), Ask("shape"), {"S02", "S03"}),
    ("Conv2d(8, 3, stride=2, padding=1)", (3, 8, 8), Ask("shape"), {"S01", "S03"}),
    ("Flatten -> Linear(64)", (3, 8, 8), Ask("params"), {"P01", "P19"}),
    ("Conv2d(8, 3)", (3, 8, 8), Ask("params"), {"P04", "P27"}),
    ("Conv2d(8, 3)", (3, 8, 8), Ask("params"), {"P04", "P07"}),
    ("Conv2d(8, 3) -> MaxPool2d(2)", (3, 8, 8), Ask("receptive_field"), {"R01", "R08"}),
    ("Conv2d(8, 3) -> MaxPool2d(2) -> Conv2d(8, 3)", (3, 16, 16), Ask("receptive_field"), {"R02", "R06"}),
    ("Conv2d(8, 3, padding=1)", (3, 8, 8), Ask("macs"), {"P04", "F04"}),
]


@pytest.mark.parametrize(("text", "shape", "ask", "together"), COLLISIONS)
def test_mistakes_that_give_one_value_are_one_candidate(text, shape, ask, together):
    assert any(together <= set(c.ids) for c in candidates(chained(text, *shape), ask))


def test_a_number_of_thousands_is_firm_and_a_small_one_is_not():
    subject = chained(EXAMPLE, 3, 64, 64)

    assert all(c.firm for c in candidates(subject, Ask("params"), only=frozenset({"P01"})))
    assert not any(c.firm for c in candidates(subject, Ask("shape")))
    assert not any(c.firm for c in candidates(subject, Ask("receptive_field")))


@settings(max_examples=50, deadline=None)
@given(networks())
def test_no_mistake_gives_the_right_answer(draft):
    subject = Subject(written(draft))
    for quantity in QUANTITIES:
        ask = Ask(quantity)
        try:
            right = truth(subject, ask)
        except ValueError:
            continue
        for once in (False, True):
            assert all(c.value != right for c in candidates(subject, ask, kinds=ALL, once=once))


NETWORKS = ["ResNet18", "InceptionV3", "UNet", "DenseNet121", "MobileNetV2", "LeNet5"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_walk_without_mistakes_is_the_analysis(name):
    graph = bundled(name)
    subject = Subject(graph)
    analysis = analyze_graph(graph, source="", batch=1, dtype="float32")
    walk = Walk(subject)

    assert truth(subject, Ask("params")) == analysis.totals.params
    assert truth(subject, Ask("macs")) == analysis.totals.macs
    assert truth(subject, Ask("memory")) == analysis.totals.peak_activation_bytes
    for node in graph.layers:
        (field,) = analysis.fields[node.index].values()
        found = seen(walk, node.index) if node.index % 7 == 0 else None
        if found is not None and field.global_ is None:
            assert extents(walk, node.index, found) == field.size


def test_an_added_layer_that_a_mistake_does_not_touch_keeps_its_id():
    short, long = chained("Conv2d(8, 3)", 2, 9, 9), chained("Conv2d(8, 3) -> ReLU -> Dropout -> Identity", 2, 9, 9)
    asked = Ask("params")

    def by_value(subject: Subject) -> dict[object, set[str]]:
        return {c.value: set(c.ids) for c in candidates(subject, asked)}

    assert by_value(short) == by_value(long)


# By hand: a digit doubled, dropped, two swapped, one off, or the point moved.
SLIPPED = [
    (2_170, 22_170, "A02"),
    (2_170, 270, "A02"),
    (2_170, 2_710, "A03"),
    (2_170, 2_171, "A04"),
    (2_170, 21_700, "A01"),
    (196_672, Fraction(196_672, 1000), "A05"),
    ((64, 32, 32), (64, 32, 33), "A04"),
]


@pytest.mark.parametrize(("right", "wrong", "id"), SLIPPED)
def test_a_slip_is_named(right, wrong, id):
    assert (id, wrong) in set(slips(right))
    assert all(value != right for _, value in slips(right))


def test_a_deep_network_is_diagnosed_in_a_moment():
    subject = Subject(bundled("ResNet152"))
    candidates(subject, Ask("params"))
    started = time.process_time()
    candidates(subject, Ask("params"))

    assert time.process_time() - started < 0.5  # some 40 ms; the rest is for a busy machine


def test_a_chain_of_five_hundred_layers_is_bounded():
    subject = chained(" -> ".join(["Conv2d(4, 3, padding=1)"] * 500), 4, 8, 8)
    started = time.process_time()
    for quantity in ("shape", "params", "receptive_field"):
        candidates(subject, Ask(quantity))
        candidates(subject, Ask(quantity), once=True)

    assert time.process_time() - started < 5
