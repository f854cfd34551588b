"""What needs no network: the answers that a trained model has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.train.parts.data import IGNORED, Data, Split
from archdsl.train.parts.loop import FIGURES
from archdsl.train.parts.metrics import Tally

MOST_IMAGES = 20_000
"""Training images that a baseline looks at, the first ones."""
SIDE = 32
"""Larger images are averaged down to this height and width for the linear baseline."""
LEVELS = 8
"""Steps of each channel where colours are counted; grey has 256."""
ITERATIONS = 100
DECAY = 1e-4
"""Of the weights of the linear baseline, beside the mean cross-entropy."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A figure on the test images, from 0 to 1, and what gave the answers."""

    name: str
    figure: float
    how: str


def baselines(data: Data) -> list[Baseline]:
    """Return what the most frequent answer and a model without depth reach on the test images."""
    if data.kind == "mask":
        return [_frequent_pixel(data), _by_colour(data)]
    return [_frequent_labels(data) if data.several else _frequent_class(data), _linear(data)]


def _figure(data: Data, logits: Tensor) -> float:
    kind = "labels" if data.several else data.kind
    tally = Tally(data.classes, torch.device("cpu"))
    tally.add(logits, data.test.targets, torch.zeros(()))
    return tally.results(kind)[FIGURES[kind]]


def _chosen(targets: Tensor, classes: int) -> Tensor:
    """Return answers as logits with the classes in dimension 1."""
    return functional.one_hot(targets.long(), max(2, classes)).movedim(-1, 1).float()


def _frequent_class(data: Data) -> Baseline:
    most = int(torch.bincount(data.train.targets, minlength=data.classes).argmax())
    answers = torch.full((len(data.test),), most)
    return Baseline("majority", _figure(data, _chosen(answers, data.classes)), f"always {data.labels[most]}")


def _frequent_labels(data: Data) -> Baseline:
    logits = data.train.targets.mean(0) - 0.5
    return Baseline("majority", _figure(data, logits.expand(len(data.test), -1)), "the labels of most images")


def _frequent_pixel(data: Data) -> Baseline:
    counts = torch.bincount(data.train.targets.flatten().long(), minlength=IGNORED + 1)[: data.classes]
    answers = torch.full_like(data.test.targets, int(counts.argmax()))
    return Baseline("majority", _mask_figure(data, answers), f"always {data.labels[int(counts.argmax())]}")


def _by_colour(data: Data) -> Baseline:
    """Answer for each pixel with the class that its colour has most often."""
    train = Split(data.train.images[:MOST_IMAGES], data.train.targets[:MOST_IMAGES])
    levels, channels = (256, 1) if data.channels == 1 else (LEVELS, data.channels)
    if levels**channels > 1 << 20:
        levels, channels = 256, 1  # of the first channel alone
    colours, truth = _colours(train.images, levels, channels).flatten(), train.targets.flatten().long()
    counted = truth != IGNORED
    cells = colours[counted] * data.classes + truth[counted]
    table = torch.bincount(cells, minlength=levels**channels * data.classes).view(-1, data.classes)
    answers = table.argmax(1)[_colours(data.test.images, levels, channels)]
    return Baseline("pixel table", _mask_figure(data, answers), "the most frequent class of each colour")


def _colours(images: Tensor, levels: int, channels: int) -> Tensor:
    found = torch.zeros(len(images), *images.shape[2:], dtype=torch.int64)
    for channel in range(channels):
        found = found * levels + images[:, channel].long() * levels // 256
    return found


def _mask_figure(data: Data, answers: Tensor) -> float:
    tally = Tally(data.classes, torch.device("cpu"))
    for start in range(0, len(answers), 256):
        part = answers[start : start + 256]
        tally.add(_chosen(part, data.classes), data.test.targets[start : start + 256], torch.zeros(()))
    return tally.results("mask")[FIGURES["mask"]]


def _linear(data: Data) -> Baseline:
    """Fit a linear model to the pixels: a convex problem, so no rate and no seed matter."""
    images, mean, std = _pixels(data.train.images[:MOST_IMAGES]), torch.tensor(data.mean), torch.tensor(data.std)
    targets = data.train.targets[:MOST_IMAGES]

    def scaled(pixels: Tensor) -> Tensor:
        return ((pixels - mean.view(1, -1, 1, 1)) / std.clamp(min=1e-3).view(1, -1, 1, 1)).flatten(1)

    inputs = scaled(images)
    model = nn.Linear(inputs.shape[1], data.classes)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        logits = model(inputs)
        fit = functional.binary_cross_entropy_with_logits if data.several else functional.cross_entropy
        loss = fit(logits, targets) + DECAY * model.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        return float(loss.detach())

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's
    with torch.no_grad():
        logits = torch.cat([model(scaled(_pixels(part))) for part in torch.split(data.test.images, 1024)])
    seen = f"{len(inputs):,} images of {images.shape[2]}×{images.shape[3]}"
    return Baseline("linear", _figure(data, logits), f"logistic regression on {seen}")


def _pixels(images: Tensor) -> Tensor:
    pixels = images.float() / 255
    height, width = pixels.shape[2:]
    if max(height, width) <= SIDE:
        return pixels
    return functional.adaptive_avg_pool2d(pixels, (min(SIDE, height), min(SIDE, width)))
