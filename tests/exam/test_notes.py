"""The course notes as problem files: every number that they state is a key that is checked, and wrong ones are refused.

Sheets and guides are in `notes`; `notes/wrong` holds keys that notes or their readers get wrong, each with what has to
be said of it in a comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from archdsl.analysis.paths import paths
from archdsl.cli import run
from archdsl.exam.grades import Status
from archdsl.exam.keys import checked, faults
from archdsl.exam.nets import Draw
from archdsl.exam.reading import read_sheet
from archdsl.exam.sheet import Sheet
from archdsl.pipeline import check
from oracles.networks import written

NOTES = Path(__file__).parent / "notes"
FILES = sorted(path for path in NOTES.iterdir() if path.is_file())
WRONG = sorted((NOTES / "wrong").iterdir())


@cache
def sheet(name: str) -> Sheet:
    return read_sheet(NOTES / name, name)


def variants(found: Sheet) -> Iterator[dict[str, dict[str, Draw]]]:
    """Yield values for all problems of a sheet, so that every combination of each problem's values comes by."""
    drawn = {
        problem.id: [dict(zip(problem.draw, row, strict=True)) for row in product(*problem.draw.values())]
        for problem in found.problems
    }
    for number in range(max(map(len, drawn.values()))):
        yield {id: rows[number % len(rows)] for id, rows in drawn.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_key_of_the_notes_is_right(path):
    found = sheet(path.name)
    keys = 0
    for values in variants(found):
        assert faults(found, values) == ()
        results = checked(found, values)
        assert [(one.part.name, one.verdict.said) for one in results if not one.is_right] == []
        keys = len(results)

    assert keys >= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_command_finds_all_keys_right(path, capsys):
    assert run(["exam", "check", str(path), "--color", "never"]) == 0
    out = capsys.readouterr().out
    assert "WRONG" not in out
    assert "NOTE" not in out


def test_listings_in_the_guides_hold():
    (listing,) = sheet("counting.md").listings
    outcomes = check(listing.module).outcomes

    assert [one.holds for one in outcomes] == [True]


# What the wrong files say of themselves: `# expect: part STATUS computed (ids)`.


def expectations(path: Path) -> list[tuple[str, str, str, str]]:
    lines = [line.split("# expect: ")[1] for line in path.read_text("utf-8").splitlines() if "# expect: " in line]
    return [tuple(line.split(" ")) for line in lines]  # type: ignore[misc]  # four words each


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.name)
def test_a_wrong_key_is_refused_with_its_mistake(path, capsys):
    found = read_sheet(path)
    results = [verdict for values in variants(found) for verdict in checked(found, values)]
    expected = expectations(path)

    assert [one.part.name for one in results] == [part for part, *_ in expected]
    for one, (_, status, computed, ids) in zip(results, expected, strict=True):
        assert not one.is_right
        assert (one.verdict.status.value, one.verdict.right) == (status, computed)
        assert set(one.verdict.ids) >= set(ids.split("/")) - {"-"}
    assert run(["exam", "check", str(path), "--color", "never"]) == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line[0].isalpha()}
    words = {"note": "NOTE", "held": "HELD"}
    assert all(words.get(status, "WRONG") in lines[part] for part, status, *_ in expected)


