"""Normalisations: their tensors, and what local response normalisation holds while it runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.ops import OPS, ShapeError
from archdsl.sizes import symbol
from archdsl.tensors import TensorType

BatchNorm2d, InstanceNorm2d, GroupNorm, LayerNorm, RMSNorm, LayerNorm2d, LocalResponseNorm = (
    OPS[name] for name in "BatchNorm2d InstanceNorm2d GroupNorm LayerNorm RMSNorm LayerNorm2d LocalResponseNorm".split()
)
MAP = TensorType((64, 112, 112))
VECTOR, SCALAR, WHOLE = (64,), (), (64, 112, 112)
STATISTICS = {"running_mean": VECTOR, "running_var": VECTOR, "num_batches_tracked": SCALAR}

# fmt: off
CASES = [
    # layer, weights, buffers
    (BatchNorm2d(),                           {"weight": VECTOR, "bias": VECTOR},  STATISTICS),
    (BatchNorm2d(momentum=None),              {"weight": VECTOR, "bias": VECTOR},  STATISTICS),
    (BatchNorm2d(bias=False),                 {"weight": VECTOR},                  STATISTICS),
    (BatchNorm2d(affine=False),               {},                                  STATISTICS),
    (BatchNorm2d(track_running_stats=False),  {"weight": VECTOR, "bias": VECTOR},  {}),
    (InstanceNorm2d(),                        {},                                  {}),
    (InstanceNorm2d(affine=True),             {"weight": VECTOR, "bias": VECTOR},  {}),
    (InstanceNorm2d(track_running_stats=True), {},                                 STATISTICS),
    (GroupNorm(32),                           {"weight": VECTOR, "bias": VECTOR},  {}),
    (GroupNorm(32, affine=False),             {},                                  {}),
    (LayerNorm(),                             {"weight": WHOLE, "bias": WHOLE},    {}),
    (LayerNorm(dims=1),                       {"weight": (112,), "bias": (112,)},  {}),
    (LayerNorm(bias=False),                   {"weight": WHOLE},                   {}),
    (LayerNorm(elementwise_affine=False),     {},                                  {}),
    (RMSNorm(),                               {"weight": WHOLE},                   {}),
    (RMSNorm(dims=2),                         {"weight": (112, 112)},              {}),
    (LayerNorm2d(),                           {"weight": VECTOR, "bias": VECTOR},  {}),
    (LocalResponseNorm(5),                    {},                                  {}),
]
# fmt: on


@pytest.mark.parametrize(("layer", "weights", "buffers"), CASES, ids=[str(c[0]) for c in CASES])
def test_it_has_the_tensors_that_it_stores(layer, weights, buffers):
    assert layer.weights(MAP) == weights
    assert layer.buffers(MAP) == buffers
    assert layer.output(MAP) == MAP
    assert layer.macs((MAP,), MAP) == 0


# fmt: off
REFUSED = [
    # layer, input, message
    (GroupNorm(32),       (48, 7, 7),  "32 groups do not divide the 48 channels"),
    (InstanceNorm2d(),    (8, 1, 1),   "`InstanceNorm2d` needs more than one position to take a mean over, but gets [8, 1, 1]"),
    (LayerNorm(dims=4),   (8, 7, 7),   "`LayerNorm` normalises over the last 4 axes, but gets [8, 7, 7]"),
    (LayerNorm2d(),       (8, 7),      "`LayerNorm2d` works on [c, h, w], but gets [8, 7]"),
]
# fmt: on


@pytest.mark.parametrize(("layer", "shape", "message"), REFUSED, ids=[str(c[0]) for c in REFUSED])
def test_what_does_not_fit_is_refused(layer, shape, message):
    with pytest.raises(ShapeError) as refusal:
        layer.output(TensorType(shape))

    assert str(refusal.value) == message


def test_a_norm_over_open_sizes_wants_numbers_and_one_over_channels_does_not():
    x = TensorType((8, symbol("H"), symbol("W")))

    assert LayerNorm2d().output(x) == GroupNorm(4).output(x) == InstanceNorm2d().output(x) == x
    with pytest.raises(ShapeError) as refusal:
        LayerNorm().output(x)
    assert refusal.value.rule == "size-needed"


def test_batch_norm_in_one_dimension_takes_vectors_and_sequences():
    batch_norm = OPS["BatchNorm1d"]()

    assert batch_norm.output(TensorType((64,))).shape == (64,)
    assert batch_norm.output(TensorType((64, 100))).shape == (64, 100)
    with pytest.raises(ShapeError, match=r"`BatchNorm1d` works on \[c, l\], but gets \[64, 10, 10\]"):
        batch_norm.output(TensorType((64, 10, 10)))


def test_a_vector_is_refused():
    with pytest.raises(ShapeError, match=r"`BatchNorm2d` works on \[c, h, w\], but gets \[64\]"):
        BatchNorm2d().output(TensorType(VECTOR))
    with pytest.raises(ShapeError, match=r"`LocalResponseNorm` needs at least one spatial axis, but gets \[64\]"):
        LocalResponseNorm(5).output(TensorType(VECTOR))


def test_the_padded_squares_of_alexnet_are_held_beside_input_and_output():
    x = TensorType((96, 55, 55))

    assert LocalResponseNorm(5).scratch((x,), x, 4) == 4 * 100 * 55 * 55


@settings(max_examples=15)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple), st.integers(1, 7))
def test_local_response_norm_holds_as_much_as_pytorch_does(shape, size):
    """Input, output and scratch are the most that is alive while the exported graph runs."""
    torch = pytest.importorskip("torch")
    graph = torch.export.export(torch.nn.LocalResponseNorm(size).eval(), (torch.zeros(1, *shape),)).module()
    alive: list[int] = []

    class Watched(torch.fx.Interpreter):
        def run_node(self, node):
            result = super().run_node(node)
            tensors = [t for t in (*self.env.values(), result) if isinstance(t, torch.Tensor)]
            storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
            alive.append(sum(storages.values()))
            return result

    Watched(graph, garbage_collect_values=True).run(torch.zeros(1, *shape))
    x = TensorType(shape)

    assert 4 * 2 * x.elements + LocalResponseNorm(size).scratch((x,), x, 4) == max(alive)
