"""The derivations: every line's arithmetic, worked out by another evaluator, gives the number beside it."""

import re
from fractions import Fraction
from math import ceil, floor, prod

import pytest

from archdsl import analyze, load, loads
from archdsl.analysis.working import explain
from archdsl.report.why import render

NETS = [("resnet", "ResNet50"), ("unet", "UNetValid"), ("googlenet", "GoogLeNet"), ("efficientnet", "EfficientNetB0")]
ODD = """
model Odd {
    input x: [4, 31, 17]
    a = x -> a: Conv2d(8, (5, 3), stride=(3, 2), padding=(2, 0), dilation=(2, 1), groups=4)
          -> MaxPool2d(3, stride=2, padding=1, ceil_mode=true) -> AvgPool2d(2, stride=1, ceil_mode=true)
    b = a -> up: ConvTranspose2d(6, (3, 4), stride=2, padding=1, output_padding=(1, 0), dilation=(2, 1), bias=false)
    c = crop(b, left=1, right=0, top=0, bottom=2)
    d, e = split(c, [2, 4])
    output concat(d, e, c) -> same: Conv2d(3, 4, padding="same") -> AdaptiveAvgPool2d((3, none)) -> Flatten
        -> fc: Linear(7)
}
"""


def value(formula):
    """Evaluate the arithmetic of a derivation: exact, with floors and ceilings."""
    tokens = re.findall(r"\d+|[⌊⌋⌈⌉()+/−·]", formula.replace(",", ""))
    position = 0

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1]

    def atom():
        token = take()
        if token.isdigit():
            return Fraction(token)
        inner = total()
        assert take() == {"(": ")", "⌊": "⌋", "⌈": "⌉"}[token]
        return {"(": inner, "⌊": Fraction(floor(inner)), "⌈": Fraction(ceil(inner))}[token]

    def term():
        result = atom()
        while position < len(tokens) and tokens[position] in "·/":
            result = result * atom() if take() == "·" else result / atom()
        return result

    def total():
        result = term()
        while position < len(tokens) and tokens[position] in "+−":
            result = result + term() if take() == "+" else result - term()
        return result

    result = total()
    assert position == len(tokens)
    return result


def analyses():
    for file, model in NETS:
        yield pytest.param(lambda f=file, m=model: analyze(load(f"specs/{f}.arch", m)), id=model)
    yield pytest.param(lambda: analyze(loads(ODD)), id="odd arguments")


MAKERS = list(analyses())


@pytest.mark.parametrize("make", MAKERS)
def test_every_step_of_every_layer_comes_to_its_result(make, request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    analysis = make()
    steps = 0
    for layer in analysis.layers:
        for section in explain(analysis, layer.id).sections:
            for step in section.steps:
                if step.formula:
                    steps += 1
                    for part in step.formula.replace(" (the last window would start beyond the input)", "").split(
                        " = "
                    ):
                        assert value(part) == int(step.result.replace(",", "")), (layer.id, step)

    assert steps > len(analysis.layers)


@pytest.mark.parametrize("make", MAKERS)
def test_the_sections_come_to_what_the_analysis_says(make, request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    analysis = make()
    for layer in analysis.layers:
        sections = {section.metric: section for section in explain(analysis, layer.id).sections}
        for metric, number in (("params", layer.params), ("buffers", layer.buffers), ("macs", layer.macs)):
            found = sections.get(metric)
            assert number == (0 if found is None else sum(int(s.result.replace(",", "")) for s in found.steps))
        shape = prod(value(step.result.replace("×", "·")) for step in sections["shape"].steps)
        if any(step.quantity == "each size" and step.formula for step in sections["shape"].steps):
            shape *= value(sections["shape"].steps[-1].result)  # one line stands for height and width
        if not any(step.remark == "the same for all" for step in sections["shape"].steps):
            assert shape == prod(layer.output)


def test_resnet_50_as_worked_by_hand(request):
    analysis = analyze(load(request.config.rootpath / "specs" / "resnet.arch", "ResNet50"))
    text = " ".join(render(explain(analysis, "layer3.0.conv2")).split())

    assert "⌊(28 + 2·1 − 3) / 2⌋ + 1 = ⌊27/2⌋ + 1 = 14" in text
    assert "256 · 256 · 3 · 3 = 589,824" in text
    assert "256 · 14 · 14 · (256 · 3 · 3) = 115,605,504" in text
    assert "91 + (3 − 1)·8 = 107" in text
    assert "stride 8 → 16" in text


SAID = [
    # a pipeline, a layer of it, and what its derivation says
    ("[1, 9, 9] -> MaxPool2d(2, stride=2, padding=1, ceil_mode=true)", "maxpool", "⌈(9 + 2·1 − 2) / 2⌉ + 1"),
    ("[1, 5, 5] -> MaxPool2d(2, stride=2, padding=1, ceil_mode=true)", "maxpool", "the last window would start beyond"),
    ("[1, 4, 4] -> ConvTranspose2d(1, 3, stride=2)", "convtranspose2d", "an output reads 1 or 2 inputs"),
    ("[1, 4, 4] -> ConvTranspose2d(1, 2, stride=2)", "convtranspose2d", "each output reads one input"),
    ("[3, 8, 8] -> AdaptiveAvgPool2d(1)", "avgpool", "the whole input, 8×8"),
    ("[3, 8, 8] -> Flatten -> Linear(2)", "flatten", "3 · 8 · 8 = 192"),
    ("[3, H, W] -> Conv2d(8, 3, stride=2)", "conv2d", "⌊(H − 3) / 2⌋ + 1"),
]


@pytest.mark.parametrize(("pipeline", "layer", "said"), SAID)
def test_what_does_not_follow_the_plain_formula_is_said(pipeline, layer, said, capsys):
    from archdsl.cli import run

    assert run(["why", "-e", pipeline, layer]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_module_is_the_sum_of_its_parts(request):
    analysis = analyze(load(request.config.rootpath / "specs" / "resnet.arch", "ResNet50"))
    (params, *_) = explain(analysis, "layer1").sections

    # Table of He et al.: the first stage of ResNet-50 has 215,808 parameters with its norms
    assert params.total == "215,808"
    assert sum(int(step.result.replace(",", "")) for step in params.steps) == 215_808


def test_an_unknown_layer_is_a_key_error():
    with pytest.raises(KeyError):
        explain(analyze(loads(ODD)), "nothing")