# Which number of which notes is a key of which part.
# fmt: off
STATED = [
    # unit8_exam_guide
    ("unit8 3.1", "32, kernel 5: 28",                           "convolution.yaml", "valid.side"),
    ("unit8 3.1", "32, kernel 3, padding 1: 32",                "convolution.yaml", "same.side"),
    ("unit8 3.2", "1728 weights",                               "convolution.yaml", "shared.weights"),
    ("unit8 3.2", "1792 parameters",                            "convolution.yaml", "shared.conv"),
    ("unit8 3.2", "3072 inputs",                                "convolution.yaml", "shared.inputs"),
    ("unit8 3.2", "196,608 weights",                            "convolution.yaml", "shared.wide"),
    ("unit8 3.2", "196,672 parameters",                         "convolution.yaml", "shared.dense"),
    ("unit8 3.2", "two orders of magnitude: 109.75",            "convolution.yaml", "shared.times"),
    ("unit8 3.3", "three kernels: 3",                           "convolution.yaml", "three.a"),
    ("unit8 3.3", "three kernels: 5",                           "convolution.yaml", "three.b"),
    ("unit8 3.3", "three kernels: 7",                           "convolution.yaml", "three.c"),
    ("unit8 3.3", "strides 1, 1, 2: 3",                         "convolution.yaml", "strided.a"),
    ("unit8 3.3", "strides 1, 1, 2: 5",                         "convolution.yaml", "strided.b"),
    ("unit8 3.3", "strides 1, 1, 2: 9, which is wrong: 7",      "convolution.yaml", "strided.c"),
    ("unit8 3.3", "a 2x2 pool adds 2: a jump, 2 above a pool",  "convolution.yaml", "pooled.added"),
    ("unit8 3.3", "and scales by 2",                            "convolution.yaml", "pooled.jump"),
    ("unit8 3.4", "32 to 16",                                   "convolution.yaml", "halved.a"),
    ("unit8 3.4", "16 to 8",                                    "convolution.yaml", "halved.b"),
    ("unit8 3.4", "one number a channel",                       "convolution.yaml", "halved.gap"),
    ("unit8 3.5", "one scale and one shift a channel",          "normalisation.yaml", "channels.norm"),
    ("unit8 3.5", "averaged over B, H, W",                      "normalisation.yaml", "averaged.batch"),
    ("unit8 3.5", "63/2 + 1, cut to 32",                        "convolution.yaml", "strided64.exact"),
    ("unit8 3.5", "64x64x32, stride 2: 32x32",                  "convolution.yaml", "strided64.shape"),
    ("unit8 4.1", "max(0, x)",                                  "training.yaml", "activations.relu"),
    ("unit8 4.1", "a slope of 0.01",                            "training.yaml", "activations.leaky"),
    ("unit8 4.2", "1x1 keeps the size",                         "convolution.yaml", "pixelwise.shape"),
    ("unit8 4.2", "half of K keeps the size",                   "convolution.yaml", "same.side"),
    ("unit8 4.2", "5x5 as two of 3x3",                          "convolution.yaml", "stacked.five"),
    ("unit8 4.2", "7x7 as three of 3x3",                        "convolution.yaml", "stacked.same"),
    ("unit8 4.4", "2 / (n_in + n_out)",                         "training.yaml", "starting.xavier"),
    ("unit8 4.4", "root of 6 / (n_in + n_out)",                 "training.yaml", "starting.xavier-bound"),
    ("unit8 4.4", "2 / n_in",                                   "training.yaml", "starting.he"),
    ("unit8 4.4", "root of 6 / n_in",                           "training.yaml", "starting.he-bound"),
    ("unit8 4.4", "the variance is halved",                     "training.yaml", "starting.halved"),
    ("unit8 4.5", "dropout 0.2",                                "training.yaml", "dropout.most"),
    ("unit8 4.5", "dropout 0.5",                                "training.yaml", "dropout.least"),
    ("unit8 4.5", "weight decay 1e-4 to 5e-4",                  "training.yaml", "schedule.decays"),
    ("unit8 4.5", "0.9 for the right class",                    "training.yaml", "smoothing.right-others"),
    ("unit8 4.5", "0.1 / (C - 1) for the others",               "training.yaml", "smoothing.wrong-others"),
    ("unit8 4.5", "(1 - a) y + a / C, right class",             "training.yaml", "smoothing.right-all"),
    ("unit8 4.5", "(1 - a) y + a / C, others",                  "training.yaml", "smoothing.wrong-all"),
    ("unit8 4.5", "one 7x7: 49 C C",                            "convolution.yaml", "stacked.large"),
    ("unit8 4.5", "three 3x3: 27 C C",                          "convolution.yaml", "stacked.small"),
    ("unit8 5.2", "momentum 0.9",                               "training.yaml", "momentum.velocity"),
    ("unit8 5.2", "momentum 0.99",                              "training.yaml", "momentum.heavy"),
    ("unit8 5.2", "looking ahead",                              "training.yaml", "momentum.ahead"),
    ("unit8 5.2", "plain descent",                              "training.yaml", "momentum.plain"),
    ("unit8 5.2", "beta1 = 0.9",                                "training.yaml", "adam.m"),
    ("unit8 5.2", "beta2 = 0.999",                              "training.yaml", "adam.v"),
    ("unit8 5.2", "bias correction",                            "training.yaml", "adam.v-hat"),
    ("unit8 5.2", "eps = 1e-8",                                 "training.yaml", "adam.step"),
    ("unit8 5.2", "two moments a parameter",                    "training.yaml", "adam.kept"),
    ("unit8 5.2", "decoupled decay",                            "training.yaml", "adam.decay"),
    ("unit8 5.3", "a tenth at 30, 60, 90",                      "training.yaml", "schedule.steps"),
    ("unit8 5.4", "224 of 256",                                 "training.yaml", "augmentation.crops"),
    ("unit8 5.4", "flips double",                               "training.yaml", "augmentation.flips"),
    ("unit8 5.4", "mean 0.485, std 0.229",                      "training.yaml", "augmentation.white-red"),
    ("unit8 5.4", "mean 0.456, std 0.224",                      "training.yaml", "augmentation.white-green"),
    ("unit8 5.4", "mean 0.406, std 0.225",                      "training.yaml", "augmentation.white-blue"),
    ("unit8 5.4", "mixed labels",                               "training.yaml", "augmentation.mixed"),
    ("unit8 5.5", "99 % against 75 %",                          "exam_questions.yaml", "overfitting.gap"),
    ("unit8 2",   "224 x 224 RGB, fully connected",             "convolution.yaml", "dense224.inputs"),
    ("unit8 6",   "LeNet-5 on 32 x 32",                         "residual.yaml", "lenet.params"),
    ("unit8 6",   "AlexNet: 5 + 3 layers",                      "residual.yaml", "depths.alexnet"),
    ("unit8 6",   "VGG-16",                                     "residual.yaml", "depths.vgg16"),
    ("unit8 6",   "VGG-19",                                     "residual.yaml", "depths.vgg19"),
    ("unit8 6",   "branches of 1x1, 3x3, 5x5 and a pool",       "residual.yaml", "inception.shape"),
    ("unit8 6",   "1x1 before the wide kernels",                "residual.yaml", "inception.narrow"),
    ("unit8 6",   "bottleneck of 1x1, 3x3, 1x1",                "residual.yaml", "bottleneck.narrow"),
    ("unit8 6",   "ResNet-18",                                  "residual.yaml", "depths.resnet18"),
    ("unit8 6",   "ResNet-34",                                  "residual.yaml", "depths.resnet34"),
    ("unit8 6",   "ResNet-50",                                  "residual.yaml", "depths.resnet50"),
    ("unit8 6",   "ResNet-101",                                 "residual.yaml", "depths.resnet101"),
    ("unit8 6",   "ResNet-152",                                 "residual.yaml", "depths.resnet152"),
    ("unit8 6",   "maps that are concatenated",                 "residual.yaml", "dense.piled"),
    ("unit8 6",   "a b b c c = 2",                              "training.yaml", "scaling.work"),
    ("unit8 7",   "1e-3 for the head, 1e-4 for the rest",       "training.yaml", "schedule.heads"),
    ("unit8 8",   "28 x 28, 32 filters",                        "exam_questions.yaml", "digits.c1"),
    ("unit8 8",   "64 filters",                                 "exam_questions.yaml", "digits.c2"),
    ("unit8 8",   "128 units",                                  "exam_questions.yaml", "digits.head"),
    ("unit8 8",   "10 classes",                                 "exam_questions.yaml", "digits.logits"),
    ("unit8 8",   "batches of 64",                              "training.yaml", "batches.small"),
    ("unit8 8",   "batches of 128",                             "training.yaml", "batches.large"),
    ("unit8 9",   "dropout 0.3",                                "training.yaml", "dropout.small-data"),
    ("unit8 11",  "a pooled head has fewer parameters",         "exam_questions.yaml", "pooled-head.pooled"),
    ("unit8 12",  "question 2(a), conv1",                       "exam_questions.yaml", "q2.conv1"),
    ("unit8 12",  "question 2(a), pool",                        "exam_questions.yaml", "q2.pool"),
    ("unit8 12",  "question 2(a), conv2",                       "exam_questions.yaml", "q2.conv2"),
    ("unit8 12",  "question 2(b)",                              "exam_questions.yaml", "q2.params"),
    ("unit8 12",  "its receptive field",                        "exam_questions.yaml", "q2.rf"),
    ("unit8 12",  "question 3(a): 7",                           "exam_questions.yaml", "q3.a"),
    ("unit8 12",  "question 3(b): 8",                           "exam_questions.yaml", "q3.b"),
    ("unit8 12",  "question 3(b): jump 2",                      "exam_questions.yaml", "q3.jump"),
    ("unit8 12",  "question 5: 2,000 images",                   "exam_questions.yaml", "medical.images"),
    ("unit8 12",  "question 5: five classes",                   "exam_questions.yaml", "medical.head"),
    # cnn_layers
    ("layers",    "H - k + 1",                                  "convolution.yaml", "general.shape"),
    ("layers",    "C_out (k k C_in + 1)",                       "convolution.yaml", "general.params"),
    ("layers",    "H W k k",                                    "convolution.yaml", "fourier.direct32"),
    ("layers",    "H W log(H W)",                               "convolution.yaml", "fourier.tile"),
    ("layers",    "n log n",                                    "convolution.yaml", "fourier.split"),
    ("layers",    "pooling keeps channels",                     "exam_questions.yaml", "q2.pool"),
    ("layers",    "the formula of a norm",                      "normalisation.yaml", "layer.values"),
    ("layers",    "no bias before a norm",                      "normalisation.yaml", "channels.idle"),
    ("layers",    "1x1 with stride 2 drops 75 %",               "residual.yaml", "strided.unread"),
    ("layers",    "transition: 1x1",                            "residual.yaml", "dense.thin"),
    ("layers",    "transition: pool 2, stride 2",               "residual.yaml", "dense.pooled"),
    ("layers",    "skips that are concatenated",                "upsampling.yaml", "skips.joined"),
    # resnet_summary
    ("summary",   "20 layers",                                  "residual.yaml", "depths.plain20"),
    ("summary",   "56 layers",                                  "residual.yaml", "depths.plain56"),
    ("summary",   "weights of zero: the identity",              "residual.yaml", "identity.values"),
    ("summary",   "152 layers",                                 "residual.yaml", "depths.resnet152"),
    # resnet_slides
    ("slides",    "VGG: 19 layers",                             "residual.yaml", "depths.vgg19"),
    ("slides",    "GoogLeNet: 22 layers",                       "residual.yaml", "depths.googlenet"),
    ("slides",    "mean of a batch",                            "normalisation.yaml", "batch.mean"),
    ("slides",    "variance of a batch",                        "normalisation.yaml", "batch.variance"),
    ("slides",    "normal values",                              "normalisation.yaml", "batch.normal"),
    ("slides",    "scaled and shifted",                         "normalisation.yaml", "batch.last"),
    ("slides",    "running mean, m of the old one",             "normalisation.yaml", "running.slides"),
    ("slides",    "running variance",                           "normalisation.yaml", "running.variance"),
    ("slides",    "four terms of two layers",                   "residual.yaml", "two.terms"),
    ("slides",    "a product with x_i: with 1 it is right",     "residual.yaml", "gradient.product"),
    ("slides",    "2^N terms",                                  "residual.yaml", "three.terms"),
    ("slides",    "parallel paths as groups",                   "residual.yaml", "grouped.params"),
    # upsampling_resnet_norm_unet
    ("upsampling", "zeros between the inputs",                  "upsampling.yaml", "zeros.values"),
    ("upsampling", "the kernel of a transposed convolution",    "upsampling.yaml", "kernel.odd"),
    ("upsampling", "its interpolation in two dimensions",       "upsampling.yaml", "kernel.even"),
    ("upsampling", "root mean square 1",                        "normalisation.yaml", "rms.after"),
    ("upsampling", "norms over batch, layer, instance",         "normalisation.yaml", "averaged.instance"),
    ("upsampling", "encoder, decoder and skips",                "upsampling.yaml", "skips.up"),
]
# fmt: on

