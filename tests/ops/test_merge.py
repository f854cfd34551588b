"""Additions, products and concatenations: what fits together, and how it is said when it does not."""

from __future__ import annotations

import pytest

from archdsl.ops import OPS, ShapeError
from archdsl.sizes import symbol
from archdsl.tensors import TensorType

# fmt: off
CASES = [
    # op, inputs, output
    ("add",       [(64, 56, 56), (64, 56, 56)],                      (64, 56, 56)),
    ("add",       [(10,), (10,), (10,)],                             (10,)),
    ("multiply",  [(64, 56, 56), (64, 56, 56)],                      (64, 56, 56)),
    ("multiply",  [(64, 56, 56), (64, 1, 1)],                        (64, 56, 56)),
    ("multiply",  [(64, 1, 1), (64, 56, 56)],                        (64, 56, 56)),
    ("multiply",  [(64, 1, 1), (64, 1, 1)],                          (64, 1, 1)),
    ("multiply",  [(64, 1, 1), (64, 5, 7), (64, 1, 1), (64, 5, 7)],  (64, 5, 7)),
    ("multiply",  [(64, 100), (64, 1)],                              (64, 100)),
    ("concat",    [(64, 28, 28), (128, 28, 28), (32, 28, 28)],       (224, 28, 28)),
    ("concat",    [(10,), (20,)],                                    (30,)),
    ("concat",    [(10, 5, 5)],                                      (10, 5, 5)),
]

REFUSED = [
    # op, inputs, rule, message
    ("add",       [(256, 56, 56), (64, 56, 56)],             "add-mismatch",
     "cannot add [256, 56, 56] and [64, 56, 56]: channels differ (256 vs 64)"),
    ("add",       [(64, 56, 56), (64, 28, 56)],              "add-mismatch",
     "cannot add [64, 56, 56] and [64, 28, 56]: height differs (56 vs 28)"),
    ("add",       [(64, 56, 56), (64, 56, 28)],              "add-mismatch",
     "cannot add [64, 56, 56] and [64, 56, 28]: width differs (56 vs 28)"),
    ("add",       [(8, 5), (8, 5), (8, 4)],                  "add-mismatch",
     "cannot add [8, 5] and [8, 4]: length differs (5 vs 4)"),
    ("add",       [(64, 56, 56), (64, 1, 1)],                "add-mismatch",
     "cannot add [64, 56, 56] and [64, 1, 1]: height differs (56 vs 1)"),
    ("add",       [(64,), (64, 1, 1)],                       "add-mismatch",
     "cannot add [64] and [64, 1, 1]: the numbers of axes differ"),
    ("multiply",  [(64, 56, 56), (32, 1, 1)],                "add-mismatch",
     "cannot multiply [64, 56, 56] and [32, 1, 1]: channels differ (64 vs 32)"),
    ("multiply",  [(64, 56, 56), (64, 1, 56)],               "add-mismatch",
     "cannot multiply [64, 56, 56] and [64, 1, 56]: height differs (56 vs 1)"),
    ("multiply",  [(64, 56, 56), (64,)],                     "add-mismatch",
     "cannot multiply [64, 56, 56] and [64]: the numbers of axes differ"),
    ("concat",    [(64, 28, 28), (32, 27, 28)],              "concat-mismatch",
     "operand 2 is [32, 27, 28]: height differs (28 vs 27)"),
    ("concat",    [(64, 28, 28), (32, 28, 28), (8, 28, 1)],  "concat-mismatch",
     "operand 3 is [8, 28, 1]: width differs (28 vs 1)"),
    ("concat",    [(8, 4, 28, 28), (8, 5, 28, 28)],          "concat-mismatch",
     "operand 2 is [8, 5, 28, 28]: depth differs (4 vs 5)"),
    ("concat",    [(8, 2, 2, 2, 2), (8, 2, 2, 2, 3)],        "concat-mismatch",
     "operand 2 is [8, 2, 2, 2, 3]: axis 5 differs (2 vs 3)"),
    ("concat",    [(64, 28, 28), (32,)],                     "concat-mismatch",
     "operand 2 is [32], but operand 1 is [64, 28, 28]: the numbers of axes differ"),
]
# fmt: on


@pytest.mark.parametrize(("name", "shapes", "output"), CASES)
def test_what_fits_together_gives_one_shape(name, shapes, output):
    inputs = tuple(map(TensorType, shapes))
    y = OPS[name]().output(*inputs)

    assert y.shape == output
    assert OPS[name]().weights(*inputs) == {}
    assert OPS[name]().macs(inputs, y) == 0


@pytest.mark.parametrize(("name", "shapes", "rule", "message"), REFUSED)
def test_what_does_not_is_refused_with_the_sizes_compared(name, shapes, rule, message):
    with pytest.raises(ShapeError) as refusal:
        OPS[name]().output(*map(TensorType, shapes))

    assert (str(refusal.value), refusal.value.rule) == (message, rule)


def test_a_scaled_tensor_keeps_its_shape():
    x = TensorType((64, 56, 56))

    assert OPS["scale"](0.2).output(x) == x


@pytest.mark.parametrize("name", ["add", "multiply", "concat"])
def test_adding_a_size_to_itself_halved_and_doubled_needs_an_even_size(name):
    height = symbol("H")
    OPS[name]().output(TensorType((8, height, 4)), TensorType((8, height // 2 * 2, 4)))

    assert [n for n in range(1, 9) if height.domain.requirement.holds(n)] == [2, 4, 6, 8]


def test_sizes_that_never_agree_are_refused():
    height = symbol("H")
    with pytest.raises(ShapeError, match=r"operand 2 is \[8, H \+ 1, 4\]: height differs \(H vs H \+ 1\)"):
        OPS["concat"]().output(TensorType((8, height, 4)), TensorType((8, height + 1, 4)))


def test_a_gate_needs_nothing_of_the_size_it_is_multiplied_with():
    height = symbol("H")
    x = TensorType((8, height, 4))

    assert OPS["multiply"]().output(x, TensorType((8, 1, 1))) is x
    assert height.domain.facts == []
