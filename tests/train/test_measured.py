"""What is measured of a model, against counts by hand and brute force."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archdsl.codegen import builder_names, generate  # noqa: E402
from archdsl.pipeline import loads  # noqa: E402
from archdsl.train import measured, work  # noqa: E402
from archdsl.train.baselines import baselines  # noqa: E402
from archdsl.train.parts.data import Data, Split  # noqa: E402
from archdsl.train.prediction import Prediction, exact, skipped, table  # noqa: E402
from archdsl.train.storages import saved_bytes  # noqa: E402
from archdsl.verify.subject import imported  # noqa: E402
from oracles.training import ALONE, SMALL, bright_spots, options, quadrants  # noqa: E402


def subject(body, shape, **arguments):
    """Return a chain as a subject of measurements."""
    made = loads(f"model Net {{\n input x: [{', '.join(map(str, shape))}]\n output y = x -> {body}\n}}")
    code = imported(generate(made), "archdsl_measured")
    return measured.trained_subject(made, code, builder_names(made.module.models)["Net"], arguments)


# fmt: off
WORK = [
    # layers                                                          input       forward, backward, as torch counts
    ("Conv2d(4, 3, bias=false)",                                      (2, 5, 5),  (648, 648, 648)),
    ("Conv2d(4, 3, groups=2)",                                        (2, 5, 5),  (324, 324, 648)),
    ("Conv2d(4, 1) -> Conv2d(4, 3, groups=4, padding=1)",             (4, 4, 4),  (832, 1408, 3136)),
    ("Conv2d(2, 1) -> ConvTranspose2d(4, 2, stride=2, groups=2)",     (2, 3, 3),  (180, 324, 468)),
    ("Flatten -> Linear(3) -> ReLU -> Linear(5)",                     (1, 2, 2),  (27, 42, 42)),
]
# fmt: on


@pytest.mark.parametrize(("body", "shape", "counts"), WORK, ids=[w[0] for w in WORK])
def test_a_step_takes_the_multiply_adds_counted_by_hand(body, shape, counts):
    """Forward f; backward f for each weight, and f for each input behind a weight."""
    one = subject(body, shape)
    predicted, found = work.predicted_work(one.graph), work.measured_work(one)

    assert (predicted.forward, predicted.backward) == counts[:2]
    assert (found.forward, found.backward, found.uncorrected) == counts


def test_each_storage_is_kept_once_and_weights_do_not_count():
    """ReLU keeps its output, which is also the input of the second layer; the first keeps its input."""
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    assert saved_bytes(model, [torch.zeros(3, 6)]) == 4 * (3 * 6 + 3 * 5)


def test_all_that_is_predicted_of_a_model_is_met():
    one = subject("Conv2d(4, 3) -> BatchNorm2d -> ReLU -> MaxPool2d(2) -> Flatten -> Linear(3)", (1, 8, 8))
    found = list(measured.of_the_model(one, options(), ALONE))

    assert [p.name for p in found if p.state != "passed"] == ["peak memory"]
    # 9·1·4 + 4, 4 + 4 of the norm, 36·3 + 3.
    assert next(p for p in found if p.name == "parameters").measured == "159"


WRONG_CODE = [
    ("parameters", "kernel_size=3", "kernel_size=3, bias=False"),
    ("shapes", "kernel_size=3", "kernel_size=3, padding=1, stride=2"),
    ("gradients", "self.conv2d(x)", "self.conv2d(x).detach()"),
]


@pytest.mark.parametrize(("name", "old", "new"), WRONG_CODE, ids=[w[0] for w in WRONG_CODE])
def test_code_that_is_another_network_fails_its_predictions(name, old, new):
    made = loads("model Net {\n input x: [1, 8, 8]\n output y = x -> Conv2d(4, 3) -> ReLU\n}")
    text = generate(made)
    assert old in text
    one = measured.trained_subject(made, imported(text.replace(old, new), "archdsl_wrong"), "net", {})

    found = {p.name: p for p in measured.of_the_model(one, options(), ALONE)}
    assert found[name].failed
    assert found[name].differences


def test_the_loss_at_the_start_is_that_of_equal_chances_where_the_last_layer_is_small():
    data = quadrants()

    def small(classes=4):
        model = SMALL.build(classes)
        nn.init.zeros_(model.fc.weight)
        nn.init.zeros_(model.fc.bias)
        return model

    loss, chances = measured.initial_loss(SMALL.__class__("Small", small, (1, 8, 8)), data, options(), ALONE)
    assert chances == math.log(4)
    assert loss == pytest.approx(math.log(4), abs=1e-6)


def run_of(data, figures, losses, **given):
    record = {"images": {"kind": data.kind}, "test": figures}
    found = measured.of_the_run(data, options(**given), record, losses, (1.4, math.log(4)))
    return {one.name: one for one in found}


def test_a_run_that_learns_meets_its_predictions_and_one_that_does_not_fails_them():
    data = quadrants()
    good = run_of(data, {"top1": 1.0}, [1.4] * 10 + [0.1] * 50)
    bad = run_of(data, {"top1": 0.0}, [1.4] * 10 + [1.5] * 50)

    assert [one.state for one in good.values()] == ["passed"] * 4
    assert [one.state for one in bad.values()] == ["passed", "failed", "failed", "failed"]


@pytest.mark.parametrize(("make", "loss", "failed"), [
    (quadrants, 1.4, False), (quadrants, 1.7, True), (quadrants, 1.0, True),
    (bright_spots, 1.2, False), (bright_spots, 1.7, True), (bright_spots, 0.6, False),
])  # fmt: skip
def test_a_first_loss_below_equal_chances_is_fine_where_most_pixels_are_of_one_class(make, loss, failed):
    data = make()
    record = {"images": {"kind": data.kind}, "test": {"top1": 1.0, "miou": 1.0}}
    chances = math.log(data.classes)
    found = measured.of_the_run(data, options(), record, [1.4] * 60, (loss * chances / math.log(4), chances))

    assert next(found).failed is failed


@pytest.mark.parametrize(("accuracy", "failed"), [(1.0, False), (0.995, False), (0.985, True)])
def test_a_baseline_that_is_never_wrong_is_to_be_reached_within_a_point(accuracy, failed):
    one = run_of(quadrants(), {"top1": accuracy}, [1.4] * 10 + [0.1] * 50)["accuracy beats linear"]

    assert one.failed is failed
    assert one.predicted == "≥ 99.00%"


def test_a_long_run_has_to_halve_its_loss_where_that_has_no_floor():
    data, losses = quadrants(), [1.0] * 100 + [0.6] * 200

    assert run_of(data, {"top1": 1.0}, losses)["loss falls"].failed
    assert not run_of(data, {"top1": 1.0}, losses, smoothing=0.1)["loss falls"].failed
    assert run_of(data, {"top1": 1.0}, [2.3])["loss falls"].state == "skipped"  # one step is no fall


def tiny(train, test):
    """Return a data set of black images with given classes."""

    def split(classes):
        return Split(torch.zeros(len(classes), 1, 2, 2, dtype=torch.uint8), torch.tensor(classes))

    return Data("tiny", split(train), split(test), 3, "classes", (0.0,), (1.0,), ("a", "b", "c"))


def test_the_majority_is_that_of_the_training_images():
    majority, linear = baselines(tiny([1, 1, 1, 0, 2], [0, 0, 1, 2]))

    assert majority.figure == 0.25
    assert linear.figure == 0.25  # black images tell nothing beyond the bias


def test_a_linear_model_finds_the_bright_quadrant_and_stays_within_what_is_convex():
    majority, linear = baselines(quadrants())

    assert majority.figure < 0.5
    assert linear.figure == 1.0


def test_masks_are_compared_with_the_background_and_a_table_of_greys():
    data = bright_spots()
    majority, by_grey = baselines(data)
    truth = data.test.targets
    # Every pixel of the background: its share of the union with all others, a mean over the three classes.
    assert majority.figure == pytest.approx(float((truth == 0).float().mean()) / 3)
    # The greys of the three classes do not overlap, so the table is perfect.
    assert by_grey.figure == 1.0


def test_pixels_that_count_for_no_class_are_in_no_table():
    data = bright_spots()
    dark = data.train.images[:, 0] < 100
    data.train.targets[:, :, 8:][dark[:, :, 8:]] = 255
    data.train.targets[0] = 255

    _, by_grey = baselines(data)
    assert by_grey.figure == 1.0


def test_the_loss_at_the_start_follows_from_the_seed_of_the_run_alone():
    def start(seed):
        torch.manual_seed(torch.seed())
        return measured.initial_loss(SMALL, quadrants(), options(seed=seed), ALONE)[0]

    assert start(0) == start(0)
    assert start(0) != start(1)


def test_a_total_that_agrees_does_not_hide_layers_that_differ():
    text = "model Net {\n input x: [1, 8, 8]\n output y = x -> a: Conv2d(1, 3, padding=1) -> b: Conv2d(1, 1)\n}"
    made = loads(text)
    large, small = "kernel_size=3, padding=1", "kernel_size=1"
    code = generate(made)
    swapped = code.replace(large, "LARGE").replace(small, large).replace("LARGE", small)
    one = measured.trained_subject(made, imported(swapped, "archdsl_swapped"), "net", {})
    found = {p.name: p for p in measured.of_the_model(one, options(), ALONE)}

    assert code.count(large) == swapped.count(large) == 1
    assert found["parameters"].predicted == "12"
    assert found["parameters"].failed


def test_a_measurement_that_cannot_be_made_fails_and_hides_no_other():
    made = loads("model Net {\n input x: [1, 8, 8]\n output y = x -> Conv2d(4, 3) -> Conv2d(2, 3)\n}")
    code = generate(made).replace("nn.Conv2d(4, 2", "nn.Conv2d(5, 2")
    one = measured.trained_subject(made, imported(code, "archdsl_broken"), "net", {})
    found = {p.name: p for p in measured.of_the_model(one, options(), ALONE)}

    assert {name for name, p in found.items() if p.failed} >= {"parameters", "shapes", "MACs of a step", "saved memory"}
    assert found["peak memory"].state == "skipped"


def test_the_table_is_markdown_with_what_differs_below():
    text = table([exact("a|b", 1000, 1000, "by hand"), skipped("c", "no GPU"),
                  Prediction("d", "1", "2", "exact", "failed", "", ("x: 1 in the analysis, 2 in the code",))])  # fmt: skip
    lines = text.splitlines()

    assert lines[2].startswith("| ✓ | a\\|b | 1,000 ")
    assert len({len(line) for line in lines[:5]}) == 1
    assert lines[-1] == "- x: 1 in the analysis, 2 in the code"