NOT_ASKED = {
    "years and numbers of papers": "nothing is computed from them",
    "GELU's 0.5, 0.044715 and the root of 2/pi; ELU, softmax, sigmoid": "an ask has no exponential",
    "cross-entropy": "an ask has no natural logarithm",
    "rotations of 15 degrees": "nothing is computed from it",
    "two random directions of a loss surface": "nothing is computed from it",
    "eps = 1e-5 of a norm": "an argument of the layer; its values are asked with another, which gives fractions",
}
"""Numbers that no key holds, with the reason."""


@pytest.mark.parametrize(("where", "what", "file", "part"), STATED, ids=[f"{w}: {what}" for w, what, *_ in STATED])
def test_a_number_of_the_notes_is_a_key(where, what, file, part):
    (found,) = [one for _, one in sheet(file).parts if one.name == part]

    assert found.key is not None


def test_the_numbers_are_many():
    keys = sum(part.key is not None for path in FILES for _, part in sheet(path.name).parts)

    assert len(STATED) == 129
    assert keys == 197
    assert all(NOT_ASKED.values())


# Beside the asks: the same numbers from elsewhere.


@pytest.mark.parametrize("blocks", range(1, 11))
def test_residual_blocks_have_a_power_of_two_of_terms(blocks):
    lines = [f" x{n + 1} = (x{n} -> Linear(4)) + x{n}" for n in range(blocks)]
    lines[-1] = lines[-1].replace(f" x{blocks} =", " output y =")
    total = paths(written("model Net {\n input x0: [4]\n" + "\n".join(lines) + "\n}")).total

    assert total is not None
    assert total.count == 2**blocks


