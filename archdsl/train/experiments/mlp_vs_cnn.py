"""Labs 7.1 and 7.2: an MLP and a small CNN, their parameters layer by layer, their accuracies, and what a shift does.

Both are trained on images as they are, without crops: a network that has seen shifted images would be no witness of
what its structure gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.train.experiments.analysed import analysed, borne_out, rows
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Run, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.experiments.inputs import fit_of
from archdsl.train.experiments.seeds import compared, spelled, told
from archdsl.train.parts.data import Data
from archdsl.train.prediction import Prediction, judged

NETS = {"MLP": "MnistMLP", "CNN": "MnistCNN"}
SHIFTS = (0, 1, 2, 3, 4, 6)
"""Pixels."""
SLIGHT = 2
"""Pixels: the shift of which more tolerance is expected of a CNN."""
MUCH = 0.1
"""Accuracy from 0 to 1: a loss above asks for a reason."""
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""Down, up, right and left: the columns and rows that a shift of one pixel goes."""
BATCH = 500


def measure(setting: Setting) -> dict[str, Any]:
    """Train both networks with each seed, and test each on shifted images."""
    found: dict[str, Any] = {}
    data = setting.data()
    for title, model in NETS.items():
        one = net("mnist.arch", model, title)
        runs = [setting.train(one, f"labs-{title.lower()}-{seed}", seed=seed) for seed in setting.seeds]
        found[title] = analysed(one) | {
            "layers": layers(one),
            "measured_layers": built(runs[0].model()),
            "top1": [round(run.test["top1"], 4) for run in runs],
            "shifted": [[round(figure, 4) for figure in under_shifts(run, data)] for run in runs],
            "rows": rows(runs),
        }
    return {
        "nets": found,
        "shifts": list(SHIFTS),
        "data": setting.options["data"],
        "epochs": setting.options["epochs"],
        "images": len(data.train),
    }


def layers(one: Net) -> dict[str, int]:
    """Return the parameters of each layer that has some, as the analysis counts them."""
    return {layer.path: layer.params for layer in one.network.examine().layers if layer.params}


def built(model: nn.Module) -> dict[str, int]:
    """Return the parameters of each module that holds some itself."""
    counts = {name: sum(p.numel() for p in one.parameters(recurse=False)) for name, one in model.named_modules()}
    return {name: count for name, count in counts.items() if count}


def shifted(images: Tensor, pixels: int) -> Tensor:
    """Return images moved by some pixels: one in four each down, up, right and left; what comes in is black."""
    moved = torch.zeros_like(images)
    height, width = images.shape[-2:]
    for place, (right, down) in enumerate(WAYS):
        x, y = right * pixels, down * pixels
        to = (slice(max(0, y), height + min(0, y)), slice(max(0, x), width + min(0, x)))
        of = (slice(max(0, -y), height + min(0, -y)), slice(max(0, -x), width + min(0, -x)))
        moved[place :: len(WAYS), :, to[0], to[1]] = images[place :: len(WAYS), :, of[0], of[1]]
    return moved


@torch.no_grad()
def under_shifts(run: Run, data: Data) -> list[float]:
    """Return the accuracy of a trained model on the test images, for each of the shifts."""
    fit, model, targets = fit_of(run), run.model(), data.test.targets
    found = []
    for pixels in SHIFTS:
        images, _ = fit.decode(data.test.images, None)  # a shift is in pixels of what the network takes
        answers = [model(part).argmax(1) for part in fit.normalise(shifted(images, pixels)).split(BATCH)]  # type: ignore[no-untyped-call]  # torch's
        found.append(float((torch.cat(answers) == targets).double().mean()))
    return found


