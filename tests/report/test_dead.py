"""The section on dead work, as it is read."""

from __future__ import annotations

import json

import pytest

from archdsl.analysis.dead import dead_work
from archdsl.report.dead import MOST_ROWS, WIDTH, as_dict, render
from oracles.networks import bundled, chain, written


def test_a_late_stride_is_a_table_and_a_sentence():
    text = "a: Conv1d(2, 3, padding=1) -> ReLU -> b: Conv1d(2, 1, stride=2)"

    # 2 · 3 · 5 + 2 · 2 · 3 MACs; of 5 positions two are not read, in two layers of two channels.
    assert render(dead_work(chain(text, 1, 5))) == (
        "  Dead work   12 of 42 MACs (28.57 %) and 8 of 26 activations are for positions that nothing reads\n"
        "  Layer  Output    Live  Dead MACs    Share\n"
        " ───────────────────────────────────────────\n"
        "  a         2×5  3 of 5         12  28.57 %\n"
        "  relu      2×5  3 of 5\n"
        "  Move the stride earlier: a takes stride 2 in place of 1; b takes stride 1 in place of 2. In\n"
        "    evaluation this is the same function of the same weights, with 12 MACs fewer.\n"
    )


def test_where_all_is_read_there_is_one_sentence():
    assert render(dead_work(bundled("ResNet50"))) == "  Dead work   none: every position of every map is read\n"


def test_where_not_all_is_followed_the_report_says_so():
    text = render(dead_work(chain("PixelShuffle(2) -> Conv2d(2, 1)", 8, 4, 4)))

    assert text.startswith("  Dead work   none was found. There may be more:")


# fmt: off
INPUTS = [
    # name                 pipeline                                         shape          what is said
    ("the last row",       "MaxPool2d(2)",                                  (1, 5, 4),     "4 of the 20 pixels of the input `x`: the last row."),
    ("rows and columns",   "ZeroPad2d((-1, 0, -2, -3))",                    (1, 9, 4),     "24 of the 36 pixels of the input `x`: the first 2 rows, the last 3 rows and the first column."),
    ("every second",       "Conv1d(1, 1, stride=2)",                        (1, 6),        "3 of the 6 positions of the input `x`: the last position and 2 positions between others."),
    ("slices",             "Conv3d(1, 1, stride=(2, 1, 1))",                (1, 3, 2, 2),  "4 of the 12 positions of the input `x`: 1 slice between others."),
]
# fmt: on


@pytest.mark.parametrize(("text", "shape", "said"), [c[1:] for c in INPUTS], ids=[c[0] for c in INPUTS])
def test_positions_of_an_input_are_named_by_where_they_lie(text, shape, said):
    shown = render(dead_work(chain(text, *shape)))

    assert f"Nothing reads {said}" in " ".join(shown.split())


def test_the_corners_beside_a_cross_are_others():
    text = """model Net { input x: [1, 3, 3]
      output a = crop(x, top=1, bottom=1)
      output b = crop(x, left=1, right=1) }"""

    assert "Nothing reads 4 of the 9 pixels of the input `x`: 4 others." in render(dead_work(written(text)))


def test_an_input_that_nobody_reads_is_named():
    found = dead_work(chain("Conv1d(1, 1, stride=9, padding=1)", 1, 4))

    assert "  Nothing reads the input `x`.\n" in render(found)


def test_long_tables_keep_the_layers_with_the_most_dead_work_in_order():
    text = render(dead_work(bundled("ResNet50V1")))
    rows = [line.split()[0] for line in text.splitlines() if line.startswith("  layer")]
    order = [one.node.id for one in dead_work(bundled("ResNet50V1")).nodes]

    assert len(rows) == MOST_ROWS == 20
    assert rows == sorted(rows, key=order.index)
    assert "\n  and 1 more layer with less\n" in text
    assert set(rows) >= {f"{block}.conv{i}" for block in ("layer1.2", "layer2.3", "layer3.5") for i in (2, 3)}


def test_a_rewrite_of_resnet_v1_names_every_layer():
    text = " ".join(render(dead_work(bundled("ResNet50V1"))).split())

    assert (
        "Move the stride earlier: layer1.2.conv2 takes stride 2 in place of 1; layer2.0.conv1 and "
        "layer2.0.downsample.0 take stride 1 in place of 2; MaxPool2d(1, stride=2) stands between layer1.1.relu#2 "
        "and layer1.2.add. In evaluation this is the same function of the same weights, with 125,239,296 MACs fewer."
    ) in text


def test_many_rewrites_are_cut():
    """Each pair of layers stands apart: the padding behind it lets no stride pass."""
    text = "(Conv1d(1, 3, padding=1) -> Conv1d(1, 1, stride=2) -> ZeroPad1d((9, 0))) * 22"
    shown = render(dead_work(chain(text, 1, 40)))

    assert shown.count("Move the stride earlier") == MOST_ROWS
    assert "\n  and 2 more rewrites\n" in shown


def test_lines_stay_within_the_width_unless_a_name_is_longer():
    assert max(map(len, render(dead_work(bundled("ResNet50V1"))).splitlines())) <= WIDTH


def test_the_dictionary_is_json_of_whole_numbers_and_texts():
    made = as_dict(dead_work(chain("a: Conv1d(2, 3, padding=1) -> b: Conv1d(2, 1, stride=2)", 1, 5)))

    assert json.loads(json.dumps(made)) == made
    sentences = [one.pop("sentence") for one in made["rewrites"]]
    assert sentences[0].startswith("Move the stride earlier: a takes")
    assert made == {
        "macs": 42,
        "dead_macs": 12,
        "activations": 16,
        "dead_activations": 4,
        "exact": True,
        "inputs": {"x": {"positions": 5, "dead": 0}},
        "layers": [
            {
                "path": "a",
                "call": 0,
                "op": "Conv1d",
                "output": [2, 5],
                "positions": 5,
                "dead": 2,
                "macs": 30,
                "dead_macs": 12,
                "exact": True,
            }
        ],
        "rewrites": [
            {
                "strides": [
                    {"path": "a", "before": [1], "after": [2]},
                    {"path": "b", "before": [2], "after": [1]},
                ],
                "subsampled": [],
                "saved_macs": 12,
            }
        ],
    }
