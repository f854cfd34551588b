"""`archdsl exam check`: keys that are right, wrong, or right under another convention; notes; what goes wrong."""

import json

import pytest

from archdsl.cli import run

BLOCK = """\
exam: residual-block
conventions: {bias: counted, bn: trainable, work: macs}
problems:
  - id: r1
    net: |
      input x: [64, 56, 56]
      y = x -> c1: Conv2d(128, 3, stride=2, padding=1, bias=false) -> BatchNorm2d -> ReLU -> c2: Conv2d(128, 3, padding=1, bias=false) -> BatchNorm2d
      skip = x -> proj: Conv2d(128, 1, stride=2, bias=false) -> BatchNorm2d
      output z = y + skip -> ReLU
    parts:
      - {id: a, ask: shape, marks: 2, key: 128x28x28}
      - {id: b, ask: params, marks: 3, key: 230528}
      - {id: c, ask: buffers, marks: 1, key: 768}
      - {id: d, ask: macs, marks: 3, key: 359.7M}
      - {id: e, ask: receptive_field, marks: 1, key: 7}
"""

DRAWN = """\
exam: drawn
problems:
  - id: q
    draw: {k: [3, 5], o: [8, 16]}
    net: |
      input x: [3, 32, 32]
      output y = x -> c: Conv2d(o, k)
    parts:
      - {id: a, ask: params(c), key: k*k*3*o + o}
      - {id: b, ask: shape(c), key: o x 33-k x 33-k}
"""

NOTES = """\
# Notes

```arch
input x: [3, 32, 32]
output y = x -> a: Conv2d(64, 3, padding=1)
expect params(a) == 1792
expect receptive_field(a) == 4
```

```arch
model Tiny {
  input x: [3, 32, 32]
  output y = x -> a: Conv2d(8, 5)
}
test Tiny { expect params == 608 }
```
"""


@pytest.fixture
def checked(tmp_path, capsys):
    def run_on(text, *options, name="sheet.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        code = run(["exam", "check", str(path), *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_on


def test_wrong_keys_are_told_with_the_mistake_and_the_computed_value(checked):
    code, out, err = checked(BLOCK)
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("r1.")}
    assert (code, err) == (1, "")
    assert [lines[f"r1.{id}"].split()[2] for id in "abcde"] == ["ok", "WRONG", "ok", "NOTE", "ok"]
    assert "230,144" in lines["r1.b"]
    assert "(P17)" in out
    assert "179,830,784" in lines["r1.d"]
    assert "(C3/F01)" in out
    assert out.endswith("2 of 5 keys need attention.\n")


def test_right_keys_are_worth_the_exit_code_0(checked):
    code, out, _ = checked(BLOCK.replace("230528", "230144").replace("359.7M", "179.8M"))
    assert (code, out.splitlines()[-1]) == (0, "5 keys right.")


def test_a_sheet_without_keys_has_nothing_to_compare(checked):
    code, out, _ = checked(BLOCK.split("      - {id: b")[0].replace(", key: 128x28x28", ""))
    assert (code, out) == (0, "0 keys given, nothing to compare; 1 part.\n")


def test_keys_may_be_formulas_of_what_is_drawn(checked):
    code, out, _ = checked(DRAWN)
    assert (code, out.splitlines()[-1]) == (0, "2 keys right.")
    code, out, _ = checked(DRAWN.replace("k*k*3*o + o", "k*k*3*o"))
    assert code == 1
    assert "C4/P01" in out


def test_notes_prove_themselves(checked):
    code, out, _ = checked(NOTES, name="notes.md")
    assert code == 1
    assert "WRONG" in out
    assert "= 3" in out
    assert "1792" in out
    assert checked(NOTES.replace("== 4", "== 3"), name="notes.md")[0] == 0
    code, _, err = checked(NOTES.replace("== 4", "== 3").replace("608", "609"), name="notes.md")
    assert code == 1
    assert "608" in err
    assert "notes.md:15" in err


def test_one_answer_is_judged_on_the_command_line(checked):
    code, out, _ = checked(BLOCK, "--answer", "r1.b=230528")
    assert code == 1
    assert out.startswith("r1.b  230528  0/3  mistake P17")
    assert checked(BLOCK, "--answer", "r1.b=230144")[0] == 0


def test_the_report_is_data_where_that_is_asked_for(checked):
    code, out, _ = checked(BLOCK, "--format", "json")
    (sheet,) = json.loads(out)["sheets"]
    assert code == 1
    assert [key["status"] for key in sheet["keys"]] == ["right", "mistake", "right", "note", "right"]


MISUSES = [  # text, options, exit code, what is said
    (BLOCK, ("--answer", "r1.z=3"), 2, "no part `r1.z`"),
    (BLOCK, ("--answer", "r1.a"), 2, "PART=ANSWER"),
    (BLOCK.replace("ask: shape,", "ask: shape(c9),"), (), 1, "no layer, block or output `c9`"),
    (BLOCK.replace("Conv2d(128, 1", "Conv2d(127, 1"), (), 1, "error["),
    (BLOCK.replace("ask: params", "ask: parms"), (), 1, "did you mean `params`"),
    ("exam: [", (), 1, "E0711"),
]


@pytest.mark.parametrize(("text", "options", "code", "said"), MISUSES)
def test_what_is_wrong_with_a_sheet_is_told_with_its_place(checked, text, options, code, said):
    found, out, err = checked(text, *options)
    assert (found, said in err, out.strip()) == (code, True, "")


def test_a_sheet_that_is_not_there_is_a_misuse(capsys, tmp_path):
    (tmp_path / "sheet.yaml").write_text(BLOCK)
    assert run(["exam", "check", str(tmp_path / "sheat.yaml")]) == 2
    assert "did you mean" in capsys.readouterr().err
