"""How much a U-Net sees against how well it segments: depths 1 to 3, with a control of equal parameters at depth 1.

A garment of the scenes is 23 to 36 pixels wide. A U-Net that sees less than that must guess what it is part of; one
that sees more gains nothing by it. Depth changes capacity as well as what is seen, so a wide U-Net of depth 1 has as
many parameters as the one of depth 2. Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, with base width 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archdsl.analysis.coverage import coverage
from archdsl.analysis.field_summary import summary
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Run, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.parts.scenes import GARMENT_SIZES
from archdsl.train.prediction import Prediction, judged, skipped

DEPTHS = (1, 2, 3)
WIDE = 34
"""The base width at depth 1 that makes as many parameters as base width 16 at depth 2."""
EQUAL = 0.05
"""What numbers of parameters that are called equal may differ by."""
MARBLE = {"data": "blue-marble", "epochs": 63, "batch": 24, "validation": 0.0}
"""504 steps: eight batches of 24 tiles in an epoch."""
REPEATED = (1, 2)
"""Depths that are trained with every seed; the others with the first."""


def measure(setting: Setting) -> dict[str, Any]:
    """Train U-Nets on Fashion scenes and on Blue Marble, unless other data is asked for."""
    own = "data" not in setting.asked
    if own:
        setting.data(str(MARBLE["data"]))  # where it is missing, that is told before an hour has passed
    found: dict[str, Any] = {"object": list(GARMENT_SIZES)}
    found["scenes"] = [
        _trained(setting, unet(depth), setting.seeds if depth in REPEATED else setting.seeds[:1], "scenes", {})
        for depth in DEPTHS
    ]
    found["wide"] = _trained(setting, unet(1, WIDE), setting.seeds[:1], "scenes", {})
    if own:
        found["marble"] = [_trained(setting, unet(depth), setting.seeds[:1], "marble", MARBLE) for depth in DEPTHS]
    return found


def unet(depth: int, base: int = 16) -> Net:
    """Return the U-Net of a depth, the number of its poolings, and a base width."""
    return net("lite.arch", "UNetLite", f"depth {depth}" + (", wide" if base != 16 else ""), depth=depth, base=base)


def fields(one: Net) -> list[int]:
    """Return the extents that the units of the output see, in pixels, from the least: they differ by position."""
    graph = one.network.graph
    (node,) = graph.outputs.values()
    (cover,) = coverage(graph)[node.index].values()
    told = summary(cover, node.output.known[1:])
    assert told is not None, "a U-Net of these sizes repeats"
    return sorted(told.axes[0].sizes)


def _trained(
    setting: Setting, one: Net, seeds: Sequence[int], where: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    name = f"{where}-{one.title.replace(', ', '-').replace(' ', '-')}"
    runs = [setting.train(one, f"{name}-{seed}", seed=seed, **options) for seed in seeds]
    return {
        "title": one.title,
        "fields": fields(one),
        "params": one.network.examine().totals.params,
        "miou": [round(run.test["miou"], 4) for run in runs],
        "steps": len(runs[0].losses),
        "probe": [_probe(run) for run in runs],
    }


def _probe(run: Run) -> str:
    """Return whether the trained code saw what the analysis says: `passed`, `failed` or `skipped`."""
    return next(one.state for one in run.predictions if one.name == "receptive fields")


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold mean IoUs against the bars, the control against its parameters, and the probes against the analysis."""
    one, two, three = (fmean(each["miou"]) for each in findings["scenes"])
    wide = fmean(findings["wide"]["miou"])
    params, control = findings["scenes"][1]["params"], findings["wide"]["params"]
    nets = [*findings["scenes"], findings["wide"], *findings.get("marble", ())]
    states = [state for each in nets for state in each["probe"]]
    bars = [
        judged("scenes, depth 2: mIoU", "≥ 0.45", f"{two:.3f}", "bar", two >= 0.45),
        judged("scenes, depth 2 over depth 1", "≥ 0.10", f"{two - one:+.3f}", "bar", two - one >= 0.10),
        judged("scenes, depth 2 over wide depth 1", "≥ 0.04", f"{two - wide:+.3f}", "bar", two - wide >= 0.04),
        judged("scenes, depth 3 over depth 2", "less than depth 2 over depth 1", f"{three - two:+.3f}", "",
               three - two < two - one, "the object is within the field at depth 2"),
    ]  # fmt: skip
    if "marble" not in findings:  # of other data nothing was expected
        bars = [skipped(each.name, "the bars are of Fashion scenes and Blue Marble", each.predicted) for each in bars]
    found = [
        *bars,
        judged("parameters of the control", f"{params:,}", f"{control:,}", f"{EQUAL:.0%}",
               abs(control - params) <= EQUAL * params),
        judged("fields by gradient in each run", "as analysed", f"{states.count('passed')} of {len(states)} runs",
               "exact", states.count("passed") == len(states)),
    ]  # fmt: skip
    if "marble" in findings:
        land = fmean(findings["marble"][1]["miou"])
        found.append(judged("Blue Marble, depth 2: mIoU", "≥ 0.85", f"{land:.3f}", "bar", land >= 0.85))
    return found


