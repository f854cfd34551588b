"""The memory of a training step: worked by hand, and beside the storages that PyTorch holds while it runs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.training_memory import OPTIMIZERS, Training, TrainingMemory, training_memory
from archdsl.analysis.training_segments import segments
from archdsl.graph import Graph
from archdsl.pipeline import Network, load, loads
from archdsl.report import training as report
from oracles.live_storages import built, feeds, peak_bytes
from oracles.networks import SPECS, bundled, chain, written

SMALL = {"H": 64, "W": 64}
NETWORKS = {
    "ResNet50": ("resnet", SMALL),
    "DenseNet121": ("densenet", SMALL),
    "UNet": ("unet", {**SMALL, "base": 16}),
    "EfficientNetB0": ("efficientnet", SMALL),
    "MobileNetV2": ("mobilenet_v2", SMALL),
    "VGG16": ("vgg", SMALL),
    "GoogLeNet": ("googlenet", SMALL),
}


def passing(found: TrainingMemory) -> int:
    """Return what of the peak comes and goes: activations and gradients."""
    return found.peak - found.weights - found.buffers - found.states


# By hand: numbers of 4 bytes, of a 3×10×10 image; `a` makes 800 of it and has 3·8 + 8 = 32 weights.

# fmt: off
BY_HAND = [
    # name                       pipeline                                      peak                                      at           phase
    # the input, the output and its gradient, and the gradient of the weights
    ("one layer",                "a: Conv2d(8, 1)",                            300 + 800 + 800 + 32,                     "a",         "backward"),
    # the gradient of the output and that of the input of the layer, which kept its input and is an output itself
    ("a layer behind it",        "a: Conv2d(8, 1) -> Sigmoid",                 300 + 800 + 2 * 800,                      "sigmoid",   "backward"),
    # an average keeps 800, and makes 800 of 200
    ("a pool behind it",         "a: Conv2d(8, 1) -> AvgPool2d(2)",            300 + 800 + 200 + 200 + 800,              "avgpool",   "backward"),
    # a mean keeps nothing: its input is freed before the gradient of that is made
    ("a mean behind it",         "a: Conv2d(8, 1) -> AdaptiveAvgPool2d(1)",    300 + 8 + 800 + 32,                       "a",         "backward"),
]
# fmt: on


@pytest.mark.parametrize(("text", "elements", "at", "phase"), [c[1:] for c in BY_HAND], ids=[c[0] for c in BY_HAND])
def test_the_peak_of_a_chain(text, elements, at, phase):
    graph = chain(text, 3, 10, 10)
    found = training_memory(graph, batch=1, optimizer="sgd")

    assert passing(found) == 4 * elements
    assert (graph.nodes[found.node].path, found.phase) == (at, phase)


def test_the_parts_of_lenet_are_those_of_its_61706_weights():
    """LeNet-5 with ten classes, LeCun et al. 1998: 61,706 numbers."""
    found = training_memory(bundled("LeNet5"), batch=1, optimizer="adam")

    assert (found.weights, found.gradients, found.states) == (4 * 61_706, 4 * 61_706, 8 * 61_706)


def test_what_is_alive_at_the_peak_comes_to_the_peak():
    for batch in (1, 7):
        found = training_memory(bundled("ResNet18", **SMALL), batch=batch)
        assert sum(one.bytes for one in found.alive) == passing(found)
        assert sum(one.bytes for one in found.tensors) == found.saved


def test_autocast_keeps_copies_of_weights_and_inputs_in_half_the_bytes():
    """Of the 300 numbers fed in and the 24 and 64 of the weights a copy, and the 800 between are made low."""
    graph = chain("a: Conv2d(8, 1, bias=false) -> ReLU -> b: Conv2d(8, 1, bias=false)", 3, 10, 10)
    found = training_memory(graph, batch=5, amp="bf16")

    assert (found.weights, found.gradients, found.states) == (4 * 88, 4 * 88, 8 * 88)
    assert found.saved == 5 * 2 * (300 + 800) + 2 * 88


# Against PyTorch.


def measured(name: str, batch: int, **how: Any) -> tuple[int, int]:
    file, given = NETWORKS[name]
    network = load(SPECS / f"{file}.arch", name, **given)
    return peak_bytes(built(network), *feeds(network, batch), **how)


@pytest.mark.parametrize("batch", [2, 12])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_peak_is_within_a_hundredth_of_what_pytorch_holds(name, batch):
    """The loss and its gradient, 8 bytes, are all that differs for most."""
    found = training_memory(bundled(name, **NETWORKS[name][1]), batch=batch, optimizer="sgd")
    _, most = measured(name, batch)

    assert passing(found) == pytest.approx(most, rel=0.01)


@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV2", "VGG16"])
def test_the_peak_under_autocast_is_within_a_hundredth(name):
    import torch

    found = training_memory(bundled(name, **NETWORKS[name][1]), batch=4, optimizer="sgd", amp="bf16")
    _, most = measured(name, 4, context=lambda: torch.autocast("cpu", dtype=torch.bfloat16))

    assert passing(found) == pytest.approx(most, rel=0.01)


# fmt: off
PASSING = [
    # what comes and goes that no layer's input or output is; the last layers make the output small
    ("masks of what needs no gradient",    "output x -> Dropout -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("places of maxima that nobody wants", "output x -> MaxPool2d(2) -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("squares that nobody wants",          "output x -> LocalResponseNorm(3) -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("squares with wide padding",          "output x -> LocalResponseNorm(40) -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("what a block was fed",               "output x -> Tanh -> B -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("what a sequence was fed",            "output x -> Tanh -> S -> a: Conv2d(2, 4, stride=4) -> AdaptiveAvgPool2d(1)"),
    ("a crop of nothing",                  "output crop(x -> a: Conv2d(8, 1), like=x) -> AdaptiveAvgPool2d(1)"),
    ("a crop along one axis",              "output crop(x -> a: Conv2d(8, 1), left=2) -> Tanh -> AdaptiveAvgPool2d(1)"),
    ("a crop along two axes",              "output crop(x -> a: Conv2d(8, 1), left=2, top=3) -> AdaptiveAvgPool2d(1)"),
    ("a mirrored padding",                 'output x -> a: Conv2d(8, 1) -> Conv2d(2, 5, stride=4, padding=4, padding_mode="reflect") -> AdaptiveAvgPool2d(1)'),
    ("an uneven padding",                  'output x -> a: Conv2d(8, 1) -> Conv2d(2, 4, padding="same") -> AdaptiveAvgPool2d(1)'),
]
# fmt: on


def tracked_peak(network: Network, batch: int) -> int:
    """Return the most bytes in a second step, by MemTracker, of activations and gradients."""
    from torch.distributed._tools.mem_tracker import MemTracker

    model, inputs, tracker = built(network), feeds(network, batch), MemTracker()
    tracker.track_external(model, *inputs)
    with tracker:
        for step in range(2):
            if step:
                tracker.reset_mod_stats()
            model(*inputs).sum().backward()
            model.zero_grad()
    (most,) = [kinds["Total"] for kinds in tracker.get_tracker_snapshot("peak").values()]
    weights: int = sum(x.nbytes for x in (*model.parameters(), *model.buffers()))
    return most - weights


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("text", [text for _, text in PASSING], ids=[name for name, _ in PASSING])
def test_what_is_there_in_passing_is_counted(text):
    """The loss and its gradient are 8 bytes; the tracker holds that of an output by one number."""
    blocks = "block B { input x\n output x -> Sigmoid -> GELU }\nseq S = Sigmoid -> GELU\n"
    network = loads(f"{blocks}model Net {{ input x: [8, 20, 20]\n {text} }}")
    found = training_memory(network.graph, batch=4, optimizer="sgd")

    assert passing(found) == pytest.approx(tracked_peak(network, 4), rel=0.003)


def checkpointed(model: Any, paths: list[str]) -> Any:
    """Wrap the modules at some paths."""
    from torch.utils.checkpoint import checkpoint

    def wrapped(forward: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *xs: checkpoint(forward, *xs, use_reentrant=False)

    for path in paths:
        module = model.get_submodule(path)
        module.forward = wrapped(module.forward)
    return model


# fmt: off
CHECKPOINTS = [
    ("ResNet50",       "block", [f"layer{i + 1}.{j}" for i, n in enumerate([3, 4, 6, 3]) for j in range(n)]),
    ("MobileNetV2",    "block", [f"features.{i}" for i in range(1, 18)]),
    ("UNet",           "block", [*[f"down.{i}" for i in range(4)], "bottom", *[f"merge.{i}" for i in range(4)]]),
    ("UNet",           ["down.0", "merge.0"], ["down.0", "merge.0"]),
    ("DenseNet121",    ["features.denseblock1", "features.denseblock2"], ["features.denseblock1", "features.denseblock2"]),
]
# fmt: on


@pytest.mark.parametrize(("name", "asked", "paths"), CHECKPOINTS)
def test_the_peak_with_checkpoints_is_within_a_hundredth(name, asked, paths):
    file, given = NETWORKS[name]
    network = load(SPECS / f"{file}.arch", name, **given)
    found = training_memory(network.graph, batch=8, optimizer="sgd", checkpoint=asked)
    _, most = peak_bytes(checkpointed(built(network), paths), *feeds(network, 8))

    assert found.segments == len(paths)
    assert passing(found) == pytest.approx(most, rel=0.01)
    assert found.saved < training_memory(network.graph, batch=8).saved


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_states_of_an_optimizer_are_those_of_torch(name):
    import torch

    kinds: dict[str, Callable[..., Any]] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    network = load(SPECS / "lite.arch", "InceptionLite")
    model = built(network)
    optimizer = kinds[name](model.parameters())
    outputs = model(*feeds(network, 2))
    outputs.sum().backward()
    optimizer.step()
    states = [x for state in optimizer.state.values() for x in state.values() if torch.is_tensor(x) and x.dim()]
    found = training_memory(network.graph, batch=2, optimizer=name)

    assert found.states == sum(x.nbytes for x in states)
    assert found.gradients == sum(p.grad.nbytes for p in model.parameters())
    assert found.weights == sum(p.nbytes for p in model.parameters())
    assert found.buffers == sum(b.nbytes for b in model.buffers())


# The largest batch.

FITTED = {name: bundled(name, **given) for name, (_, given) in list(NETWORKS.items())[:3]}


@settings(max_examples=30)
@given(
    name=st.sampled_from(sorted(FITTED)),
    budget=st.integers(0, 2**34),
    amp=st.sampled_from([None, "bf16"]),
    checkpoint=st.sampled_from([None, "block"]),
)
def test_the_largest_batch_fits_and_one_more_does_not(name, budget, amp, checkpoint):
    training = Training(FITTED[name], amp=amp, checkpoint=checkpoint)
    batch = training.largest_batch(budget)

    assert batch == 0 or training.peak(batch) <= budget
    assert training.peak(batch + 1) > budget


# Checkpoints.


def paths(graph: Graph, checkpoint: Any) -> list[str]:
    return [graph.nodes[run.start].path for run in segments(graph, checkpoint)]


NESTED = """
block Inner { input x
  output x -> c: Conv2d(4, 1) }
