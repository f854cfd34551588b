"""What transposed convolutions do to a map: kernels that interpolate, and kernels that leave a checkerboard.

An output of a transposed convolution sums the taps that land on it. With a kernel of 3 and a stride of 2 these are one
or two along each axis; with 4 they are two everywhere; and an even map that is enlarged first and convolved then stays
even but at its edges. Source: Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from archdsl.analysis.overlap import overlaps
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Setting, net
from archdsl.train.experiments.pictures import as_rows, from_rows
from archdsl.train.prediction import Prediction, judged

FACTORS = (2, 3, 4, 8)
WAYS = {"kernel 3, stride 2": "Transposed3", "kernel 4, stride 2": "Transposed4", "resize, then 3×3": "ResizeConv"}
DRAWS = 10_000
"""Random weights that magnitudes are taken over."""
ROUNDED = 1e-5
"""What sums in float32 may differ by."""
SCATTER = 0.05
"""What a ratio of magnitudes, or a mean share, may be off by after so many draws."""
UNEVEN = 8 / (3 * math.pi)
"""The mean deviation of four independent normal values of one variance from their mean, over their root mean square.

The share of their energy that is not in the mean has the distribution Beta(3/2, 1/2), whose root has this mean.
"""


def measure(setting: Setting) -> dict[str, Any]:
    """Hold bilinear kernels against PyTorch's interpolation, and look at random weights on an even map."""
    draws = 200 if setting.quick else DRAWS
    return {
        "bilinear": [interpolated(factor) for factor in FACTORS],
        "ways": {title: looked_at(net("pieces.arch", model, title), draws) for title, model in WAYS.items()},
        "draws": draws,
    }


def bilinear_kernel(factor: int) -> Tensor:
    """Return the weights of a bilinear interpolation by a whole factor, square, of side 2·factor − factor mod 2.

    Along an axis tap i has weight 1 − |i − c| / factor, with c in the middle of the kernel. Long, Shelhamer & Darrell
    2015, arXiv:1411.4038, section 3.3.
    """
    side = 2 * factor - factor % 2
    hat = 1 - (torch.arange(side) - (side - 1) / 2).abs() / factor
    return torch.outer(hat, hat)


def interpolated(factor: int) -> dict[str, Any]:
    """Return how far a transposed convolution with bilinear weights is from `interpolate`, inside and at the border.

    The border is as wide as a pixel of the smaller map.
    """
    one = net("pieces.arch", "Interpolation", f"factor {factor}", factor=factor)
    model, x = one.build(), drawn(one)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(bilinear_kernel(factor).expand_as(weight))
        found = model(x)
    wanted = functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    apart = (found - wanted).abs()
    inside = apart[..., factor:-factor, factor:-factor].max().item()
    return {"factor": factor, "kernel": bilinear_kernel(factor).shape[0], "inside": inside, "all": apart.max().item()}


def drawn(one: Net) -> Tensor:
    """Return a random input of a network, the same each time."""
    (fed,) = one.network.graph.inputs.values()
    return torch.randn((1, *fed.output.known), generator=torch.Generator().manual_seed(0))


def looked_at(one: Net, draws: int) -> dict[str, Any]:
    """Return the taps that meet by analysis and with weights of one, and what random weights make of an even map."""
    (fed,) = one.network.graph.inputs.values()
    model, even = one.build().eval(), torch.ones(1, *fed.output.known)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1.0)
        taps = inside(model(even))[:2, :2] / fed.output.known[0]
        total, single, ripples = torch.zeros_like(inside(model(even))), None, []
        for _ in range(draws):
            _draw(model, generator)
            result = inside(model(even))
            total += result.square()
            ripples.append((result.std(correction=0) / result.square().mean().sqrt()).item())
            single = result if single is None else single
    assert single is not None, "at least one is drawn"
    size = (total / draws).sqrt()
    return {
        "predicted": predicted_taps(one),
        "taps": [round(value) for value in taps.flatten().tolist()],
        "magnitudes": [round(value, 4) for value in (size[:2, :2] / size.min()).flatten().tolist()],
        "ripple": round(sum(ripples) / draws, 4),
        "one": as_rows(levels(single[:PICTURED, :PICTURED])),
        "many": as_rows(levels(size[:PICTURED, :PICTURED], zero=True)),
    }


PICTURED = 12
"""Pixels of a side that are drawn."""


def predicted_taps(one: Net) -> list[int]:
    """Return how many taps meet in each of 2×2 neighbours, by the analysis, from an even position on; 9 where even."""
    found = [each for each in overlaps(one.network.graph) if not each.backward]
    if not found:
        (kernel,) = [node for node in one.network.graph.layers if node.op.name == "Conv2d"]
        return [math.prod(kernel.op.kernel_size)] * 4  # type: ignore[attr-defined]  # of a convolution
    rows, columns = found[0].counts
    return [row * column for row in rows for column in columns]


def _draw(model: nn.Module, generator: torch.Generator) -> None:
    for weight in model.parameters():
        weight.copy_(torch.randn(weight.shape, generator=generator))


def inside(result: Tensor) -> Tensor:
    """Return the one channel of a result without its border of two pixels."""
    return result[0, 0, 2:-2, 2:-2]


