"""Figures as files: PNG to look at, SVG to print, the same bytes for the same findings."""

from __future__ import annotations

import io
import re
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from archdsl.train.experiments.experiment import Experiment, Findings
from archdsl.train.parts.checkpoint import write_whole

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666")
"""Told apart by colour-blind readers too: Okabe & Ito 2008."""
DOTS_PER_INCH = 110


def mark_plainly(axis: Axis, *multiples: float) -> None:
    """Mark a logarithmic axis at some multiples of each power of ten, with numbers that need no exponent."""
    axis.set_major_locator(LogLocator(subs=multiples))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def drawn(experiment: Experiment, findings: Findings) -> dict[str, bytes]:
    """Return the figure of an experiment as the content of files, by their ending."""
    made: dict[str, bytes] = {}
    style = rc_context(
        {
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": "medium",
            "grid.alpha": 0.3,
            "font.size": 9,
            "legend.fontsize": 8,
            "legend.frameon": False,
            "svg.hashsalt": "archdsl",  # names of clip paths are random without it
        }
    )
    with style:
        for ending in ("png", "svg"):
            figure = Figure(figsize=experiment.size, layout="constrained")
            experiment.draw(findings, figure)
            file = io.BytesIO()
            without_date = {"Date": None} if ending == "svg" else {"Software": None}
            figure.savefig(file, format=ending, dpi=DOTS_PER_INCH, metadata=without_date)
            made[ending] = file.getvalue() if ending == "png" else steady(file.getvalue())
    return made


CLIP = re.compile(rb'(?:(?<=id=")|(?<=url\(#))p[0-9a-f]{10}\b')
"""The name of a clip path, where it is given and where it is used."""


def steady(svg: bytes) -> bytes:
    """Return an SVG with its clip paths named by their order, and with 0 for −0.

    A constrained layout comes out with other last digits each time. Matplotlib makes names of all digits.
    """
    names: dict[bytes, bytes] = {}
    named = CLIP.sub(lambda found: names.setdefault(found[0], b"clip%d" % len(names)), svg)
    return re.sub(rb'(?<=[\s"])-0(?=[\s"])', b"0", named)


def write_figure(experiment: Experiment, findings: Findings, stem: Path) -> list[Path]:
    """Write the figure of an experiment beside its record, whole.

    Raises:
        OSError: a file cannot be written.
    """
    paths = []
    for ending, content in drawn(experiment, findings).items():
        paths.append(stem.with_suffix(f".{ending}"))
        write_whole(paths[-1], content)
    return paths
