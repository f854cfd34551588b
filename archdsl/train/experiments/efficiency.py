"""DenseNet-BC against ResNet with as many parameters, found by the analysis; multiply-adds and memory told beside.

A control of ResNet has the same parameters and a first convolution of stride 1, so it works on maps of twice the height
and width: it tells what parameters do from what work does. Huang et al. 2017, arXiv:1608.06993, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.figure import Figure

from archdsl.analysis.training_memory import Training
from archdsl.train.experiments.analysed import analysed, borne_out, rows
from archdsl.train.experiments.costs import draw_accuracies, draw_costs
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Setting, net
from archdsl.train.experiments.seeds import compared, spelled, told
from archdsl.train.prediction import Prediction, exact, judged

EQUAL = 0.02
"""What numbers of parameters that are called equal may differ by."""
BLOCKS, WIDTHS = range(2, 7), range(4, 17)
"""Residual blocks of a stage, and channels of the first stage, that the analysis looks through."""
BATCH = 128
"""For the memory of a training step."""
COSTS = {"params": "parameters", "macs": "multiply-\nadds", "saved": "kept for\nbackward", "peak": "peak of\na step"}
DENSE, RESIDUAL, CONTROL = "DenseNet-BC", "ResNet", "ResNet, stride 1"


def measure(setting: Setting) -> dict[str, Any]:
    """Find a ResNet with the parameters of DenseNet-BC, and train both and the control with each seed."""
    dense = net("lite.arch", "DenseNetLite", DENSE)
    target = dense.network.examine().totals.params
    counts = {(n, width): residual(n, width).network.examine().totals.params for n in BLOCKS for width in WIDTHS}
    n, width = closest(target, counts.items())
    nets = (dense, residual(n, width), residual(n, width, stride=1))
    found, images = {}, 0
    for one in nets:
        name = one.title.lower().replace(", ", "-").replace(" ", "-")
        runs = [setting.train(one, f"efficiency-{name}-{seed}", seed=seed) for seed in setting.seeds]
        found[one.title] = analysed(one) | {
            "measured_params": runs[0].record["parameters"],
            "peak": Training(one.network.graph, optimizer="momentum").peak(BATCH),
            "top1": [round(run.test["top1"], 4) for run in runs],
            "rows": rows(runs),
        }
        images = runs[0].record["data"]["train"]
    return {
        "nets": found,
        "layers": 6 * n + 2,
        "width": width,
        "tried": len(counts),
        "batch": BATCH,
        "epochs": setting.options["epochs"],
        "images": images,
        "data": setting.options["data"],
    }


def residual(n: int, width: int, stride: int = 2) -> Net:
    """Return a ResNet of 6n + 2 layers with a first convolution of a stride."""
    title = RESIDUAL if stride == 2 else CONTROL
    return net("cifar_resnet.arch", "ResNet20B", title, n=n, width=width, stride=stride, channels=1, size=28)


def closest(target: int, counts: Iterable[tuple[tuple[int, int], int]]) -> tuple[int, int]:
    """Return the blocks and the width whose count of parameters is nearest to a target, the shallowest of equals."""
    return min(counts, key=lambda one: (abs(one[1] - target), one[0]))[0]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the parameters against each other, the better accuracy of DenseNet-BC, and the predictions of the runs."""
    nets = findings["nets"]
    dense, other, control = nets[DENSE], nets[RESIDUAL], nets[CONTROL]
    apart = abs(other["params"] - dense["params"]) / dense["params"]
    better = compared(dense["top1"], other["top1"])
    return (
        judged("parameters of ResNet", f"{dense['params']:,}", f"{other['params']:,}", f"{EQUAL:.0%}", apart <= EQUAL,
               "those of DenseNet-BC"),
        *(exact(f"parameters built, {title}", one["params"], one["measured_params"]) for title, one in nets.items()),
        exact("parameters of the control", other["params"], control["params"], "a stride has none"),
        judged("DenseNet-BC at equal parameters", "better than ResNet",
               f"{spelled(dense['top1'])} and {spelled(other['top1'])}", "in every pair of runs", better > 0,
               "both with a first convolution of stride 2"),
        borne_out([one["rows"] for one in nets.values()]),
    )  # fmt: skip


