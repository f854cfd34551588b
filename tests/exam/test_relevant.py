"""Which earlier answers an answer depends on: leaving out the others changes nothing that follows."""

import random

import pytest

from archdsl.exam.quantities import relevant, truth
from archdsl.exam.walk import Ask, Subject
from oracles.networks import written

CHAIN = """
model Net { input x: [3, 40, 40]
  output y = x -> a: Conv2d(8, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(16, 3) -> ReLU -> d: MaxPool2d(2) -> Flatten -> e: Linear(10) }
"""
BRANCHES = """
model Net { input x: [4, 24, 24]
  a = x -> a: Conv2d(8, 3, padding=1)
  b = a -> b: Conv2d(8, 3, padding=1) -> BatchNorm2d
  c = concat(a, b) -> c: Conv2d(6, 3, stride=2)
  output y = c -> d: ConvTranspose2d(5, 2, stride=2) }
"""


def changed(shape, draw):
    """Return a shape as a student may have it: some size off, or another number of channels."""
    sizes = list(shape)
    for axis in range(len(sizes)):
        if draw.random() < 0.5:
            sizes[axis] += draw.choice((-2, -1, 1, 2, 4))
    return tuple(sizes)


@pytest.mark.parametrize("text", [CHAIN, BRANCHES])
@pytest.mark.parametrize("quantity", ["shape", "params", "macs", "receptive_field", "activations"])
def test_what_is_left_out_changes_nothing_that_follows(text, quantity):
    draw = random.Random(3)
    subject = Subject(written(text))
    layers = "abcd"
    left_out = 0
    for _ in range(60):
        given = {
            Ask("shape", layer): changed(subject.shapes[subject.end(layer)], draw)
            for layer in draw.sample(layers, draw.randint(1, 3))
        }
        target = draw.choice((None, *layers)) if quantity != "receptive_field" else draw.choice(layers)
        ask = Ask(quantity, target)
        given.pop(ask, None)
        kept = relevant(subject, ask, given)
        left_out += len(given) - len(kept or {})
        assert _value(subject, ask, given) == _value(subject, ask, kept)
    assert left_out > 10


def _value(subject, ask, given):
    try:
        return truth(subject, ask, given or None)
    except ValueError:
        return "none"