block Outer { input x
  output (x -> a: Inner) + (x -> b: Inner) }
seq S = s: Conv2d(4, 1) -> ReLU
"""


def test_a_block_within_another_is_part_of_its_checkpoint():
    graph = written(NESTED + "model Net { input x: [4, 8, 8]\n output x -> one: Outer -> S -> two: Inner }")

    assert paths(graph, "block") == ["one.a.c", "two.c"]
    assert [len(run) for run in segments(graph, "block")] == [3, 1]


def test_without_blocks_each_sequence_is_a_checkpoint():
    graph = written(NESTED + "model Net { input x: [4, 8, 8]\n output x -> a: S -> b: S }")

    assert paths(graph, "block") == ["a.s", "b.s"]


def test_a_shared_module_has_a_checkpoint_for_each_call():
    graph = written(NESTED + "model Net { input x: [4, 8, 8]\n share m = Outer\n output x -> m -> m }")

    assert [len(run) for run in segments(graph, "block")] == [3, 3]


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("VGG16", "block", "no block in VGG16"),
        ("VGG16", "layer1", '"block" or paths'),
        ("ResNet50", ["layer9"], "no module `layer9`"),
        ("ResNet50", ["layer1", "layer1.0"], "in two checkpoints"),
        ("UNet", ["merge"], "not run in one piece"),
    ],
)
def test_what_cannot_be_a_checkpoint_is_refused(name, asked, said):
    with pytest.raises(ValueError, match=said):
        training_memory(bundled(name, **NETWORKS[name][1]), batch=1, checkpoint=asked)


@pytest.mark.parametrize(("how", "said"), [({"optimizer": "lion"}, "adamw"), ({"batch": 0}, "from 1 up")])
def test_what_cannot_be_is_refused(how, said):
    with pytest.raises(ValueError, match=said):
        training_memory(bundled("LeNet5"), **({"batch": 1} | how))


# The report.


def test_the_report_names_the_parts_the_peak_and_the_largest_tensors():
    graph = chain("a: Conv2d(8, 1) -> b: BatchNorm2d -> r: ReLU -> c: Conv2d(8, 1)", 3, 10, 10)
    text = report.render(training_memory(graph, batch=2, optimizer="momentum"))
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert "Training memory: batch 2, float32, momentum" in lines
    assert "kept for the backward 14.9 KiB" in lines  # 2·4·(300 + 800 + 800) + 4·16 bytes
    assert "a b 6.25 KiB 41.9 %" in lines  # 6,400 of 15,264 bytes
    assert "b r and 1 more 6.25 KiB 41.9 %" in lines
    assert "b: statistics b 64 B 0.4 %" in lines
    assert any(line.startswith("Not counted: workspace") for line in lines)


def test_the_report_says_the_same_to_machines():
    found = training_memory(loads("model N { input x: [3, 8, 8]\n output x -> a: Conv2d(2, 1) }").graph, batch=5)
    made = report.as_dict(found)

    assert made["peak_at"] == {"layer": "a", "phase": "backward"}
    assert made["saved_tensors"] == [{"layer": "x", "what": "input", "bytes": 5 * 4 * 192, "read_by": ["a"]}]
    assert (made["weights"], made["optimizer_states"]) == (4 * 8, 8 * 8)
