"""The package from Python: what is loaded, raised and shown."""

import json

import pytest

import archdsl

NET = """
model Net(classes: int = 10, widths: list[int] = [8, 16]) {
    input image: [3, H = 32, W = 32]
    y = image -> for (i, n) in enumerate(widths) { "conv{i+1}": Conv2d(n, 3, padding=1) -> ReLU }
    output logits = y -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(classes)
}
"""


def test_every_public_name_is_there_and_nothing_else_is():
    for name in archdsl.__all__:
        assert getattr(archdsl, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        archdsl.analyse  # noqa: B018


@pytest.mark.parametrize("path", ["resnet.arch", "resnet", "specs/resnet.arch"])
def test_a_bundled_model_is_loaded_by_path_or_by_name(path, request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    network = archdsl.load(path, model="ResNet50", classes=10)

    # 25,557,032 with 1,000 classes, each of 2,048 weights and a bias
    assert archdsl.analyze(network).totals.params == 25_557_032 - 990 * 2_049


def test_parameters_and_sizes_are_given_by_name():
    network = archdsl.loads(NET, widths=[4], classes=3, H=16)
    totals = archdsl.analyze(network).totals

    assert totals.params == 4 * 3 * 9 + 4 + 3 * 4 + 3
    assert totals.macs == 4 * 16 * 32 * 27 + 12


def test_sizes_batch_and_dtype_are_those_of_the_analysis():
    network = archdsl.loads(NET)
    small = archdsl.analyze(network, sizes={"H": 8, "W": 8}, batch=4, dtype="float16")
    shaped = archdsl.analyze(network, sizes={"image": (3, 8, 8)}, batch=4, dtype="float16")

    assert small.totals == shaped.totals
    assert small.layers[0].activation_bytes == 4 * 8 * 8 * 8 * 2
    # conv2 reads 8 maps of 8×8 and makes 16; its ReLU holds 16 and 16
    assert small.totals.peak_activation_bytes == 4 * (16 + 16) * 64 * 2


def test_all_diagnostics_come_in_one_exception():
    text = "model M {\n  input x: [3, 8, 8]\n  y = x -> a: Conv2d(8, 99)\n  z = x -> b: Dense(3)\n  output y + z\n}\n"
    with pytest.raises(archdsl.SpecError) as raised:
        archdsl.loads(text)

    assert [d.code for d in raised.value.diagnostics] == ["E0303", "E0201"]
    assert "Conv2d(8, 99)" in str(raised.value)


def test_a_size_at_which_the_network_fails_raises_too():
    network = archdsl.loads("model M {\n  input x: [3, H = 32, W = 32]\n  output x -> conv: Conv2d(8, 5)\n}\n")

    with pytest.raises(archdsl.SpecError, match="E0303"):
        archdsl.analyze(network, sizes={"H": 4, "W": 32})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "Nett"}, "no model `Nett`"),
        ({"clases": 3}, "no parameter or size `clases`"),
    ],
)
def test_what_does_not_exist_is_misuse(arguments, said):
    with pytest.raises(archdsl.UsageError, match=said):
        archdsl.loads(NET, **arguments).graph  # noqa: B018


def test_json_is_the_document_and_the_dataframe_has_a_row_a_layer():
    analysis = archdsl.analyze(archdsl.loads(NET))
    frame = analysis.to_dataframe()

    assert json.loads(analysis.to_json()) == json.loads(json.dumps(analysis.to_dict()))
    assert list(frame["path"]) == [layer.path for layer in analysis.layers]
    assert frame["params"].sum() == analysis.totals.params


def test_the_text_and_the_notebook_say_the_totals():
    analysis = archdsl.analyze(archdsl.loads(NET))

    assert f"{analysis.totals.params:,}" in str(analysis)
    assert repr(analysis) == str(analysis)
    assert f"{analysis.totals.params:,}" in analysis._repr_html_()


def test_networkx_gets_shapes_and_costs_on_its_nodes():
    graph = archdsl.loads(NET).to_networkx()

    assert graph.nodes["conv1"]["shape"] == (8, 32, 32)
    assert graph.nodes["conv1"]["params"] == 8 * 27 + 8
    assert graph.nodes["conv1"]["macs"] == 8 * 32 * 32 * 27
    assert list(graph.successors("image")) == ["conv1"]


def test_shared_weights_count_once_and_each_call_has_a_row():
    analysis = archdsl.analyze(
        archdsl.loads(
            "model M {\n  input x: [4, 8, 8]\n  share f = Conv2d(4, 3, padding=1)\n"
            "  a = x -> f\n  b = a -> f\n  output a + b\n}\n"
        )
    )

    assert [(layer.path, layer.call) for layer in analysis.layers] == [("f", 0), ("f", 1), ("add", 0)]
    assert analysis.totals.params == 4 * 4 * 9 + 4
    assert analysis.totals.macs == 2 * 4 * 64 * 36
    assert sum(layer.params for layer in analysis.layers) == analysis.totals.params
