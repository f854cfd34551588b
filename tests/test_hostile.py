"""Texts made to exhaust or to break whoever reads them: each is answered in seconds, in bounded memory, at its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 15
"""Of one core, so that a busy machine makes no difference."""
MOST_BYTES = 3 * 2**29

PROBE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
from archdsl import pipeline
from archdsl.diagnostics import concise, render
module = pipeline.read(sys.argv[1], "x.arch")
found = pipeline.check(module).diagnostics
if not any(d.severity == "error" for d in found):
    pipeline.network(module, None).examine()
text = [render(d) + concise(d) for d in found]
errors = [[d.code, d.span.line, d.span.column] for d in found if d.severity == "error"]
sys.stdout.write(json.dumps({"first": errors[:1], "count": len(errors), "longest": max(map(len, text), default=0)}))
"""


def answer(path: Path) -> dict:
    """Return what a fresh interpreter with little memory finds in a file."""
    command = [sys.executable, "-c", PROBE, str(path), str(MOST_BYTES), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, timeout=10 * SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    return json.loads(done.stdout)


def model(body: str, size: str = "[3, 8, 8]", before: str = "") -> str:
    """Return a model whose body begins on the third line, in column 3."""
    return f"{before}model M {{\n  input x: {size}\n  {body}\n}}\n"


def doubling(last: str, times: int = 60) -> str:
    return "".join(f"seq B{i} = B{i + 1} -> B{i + 1}\n" for i in range(times)) + f"seq B{times} = {last}\n"


N = 100_000
RELU = "output x -> ReLU"
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
NESTED_LETS = "let L0 = [1]\nlet K0 = [1]\n" + "".join(
    f"let L{i + 1} = [L{i}, L{i}]\nlet K{i + 1} = [K{i}, K{i}]\n" for i in range(60)
)

# The place of the first error: code, line, column; `None` where there is none.
# fmt: off
CASES = [
    # Brackets. The 65th is refused.
    ("round brackets",              "(" * N + ")" * N,                                      ("E0501", 1, 65)),
    ("square brackets",             "[" * N + "]" * N,                                      ("E0501", 1, 65)),
    ("braces",                      "{" * N + "}" * N,                                      ("E0501", 1, 65)),
    ("all brackets in turn",        "([{" * N + "}])" * N,                                  ("E0501", 1, 65)),
    ("brackets in a value",         model("let n = " + "(" * N + "1" + ")" * N),            ("E0501", 3, 74)),
    ("brackets that stay open",     model("output " + "(" * N),                             ("E0501", 3, 73)),
    ("brackets in a text",          model(f'require 1 == 1, "{"(" * N}"\n{RELU}'),          None),
    ("brackets in a comment",       model(f"# {'(' * N}\n{RELU}"),                          None),
    ("brackets in a label",         model(f'output x -> "a{{{"(" * 5000}": ReLU'),          ("E0105", 3, 17)),
    ("braces in a label",           model(f'output x -> "{"{" * N}": ReLU'),                ("E0105", 3, 16)),
    # Numbers.
    ("a loop of 10^12",             model("output x -> for i in range(10**12) { ReLU }"),   ("E0504", 3, 24)),
    ("a loop of 10^12 statements",  model(f"for i in range(10**12) {{ y = x -> ReLU }}\n{RELU}"), ("E0504", 3, 12)),
    ("10^30 channels",              model("output x -> c: Conv2d(10**30, 3)"),              ("E0503", 3, 25)),
    ("10^30 channels, written out", model(f"output x -> c: Conv2d(1{'0' * 30}, 3)"),        ("E0503", 3, 25)),
    ("10^30 channels of the input", model(RELU, f"[1{'0' * 30}, 8, 8]"),                    ("E0503", 2, 13)),
    ("a number of 900,000 digits",  model(f"let n = {'9' * 900_000}\n{RELU}"),              ("E0503", 3, 11)),
    ("a float beyond floats",       model("output 1e400 * x"),                              ("E0503", 3, 10)),
    ("a suffix beyond floats",      model(f"let a = 1e308G\n{RELU}"),                       ("E0503", 3, 11)),
    ("a tower of powers",           model(f"let n = 2{'**2' * 60}\n{RELU}"),                ("E0503", 3, None)),
    ("a billionth power",           model(f"let n = 3**10**9\n{RELU}"),                     ("E0503", 3, 11)),
    ("a million decimals",          model(f"let n = round(1.5, 10**6)\n{RELU}"),            ("E0213", 3, 11)),
    ("a repetition of 10^11",       model("output x -> ReLU * 100_000_000_000"),            ("E0504", 3, 22)),
    ("repetitions of repetitions",  model("output x -> ((ReLU * 0) * 100_000) * 100_000"),  ("E0505", 3, None)),
    ("a range of 10^12 as a list",  model(f"let l = range(10**12) + [1]\n{RELU}"),          ("E0504", 3, 11)),
    ("a range as an argument",      model("output x -> c: Conv2d(3, range(10**12))"),       ("E0504", 3, 28)),
    ("ranges of 10^12, compared",   model(f"require range(10**12) == range(10**12)\n{RELU}"), None),
    ("a range that has no length",  model(f"let n = len(range(-2**62, 2**62))\n{RELU}"),    ("E0213", 3, 15)),
    # Growth.
    ("a layer, doubled 60 times",   model("output x -> b: B0", before=doubling("ReLU")),    ("E0505", None, None)),
    ("nothing, doubled 60 times",   model("output x -> b: B0", before=doubling("if false { ReLU }")), ("E0505", None, None)),
    ("a mistake, doubled 60 times", model("output x -> b: B0", before=doubling("Cnv2d(3)")), ("E0201", 61, 11)),
    ("with open sizes",             model("output x -> b: B0", "[3, H, W]", doubling("ReLU", 12)), None),
    ("a list, doubled 60 times",    model("output x -> for i in L60 { ReLU }", before="let L0 = [1]\n" + "".join(
        f"let L{i + 1} = L{i} + L{i}\n" for i in range(60))),                               ("E0504", 18, 11)),
    ("lists in lists, compared",    model(f"require L60 == K60\n{RELU}", before=NESTED_LETS), ("E0504", None, None)),
    ("lists in lists, in a label",  model('output x -> "a{L60}": ReLU', before=NESTED_LETS), ("E0504", None, None)),
    ("loops in loops",              model(f"{'for i in range(10) { ' * 60}x = x -> ReLU{' }' * 60}\noutput x"), ("E0505", 3, None)),
    ("loops over nothing",          model(f"{'for i in range(99) { ' * 60}{' }' * 60}\n{RELU}"), ("E0505", 3, None)),
    ("long lists in a loop",        model(f"for i in range(99999) {{ let s = sum(range(99999)) }}\n{RELU}"), ("E0505", 3, 35)),
    ("everything joined each time", model("for i in range(9999) { y[i] = x -> ReLU }  for i in range(9999) { z[i] = concat(y) }"
                                          "  output concat(z)"),                            ("E0505", 3, None)),
    ("a mistake in a loop",         model(f"for i in range(99999) {{ y = x -> Cnv2d(3) }}\n{RELU}"), ("E0505", 3, 3)),
    ("a billion pieces",            model("a, b = split(x, 10**9)\noutput a", "[1_000_000_000, 8, 8]"), ("E0504", 3, 10)),
    ("20,000 axes",                 model(RELU, f"[{'2, ' * 20_000}]"),                     ("E0504", 2, 3)),
    # Depth.
    ("a long sum",                  model(f"let n = 1{' + 1' * N}\n{RELU}"),                ("E0501", 1, 7)),
    ("many signs",                  model(f"let n = {'-' * N}1\n{RELU}"),                   ("E0501", 1, 7)),
    ("many conditions",             model(f"require {'true and ' * N}true\n{RELU}"),        ("E0501", 1, 7)),
    ("a long sum in a test",        model(RELU) + f"test M {{ expect params == 0{' + 1' * N} }}\n", ("E0501", 5, 10)),
    ("else after else",             model(f"if false {{ }}{' else if false { }' * 9999}\n{RELU}"), ("E0501", 1, 7)),
    ("blocks in blocks",            model("output x -> B0", before="".join(
        f"seq B{i} = B{i + 1}\n" for i in range(999)) + "seq B999 = ReLU\n"),               ("E0501", None, None)),
    ("names after names",           model(f"let n = a9999\n{RELU}", before="let a0 = 1\n" + "".join(
        f"let a{i + 1} = a{i} + 1\n" for i in range(9999))),                                ("E0501", 10_001, 7)),
    ("a path without end",          model("output x -> b: B0", before="".join(
        f"seq B{i} = {'a' * 90}: B{i + 1}\n" for i in range(90)) + "seq B90 = r: ReLU\n"),  ("E0501", None, None)),
    # Length.
    ("50,000 arrows",               model("output x" + " -> ReLU" * 50_000),                None),
    ("a text of 900,000",           model(f'require 1 == 2, "{"a" * 900_000}"\n{RELU}'),    ("E0307", 3, 11)),
    ("a label of 900,000",          model(f"output x -> {'a' * 900_000}: ReLU"),            ("E0205", 3, 15)),
    ("a computed label",            model(f'output x -> "{"a{1}" * 20_000}": ReLU'),        ("E0205", 3, 15)),
    ("a module of 10,000 letters",  model(RELU, before=f"from {'a' * 10_000} import b\n"),  ("E0603", 1, 1)),
    ("spaces before a mistake",     model(f"{'a' * 99_999}{' ' * 99_999}!"),                ("E0101", 3, 200_001)),
    ("2 MB",                        model(RELU) + "#" * 2_000_000,                          ("E0502", 1, 1)),
    # Many mistakes.
    ("10,000 broken models",        "".join(f"model M{i} {{ output -> }}\n" for i in range(10_000)), ("E0101", 1, 19)),
    ("20,000 broken statements",    model("".join(f"y{i} = x -> -> ReLU\n" for i in range(20_000)) + RELU), ("E0101", 3, 13)),
    ("20,000 unknown names",        model("".join(f"y{i} = z{i} -> ReLU\n" for i in range(20_000)) + RELU), ("E0207", 3, 8)),
    ("a keyword 100,000 times",     "model " * N,                                           ("E0101", 1, 11)),
    ("arrows only",                 "->" * N,                                               ("E0101", 1, 1)),
    # Sizes that are left open.
    ("many prime strides",          model("".join(f"x = x -> c{p}: Conv2d(3, {p}, stride={p})\n" for p in PRIMES) + "output x",
                                          "[3, H, W]"),                                     ("E0310", None, None)),
    ("prime strides, side by side", model("".join(f"y{p} = x -> MaxPool2d({p}) -> u{p}: ConvTranspose2d(3, {p}, stride={p})\n"
        for p in PRIMES) + "output x + " + " + ".join(f"y{p}" for p in PRIMES), "[3, H, W]"), ("E0301", None, None)),
    ("a huge stride",               model("output x -> c: Conv2d(3, 3, stride=1_000_003)", "[3, H, W]"), ("E0310", 3, 18)),
    ("a size divided by nothing",   model(f"let a = H // 0\n{RELU}", "[3, H, W]"),          ("E0213", 3, 11)),
    ("half a size",                 model(f"let a = H * 0.5\n{RELU}", "[3, H, W]"),         ("E0310", 3, 11)),
    # Files that are none.
    ("an empty file",               "",                                                     ("E0601", 1, 1)),
    ("spaces only",                 " \n" * N,                                              ("E0601", 1, 1)),
    ("one quotation mark",          model('output x -> "a: ReLU'),                          ("E0101", 3, 15)),
    ("a word",                      "hello\n",                                              ("E0101", 1, 1)),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_hostile_text_gets_its_diagnostic(text, expected, tmp_path):
    path = tmp_path / "hostile.arch"
    path.write_text(text, encoding="utf-8", newline="")

    found = answer(path)

    assert found["longest"] < 5000
    if expected is None:
        assert found["first"] == []
    else:
        (first,) = found["first"]
        assert [e if e is None else f for e, f in zip(expected, first, strict=True)] == list(expected)


GOOD = model("output x -> conv: Conv2d(8, 3)")
# fmt: off
FILES = [
    ("UTF-8",                   GOOD.encode(),                                      None),
    ("a byte order mark",       b"\xef\xbb\xbf" + GOOD.encode(),                    None),
    ("Windows line ends",       GOOD.replace("\n", "\r\n").encode(),                None),
    ("tabs",                    GOOD.replace("  ", "\t").encode(),                  None),
    ("Windows line ends and a mistake", model("output x -> c: Cnv2d(8, 3)").replace("\n", "\r\n").encode(), ("E0201", 3, 18)),
    ("tabs and a mistake",      model("\t\toutput x -> c: Cnv2d(8, 3)").encode(),   ("E0201", 3, 20)),
    ("a comment in Hebrew and an emoji", ("# \u05e9\u05dc\u05d5\u05dd \U0001f600\n" + GOOD).encode(), None),
    ("a label of an emoji",     model('output x -> "\U0001f600": ReLU').encode(),   ("E0205", 3, 15)),
    ("a name with an accent",   model("output x -> \xe9t\xe9: ReLU").encode(),      ("E0101", 3, 15)),
    ("a digit of another script", model("output x -> c: Conv2d(\uff18, 3)").encode(), ("E0101", 3, 25)),
    ("a space that breaks no line", model("output\xa0x -> ReLU").encode(),          ("E0101", 3, 9)),
    ("Latin-1",                 "# Modell f\xfcr M\xe4use\n".encode("latin-1") + GOOD.encode(), ("E0602", 1, 1)),
    ("UTF-16",                  GOOD.encode("utf-16"),                              ("E0602", 1, 1)),
    ("a surrogate",             b"# \xed\xa0\x80\n" + GOOD.encode(),                ("E0602", 1, 1)),
    ("a NUL",                   b"\0" + GOOD.encode(),                              ("E0602", 1, 1)),
    ("a zip archive",           b"PK\x03\x04" + bytes(range(256)) * 1000,           ("E0602", 1, 1)),
    ("weights",                 bytes(range(256)) * 40_000,                         ("E0602", 1, 1)),
]
# fmt: on


@pytest.mark.parametrize(("data", "expected"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_a_file_of_any_bytes_is_read_or_refused(data, expected, tmp_path):
    from archdsl import pipeline

    path = tmp_path / "x.arch"
    path.write_bytes(data)
    found = [d for d in pipeline.check(pipeline.read(path)).diagnostics if d.severity == "error"]

    assert [(d.code, d.span.line, d.span.column) for d in found[:1]] == ([expected] if expected else [])
    assert len(found) <= 1 or expected[0] == "E0101"


def test_imports_that_branch_at_every_level_are_read_once_each(tmp_path):
    for i in range(14):
        body = f"from a{i + 1} import B\nfrom b{i + 1} import C\nseq D = B\nseq E = C\n"
        for letter, name in (("a", "B"), ("b", "C")):
            (tmp_path / f"{letter}{i}.arch").write_text(body.replace("seq D", f"seq {name}{i}"), encoding="utf-8")
    for letter, name in (("a", "B"), ("b", "C")):
        (tmp_path / f"{letter}14.arch").write_text(f"seq {name} = ReLU\n", encoding="utf-8")
    main = tmp_path / "main.arch"
    main.write_text(model("output x -> B", before="from a14 import B\nfrom a0 import B0\n"), encoding="utf-8")

    assert answer(main)["count"] <= 1000


def test_a_long_chain_of_imports_is_refused(tmp_path):
    for i in range(100):
        (tmp_path / f"a{i}.arch").write_text(f"from a{i + 1} import B\n", encoding="utf-8")
    (tmp_path / "a100.arch").write_text("seq B = ReLU\n", encoding="utf-8")
    main = tmp_path / "main.arch"
    main.write_text(model("output x -> B", before="from a0 import B\n"), encoding="utf-8")

    assert answer(main)["first"][0][0] == "E0605"


def test_no_text_moves_the_cursor_of_a_terminal():
    from archdsl.diagnostics import render
    from archdsl.elaborate import Library
    from archdsl.pipeline import check
    from archdsl.source import Source

    text = model('require 1 == 2, "\x1b[2J\x07 \u202e txet"\noutput x -> ReLU')
    (problem,) = check(Library().add(Source("a\x1b[31m.arch", text))).diagnostics

    assert not set(render(problem)) & set("\x1b\x07\u202e\r")
    assert "␛[2J␇" in render(problem)
