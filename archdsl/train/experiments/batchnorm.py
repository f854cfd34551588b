"""What batch normalisation uses in training and in evaluation, and what `momentum` means.

Ioffe & Szegedy 2015, arXiv:1502.03167. PyTorch: running = (1 − momentum) · running + momentum · batch. The notes and
Keras: running = momentum · running + (1 − momentum) · batch. So 0.1 in the one is 0.9 in the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.train.experiments import degradation
from archdsl.train.experiments.experiment import Experiment, Findings, Run, Setting
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.experiments.inputs import as_given, some_of
from archdsl.train.prediction import Prediction, judged

NET = "residual-20"
"""One of the networks of `degradation`, whose runs are shared."""
MOMENTA = (0.01, 0.1, 0.9)
"""In PyTorch's sense; the last is what the notes' 0.9 becomes where it is copied."""
STEPS = (0, 1, 2, 3, 5, 8, 13, 20, 30, 50)
QUICK_STEPS = 5
"""So many of them for a quick try."""
BATCHES = (2, 4, 8, 16, 32, 64, 128, 256)
"""Sizes that test images are put together in."""
COUNTS = (2, 4, 8, 32)
"""Values per channel whose variance is taken."""
CHANNELS, MANY = 4096, 400
"""Channels that a spread is taken over, and batches before it is: the start is forgotten by then, but for 0.01."""
IMAGES, REPLAYED = 2048, 128
"""Test images, and training images in a batch of which the statistics are gathered anew."""
LEAST_SHOWN = 1e-3
CLOSE = 2.0
"""Points of accuracy within which two ways of evaluation are called equal."""


def measure(setting: Setting) -> dict[str, Any]:
    """Try the layer by itself, and in a trained network."""
    steps = STEPS[:QUICK_STEPS] if setting.quick else STEPS
    runs = [(degradation.trained(setting, NET, seed), seed) for seed in setting.seeds]
    return {
        "repeated": {str(momentum): repeated(momentum, steps) for momentum in MOMENTA},
        "conventions": conventions(),
        "spread": {str(momentum): round(stationary_spread(momentum), 5) for momentum in MOMENTA[1:]},
        "variances": variances(),
        "trained": [_of_run(setting, run, seed, steps) for run, seed in runs],
        "steps": list(steps),
        "batches": list(BATCHES),
    }


def running(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Return the running mean and the running variance of a layer."""
    buffers = dict(norm.named_buffers())
    return buffers["running_mean"], buffers["running_var"]


