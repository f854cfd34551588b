"""Texts to read, made at random: sentences of the grammar, damaged specs, signs and bytes; and what is asked of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from zlib import crc32

from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from archdsl.diagnostics import Diagnostic, Label, concise, render
from archdsl.elaborate import Library, Module
from archdsl.fixes import mend
from archdsl.lang import tables
from archdsl.lang.parser import Spec
from archdsl.lang.printer import formatted
from archdsl.pipeline import check, read
from archdsl.resources import specs
from archdsl.source import Source

NAMES = "x y n i H M B S ReLU Conv2d Linear Flatten concat range len int list".split()
TERMINALS = {
    "NAME": st.sampled_from(NAMES),
    "NUMBER": st.sampled_from(["0", "1", "2", "3", "7", "64", "1e-3", "2.5", "4.09G", "1_000", "99999999999999999999"]),
    "STRING": st.sampled_from(['"a"', '"layer{i+1}"', '"{"', '"{n}{n}"', '"conv1"', '""', '"é 😀"']),
}
USED = "block B { input x  output x -> ReLU }\nseq S(n: int = 2) = ReLU * n\n"
MODEL = "model M(n: int = 2) {{ input x: [3, 8, 8]  input y: [n, H, H]  {0}  output x -> ReLU }}\n"


def _sentences(start: str) -> st.SearchStrategy[str]:
    grammar = Lark(tables.GRAMMAR.read_text(encoding="utf-8"), **{**tables.options(), "start": start})
    return from_lark(grammar, start=start, explicit=TERMINALS)


items = _sentences("item").map(lambda item: f"{USED}{MODEL.format('')}{item}\n")
"""A definition of any kind, below others that it may use."""

bodies = st.lists(_sentences("stmt"), min_size=1, max_size=2).map(lambda some: USED + MODEL.format("\n".join(some)))
"""A model with any statements."""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]+|\s+", text)


WORDS = {path.name: _words(path.read_text(encoding="utf-8")) for path in sorted(specs().glob("*.arch"))}
SIGNS = ["(", ")", "{", "}", "->", '"', "#", "for", "0", "x", "ReLU", ",", "=", "\n", "[", ";", "'", "→", "Conv2D"]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return a definition or two of a bundled spec, some words deleted, doubled, swapped or replaced."""
    words = WORDS[draw(st.sampled_from(sorted(WORDS)))]
    start = draw(st.integers(0, max(0, len(words) - 400)))
    words = words[start : start + 400] if draw(st.booleans()) else list(words)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(words) - 2))
        change = draw(st.sampled_from(["delete", "double", "swap", "replace"]))
        if change == "delete":
            del words[i]
        elif change == "double":
            words.insert(i, words[i])
        elif change == "swap":
            words[i], words[i + 1] = words[i + 1], words[i]
        else:
            words[i] = draw(st.sampled_from(SIGNS))
    return "".join(words)


def variants(text: str, number: int) -> Iterator[str]:
    """Yield a text and others that differ from it in a few words, always the same ones: making them costs nothing,
    while a sentence of the grammar takes longer to draw than to read.
    """
    yield text
    random = Random(crc32(text.encode()))
    words = _words(text)
    for _ in range(number):
        changed = list(words)
        for _ in range(random.randint(1, 3)):
            i = random.randrange(len(changed))
            match random.randrange(5):
                case 0:
                    changed[i] = ""
                case 1:
                    changed[i] *= 2
                case 2:
                    changed[i - 1], changed[i] = changed[i], changed[i - 1]
                case 3:
                    changed[i] = random.choice(SIGNS)
                case 4:
                    changed[i] = random.choice(words)
        yield "".join(changed)


signs = st.text(st.characters(codec="utf-8"), max_size=60)
"""Any signs, which may stand alone or in a model."""


@st.composite
def noise(draw: st.DrawFn) -> bytes:
    """Return bytes: any, or those of a spec with some of them changed, lost or put between."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    data = bytearray("".join(WORDS[draw(st.sampled_from(sorted(WORDS)))][:300]).encode())
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(data) - 1))
        data[i : i + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


def look(text: str) -> None:
    """Check a text, draw everything that is found, and see that it is in the text; lay it out if it can be read."""
    source = Source("fuzz.arch", text)
    _sound(Library().add(source))
    lay_out(text)


def look_at_bytes(data: bytes, path: Path) -> None:
    """Check a file of these bytes."""
    path.write_bytes(data)
    _sound(read(path, "fuzz.arch"))


def _sound(module: Module) -> None:
    source = module.source
    for problem in check(module).diagnostics:
        assert problem.message
        places = [Label(problem.span), *problem.related, *problem.frames]
        places += [Label(edit.span) for edit in (problem.fix.edits if problem.fix else ())]
        for place in places:
            span = place.span
            assert 0 <= span.start <= span.end <= len(span.source.text)
            assert span.source is not source or span.source.text == source.text
        assert _drawn(problem)


def _drawn(problem: Diagnostic) -> bool:
    first, place, *_ = render(problem).split("\n")
    return first.startswith(f"{problem.severity}[{problem.code}]: ") and str(problem.span) in place + concise(problem)


def lay_out(text: str) -> None:
    """Lay a text out if it can be read, and see that it can be read again and stays as it is then."""
    made = formatted(Source("fuzz.arch", text))
    if made is None:
        return
    again = Spec(Source("fuzz.arch", made))
    again.parse_all()
    assert not again.problems
    assert formatted(again.source) == made


def put_right(text: str) -> None:
    """Apply every fix, the unsafe ones too, and see that there are no more errors than before."""
    before = check(Library().add(Source("fuzz.arch", text))).diagnostics
    made = mend(text, lambda text: Library().add(Source("fuzz.arch", text)), lambda _: True)
    assert made.errors <= sum(d.severity == "error" for d in before)
