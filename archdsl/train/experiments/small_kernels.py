"""One 7x7 convolution against three of 3x3 that see as much: parameters, multiply-adds, memory and accuracy.

Simonyan & Zisserman 2015, arXiv:1409.1556, section 2.3: 49 C² weights against 27 C², and three ReLUs in place of one. A
third network is as wide as it takes to spend the parameters of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from archdsl.train.experiments.analysed import analysed, borne_out, rows
from archdsl.train.experiments.costs import draw_accuracies, draw_costs
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Setting, net
from archdsl.train.experiments.seeds import compared, spelled, told
from archdsl.train.experiments.timed import step_milliseconds
from archdsl.train.prediction import Prediction, exact, judged

LARGE, SMALL, WIDE = "one 7×7", "three 3×3", "three 3×3, wide"
NETS = {LARGE: "OneLarge", SMALL: "ThreeSmall", WIDE: "ThreeSmallWide"}
STAGES = ("stage1", "stage2")
COSTS = {"params": "parameters", "macs": "multiply-\nadds", "saved": "kept for\nbackward", "ms": "processor\ntime"}
EQUAL = 0.02
"""What numbers of parameters that are called equal may differ by."""
STEPS, BATCH = 8, 64
"""Training steps that are timed, and their images."""


def measure(setting: Setting) -> dict[str, Any]:
    """Train the three networks with each seed."""
    found: dict[str, Any] = {}
    images = 0
    for title, model in NETS.items():
        one = net("small_kernels.arch", model, title)
        name = title.replace("×", "x").replace(", ", "-").replace(" ", "-")
        runs = [setting.train(one, f"kernels-{name}-{seed}", seed=seed) for seed in setting.seeds]
        steps, batch = (1, 8) if setting.quick else (STEPS, BATCH)
        found[title] = analysed(one) | {
            "fields": [field(one, stage) for stage in STAGES],
            "weights": [sum(weights(one, stage)) for stage in STAGES],
            "ms": round(step_milliseconds(runs[0], steps=steps, batch=batch), 4),
            "top1": [round(run.test["top1"], 4) for run in runs],
            "rows": rows(runs),
        }
        images = runs[0].record["data"]["train"]
    return {
        "nets": found,
        "data": setting.options["data"],
        "epochs": setting.options["epochs"],
        "images": images,
    }


def field(one: Net, stage: str) -> int:
    """Return the height of what a unit at the end of a stage sees, in pixels of the image."""
    last = [layer for layer in one.network.examine().layers if layer.path.startswith(f"{stage}.")][-1]
    (seen,) = last.receptive_field.values()
    height = seen.size[0]
    assert height is not None, "no layer of a stage sees the whole image"
    return height


def weights(one: Net, stage: str) -> list[int]:
    """Return how many weights each convolution of a stage has."""
    layers = one.network.examine().layers
    return [layer.params for layer in layers if layer.path.startswith(f"{stage}.") and layer.op == "Conv2d"]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold fields and weights against the closed forms, and accuracies against what is claimed of small kernels."""
    nets = findings["nets"]
    large, small, wide = nets[LARGE], nets[SMALL], nets[WIDE]
    order = compared(small["top1"], large["top1"])
    return (
        judged("fields after each stage", _listed(large["fields"]), _listed(small["fields"]), "exact",
               large["fields"] == small["fields"] == wide["fields"], f"{LARGE}; {SMALL}"),
        exact("weights of three 3×3", large["weights"][0] * 27 // 49, small["weights"][0], "27 C² where one has 49 C²"),
        judged("parameters of the wide one", f"{large['params']:,}", f"{wide['params']:,}", f"{EQUAL:.0%}",
               abs(wide["params"] - large["params"]) <= EQUAL * large["params"], "those of one 7×7"),
        judged("three 3×3 with fewer weights", "no worse than one 7×7",
               f"{spelled(small['top1'])} and {spelled(large['top1'])}", "not below it in every pair of runs",
               order >= 0),
        borne_out([one["rows"] for one in nets.values()]),
    )  # fmt: skip


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values)) + " px"


def tell(findings: Findings) -> str:
    """Say what the small kernels save, what they cost, and which network is the more accurate."""
    nets = findings["nets"]
    large, small, wide = nets[LARGE], nets[SMALL], nets[WIDE]
    not_shown = (
        f"Two stages and {findings['epochs']} epochs of {findings['images']:,} images of 28 pixels: other networks are "
        "not shown. What the further ReLUs do is not told apart from what the further normalisations do."
    )
    said = (
        _of_fields(large, small),
        _of_cost(large, small),
        _verdict("three 3×3 of the same width", small, large),
        _verdict("three 3×3 with as many parameters", wide, large),
        told(len(large["top1"])),
        not_shown,
    )
    return " ".join(said)


def _of_fields(large: Findings, small: Findings) -> str:
    if large["fields"] == small["fields"]:
        return f"By the analysis both kinds of stages see equally much, {_listed(small['fields'])}."
    return f"The fields differ, {_listed(large['fields'])} and {_listed(small['fields'])}: the comparison is not fair."


def _of_cost(large: Findings, small: Findings) -> str:
    """Say what is saved in weights and work, and what of it comes through in time and memory."""
    work, time = small["macs"] / large["macs"], small["ms"] / large["ms"]
    weights = small["weights"][0] / large["weights"][0]
    return (
        f"With equal widths three 3×3 have {weights:.2f} of the weights of one 7×7, and their network makes {work:.2f} "
        f"of the multiply-adds but keeps {small['saved'] / large['saved']:.1f} times the bytes for the backward: there "
        f"are three maps where there was one. A training step takes {time:.2f} times the processor time"
        + (", so the work that is saved saves no time here." if time >= 1 else ".")
    )


def _verdict(who: str, one: Findings, large: Findings) -> str:
    figures = f"{spelled(one['top1'])} against {spelled(large['top1'])}"
    order = compared(one["top1"], large["top1"])
    if order > 0:
        return f"{who.capitalize()} are better than one 7×7: {figures}."
    if order < 0:
        return f"{who.capitalize()} are worse than one 7×7: {figures}."
    return f"{who.capitalize()} are not told apart from one 7×7: {figures}."


def draw(findings: Findings, figure: Figure) -> None:
    """Draw accuracy against parameters, and what each network costs beside the one of 7x7."""
    left, right = figure.subplots(1, 2)
    draw_accuracies(left, findings["nets"], "params", 1e3, "parameters (thousands)")
    draw_costs(right, findings["nets"], COSTS, LARGE)


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
