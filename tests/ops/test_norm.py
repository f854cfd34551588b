"""Normalisations: their tensors, and what local response normalisation holds while it runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.ops import OPS, ShapeError
from archdsl.tensors import TensorType

BatchNorm2d, LocalResponseNorm = OPS["BatchNorm2d"], OPS["LocalResponseNorm"]
MAP = TensorType((64, 112, 112))
VECTOR, SCALAR = (64,), ()
STATISTICS = {"running_mean": VECTOR, "running_var": VECTOR, "num_batches_tracked": SCALAR}

# fmt: off
CASES = [
    # layer, weights, buffers
    (BatchNorm2d(),                           {"weight": VECTOR, "bias": VECTOR},  STATISTICS),
    (BatchNorm2d(momentum=None),              {"weight": VECTOR, "bias": VECTOR},  STATISTICS),
    (BatchNorm2d(bias=False),                 {"weight": VECTOR},                  STATISTICS),
    (BatchNorm2d(affine=False),               {},                                  STATISTICS),
    (BatchNorm2d(track_running_stats=False),  {"weight": VECTOR, "bias": VECTOR},  {}),
    (LocalResponseNorm(5),                    {},                                  {}),
]
# fmt: on


@pytest.mark.parametrize(("layer", "weights", "buffers"), CASES, ids=[str(c[0]) for c in CASES])
def test_it_has_the_tensors_that_it_stores(layer, weights, buffers):
    assert layer.weights(MAP) == weights
    assert layer.buffers(MAP) == buffers
    assert layer.output(MAP) == MAP
    assert layer.macs((MAP,), MAP) == 0


def test_a_vector_is_refused():
    with pytest.raises(ShapeError, match=r"`BatchNorm2d` works on \[c, h, w\], but gets \[64\]"):
        BatchNorm2d().output(TensorType(VECTOR))
    with pytest.raises(ShapeError, match=r"`LocalResponseNorm` needs at least one spatial axis, but gets \[64\]"):
        LocalResponseNorm(5).output(TensorType(VECTOR))


def test_the_padded_squares_of_alexnet_are_held_beside_input_and_output():
    x = TensorType((96, 55, 55))

    assert LocalResponseNorm(5).scratch((x,), x) == 100 * 55 * 55


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
            alive.append(sum(storages.values()) // 4)
            return result

    Watched(graph, garbage_collect_values=True).run(torch.zeros(1, *shape))
    x = TensorType(shape)

    assert 2 * x.elements + LocalResponseNorm(size).scratch((x,), x) == max(alive)
