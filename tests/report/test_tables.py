"""The tables for spreadsheets, Markdown, LaTeX and notebooks: every layer, exact numbers, texts that stay texts."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest

from archdsl import analyze, load, loads
from archdsl.elaborate import Library
from archdsl.pipeline import network
from archdsl.report import csv as as_csv
from archdsl.report import latex, markdown, notebook
from archdsl.report.table import COLUMNS, records
from archdsl.source import Source

HOSTILE = "a|b\n<script>alert('&')</script> \\input{x} $x_1^2$ 50% #1 ~ `c` *d* [e](f) \"g\""
SMALL = "model M { input x: [1, 4, 4]  output x -> c: Conv2d(2, 3) }"
TWO = "model M { input a: [1, 8, 8]  input b: [1, 8, 8]  output (a -> c: Conv2d(1, 3, padding=1)) + b }"


@pytest.fixture(scope="module")
def hostile():
    return replace(analyze(loads(SMALL)), model=HOSTILE)


@pytest.fixture(scope="module")
def googlenet(request):
    return analyze(load(request.config.rootpath / "specs" / "googlenet.arch", "GoogLeNet"))


@pytest.fixture(scope="module")
def broken():
    text = "model M {\n  input x: [3, 8, 8]\n  a = x -> c: Conv2d(8, 3)\n  output a -> d: Cnv2d(1)\n}\n"
    return network(Library().add(Source("net.arch", text)), None).examine()


def rows_of_markdown(analysis):
    lines = [line for line in markdown.render(analysis).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_csv_gives_each_number_as_digits_and_reads_back_as_the_records(googlenet):
    rows = list(csv.DictReader(StringIO(as_csv.render(googlenet))))
    made = records(googlenet)

    assert tuple(rows[0]) == tuple(made[0]) == COLUMNS
    assert [row["path"] for row in rows] == [record["path"] for record in made]
    assert sum(int(row["params"]) for row in rows) == 13_004_888
    assert sum(int(row["macs"]) for row in rows if row["training_only"] == "False") == 1_498_376_192


def test_csv_has_the_columns_that_are_asked_for_in_that_order():
    assert as_csv.render(analyze(loads(SMALL)), ["macs", "path"]) == "macs,path\n72,c\n"  # 2·2·2 outputs of 9 taps
    with pytest.raises(KeyError, match="mac"):
        as_csv.render(analyze(loads(SMALL)), ["mac"])


def test_csv_of_open_sizes_leaves_what_is_not_known_empty():
    text = as_csv.render(analyze(loads("model M { input x: [1, H, W]  output x -> c: Conv2d(2, 3) }")))
    (row,) = csv.DictReader(StringIO(text))

    assert (row["output"], row["params"], row["macs"], row["activation_bytes"]) == ("2×(H - 2)×(W - 2)", "20", "", "")


def test_csv_of_a_network_without_layers_still_has_headings():
    assert as_csv.render(analyze(loads("model M { input x: [1, 4, 4]  output x }"))) == ",".join(COLUMNS) + "\n"


def test_markdown_groups_thousands_and_ends_in_the_totals(googlenet):
    rows = rows_of_markdown(googlenet)

    assert rows[0] == ["Layer", "Op", "Output", "Params", "MACs", "RF", "Stride"]
    assert rows[2][:5] == ["conv1.conv", r"Conv2d(64, 7, stride=2, padding=3, bias=false)", "64×112×112", "9,408",
                           "118,013,952"]  # fmt: skip
    assert rows[-1] == ["**total**", "", "", "**13,004,888**", "**1,498,376,192**", "", ""]
    assert len(rows) == len(googlenet.layers) + 3


def test_layers_of_training_are_marked_and_their_place_in_the_totals_is_said(googlenet):
    text = markdown.render(googlenet)

    assert "| aux1.fc2 (training) |" in text
    assert "not in that of MACs" in text
    assert "(training)" not in markdown.render(analyze(loads(SMALL)))


def test_two_inputs_share_a_cell():
    rows = rows_of_markdown(analyze(loads(TWO)))

    assert {len(row) for row in rows} == {7}
    assert rows[-2][5:] == [r"3 \| 1", "1"]


@pytest.mark.parametrize("render", [markdown.render, latex.render, notebook.render])
def test_every_table_says_what_a_mac_is_and_when_it_is_not_the_whole_network(broken, hostile, render):
    assert "multiply-add" in render(broken)
    assert "total (incomplete)" in render(broken)
    assert "incomplete" not in render(hostile)


def test_a_hostile_name_stays_on_its_line_of_markdown(hostile):
    first, empty, *_ = markdown.render(hostile).splitlines()

    assert empty == ""
    assert re.search(r"(?<!\\)[|<>`$&~\[\]]", first) is None
    assert re.sub(r"\\(.)", r"\1", first) == f"**{' '.join(HOSTILE.split())}, input 1×4×4, batch 1, float32**"


def test_a_hostile_name_is_text_for_latex(hostile):
    caption = next(line for line in latex.render(hostile).splitlines() if "caption" in line)
    inside = caption.strip().removeprefix(r"\caption{").removesuffix("}")
    commands = set(re.findall(r"\\([A-Za-z]+)", inside))

    assert commands <= {"textbackslash", "times", "textasciicircum", "textasciitilde", "textless", "textgreater",
                        "textquotedbl"}  # fmt: skip
    assert re.search(r"(?<!\\)[%#&]", inside) is None
    assert inside.count("{") - inside.count(r"\{") == inside.count("}") - inside.count(r"\}")
    assert inside.replace(r"\$", "").count("$") % 2 == 0


def test_a_table_longer_than_a_page_is_broken_over_pages(googlenet, hostile):
    long, short = latex.render(googlenet), latex.render(hostile)

    assert long.count(r"\begin{longtable}") == long.count(r"\end{longtable}") == 1
    assert long.splitlines()[0] == r"% needs \usepackage{booktabs,longtable} and \usepackage[T1]{fontenc}"
    assert r"\begin{table}" not in long
    assert "longtable" not in short
    assert re.search(r"(?<!\\)_", long) is None


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.said = [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def test_a_hostile_name_is_text_in_a_notebook(hostile):
    made = Tags(notebook.render(hostile))

    assert made.open == []
    assert made.seen == {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "p"}
    assert made.said[0].startswith(" ".join(HOSTILE.split()))


def test_a_notebook_takes_its_colours_from_around_it(googlenet):
    text = notebook.render(googlenet)

    assert "color" not in text
    assert "background" not in text
    assert "src=" not in text
    assert text.count("<tr>") == len(googlenet.layers) + 2
