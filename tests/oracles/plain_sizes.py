"""A model at many input sizes, analysed at each with plain numbers: what functions of the sizes are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from archdsl.analysis.input_sizes import InputSizes, input_sizes
from archdsl.analysis.lint import lint
from archdsl.analysis.macs import macs
from archdsl.analysis.memory import activation_bytes, peak_activations
from archdsl.analysis.params import parameters
from archdsl.elaborate import Elaboration, Library, Module, Request, elaborate
from archdsl.rules import lints
from archdsl.source import Source
from oracles.networks import SPECS

FAMILIES = [
    ("alexnet", "AlexNet"), ("bare", "BareResNet"), ("cifar_resnet", "ResNet20"), ("densenet", "DenseNet121"),
    ("densenet_bc", "DenseNetBC_40_12"), ("efficientnet", "EfficientNetB0"), ("googlenet", "GoogLeNet"),
    ("inception_v3", "InceptionV3"), ("lenet", "LeNet5"), ("lite", "UNetLite2"), ("lite", "VGGSmall"),
    ("mnist", "MnistCNN"), ("mnist", "MnistMLP"), ("mobilenet_v2", "MobileNetV2"), ("pieces", "ResizeConv"),
    ("resnet", "ResNet18"), ("resnet_d", "ResNet50D"), ("resnet_v2", "PreActResNet50"), ("resnext", "ResNeXt50_32x4d"),
    ("small_kernels", "OneLarge"), ("unet", "UNet"), ("unet", "UNetValid"), ("vgg", "VGG11"),
]  # fmt: skip
"""At least one model of every bundled file."""
NUMBERS = re.compile(r"(input \w+: \[[^\],]+), \d+, \d+\]")


def opened(text: str, model: str) -> InputSizes:
    """Return a model of a text with open sizes."""
    return input_sizes(module(text), Request(model))


def bundled_text(name: str) -> str:
    """Return a bundled file."""
    return (SPECS / f"{name}.arch").read_text("utf-8")


@lru_cache(maxsize=4)
def module(text: str) -> Module:
    """Read a text; imports find the bundled files."""
    return Library().add(Source("<text>", text), None)


def plain(text: str, model: str, height: int, width: int) -> Elaboration | None:
    """Build a model at two numbers, by the names of its sizes or written into its text; `None` if it cannot be."""
    given, count = NUMBERS.subn(rf"\1, {height}, {width}]", text)
    sizes = {} if count else {"H": height, "W": width}
    made = elaborate(module(given), Request(model, sizes=sizes))
    return None if any(d.severity == "error" for d in made.diagnostics) else made


def differences(found: InputSizes, text: str, model: str, height: int, width: int) -> Iterator[str]:
    """Yield where the functions are not what a plain analysis says at these sizes."""
    values = dict(zip(found.symbols, (height, width), strict=True))
    made = plain(text, model, height, width)
    if found.works(values) != (made is not None):
        yield f"works: {found.works(values)}"
    if made is None or not found.works(values):
        return
    graph = made.graph
    shapes = {node.id: node.output.shape for node in graph.nodes}
    if {node.id: found.shape(node, values) for node in found.graph.nodes} != shapes:
        yield "shapes"
    evaluated = [node for node in graph.layers if node.index not in graph.training_only]
    counts, peak = macs(graph), peak_activations(graph, 1, "float32")
    # The lint tells each line of a text once.
    every = lint(made)
    told = {(d.span.source.name, d.span.start) for d in every if d.rule is lints.DROPS_ROWS}
    # Where it finds an even kernel along one axis, it does not look along the next.
    hidden = {(d.span.source.name, d.span.start) for d in every if d.rule is lints.EVEN_KERNEL}
    spans = {node.id: (node.span.source.name, node.span.start) for node in graph.nodes}
    said = {
        "macs": (found.costs.macs.at(values), sum(counts[node.index] for node in evaluated)),
        "activations": (
            found.costs.activations.at(values), sum(activation_bytes(node, 1, "float32") for node in evaluated),
        ),
        "params": (found.costs.params.at(values), parameters(graph).params),
        "peak": (found.costs.peak(values), peak and (peak.bytes, peak.node)),
        "dropped": ({spans[one.node.id] for one in found.dropped(values)} - hidden, told - hidden),
        "nothing dropped": (
            bool(hidden) or (not found.dropping and all(found.kept[n].holds(size) for n, size in values.items())),
            bool(hidden) or not told,
        ),
    }  # fmt: skip
    for what, (mine, theirs) in said.items():
        if mine != theirs and (what != "peak" or found.costs.schedule is not None):
            yield f"{what}: {mine} is not {theirs}"
    yield from _of_form(found, values)


def _of_form(found: InputSizes, values: dict[str, int]) -> Iterator[str]:
    """Yield where the polynomials of one residue are not the functions they stand for."""
    form = found.form
    if form is None or any(values[d.name] % one.period != one.rest for d, one in form.residues.of.items()):
        return
    places = {str(one.variable): values[d.name] // one.period for d, one in form.residues.of.items()}
    for what in ("params", "macs", "activations"):
        if getattr(form, what).at(places) != getattr(found.costs, what).at(values):
            yield f"form of {what}"
    if form.peak and all(values[name] >= least for name, least in form.from_sizes().items()):
        peak = form.peak.bytes.at(places), form.peak.node
        if peak != found.costs.peak(values):
            yield f"form of peak: {peak} is not {found.costs.peak(values)}"
