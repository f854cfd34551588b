"""Random networks as texts, right by construction: a line that does not fit is left out."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st

from archdsl.diagnostics import SpecError
from oracles.networks import last, written


class Line(NamedTuple):
    """What it names, and the statement."""

    name: str
    text: str


class Draft:
    """A network under construction, one line at a time; every line names a map of two channels."""

    def __init__(self, height: int, width: int) -> None:
        self.lines = [Line("x", f"input x: [2, {height}, {width}]")]

    def text(self) -> str:
        """Return the model; what no line reads is an output."""
        read = " ".join(line.text.partition("=")[2] for line in self.lines)
        lines = [text if re.search(rf"\b{name}\b", read) else f"output {text}" for name, text in self.lines]
        return "\n".join(["model Net {", *lines, "}"])

    def add(self, text: str) -> None:
        """Add a line; it fails as a whole where a shape does not fit."""
        name = f"v{len(self.lines)}"
        self.lines.append(Line(name, f"{name} = {text}"))
        try:
            written(self.text())
        except SpecError:
            self.lines.pop()

    def shape(self, name: str) -> tuple[int, ...]:
        whole, self.lines = self.lines, [*self.lines, Line("end", f"end = {name} -> Identity")]
        shape = last(written(self.text())).output.shape
        self.lines = whole
        return shape


KINDS = "points convs convs pools means ups ups resizes pads norms".split()
RESIZES = [
    "Upsample(scale_factor=2)", 'Upsample(scale_factor=(1, 3), mode="bilinear")', "Upsample(size=(24, 30))",
    'Upsample(size=(17, 23), mode="bilinear", align_corners=true)', 'Upsample(scale_factor=1.5, mode="bicubic")',
    'Upsample(scale_factor=0.5, mode="area")', "PixelUnshuffle(2) -> c: Conv2d(2, 1)",
    "c: Conv2d(8, 1) -> PixelShuffle(2)", "AdaptiveMaxPool2d((9, none))", "AdaptiveAvgPool2d((none, 11))",
]  # fmt: skip
PADS = ["ZeroPad2d((1, 2, 0, 3))", "ZeroPad2d((-1, 0, 2, -2))", "PadChannels(1, 2) -> c: Conv2d(2, 1)"]
NORMS = [
    "c: GroupNorm(2)", "c: InstanceNorm2d", "c: InstanceNorm2d(affine=true, track_running_stats=true)", "Softmax",
    "Softmax(2)", "LogSoftmax(-1)", "c: LayerNorm(dims=1)", "c: RMSNorm(dims=2)", "c: LayerNorm",
]  # fmt: skip
POINTS = [
    "ReLU6",
    "c: PReLU(2)",
    "GELU",
    "Hardswish",
    "Dropout2d(0.5)",
    "ChannelShuffle(2)",
    "ReLU",
    "Tanh",
    "Dropout(0.5)",
    "Identity",
    "c: BatchNorm2d",
    "LocalResponseNorm(3)",
    "Tanh -> Dropout(0.2)",
]
PAIRS = {most: st.tuples(st.integers(1, most), st.integers(1, most)) for most in (2, 3, 4)}
SMALL = st.tuples(st.integers(0, 1), st.integers(0, 2))


@st.composite
def layers(draw: Any) -> str:
    """Layers that keep two channels."""
    kind, kernel, padding = draw(st.sampled_from(KINDS)), draw(PAIRS[4]), draw(SMALL)
    listed = {"points": POINTS, "resizes": RESIZES, "pads": PADS, "norms": NORMS}
    if kind in listed:
        return draw(st.sampled_from(listed[kind]))
    if kind == "convs":
        mode = draw(st.sampled_from(["", "", ", groups=2", ', padding_mode="circular"']))
        return f"c: Conv2d(2, {kernel}, stride={draw(PAIRS[3])}, padding={padding}, dilation={draw(PAIRS[3])}{mode})"
    halves = tuple(min(pad, k // 2) for pad, k in zip(padding, kernel, strict=True))
    rest = f"{kernel}, stride={draw(PAIRS[2])}, padding={halves}, ceil_mode={str(draw(st.booleans())).lower()}"
    if kind == "means":
        return f"AvgPool2d({rest})"
    if kind == "pools":
        return f"MaxPool2d({rest}, dilation={draw(PAIRS[2])})"
    # A kernel below the stride would see nothing along one axis, and its branch then nothing at all.
    stride = tuple(min(s, k) for s, k in zip(draw(PAIRS[3]), kernel, strict=True))
    return f"c: ConvTranspose2d(2, {kernel}, stride={stride}, padding={padding})"


@st.composite
def networks(draw: Any) -> str:
    """Texts of models of one input: layers, crops, and joins of any two maps cut to one size."""
    draft = Draft(draw(st.integers(20, 48)), draw(st.integers(20, 48)))
    for number in range(draw(st.integers(2, 7))):
        names = [name for name, _ in draft.lines]
        kind = draw(st.sampled_from("layer layer layer join join cut".split()))
        one = draw(st.sampled_from(names[-2:]))
        if kind == "layer":
            draft.add(f"{one} -> " + draw(layers()).replace("c:", f"c{number}:"))
        elif kind == "cut":
            left, top = draw(SMALL)
            draft.add(f"crop({one}, left={left}, top={top}, bottom={left})")
        else:
            other = draw(st.sampled_from(names))
            sizes = [draft.shape(name)[1:] for name in (one, other)]
            wanted = tuple(map(min, *sizes))
            a, b = (_cut(draw, n, size, wanted) for n, size in zip((one, other), sizes, strict=True))
            joined = draw(st.sampled_from(["{} + {}", "{} * {}", "concat({}, {}) -> j: Conv2d(2, 1)"]))
            draft.add(joined.format(a, b).replace("j:", f"j{number}:"))
    assume(len(draft.lines) > 1)
    return draft.text()


def _cut(draw: Any, name: str, size: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    (top, left) = (draw(st.integers(0, min(3, have - want))) for have, want in zip(size, wanted, strict=True))
    (bottom, right) = (have - want - first for have, want, first in zip(size, wanted, (top, left), strict=True))
    return f"crop({name}, top={top}, bottom={bottom}, left={left}, right={right})"