def tell(findings: Findings) -> str:
    """Say what came out."""
    scenes, wide = findings["scenes"], findings["wide"]
    one, two, three = (fmean(each["miou"]) for each in scenes)
    control = fmean(wide["miou"])
    own = "marble" in findings
    said = (
        ("Garments are {} to {} pixels wide. ".format(*findings["object"]) if own else "")
        + " ".join(f"At {each['title']} a pixel's field is {_spelled(each['fields'])} pixels and the mean IoU "
                   f"{_figures(each['miou'])}." for each in scenes)
        + f" The control of depth 1 with {wide['params']:,} parameters, where depth 2 has {scenes[1]['params']:,}, "
        f"still sees {_spelled(wide['fields'])} pixels and comes to {_figures(wide['miou'])}. "
    )  # fmt: skip
    if two > one and two > control:
        share = min(1.0, (two - control) / (two - one))
        said += f"So {share:.0%} of what depth 2 gains over depth 1 is left at equal parameters. "
        said += _of_depth_3(two - one, three - two) if own else ""
    else:
        said += ("Seeing a whole garment" if own else "Seeing more") + " has not helped here. "
    said += _on_marble(findings) + _not_shown(findings)
    return said


def _of_depth_3(before: float, more: float) -> str:
    """Say whether depth 3, which sees more than a garment needs, adds less than depth 2 did."""
    if more < before:
        return (
            f"That the field is the reason fits with depth 3, which adds {more:+.3f}: it sees more than any garment "
            "needs. "
        )
    return f"Yet depth 3 adds {more:+.3f} more, though depth 2 sees whole garments. "


def _on_marble(findings: Findings) -> str:
    if "marble" not in findings:
        return ""
    figures = ", ".join(f"{fmean(each['miou']):.3f}" for each in findings["marble"])
    rises = all(a["miou"] < b["miou"] for a, b in zip(findings["marble"], findings["marble"][1:], strict=False))
    return (
        f"On grey Blue Marble, where land has no size, depths 1 to 3 come to {figures}: "
        + ("more is better, with no knee to be expected. " if rises else "more is not always better. ")
        + "No control was run there. "
    )


def _not_shown(findings: Findings) -> str:
    few = [each["title"] for each in (*findings["scenes"], findings["wide"]) if len(each["miou"]) < 3]
    seeds = len(findings["scenes"][0]["miou"])
    said = f"Depths 1 and 2 were trained with {seeds} seeds each, the others with one" if seeds > 1 else "One seed"
    said += "; differences of a few hundredths are not told apart by so few. " if few else ". "
    return said + "The control also has its parameters elsewhere and needs more work per pixel than depth 2."


def _spelled(sizes: Sequence[int]) -> str:
    return " or ".join(map(str, sizes))


def _figures(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def draw(findings: Findings, figure: Figure) -> None:
    """Draw mean IoU against the field, with the sizes of garments, and Blue Marble beside it."""
    panels = figure.subplots(1, 2 if "marble" in findings else 1, squeeze=False, sharex=True)[0]
    left, own = panels[0], "marble" in findings
    if own:
        least, most = findings["object"]
        left.axvspan(least, most, color=COLOURS[4], alpha=0.25, linewidth=0, label=f"garments, {least}–{most} px")
    _curve(left, findings["scenes"], COLOURS[0], "base width 16")
    wide = findings["wide"]
    left.scatter([max(wide["fields"])] * len(wide["miou"]), wide["miou"], color=COLOURS[1], marker="D", zorder=3,
                 label="depth 1, wide: as many\nparameters as depth 2")  # fmt: skip
    left.set(
        xlabel="receptive field by analysis, pixels",
        ylabel="mean IoU",
        xlim=(0, 112),
        title="Fashion scenes" if own else "Other data",
    )
    left.legend(loc="lower right")
    if "marble" in findings:
        _curve(panels[1], findings["marble"], COLOURS[2], "base width 16")
        panels[1].set(xlabel="receptive field by analysis, pixels", title="Blue Marble, land and water")


def _curve(axes: Axes, nets: Sequence[Mapping[str, Any]], colour: str, label: str) -> None:
    """Draw the mean over seeds as a line and every run as a dot; a bar shows fields that differ by position."""
    places = [fmean((each["fields"][0], each["fields"][-1])) for each in nets]
    means = [fmean(each["miou"]) for each in nets]
    axes.plot(places, means, color=colour, label=label)
    for each, place, mean in zip(nets, places, means, strict=True):
        axes.scatter([place] * len(each["miou"]), each["miou"], color=colour, zorder=3)
        axes.plot([each["fields"][0], each["fields"][-1]], [mean, mean], color=colour, linewidth=4, alpha=0.5)
        below = each is nets[0]  # where a line that rises is not in the way
        end = min(each["miou"]) if below else max(each["miou"])
        axes.annotate(f"{each['title']}\n{_spelled(each['fields'])} px", (place, end), xytext=(0, -8 if below else 8),
                      textcoords="offset points", ha="center", va="top" if below else "bottom", fontsize=8)  # fmt: skip
    low, high = min(min(each["miou"]) for each in nets), max(max(each["miou"]) for each in nets)
    axes.set_ylim(low - 0.35 * (high - low) - 0.01, high + 0.35 * (high - low) + 0.01)


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    # 180 steps of 32 scenes in an epoch, 900 in all.
    options={
        "data": "fashion-scenes", "epochs": 5, "batch": 32, "validation": 0.04, "optimizer": "adamw", "lr": 1e-2,
        "loss": "ce+dice", "amp": "bf16", "channels_last": True,
    },
    quick={"data": "synthetic-masks:1x32x32:3", "epochs": 1, "limit": 64, "batch": 16},
    seeds=(0, 1),
    size=(7.0, 4.0),
)  # fmt: skip