def test_the_slides_momentum_is_the_rest_of_pytorchs():
    torch = pytest.importorskip("torch")
    norm = torch.nn.BatchNorm1d(1, momentum=0.1).double()
    norm.running_mean.fill_(2)
    norm(torch.tensor([[4.0], [6.0]]).double())

    assert norm.running_mean.item() == pytest.approx(0.9 * 2 + 0.1 * 5)
    assert norm.running_mean.item() == pytest.approx(2.3)


def test_pytorchs_softened_labels_are_those_over_all_classes():
    torch = pytest.importorskip("torch")
    logits = torch.zeros(1, 10).double()
    logits[0, 3] = 2
    losses = -torch.log_softmax(logits, 1)[0]
    soft = torch.nn.functional.cross_entropy(logits, torch.tensor([3]), label_smoothing=0.1)
    right, wrong = Fraction(91, 100), Fraction(1, 100)

    assert soft.item() == pytest.approx(
        float(right) * losses[3].item() + float(wrong) * (losses.sum() - losses[3]).item()
    )


def test_the_derivative_of_two_blocks_has_one_where_the_notes_have_the_input():
    torch = pytest.importorskip("torch")
    x = torch.tensor(1.0, requires_grad=True)
    y = 2 * x + x
    (3 * y + y).backward()

    assert x.grad.item() == (2 + 1) * (3 + 1) == 12
    assert (2 + 1) * (3 + y.item()) == 18


def test_a_status_of_a_key_is_one_that_people_know():
    assert {status for path in WRONG for _, status, *_ in expectations(path)} <= {status.value for status in Status}
