"""Published exam problems as networks of our language: facts and figures, without their texts.

A row of `tests/exam/data/exam_problems.jsonl` has `input` (channels first), `layers`, `ask`, the right `answer`, `wrong`
where the published key is another, `simulated` values by mistake and the `options` printed beside the answer with the
mistake each stems from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.graph import Graph
from oracles.networks import written

DATA = Path(__file__).resolve().parent.parent / "exam" / "data" / "exam_problems.jsonl"
QUANTITIES = {
    "shape": "shape",
    "params": "params",
    "weights": "weights",
    "biases": "biases",
    "rf": "receptive_field",
    "macs": "macs",
    "nontrainable": "buffers",
}


@dataclass(frozen=True)
class Problem:
    """One published problem with a network."""

    row: dict[str, Any]

    @property
    def id(self) -> str:
        return self.row["id"]

    @property
    def quantity(self) -> str:
        ask = "shape" if self.row["ask"] == "shapes" else self.row["ask"].removesuffix("_per_layer")
        return QUANTITIES[ask]

    @property
    def labels(self) -> list[str | None]:
        """The layers asked about; the whole network, where it is asked as one."""
        each = self.row["ask"] == "shapes" or self.row["ask"].endswith("_per_layer")
        return [f"l{i}" for i in range(len(self.row["layers"]))] if each else [None]

    @property
    def answers(self) -> list[Any]:
        """The right answers by layer asked."""
        return [plain(a) for a in self.row["answer"]] if self.labels != [None] else [plain(self.row["answer"])]

    @property
    def simulated(self) -> dict[str, list[Any]]:
        """By mistake the values of the layers asked."""
        many = self.labels != [None]
        return {id: [plain(v) for v in (vs if many else [vs])] for id, vs in self.row["simulated"].items()}

    @property
    def graph(self) -> Graph:
        return written(self.text)

    @property
    def text(self) -> str:
        """The network as a spec; sizes that the problem leaves open are symbols."""
        shape, layers = self.row["input"], self.row["layers"]
        if shape is None:
            shape = [layers[0]["in"], "h", "w"]
        return f"model Net {{\n input x: [{', '.join(map(str, shape))}]\n{_lines(layers, shape)}}}\n"


def _lines(layers: list[dict[str, Any]], shape: list[Any]) -> str:
    lines, value, axes, channels = [], "x", len(shape) - 1, shape[0]
    for i, layer in enumerate(layers):
        out = "output " if i == len(layers) - 1 else ""
        if layer["op"] == "branches":
            ends = []
            for j, path in enumerate(layer["paths"]):
                lines.append(f" b{i}_{j} = {value} -> {_chain(path, axes, channels)[0]}" if path else "")
                ends.append(f"b{i}_{j}" if path else value)
            joined = " + ".join(ends) if layer["merge"] == "add" else f"concat({', '.join(ends)})"
            lines.append(f" {out}v{i} = {joined}")
        else:
            text, channels, axes = _layer(layer, axes, channels)
            lines.append(f" {out}v{i} = {value} -> l{i}: {text}")
        value = f"v{i}"
    return "\n".join(filter(None, lines)) + "\n"


def _chain(layers: list[dict[str, Any]], axes: int, channels: Any) -> tuple[str, Any]:
    texts = []
    for layer in layers:
        text, channels, axes = _layer(layer, axes, channels)
        texts.append(text)
    return " -> ".join(texts), channels


def _layer(layer: dict[str, Any], axes: int, channels: Any) -> tuple[str, Any, int]:
    """Return a layer in our words, and the channels and axes after it."""
    op, d = layer["op"], f"{axes}d"
    if op in ("conv", "dwconv", "tconv"):
        out = layer.get("out", channels)
        kernel, padding = layer["k"], layer["p"]
        if padding == "same":  # what TensorFlow pads, here as much on either side
            size, stride = layer["n"], layer["s"]
            padding = ((-(-size // stride) - 1) * stride + kernel - size) // 2
        more = f", dilation={_pair(layer['d'])}" if layer.get("d", 1) != 1 else ""
        groups = channels if op == "dwconv" else layer.get("g", 1)
        more += f", groups={groups}" if groups != 1 else ""
        more += f", output_padding={layer['opad']}" if layer.get("opad") else ""
        more += ", bias=false" if layer.get("bias") is False else ""
        name = "ConvTranspose" if op == "tconv" else "Conv"
        return (
            f"{name}{d}({out}, {_pair(kernel)}, stride={_pair(layer['s'])}, padding={_pair(padding)}{more})",
            out,
            axes,
        )
    if op in ("maxpool", "avgpool"):
        name = "MaxPool" if op == "maxpool" else "AvgPool"
        return f"{name}{d}({layer['k']}, stride={layer['s']}, padding={layer['p']})", channels, axes
    if op == "fc":
        return f"Linear({layer['out']}{', bias=false' if layer.get('bias') is False else ''})", layer["out"], 0
    if op == "gap":
        return f"(pool: AdaptiveAvgPool{d}(1) -> flat: Flatten)", channels, 0
    if op == "bn":
        return f"BatchNorm{max(axes, 1)}d", channels, axes
    if op == "pad":
        return f"ZeroPad{d}({layer['p']})", channels, axes
    return {"relu": "ReLU", "flatten": "Flatten"}[op], channels, 0 if op == "flatten" else axes


def _pair(value: int | list[int]) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def plain(value: Any) -> Any:
    """Return a shape as a tuple, a number as it is."""
    return tuple(value) if isinstance(value, list) else value


def problems() -> list[Problem]:
    """Return the published problems that have a network."""
    return [Problem(json.loads(line)) for line in DATA.read_text("utf-8").splitlines()]
