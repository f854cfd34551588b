"""The machine formats: what the JSON promises, and that no format is broken by what a spec is called."""

import csv
import json
import re
from io import StringIO

import pytest

from archdsl import analyze, load, loads
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.report import csv as as_csv
from archdsl.report import findings, latex, markdown, notebook
from archdsl.report.json import document, render
from archdsl.source import Source

LAYER = {
    "path", "call", "module", "op", "inputs", "output", "params", "trainable", "buffers", "macs", "weights",
    "receptive_field", "activation_bytes", "span",
}  # fmt: skip
TOTALS = {"params", "trainable", "buffers", "macs", "flops", "weight_bytes", "peak_activation_bytes"}


@pytest.fixture(scope="module")
def resnet(request):
    return analyze(load(request.config.rootpath / "specs" / "resnet.arch", "ResNet50"), batch=2, dtype="bfloat16")


def test_the_document_has_every_key_of_the_contract(resnet):
    made = document(resnet)

    assert made["schema"] == "archdsl/analysis@1"
    assert {"model", "source", "batch", "dtype", "conventions", "inputs", "outputs", "layers", "totals"} <= made.keys()
    assert made["totals"].keys() == TOTALS
    assert all(layer.keys() >= LAYER for layer in made["layers"])
    assert (made["batch"], made["dtype"], made["outputs"]) == (2, "bfloat16", {"logits": [1000]})


def test_numbers_are_integers_and_layers_come_to_the_totals(resnet):
    made = json.loads(render(resnet))
    layers = made["layers"]

    assert all(type(made["totals"][name]) is int for name in TOTALS)
    assert len({(layer["path"], layer["call"]) for layer in layers}) == len(layers) == 175
    assert sum(layer["params"] for layer in layers) == made["totals"]["params"] == 25_557_032
    assert sum(layer["macs"] for layer in layers) == made["totals"]["macs"] == 4_089_184_256
    assert made["totals"]["weight_bytes"] == 2 * 25_557_032
    assert made["totals"]["peak_activation_bytes"] == 2 * 2 * 3 * 256 * 56 * 56
    assert layers[0]["activation_bytes"] == 64 * 112 * 112 * 2 * 2


def test_an_addition_has_no_module_and_is_named_after_its_op(resnet):
    layers = {(layer["path"], layer["call"]): layer for layer in document(resnet)["layers"]}

    assert layers["layer1.0.add", 0]["module"] is None
    assert layers["layer1.0.add", 0]["inputs"] == ["layer1.0.bn3", "layer1.0.downsample.1"]
    assert layers["layer1.0.relu", 2]["module"] == "layer1.0.relu"
    assert layers["layer1.0.conv1", 0]["weights"] == {"weight": [64, 64, 1, 1]}
    assert layers["layer1.0.conv1", 0]["span"]["start"]["line"] == layers["layer4.2.conv1", 0]["span"]["start"]["line"]


def test_receptive_fields_are_as_the_contract_words_them(resnet):
    layers = {layer["path"]: layer for layer in document(resnet)["layers"]}
    last, pooled = layers["layer4.2.add"]["receptive_field"]["image"], layers["fc"]["receptive_field"]["image"]

    assert last == {"size": [427, 427], "stride": [32, 32], "start": [-213, -213], "global": None}
    assert pooled == {"size": [224, 224], "stride": None, "start": [0, 0], "global": "avgpool"}


def test_a_stride_that_is_no_whole_number_is_also_given_exactly():
    text = "model M { input x: [1, 9, 9]  output x -> up: ConvTranspose2d(1, 3, stride=3) -> p: MaxPool2d(2) }"
    field = document(analyze(loads(text)))["layers"][-1]["receptive_field"]["x"]

    assert field["stride"] == [2 / 3, 2 / 3]
    assert field["stride_exact"] == ["2/3", "2/3"]


def test_sizes_that_are_left_open_are_texts():
    made = document(analyze(loads("model M { input x: [1, H, W]  output x -> c: Conv2d(2, 3, stride=2) }")))

    assert made["inputs"] == {"x": [1, "H", "W"]}
    assert made["layers"][0]["output"] == [2, "(H - 1)//2", "(W - 1)//2"]
    assert made["totals"]["macs"] is None


def test_csv_reads_back_as_the_layers(resnet):
    rows = list(csv.DictReader(StringIO(as_csv.render(resnet))))

    assert len(rows) == 175
    assert sum(int(row["macs"]) for row in rows) == 4_089_184_256
    assert rows[0]["output"] == "64×112×112"


HOSTILE = 'model M { input x: [1, 4, 4]  output x -> a_b: Conv2d(1, 1, padding_mode="reflect") -> p: MaxPool2d(2) }'


def test_markdown_rows_have_one_cell_a_heading_and_numbers_to_the_right():
    lines = markdown.render(analyze(loads(HOSTILE))).splitlines()
    table = [line for line in lines if line.startswith("|")]

    assert {len(re.split(r"(?<!\\)\|", line)) for line in table} == {9}
    assert "---:" in table[1]
    assert r"a\_b" in table[2]


def test_latex_escapes_what_would_be_a_command():
    text = latex.render(analyze(loads(HOSTILE)))

    assert r"a\_b" in text
    assert re.search(r"(?<!\\)_", text) is None
    assert text.count(r"\\") == 4  # headings, two layers, totals
    assert r"\toprule" in text


def test_the_notebook_shows_texts_and_no_markup_of_a_spec():
    text = notebook.render(analyze(loads(HOSTILE)))

    assert "&quot;reflect&quot;" in text
    assert text.count("<tr>") == 4


BAD = (
    "model M {\n  input x: [3, 8, 8]\n  # 😀\n  output x -> 😀\n}\n"
    "model N {\n  input x: [3, 8, 8]\n  output x -> a: Denze(3)\n}\n"
)


def found(text=BAD, name="a,b:c%.arch"):
    return check(Library().add(Source(name, text)))


def test_github_commands_escape_what_would_end_a_property():
    text = findings.github(found().diagnostics)

    assert text.count("\n") == len(found().diagnostics) == 2
    for line in text.splitlines():
        assert line.startswith("::error file=a%2Cb%3Ac%25.arch,line=")


def test_sarif_counts_columns_in_utf_16_and_names_its_rules():
    text = 'model M {\n  input x: [3, 8, 8]\n  output x -> a: Conv2d(8, 3, padding_mode="😀", strides=2)\n}\n'
    log = json.loads(findings.sarif(found(text).diagnostics))
    (run,) = log["runs"]
    (result,) = run["results"]
    region = result["locations"][0]["physicalLocation"]["region"]

    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "E0202"
    assert region["startColumn"] == text.split("\n")[2].index("strides") + 1 + 1  # the sign takes two units
    assert result["partialFingerprints"]


def test_concise_is_one_line_each():
    lines = findings.concise(found().diagnostics).splitlines()

    assert [line.split(": ")[0].rpartition(".arch:")[2] for line in lines] == ["4:15", "8:18"]


def test_questions_are_listed_apart():
    checked = found("model M { input x: [1, 4, 4]  output x -> ReLU }\ntest M { expect params == ? }\n", "net.arch")
    made = json.loads(findings.document([checked], checked.diagnostics))

    assert made["schema"] == "archdsl/diagnostics@1"
    assert made["questions"] == [{"path": "net.arch", "question": "params == ?"}]
    assert made["diagnostics"] == []
