"""The oracle is the one that published the numbers."""

import pytest

from oracles.torchvision_models import on_meta


@pytest.mark.parametrize(
    ("name", "arguments", "published"),
    [
        ("resnet50", {}, 25_557_032),
        ("googlenet", {"init_weights": False}, 13_004_888),  # both auxiliary heads, which only training uses
    ],
)
def test_the_models_have_the_published_number_of_parameters(name, arguments, published):
    model = on_meta(name, **arguments)

    assert sum(parameter.numel() for parameter in model.parameters()) == published