def repeated(momentum: float, steps: Sequence[int] = STEPS) -> dict[str, Any]:
    """Give a layer one batch again and again: how far its running mean stays from that of the batch, as a share.

    `error` is the largest distance from (1 − momentum)ᵗ, which running mean and variance both follow.
    """
    batch = torch.randn(16, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 2
    mean, variance = batch.mean(0), batch.var(0, unbiased=True)
    layer = nn.BatchNorm1d(3, momentum=momentum, dtype=torch.float64).train()
    left, error = [], 0.0
    for step in range(steps[-1] + 1):
        running_mean, running_variance = running(layer)
        shares = torch.cat(((running_mean - mean) / -mean, (running_variance - variance) / (1 - variance)))
        error = max(error, float((shares - (1 - momentum) ** step).abs().max()))
        if step in steps:
            left.append(float(f"{float(shares.mean()):.4g}"))
        layer(batch)
    return {"left": left, "error": float(f"{error:.2g}")}


def conventions() -> dict[str, float]:
    """Follow the notes' formula with momentum 0.9 by hand, and PyTorch's layer with 0.1 and with 0.9 beside it.

    Returns the largest distances of the running means.
    """
    generator = torch.Generator().manual_seed(0)
    layers = {
        str(momentum): nn.BatchNorm1d(3, momentum=momentum, dtype=torch.float64).train() for momentum in (0.1, 0.9)
    }
    by_hand = torch.zeros(3, dtype=torch.float64)
    apart = dict.fromkeys(layers, 0.0)
    for _ in range(20):
        batch = torch.randn(8, 3, generator=generator, dtype=torch.float64)
        by_hand = 0.9 * by_hand + (1 - 0.9) * batch.mean(0)
        for name, layer in layers.items():
            layer(batch)
            apart[name] = max(apart[name], float((running(layer)[0] - by_hand).abs().max()))
    return {name: float(f"{value:.2g}") for name, value in apart.items()}


def stationary_spread(momentum: float) -> float:
    """Return the standard deviation of running means over that of batch means, after many independent batches."""
    generator = torch.Generator().manual_seed(0)
    layer = nn.BatchNorm1d(CHANNELS, momentum=momentum, affine=False).train()
    for _ in range(MANY):
        layer(torch.randn(4, CHANNELS, generator=generator))
    return float(running(layer)[0].std()) * math.sqrt(4)


def variances() -> dict[str, dict[str, float]]:
    """Return, for some counts of values, which variance a layer divides by and which it keeps, over the biased one."""
    found = {}
    for count in COUNTS:
        batch = torch.randn(count, 1, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
        layer = nn.BatchNorm1d(1, momentum=1.0, eps=1e-12, dtype=torch.float64).train()
        output = layer(batch).detach()
        biased = float((batch - batch.mean()).square().mean())
        divided = float((batch - batch.mean()).square().sum() / output.square().sum())
        found[str(count)] = {
            "divides": round(divided / biased, 6),
            "keeps": round(float(running(layer)[1]) / biased, 6),
        }
    return found


def _of_run(setting: Setting, run: Run, seed: int, steps: Sequence[int]) -> dict[str, Any]:
    """Try a trained network with the statistics of training, of the batch, and gathered anew."""
    data, model = setting.data(), run.model()
    test = some_of(data.test, IMAGES)
    images = as_given(run, test.images)
    kept = {name: buffer.clone() for name, buffer in model.named_buffers()}
    found: dict[str, Any] = {
        "images": len(images),
        "running": accuracy(model, images, test.targets, len(images)),
        "one_by_one": apart_one_by_one(model, images[:64]),
        "batch": [accuracy(batch_statistics(model), images, test.targets, size) for size in BATCHES],
    }
    model.load_state_dict(kept, strict=False)
    train = some_of(data.train, REPLAYED * steps[-1], seed)
    return {**found, **gathered(model, as_given(run, train.images), images, test.targets, steps)}


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> float:
    """Return the share of images that are told right, put together in batches; one that is not full is left out."""
    full = len(images) // batch * batch or len(images)
    parts = zip(torch.split(images[:full], batch), torch.split(labels[:full], batch), strict=True)
    right = sum(int((model(some).argmax(1) == truth).sum()) for some, truth in parts)
    return round(right / full, 4)


@torch.no_grad()
def apart_one_by_one(model: nn.Module, images: Tensor) -> float:
    """Return the largest difference of a score between images that are evaluated together, and one by one."""
    alone = torch.cat([model(image) for image in torch.split(images, 1)])
    return float(f"{float((model.eval()(images) - alone).abs().max()):.2g}")


def norms(model: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Return the batch norms of a model by their names."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}


def batch_statistics(model: nn.Module) -> nn.Module:
    """Let the batch norms of a model use the statistics of the batch, as in training."""
    for norm in norms(model).values():
        norm.train()
    return model


@contextmanager
def by_hand(model: nn.Module, momentum: float) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Keep the running statistics of all batch norms by the formula, from what comes to them.

    The mean starts at 0 and the variance at 1; the variance of a batch divides by one value less than there are.
    """
    kept = {
        name: (torch.zeros(norm.num_features), torch.ones(norm.num_features)) for name, norm in norms(model).items()
    }

    def watching(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def watch(norm: nn.Module, inputs: tuple[Tensor]) -> None:
            if not norm.training:
                return
            values = inputs[0].transpose(0, 1).flatten(1)
            mean = values.mean(1)
            variance = (values - mean[:, None]).square().sum(1) / (values.shape[1] - 1)
            old_mean, old_variance = kept[name]
            kept[name] = (
                (1 - momentum) * old_mean + momentum * mean,
                (1 - momentum) * old_variance + momentum * variance,
            )

        return watch

    handles = [norm.register_forward_pre_hook(watching(name)) for name, norm in norms(model).items()]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def gathered(
    model: nn.Module, train: Tensor, images: Tensor, labels: Tensor, steps: Sequence[int] = STEPS
) -> dict[str, Any]:
    """Forget the running statistics of a trained network, and gather them anew from batches of training images."""
    for norm in norms(model).values():
        norm.reset_running_stats()
    momentum = next(iter(norms(model).values())).momentum or 0.0
    accuracies: list[float] = []
    parts = torch.split(train, REPLAYED)
    with by_hand(model, momentum) as kept:
        for step in range(steps[-1] + 1):
            if step in steps:
                accuracies.append(accuracy(model.eval(), images, labels, len(images)))
            batch_statistics(model)(parts[step % len(parts)])
    return {"momentum": momentum, "gathered": accuracies, "error": _apart(model, kept)}


def _apart(model: nn.Module, kept: Mapping[str, tuple[Tensor, Tensor]]) -> float:
    """Return how far running statistics are from those kept by hand, as a share of the largest of a layer."""
    distances = []
    for name, norm in norms(model).items():
        for buffer, hand in zip(running(norm), kept[name], strict=True):
            distances.append(float((buffer - hand).abs().max() / hand.abs().max()))
    return float(f"{max(distances):.2g}")


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold closed forms against the layer of PyTorch, and what the notes say of training and inference."""
    return (*_of_momentum(findings), *_of_variances(findings), *_of_networks(findings))


def _of_momentum(findings: Findings) -> Iterator[Prediction]:
    error = max(one["error"] for one in findings["repeated"].values())
    yield judged("the start left after t steps", "(1 − momentum)ᵗ", f"{error:.1g} off", "1e-9", error <= 1e-9,
                 "one batch again and again; mean and variance, momentum 0.01, 0.1 and 0.9")  # fmt: skip
    apart = findings["conventions"]["0.1"]
    yield judged("the notes' momentum 0.9 in PyTorch", "0.1", f"{apart:.1g} off", "1e-9", apart <= 1e-9,
                 f"20 batches; PyTorch's 0.9 is {findings['conventions']['0.9']:.2g} off")  # fmt: skip
    for momentum, got in findings["spread"].items():
        expected = spread_in_theory(float(momentum))
        yield judged(f"noise of the running mean, momentum {momentum}", f"{expected:.3f}", f"{got:.3f}", "5%",
                     abs(got / expected - 1) <= 0.05, "√(m / (2 − m)) of that of a batch mean")  # fmt: skip


def spread_in_theory(momentum: float) -> float:
    """Return the standard deviation of a running mean over that of a batch mean, once the start is forgotten.

    The weights of the batches are m, m(1 − m), m(1 − m)², ...; their squares sum up to m / (2 − m).
    """
    return math.sqrt(momentum / (2 - momentum))


def _of_variances(findings: Findings) -> Iterator[Prediction]:
    found = findings["variances"]
    for name, key, expected in (
        ("a layer divides by", "divides", dict.fromkeys(found, 1.0)),
        ("a layer keeps", "keeps", {count: int(count) / (int(count) - 1) for count in found}),
    ):
        met = all(abs(one[key] - expected[count]) <= 1e-5 for count, one in found.items())
        theory, got = (", ".join(f"{value:.3f}" for value in values)
                       for values in (expected.values(), (one[key] for one in found.values())))  # fmt: skip
        yield judged(f"variance that {name}", theory, got, "1e-5", met,
                     f"over that with 1/n, for n = {', '.join(found)}: n / (n − 1) is the unbiased one")  # fmt: skip


def _of_networks(findings: Findings) -> Iterator[Prediction]:
    runs = findings["trained"]
    error = max(run["error"] for run in runs)
    yield judged("running statistics of all layers", "by the formula", f"{error:.1g} off", "1e-4", error <= 1e-4,
                 f"{findings['steps'][-1]} batches of images through a trained network")  # fmt: skip
    alone = max(run["one_by_one"] for run in runs)
    yield judged("images evaluated one by one", "same scores", f"{alone:.1g} off", "1e-3", alone <= 1e-3)
    smallest, largest = findings["batches"][0], findings["batches"][-1]
    losses = [100 * (run["running"] - run["batch"][0]) for run in runs]
    yield judged(f"accuracy with statistics of {smallest} images", "lower", _points([-x for x in losses]), "",
                 min(losses) > 0, "than with running statistics")  # fmt: skip
    for name, gaps in (
        (f"accuracy with statistics of {largest} images", [100 * (run["batch"][-1] - run["running"]) for run in runs]),
        (
            f"accuracy after {findings['steps'][-1]} batches anew",
            [100 * (run["gathered"][-1] - run["running"]) for run in runs],
        ),
    ):
        yield judged(name, "about the same", _points(gaps), f"{CLOSE:.0f} points", max(map(abs, gaps)) <= CLOSE,
                     "as with running statistics")  # fmt: skip


def _points(values: Sequence[float]) -> str:
    return ", ".join(f"{value:+.1f}" for value in values) + " points"


def tell(findings: Findings) -> str:
    """Say what came out."""
    runs, batches, steps = findings["trained"], findings["batches"], findings["steps"]
    kept = fmean(run["running"] for run in runs)
    smallest, largest = (fmean(run["batch"][place] for run in runs) for place in (0, -1))
    start, end = (fmean(run["gathered"][place] for run in runs) for place in (0, -1))
    noise = findings["spread"]["0.9"] / findings["spread"]["0.1"]
    return (
        f"{_of_meaning(findings)} The notes' 0.9, given to PyTorch as it is, makes the running mean {noise:.1f} times "
        f"as noisy as 0.1 does. {_of_both_variances(findings)} A trained network ({_over(len(runs))}) is right on "
        f"{kept:.1%} of {runs[0]['images']:,} test images with its running statistics, on {smallest:.1%} with those of "
        f"batches of {batches[0]}, and on {largest:.1%} with those of batches of {batches[-1]}. "
        f"{_of_small(kept - smallest)} Its running statistics were then reset and gathered anew from batches of "
        f"training images, with all weights as they were: it is right on {start:.1%} before the first batch and on "
        f"{end:.1%} after {steps[-1]}. What training with small batches costs is not shown."
    )


def _of_meaning(findings: Findings) -> str:
    repeated, convention, *_ = _of_momentum(findings)
    if convention.failed:
        return "What PyTorch keeps with momentum 0.1 does not follow the formula of the notes with 0.9."
    said = (
        "`momentum` is the share of the old value in the notes and in Keras, and of the new one in PyTorch: their 0.9 "
        "is PyTorch's 0.1"
    )
    return said + (", and 0.9ᵗ of the start is left after t steps." if not repeated.failed else ".")


def _of_both_variances(findings: Findings) -> str:
    """Say which variance is used in training and which is kept, where both are as in theory."""
    divides, keeps = _of_variances(findings)
    if divides.failed or keeps.failed:
        return "The variances that a layer divides by and keeps are not those that were expected."
    return (
        "In training a layer divides by the biased variance of the batch (1/n), but keeps the unbiased one, "
        f"1/(n − 1): {findings['variances']['2']['keeps']:.2f} times as large for 2 values, nearly the same for many. "
        "The notes do not tell the two apart."
    )


def _over(seeds: int) -> str:
    return f"mean of {seeds} seeds" if seeds > 1 else "one seed"


def _of_small(lost: float) -> str:
    if lost > CLOSE / 100:
        return "Statistics of few images are too noisy to evaluate with."
    if lost >= 0:
        return "Statistics of few images cost little here."
    return "Statistics of few images serve better than the running ones here, which have not settled."


def draw(findings: Findings, figure: Figure) -> None:
    """Draw what is left of the start, accuracy over the size of batches, and accuracy over batches seen."""
    left, sizes, anew = figure.subplots(1, 3)
    steps, runs = findings["steps"], findings["trained"]
    for (momentum, found), colour in zip(findings["repeated"].items(), COLOURS, strict=False):
        shown = [(step, share) for step, share in zip(steps, found["left"], strict=True) if share >= LEAST_SHOWN]
        line = range(shown[-1][0] + 1)
        left.plot(line, [(1 - float(momentum)) ** step for step in line], "-", color=colour, linewidth=0.8)
        left.plot(*zip(*shown, strict=True), "o", color=colour, markersize=3.5, label=f"m = {momentum}")
    left.set(xlabel="steps t", ylabel="share of the start", yscale="log", title="Running mean (line: (1 − m)ᵗ)")
    left.legend()
    kept = 100 * fmean(run["running"] for run in runs)
    accuracies = [100 * fmean(column) for column in zip(*(run["batch"] for run in runs), strict=True)]
    sizes.plot(findings["batches"], accuracies, "o-", color=COLOURS[0], label="of the batch")
    sizes.axhline(kept, color=COLOURS[1], linestyle="--", label="running")
    sizes.set(xlabel="images in a batch", ylabel="test accuracy (%)", title="Statistics of the batch")
    sizes.set_xscale("log", base=2)
    sizes.set_xticks(findings["batches"][::2], labels=map(str, findings["batches"][::2]))
    sizes.legend()
    gathered = [100 * fmean(column) for column in zip(*(run["gathered"] for run in runs), strict=True)]
    anew.plot(steps, gathered, "o-", color=COLOURS[0], label="gathered anew")
    anew.axhline(kept, color=COLOURS[1], linestyle="--", label="of the training")
    anew.set(xlabel="batches seen", ylabel="test accuracy (%)", title="Running statistics anew")
    anew.legend()


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options=degradation.OPTIONS,
    quick=degradation.QUICK,
    seeds=degradation.EXPERIMENT.seeds,
)
