"""Every code is seen: on its page, among the mistakes, or, where a text cannot be printed, by a text made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.rules import RULES
from archdsl.source import Source

MISTAKES = sorted((Path(__file__).resolve().parent.parent / "mistakes").glob("*.arch"))
DOUBLING = "".join(f"seq B{i} = B{i + 1} -> B{i + 1}\n" for i in range(60))
LARGE = {
    "a file of a million signs": "#" * 1_000_001,
    "a layer, doubled sixty times": f"{DOUBLING}seq B60 = Tanh\nmodel M {{\n  input x: [3, 8, 8]\n  output x -> b: B0\n}}\n",
}


def codes(text: str, path: Path | None = None) -> set[str]:
    name = path.name if path else "page.arch"
    return {d.code for d in check(Library().add(Source(name, text), path)).diagnostics}


@pytest.fixture(scope="module")
def seen() -> dict[str, set[str]]:
    """Return where each code was seen."""
    texts = [(f"the page of {rule.code}", rule.bad, None) for rule in RULES.values() if rule.bad]
    texts += [(path.name, path.read_text(encoding="utf-8"), path) for path in MISTAKES]
    texts += [(name, text, None) for name, text in LARGE.items()]
    found: dict[str, set[str]] = {}
    for name, text, path in texts:
        for code in codes(text, path):
            found.setdefault(code, set()).add(name)
    return found


@pytest.mark.parametrize("code", RULES)
def test_a_code_is_seen(seen, code):
    assert seen.get(code)


def test_no_code_is_seen_that_has_no_rule(seen):
    assert seen.keys() <= RULES.keys()