def losses(findings: Findings, title: str, pixels: int) -> list[float]:
    """Return how much accuracy a shift costs a network, from 0 to 1, seed by seed."""
    place = findings["shifts"].index(pixels)
    return [figures[0] - figures[place] for figures in findings["nets"][title]["shifted"]]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold parameters against the built layers, and accuracies and shifts against what is claimed of CNNs."""
    nets = findings["nets"]
    mlp, cnn = nets["MLP"], nets["CNN"]
    cost = {title: losses(findings, title, SLIGHT) for title in NETS}
    return (
        *(judged(f"parameters of {title}", _listed(one["layers"]), _listed(one["measured_layers"]), "exact",
                 one["layers"] == one["measured_layers"], f"{one['params']:,} together")
          for title, one in nets.items()),
        judged("CNN", "better than MLP", f"{spelled(cnn['top1'])} and {spelled(mlp['top1'])}", "in every pair of runs",
               compared(cnn["top1"], mlp["top1"]) > 0),
        judged(f"a shift by {SLIGHT} pixels", "costs the CNN less",
               f"{_points(cost['CNN'])} and {_points(cost['MLP'])}", "in every pair of runs",
               compared(cost["MLP"], cost["CNN"]) > 0),
        borne_out([one["rows"] for one in nets.values()]),
    )  # fmt: skip


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _points(shares: Sequence[float]) -> str:
    return f"{100 * fmean(shares):.1f} points"


def tell(findings: Findings) -> str:
    """Say where the parameters are, which network is the better, and what shifts cost."""
    mlp, cnn = (findings["nets"][title] for title in NETS)
    counted = (
        f"The MLP has {mlp['params']:,} parameters ({_listed(mlp['layers'])}), the CNN {cnn['params']:,} "
        f"({_listed(cnn['layers'])})."
    )
    said = (counted, _of_size(mlp, cnn), _of_accuracy(findings), _of_shifts(findings), told(len(cnn["top1"])))
    return " ".join(said)


def _of_size(mlp: Findings, cnn: Findings) -> str:
    """Say what shared weights save, and where they save nothing."""
    convolutions = sum(count for name, count in cnn["layers"].items() if name.startswith("conv"))
    dense = max(cnn["layers"], key=lambda name: cnn["layers"][name])
    more = "more" if cnn["params"] > mlp["params"] else "fewer"
    return (
        f"So this CNN has {more} parameters than the MLP, and makes {cnn['macs'] / mlp['macs']:.0f} times the "
        f"multiply-adds: its convolutions have {convolutions:,} parameters, shared by all "
        f"places, {convolutions / cnn['params']:.0%} of all, and {dense} behind them has "
        f"{cnn['layers'][dense] / cnn['params']:.0%}, as flattening makes it."
    )


def _of_accuracy(findings: Findings) -> str:
    mlp, cnn = (findings["nets"][title]["top1"] for title in NETS)
    order = {1: "the CNN is better", 0: "the runs do not tell which is better", -1: "the MLP is better"}
    return (
        f"After {findings['epochs']} epochs of {findings['images']:,} images of {findings['data']}, "
        f"{order[compared(cnn, mlp)]}: {spelled(cnn)} against {spelled(mlp)}."
    )


def _of_shifts(findings: Findings) -> str:
    """Say what a slight and the largest shift cost both."""
    most = findings["shifts"][-1]
    slight, far = (_of_shift(findings, pixels) for pixels in (SLIGHT, most))
    tolerant = {
        1: "The CNN bears a slight shift better.",
        0: "The runs do not tell which bears a slight shift better.",
        -1: "The MLP bears a slight shift better, against what is claimed.",
    }[compared(losses(findings, "MLP", SLIGHT), losses(findings, "CNN", SLIGHT))]
    left = fmean(figures[-1] for figures in findings["nets"]["CNN"]["shifted"])
    kept = f"With images moved by {most} pixels, the accuracy of the CNN is {left:.0%}"
    if fmean(losses(findings, "CNN", most)) > MUCH:
        kept += (
            ": its convolutions move with the image, but the layer behind them has a weight for each place. Part of "
            "what is lost is the image's own, since what leaves the frame is gone"
        )
    return f"On test images that are moved to one of four sides, {slight}, and {far}. {tolerant} {kept}."


def _of_shift(findings: Findings, pixels: int) -> str:
    mlp, cnn = (_points(losses(findings, title, pixels)) for title in NETS)
    return f"{pixels} pixels cost the MLP {mlp} and the CNN {cnn}"


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the parameters layer by layer, and accuracy over the shift."""
    left, right = figure.subplots(1, 2)
    names = sorted({name for one in findings["nets"].values() for name in one["layers"]})
    colours = dict(zip(names, COLOURS[2:], strict=False))
    most = max(one["params"] for one in findings["nets"].values())
    for place, one in enumerate(findings["nets"].values()):
        below = 0
        for name, count in one["layers"].items():
            left.bar(place, count / 1e3, 0.6, below / 1e3, color=colours[name])
            if count > 0.04 * most:  # there is room for its name
                left.text(place, (below + count / 2) / 1e3, f"{name}: {count:,}", ha="center", va="center")
            below += count
    left.set_xticks(range(len(findings["nets"])), list(findings["nets"]))
    left.set(ylabel="parameters (thousands)", title="Layer by layer")
    for (title, one), colour in zip(findings["nets"].items(), COLOURS, strict=False):
        for seed, figures in enumerate(one["shifted"]):
            label = title if not seed else None
            right.plot(findings["shifts"], [100 * each for each in figures], "o-", color=colour, label=label, alpha=0.7)
    right.set(xlabel="shift (pixels)", ylabel="test accuracy (%)", title="One line a seed")
    right.set_ylim(bottom=0)
    right.legend()


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "limit": 20_000, "epochs": 4, "validation": 0.0, "lr": 0.05, "flip": False,
             "crop": 0},
    quick={"data": "synthetic:1x28x28:10", "epochs": 1, "limit": 64, "batch": 32},
    seeds=(0, 1, 2),
)  # fmt: skip
