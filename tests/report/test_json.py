"""The JSON of an analysis on real networks: published numbers, stable bytes, and what it says of a broken spec."""

import json
import os
import subprocess
import sys
from fractions import Fraction

import pytest

from archdsl import SpecError, analyze, load, loads
from archdsl.elaborate import Library
from archdsl.pipeline import check, network, read
from archdsl.report.json import diagnostic, document, failure, render
from archdsl.source import Source

# fmt: off
PUBLISHED = [  # file, model, params, MACs, layers: He et al. and torchvision's tables, LeCun et al. by hand
    ("lenet",     "LeNet5",      61_706,     416_520,       12),
    ("resnet",    "ResNet18",    11_689_512, 1_814_073_344, 69),
    ("resnet",    "ResNet50",    25_557_032, 4_089_184_256, 175),
    ("densenet",  "DenseNet121", 7_978_856,  2_834_161_664, None),
    ("googlenet", "GoogLeNet",   13_004_888, 1_498_376_192, None),
]
# fmt: on


def spec(request, file):
    return request.config.rootpath / "specs" / f"{file}.arch"


@pytest.fixture(params=PUBLISHED, ids=[row[1] for row in PUBLISHED])
def published(request):
    file, model, *numbers = request.param
    return document(analyze(load(spec(request, file), model))), *numbers


def test_published_totals_are_the_sums_of_the_layers(published):
    made, params, macs, count = published
    layers = made["layers"]

    assert made["totals"]["params"] == sum(layer["params"] for layer in layers) == params
    assert made["totals"]["macs"] == sum(layer["macs"] for layer in layers if not layer["training_only"]) == macs
    assert made["totals"]["flops"] == 2 * macs
    assert made["totals"]["weight_bytes"] == 4 * params
    assert made["totals"]["buffers"] == sum(layer["buffers"] for layer in layers)
    assert count in (None, len(layers))


def test_every_value_of_a_layer_has_the_type_the_contract_gives_it(published):
    made = published[0]
    known = set(made["inputs"])

    assert len({(layer["path"], layer["call"]) for layer in made["layers"]}) == len(made["layers"])
    for layer in made["layers"]:
        assert all(type(layer[key]) is str and layer[key] for key in ("path", "id", "op", "source"))
        assert all(type(layer[key]) is int and layer[key] >= 0 for key in ("call", "params", "trainable", "buffers"))
        assert all(type(layer[key]) is int and layer[key] >= 0 for key in ("macs", "activation_bytes"))
        assert layer["module"] in (None, layer["path"])
        assert all(type(size) is int for size in layer["output"])
        assert set(layer["inputs"]) <= known, "a layer reads what ran before it"
        assert layer["span"]["start"]["line"] <= layer["span"]["end"]["line"]
        known.add(layer["id"])


def test_weights_come_to_the_params_of_their_layer(published):
    for layer in published[0]["layers"]:
        elements = 0
        for shape in layer["weights"].values():
            count = 1
            for size in shape:
                count *= size
            elements += count
        assert elements == layer["params"]


def test_every_receptive_field_has_one_number_an_axis_or_names_what_made_it_global(published):
    made = published[0]
    paths = {layer["path"] for layer in made["layers"]}

    for layer in made["layers"]:
        for name, field in layer["receptive_field"].items():
            assert len(field["size"]) == len(field["start"]) == 2
            if field["global"] is None:
                assert all(type(stride) is int for stride in field["stride"])
            else:
                assert field["global"] in paths
                assert (field["stride"], field["size"]) == (None, made["inputs"][name][1:])


def test_lenet_has_the_fields_worked_by_hand(request):
    layers = {layer["id"]: layer for layer in document(analyze(load(spec(request, "lenet"))))["layers"]}

    # 1 + 4 = 5; pool: 5 + 1 = 6, stride 2; conv: 6 + 4·2 = 14; pool: 14 + 2 = 16, stride 4
    assert layers["conv2"]["receptive_field"]["image"] == {
        "size": [14, 14], "stride": [2, 2], "start": [0, 0], "global": None,
    }  # fmt: skip
    assert layers["avgpool#1"]["receptive_field"]["image"]["size"] == [16, 16]
    assert layers["fc1"]["receptive_field"]["image"]["global"] == "fc1"
    assert layers["conv2"]["weights"] == {"weight": [16, 6, 5, 5], "bias": [16]}


@pytest.mark.parametrize("arguments", [("googlenet", "GoogLeNet"), ("unet", "UNet")])
def test_fresh_processes_with_other_hashes_write_the_same_bytes(request, arguments):
    file, model = arguments
    command = [sys.executable, "-m", "archdsl", "analyze", str(spec(request, file)), "--model", model]

    def run(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "cp1252" if seed == "2" else "utf-8"}
        made = subprocess.run(
            [*command, "--format", "json"], cwd=request.config.rootpath, env=environment, capture_output=True
        )
        assert (made.returncode, made.stderr) == (0, b"")
        return made.stdout.replace(b"\r\n", b"\n")

    assert run("1") == run("2") == render(analyze(load(spec(request, file), model))).encode("ascii")