def tell(findings: Findings) -> str:
    """Say what the parameters of each network are worth, and what they cost."""
    nets = findings["nets"]
    dense, other, control = nets[DENSE], nets[RESIDUAL], nets[CONTROL]
    found = (
        f"Of {findings['tried']} ResNets that the analysis counted, that of {findings['layers']} layers and width "
        f"{findings['width']} is nearest to DenseNet-BC's {dense['params']:,} parameters, with {other['params']:,}."
    )
    not_shown = (
        f"Small networks, {findings['epochs']} epochs of {findings['images']:,} images, one rate for all: that the "
        "order stays in long trainings or large networks is not shown."
    )
    said = (found, _verdict(dense, other), _of_cost(findings), _of_control(dense, other, control),
            told(len(dense["top1"])), not_shown)  # fmt: skip
    return " ".join(said)


def _of_cost(findings: Findings) -> str:
    dense, other = findings["nets"][DENSE], findings["nets"][RESIDUAL]
    return (
        f"Equal parameters are not equal cost: for an image DenseNet-BC makes {_times(dense, other, 'macs')} the "
        f"multiply-adds ({dense['macs'] / 1e6:.1f} M and {other['macs'] / 1e6:.1f} M) and keeps "
        f"{_times(dense, other, 'saved')} the bytes for the backward; the predicted peak of a step with "
        f"{findings['batch']} images is {dense['peak'] / 2**20:.0f} MiB against {other['peak'] / 2**20:.0f} MiB."
    )


def _times(one: Findings, other: Findings, quantity: str) -> str:
    return f"{one[quantity] / other[quantity]:.1f} times"


def _verdict(dense: Findings, other: Findings) -> str:
    figures = f"{spelled(dense['top1'])} against {spelled(other['top1'])}"
    order = compared(dense["top1"], other["top1"])
    if order > 0:
        return f"With them DenseNet-BC is the more accurate: {figures}."
    if order < 0:
        return f"With them DenseNet-BC is the less accurate, against what is claimed of it: {figures}."
    return f"The runs do not tell which of the two is the more accurate: {figures}."


def _of_control(dense: Findings, other: Findings, control: Findings) -> str:
    """Say what more work on the same parameters does to ResNet, and whether DenseNet-BC is still above it."""
    gain = {1: "makes it better", 0: "makes no difference that the runs tell", -1: "makes it worse"}
    rest = {
        1: "DenseNet-BC is better than that",
        0: "The runs do not tell that from DenseNet-BC",
        -1: "That is better than DenseNet-BC",
    }
    beside = compared(dense["top1"], control["top1"])
    follows = ""
    if beside > 0 and compared(dense["top1"], other["top1"]) > 0:
        follows = ", too: work alone does not explain it"
    elif beside <= 0 and compared(control["top1"], other["top1"]) > 0:
        follows = ": what parameters are worth depends on the work they are used for"
    return (
        f"The control has the parameters of ResNet and {_times(control, other, 'macs')} its multiply-adds, by a first "
        f"convolution of stride 1. That {gain[compared(control['top1'], other['top1'])]}: {spelled(control['top1'])}. "
        f"{rest[beside]}{follows}."
    )


def draw(findings: Findings, figure: Figure) -> None:
    """Draw accuracy against multiply-adds, and what each network costs beside DenseNet-BC."""
    left, right = figure.subplots(1, 2)
    draw_accuracies(left, findings["nets"], "macs", 1e6, "multiply-adds of an image (millions)")
    draw_costs(right, findings["nets"], COSTS, RESIDUAL)


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "limit": 20_000, "epochs": 3, "validation": 0.0, "lr": 0.1, "flip": True,
             "crop": 2, "amp": "bf16", "channels_last": True},
    quick={"data": "synthetic:1x28x28:10", "epochs": 1, "limit": 64, "batch": 32},
    seeds=(0, 1, 2),
)  # fmt: skip
