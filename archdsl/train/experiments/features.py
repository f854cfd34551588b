"""What the first filters of a small network look for, before and after training, and what they make of one image.

A filter of 3x3 is taken apart along the nine orthogonal masks of Frei & Chen 1977, "Fast boundary detection", IEEE
Transactions on Computers C-26: the mean, two smooth edges, two ripples, two lines and two Laplacians. It is called an
edge detector where the two smooth edges hold more than half of its energy. Of filters with uniform weights, as PyTorch
starts them, 9.75 % are, which a million draws tell; of filters with normal weights (1 − ½)^(7/2) = 8.84 %, since the
share of 2 of 9 dimensions has the distribution Beta(1, 7/2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.experiments.pictures import as_rows, from_rows
from archdsl.train.prediction import Prediction, judged

SIDE = 3
EDGE = 0.5
"""The share of its energy above which a filter looks for edges."""
CHANCE = 0.0975
"""The share of filters with uniform weights that do."""
SHOWN = 6
"""Maps that are drawn of each layer."""
DIVIDED = {"mean": 1, "edges": 2, "ripples": 2, "lines": 2, "Laplacians": 2}
"""How many masks there are of a kind, in the order of `masks`."""


def masks() -> Tensor:
    """Return the nine masks, each of length 1 and orthogonal to the others: 9 × 9, a mask to a row."""
    root = math.sqrt(2)
    rows = [
        [1, 1, 1, 1, 1, 1, 1, 1, 1],
        [1, root, 1, 0, 0, 0, -1, -root, -1],
        [1, 0, -1, root, 0, -root, 1, 0, -1],
        [0, -1, root, 1, 0, -1, -root, 1, 0],
        [root, -1, 0, -1, 0, 1, 0, 1, -root],
        [0, 1, 0, -1, 0, -1, 0, 1, 0],
        [-1, 0, 1, 0, 0, 0, 1, 0, -1],
        [1, -2, 1, -2, 4, -2, 1, -2, 1],
        [-2, 1, -2, 1, 4, 1, -2, 1, -2],
    ]
    found = torch.tensor(rows, dtype=torch.double)
    return found / found.square().sum(1, keepdim=True).sqrt()


def shares(filters: Tensor) -> Tensor:
    """Return the share of the energy of each filter, N × 3 × 3, in the mean, edges, ripples, lines and Laplacians."""
    energy = (filters.double().flatten(1) @ masks().T).square()
    parts = torch.split(energy, list(DIVIDED.values()), dim=1)
    return torch.stack([part.sum(1) for part in parts], 1) / energy.sum(1, keepdim=True)


def measure(setting: Setting) -> dict[str, Any]:
    """Train MnistCNN with each seed, and look at its first filters and at what they make of an image."""
    one = net("mnist.arch", "MnistCNN")
    seeds, shown = [], dict[str, Any]()
    data = setting.data()
    for seed in setting.seeds:
        run = setting.train(one, f"mnistcnn-{seed}", seed=seed)
        model, fresh = run.model(), one.build(seed, **run.record["arguments"])
        after, before = first_filters(model), first_filters(fresh)
        seeds.append({"top1": round(run.test["top1"], 4), "before": _told(before), "after": _told(after)})
        if not shown:
            pixels = data.test.images[:1].float() / 255
            fed = (pixels - data.mean[0]) / data.std[0]
            shown = {
                "filters": [as_rows(whole(each, signed=True)) for each in _by_edges(after)],
                "image": as_rows(whole(pixels[0, 0])),
                "maps": {name: _maps(model, name, fed) for name in ("conv1", "conv2")},
            }
    return {"data": setting.options["data"], "epochs": setting.options["epochs"], "seeds": seeds, **shown}


def first_filters(model: nn.Module) -> Tensor:
    """Return the filters of the first convolution of a network that takes one channel, N × 3 × 3."""
    weight = model.get_submodule("conv1").weight
    assert isinstance(weight, Tensor)
    assert weight.shape[1:] == (1, SIDE, SIDE), "MnistCNN begins with 3×3 on grey"
    return weight.detach()[:, 0]


def _told(filters: Tensor) -> dict[str, Any]:
    """Return the mean shares of energy, and how many filters look for edges, and how many there are."""
    found = shares(filters)
    return {
        "energy": {name: round(float(share), 4) for name, share in zip(DIVIDED, found.mean(0), strict=True)},
        "edges": int((found[:, 1] > EDGE).sum()),
        "filters": len(filters),
    }


def _by_edges(filters: Tensor) -> Tensor:
    """Return filters from those that look for edges most to those that do least."""
    return filters[shares(filters)[:, 1].argsort(descending=True)]


def whole(values: Tensor, signed: bool = False) -> list[list[int]]:
    """Return values as whole numbers up to 99 in size: from 0, or with their sign."""
    top = float(values.abs().max() if signed else values.max()) or 1.0
    return [[round(value / top * 99) for value in row] for row in values.tolist()]


def _maps(model: nn.Module, name: str, image: Tensor) -> dict[str, Any]:
    """Return maps that a convolution and its ReLU make of an image, and the share of zeros in all.

    Of the first convolution they are those of the filters that look for edges most, of the second the largest ones.
    """
    kept: list[Tensor] = []
    handle = model.get_submodule(name).register_forward_hook(lambda module, given, output: kept.append(output))
    with torch.no_grad():
        model(image)
    handle.remove()
    found = kept[0][0].relu()
    rank = shares(first_filters(model))[:, 1] if name == "conv1" else found.mean((1, 2))
    order = rank.argsort(descending=True)[:SHOWN]
    maps = [as_rows(whole(found[i, ::2, ::2] if found.shape[1] > 13 else found[i])) for i in order.tolist()]
    return {"maps": maps, "zeros": round(float((found == 0).float().mean()), 4)}


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the share of edge detectors against chance, before and after training, by two standard errors."""
    before, count = _edges(findings, "before")
    after, _ = _edges(findings, "after")
    error = 2 * math.sqrt(CHANCE * (1 - CHANCE) / count)
    return (
        judged("edge detectors before training", f"{CHANCE:.1%}", f"{before:.1%}", f"{error:.1%}",
               abs(before - CHANCE) <= error, f"of {count} filters, as random ones"),
        judged("edge detectors after training", f"> {CHANCE + error:.1%}", f"{after:.1%}", "",
               after > CHANCE + error, "more than chance, by two standard errors"),
    )  # fmt: skip