def levels(values: Tensor, zero: bool = False) -> list[list[int]]:
    """Return values as whole numbers from 0 to 99: from the least, or from zero, to the largest."""
    low = 0.0 if zero else values.min().item()
    span = values.max().item() - low
    scaled = (values - low) / span * 99 if span > ROUNDED else torch.full_like(values, 50.0)
    return [[round(value) for value in row] for row in scaled.tolist()]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold kernels against the interpolation, taps against the analysis, and magnitudes against roots of taps."""
    worst = max(each["inside"] for each in findings["bilinear"])
    factors = ", ".join(str(each["factor"]) for each in findings["bilinear"])
    found = [
        judged("bilinear kernels away from the border", "interpolate", f"≤ {worst:.1e} apart", f"{ROUNDED:g}",
               worst <= ROUNDED, f"factors {factors}, against torch.nn.functional.interpolate"),
    ]  # fmt: skip
    for title, way in findings["ways"].items():
        found.append(judged(f"{title}: taps that meet", _listed(way["predicted"]), _listed(way["taps"]), "exact",
                            way["predicted"] == way["taps"], "of 2×2 neighbours, weights of one"))  # fmt: skip
        wanted, came = _contrast([math.sqrt(taps) for taps in way["predicted"]]), _contrast(way["magnitudes"])
        found.append(judged(f"{title}: largest to least magnitude", f"{wanted:.2f}", f"{came:.2f}", f"{SCATTER:.0%}",
                            abs(came - wanted) <= SCATTER * wanted, f"over {findings['draws']:,} random kernels: "
                            "the root of the ratio of taps"))  # fmt: skip
    four = findings["ways"]["kernel 4, stride 2"]["ripple"]
    found.append(judged("kernel 4, stride 2: share that varies on an even map", f"{UNEVEN:.3f}", f"{four:.3f}",
                        f"{SCATTER:.0%}", abs(four - UNEVEN) <= SCATTER * UNEVEN,
                        "deviation over root mean square, in the mean: 8/(3π), as of four normal values"))  # fmt: skip
    resized = findings["ways"]["resize, then 3×3"]["ripple"]
    found.append(judged("resize, then 3×3: share that varies on an even map", "0", f"{resized:.1e}", f"{ROUNDED:g}",
                        resized <= ROUNDED))  # fmt: skip
    return found


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _contrast(values: Sequence[float]) -> float:
    return max(values) / min(values)


def tell(findings: Findings) -> str:
    """Say what came out."""
    worst = max(findings["bilinear"], key=lambda each: float(each["inside"]))
    border = max(each["all"] for each in findings["bilinear"])
    ways = findings["ways"]
    contrast = {title: _contrast(way["magnitudes"]) for title, way in ways.items()}
    three, four, resized = WAYS
    exact = worst["inside"] <= ROUNDED
    return (
        "Transposed convolutions with bilinear kernels "
        + (f"interpolate as PyTorch does, to {worst['inside']:.0e}, away from the border"
           if exact else f"are up to {worst['inside']:.1e} from PyTorch's interpolation, even away from the border")
        + f"; at the border, where taps fall outside, they differ by up to {border:.2f}. "
        f"With random kernels on an even map, neighbours differ in root mean square by a factor of "
        f"{contrast[three]:.2f} with kernel 3, {contrast[four]:.2f} with kernel 4 and {contrast[resized]:.2f} after "
        f"resizing. The taps that meet in 2×2 neighbours are {_listed(ways[three]['taps'])} with kernel 3 and "
        f"{_listed(ways[four]['taps'])} with kernel 4; the root of their ratio is the factor that was expected. "
        + _of_one(ways[four]["ripple"], ways[resized]["ripple"])
        + "Nothing was trained here: a network may learn an uneven kernel or even one out."
    )  # fmt: skip


def _of_one(four: float, resized: float) -> str:
    """Say what a single random kernel does, where the count of taps is even."""
    if four <= ROUNDED:
        return "A single random kernel of 4 leaves an even map even as well. "
    said = (
        f"What a single random kernel of 4 makes of an even map is not even, though: neighbours sum as many taps, but "
        f"other ones, and the deviation from the mean is {four:.0%} of the root mean square. "
    )
    return said + ("Only the map that is resized first stays even with every kernel. " if resized <= ROUNDED else "")


def draw(findings: Findings, figure: Figure) -> None:
    """Draw what kernels make of an even map: one random kernel above, the magnitude over many below."""
    panels = figure.subplots(2, len(findings["ways"]))
    for column, (title, way) in enumerate(findings["ways"].items()):
        for row, name in enumerate(("one", "many")):
            axes = panels[row][column]
            axes.imshow(from_rows(way[name]), cmap="viridis", vmin=0, vmax=99, interpolation="nearest")
            axes.set(xticks=(), yticks=())
            axes.grid(False)
        panels[0][column].set_title(title)
        panels[1][column].set_xlabel(_spread_told(way))
    panels[0][0].set_ylabel("one random kernel")
    panels[1][0].set_ylabel(f"magnitude over\n{findings['draws']:,} kernels")
    figure.suptitle("What kernels make of an even map")


def _spread_told(way: Mapping[str, Any]) -> str:
    return f"taps {_listed(way['taps'])}\nlargest to least {_contrast(way['magnitudes']):.2f}"


EXPERIMENT = Experiment(measure, checks, tell, draw, seeds=(), size=(7.0, 5.0))
