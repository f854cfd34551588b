"""The random networks are valid, small, and have every layer and construct among them."""

from __future__ import annotations

from collections import Counter
from functools import cache

from hypothesis import HealthCheck, given, settings

from archdsl.ops import OPS, REQUIRED
from archdsl.pipeline import loads
from oracles.random_networks import (
    FEATURES,
    VALUES,
    family,
    is_small,
    network_at,
    networks,
    ops_of,
    structures_of,
)

SEEDS = range(400)
TYPES = ("int", "float", "bool", "str", "list", "block")
ENDS = (
    "several inputs of a model", "several outputs of a model", "several inputs of a block",
    "several outputs of a block", "call in a model", "call in a block", "call in a seq", "definition called again",
    "definition passed",
)  # fmt: skip


@cache
def texts() -> tuple[str, ...]:
    return tuple(map(network_at, SEEDS))


def test_every_layer_and_function_turns_up():
    found = sum(map(ops_of, texts()), Counter())

    assert set(OPS) - set(found) == set()


def test_every_construct_turns_up():
    found = sum(map(structures_of, texts()), Counter())
    wanted = {*FEATURES, *ENDS, *(f"parameter: {name}" for name in TYPES)}

    assert wanted - set(found) == set()


def test_every_argument_has_other_values_than_its_default():
    found = {
        f"{family(type(node.op))}.{name}"
        for text in texts()
        for node in loads(text, "Net").graph.layers
        for name in node.op.non_defaults()
    }
    known = {
        f"{family(cls)}.{argument.name}"
        for cls in OPS.values()
        for argument in cls.arguments
        if argument.default is not REQUIRED
    }
    of_one_value = {"MaxPool.return_indices", "AdaptiveMaxPool.return_indices", "ConvTranspose.padding_mode"}

    assert known - found == of_one_value


def test_no_row_of_values_is_left_over():
    known = {name for cls in OPS.values() for a in cls.arguments for name in (a.name, f"{family(cls)}.{a.name}")}

    assert set(VALUES) - known == set()


@settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_a_network_is_valid_and_small(text):
    graph = loads(text, "Net").graph

    assert graph.layers
    assert all(is_small(node.output.shape) for node in graph.outputs.values())


@settings(max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(networks(axes=[3]))
def test_the_number_of_axes_may_be_chosen(text):
    axes = {len(node.output.shape) - 1 for node in loads(text, "Net").graph.inputs.values()}

    assert 3 in axes
    assert axes <= {0, 3}


def test_a_seed_always_gives_the_same_text():
    assert network_at(7) == network_at(7) != network_at(8)