def _edges(findings: Findings, when: str) -> tuple[float, int]:
    """Return the share of edge detectors over all seeds, and of how many filters."""
    count = sum(each[when]["filters"] for each in findings["seeds"])
    return sum(each[when]["edges"] for each in findings["seeds"]) / count, count


def _energy(findings: Findings, when: str) -> dict[str, float]:
    return {name: fmean(each[when]["energy"][name] for each in findings["seeds"]) for name in DIVIDED}


def tell(findings: Findings) -> str:
    """Say what came out."""
    (before, count), (after, _) = _edges(findings, "before"), _edges(findings, "after")
    first, last = _energy(findings, "before"), _energy(findings, "after")
    moved = max(DIVIDED, key=lambda name: abs(last[name] - first[name]))
    top1 = fmean(each["top1"] for each in findings["seeds"])
    more = not checks(findings)[1].failed
    zeros = {name: findings["maps"][name]["zeros"] for name in ("conv1", "conv2")}
    return (
        f"After {_several(findings['epochs'], 'epoch')} MnistCNN has a test accuracy of {top1:.1%}. Of the "
        f"{count} first filters of {_several(len(findings['seeds']), 'seed')} {after:.0%} look for a smooth edge; "
        f"before the training {before:.0%} did, and of random filters {CHANCE:.0%} do: "
        + ("the network has come to look for edges, as the notes say, though most filters are none. "
           if more and after < 0.5 else "the network has come to look for edges, as the notes say. " if more else
           "that is not clearly more than chance, so the claim that first filters look for edges is not borne out. ")
        + f"What changed most is the energy in {_kind(moved)}, from {first[moved]:.0%} to {last[moved]:.0%}. "
        f"The two layers leave {zeros['conv1']:.0%} and {zeros['conv2']:.0%} of their maps of one image at zero. "
        "Filters of 3×3 are small: little more than an edge or a line fits in. What "
        "the maps of the second layer stand for is not measured."
    )  # fmt: skip


def _several(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def _kind(name: str) -> str:
    return "the mean" if name == "mean" else name


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the filters of the first seed, what they make of an image, and where their energy lies."""
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.0, 1.15))  # an array of what stubs call one figure
    left, right = halves
    upper, lower = left.subfigures(2, 1, height_ratios=(1.25, 1.0))
    filters = findings["filters"]
    for axes, each in zip(upper.subplots(4, -(-len(filters) // 4)).flat, filters, strict=False):
        axes.imshow(from_rows(each), cmap="RdBu_r", vmin=-99, vmax=99)
        axes.set(xticks=(), yticks=())
    upper.suptitle("first filters, from edges to others", fontsize="medium")
    _bars(lower.subplots(), findings)
    rows = right.subplots(5, 3)
    for axes in rows.flat:
        axes.set_axis_off()
    rows[0][1].imshow(from_rows(findings["image"]), cmap="gray")
    rows[0][1].set_title("image", fontsize="small")
    for start, name in ((1, "conv1"), (3, "conv2")):
        for i, each in enumerate(findings["maps"][name]["maps"]):
            axes = rows[start + i // 3][i % 3]
            axes.imshow(from_rows(each), cmap="viridis", vmin=0, vmax=99)
        title = "maps of the first six filters" if name == "conv1" else "largest maps of the second layer"
        rows[start][1].set_title(title, fontsize="small")


def _bars(axes: Any, findings: Findings) -> None:
    """Draw the shares of energy before and after training beside those of random filters."""
    for offset, when, colour in ((-0.2, "before", COLOURS[0]), (0.2, "after", COLOURS[1])):
        found: Mapping[str, float] = _energy(findings, when)
        axes.bar([i + offset for i in range(len(DIVIDED))], list(found.values()), width=0.4, color=colour, label=when)
    for i, dimensions in enumerate(DIVIDED.values()):
        axes.plot([i - 0.4, i + 0.4], [dimensions / SIDE**2] * 2, color="black", linewidth=1,
                  label="random" if not i else None)  # fmt: skip
    axes.set_xticks(range(len(DIVIDED)), list(DIVIDED), fontsize=7)
    axes.set_ylabel("share of energy")
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper center", ncols=3)


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "epochs": 1, "validation": 0.0, "crop": 0},
    quick={"data": "synthetic:1x28x28:10", "epochs": 1, "limit": 256, "batch": 32},
    seeds=(0, 1, 2),
    size=(7.0, 5.0),
)