def test_the_text_reads_back_as_the_document(request):
    analysis = analyze(load(spec(request, "unet"), "UNet"))

    assert json.loads(render(analysis)) == document(analysis)
    assert render(analysis).endswith("}\n")


def test_an_exact_stride_is_the_number_beside_it(request):
    text = "model M { input x: [1, 9, 9]  output x -> u: ConvTranspose2d(1, 3, stride=3) -> p: AvgPool2d(2) }"
    field = document(analyze(loads(text)))["layers"][1]["receptive_field"]["x"]

    assert [float(Fraction(exact)) for exact in field["stride_exact"]] == field["stride"]


def test_each_call_of_a_shared_layer_is_a_row_and_only_the_first_brings_weights():
    text = "model M { input x: [4, 8, 8]  share f = Conv2d(4, 3, padding=1)  a = x -> f  b = a -> f  output a + b }"
    first, second, add = document(analyze(loads(text)))["layers"]

    assert [(one["path"], one["call"], one["id"]) for one in (first, second)] == [("f", 0, "f"), ("f", 1, "f#1")]
    assert (first["params"], second["params"], second["weights"]) == (4 * 4 * 9 + 4, 0, {})
    assert first["macs"] == second["macs"] == 4 * 8 * 8 * 4 * 9
    assert add["inputs"] == ["f", "f#1"]


def test_a_layer_of_an_imported_block_names_the_file_of_its_span(tmp_path):
    (tmp_path / "parts.arch").write_text("\n\nblock Part { input x: [c, h, w]  output x -> conv: Conv2d(c, 3) }\n")
    (tmp_path / "net.arch").write_text(
        "from parts import Part\nmodel M { input x: [4, 8, 8]  output x -> a: Part -> b: ReLU }\n"
    )
    inner, outer = document(analyze(load(tmp_path / "net.arch")))["layers"]

    parts = (tmp_path / "parts.arch").as_posix()  # called as the file that imports it is

    assert (inner["path"], inner["source"], inner["span"]["start"]["line"]) == ("a.conv", parts, 3)
    assert outer["source"].endswith("net.arch")


BROKEN = """model M {
  input x: [3, 8, 8]
  a = x -> first: Conv2d(8, 3)
  b = a -> second: Cnv2d(8, 3)
  output b -> third: ReLU
}
"""


def test_a_broken_network_shows_what_could_be_built_and_says_that_it_is_not_all():
    module = Library().add(Source("net.arch", BROKEN))
    made = document(network(module, None).examine())

    assert made["complete"] is False
    assert [layer["path"] for layer in made["layers"]] == ["first"]
    assert [one["code"] for one in made["diagnostics"]] == ["E0201"]


def test_a_file_without_a_model_that_can_be_built_leaves_its_diagnostics(tmp_path):
    path = tmp_path / "empty.arch"
    path.write_text("# nothing\n")
    with pytest.raises(SpecError) as raised:
        network(read(path, "empty.arch"), None)
    made = json.loads(failure("empty.arch", raised.value.diagnostics))

    assert (made["schema"], made["complete"], made["layers"]) == ("archdsl/analysis@1", False, [])
    assert len(made["diagnostics"]) == 1


def apply(text, edits):
    """Return a text with edits made as an editor would, by line and column."""
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]
    for edit in sorted(edits, key=lambda edit: edit["span"]["start"]["line"], reverse=True):
        first, last = edit["span"]["start"], edit["span"]["end"]
        start, end = starts[first["line"] - 1] + first["column"] - 1, starts[last["line"] - 1] + last["column"] - 1
        text = text[:start] + edit["replacement"] + text[end:]
    return text


def test_a_fix_that_is_applied_by_its_lines_and_columns_mends_the_text():
    (found,) = check(Library().add(Source("net.arch", BROKEN))).diagnostics
    made = diagnostic(found)
    (fix,) = made["fixes"]

    assert made["span"] == {"start": {"line": 4, "column": 20}, "end": {"line": 4, "column": 31}}
    assert (made["severity"], made["rule"], made["path"]) == ("error", "unknown-layer", "net.arch")
    assert fix["edits"][0]["path"] == "net.arch"
    assert apply(BROKEN, fix["edits"]) == BROKEN.replace("Cnv2d", "Conv2d")


def test_a_problem_inside_a_block_carries_both_operands_and_the_way_to_it():
    text = (
        "block Part {\n  input x: [c, h, w]\n  y = x -> conv: Conv2d(c, 3)\n  output x + y\n}\n"
        "model M {\n  input x: [4, 8, 8]\n  output x -> a: Part -> b: Part\n}\n"
    )
    made = [diagnostic(one) for one in check(Library().add(Source("net.arch", text))).diagnostics]

    assert made[0]["code"] == "E0301"
    assert [one["span"]["start"]["line"] for one in made[0]["related"]] == [7, 3]  # where each was born
    assert ["[4, 8, 8]" in one["message"] or "[4, 6, 6]" in one["message"] for one in made[0]["related"]] == [True] * 2
    assert [one["span"]["start"]["line"] for one in made[0]["frames"]] == [8]
