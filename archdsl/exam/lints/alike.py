"""L2: two mistakes that are two ideas, and end in one answer.

Watched are pairs that need different words to a student and that other numbers would keep apart: those that collide
eight times or more in the published problems, and the forms of a transposed convolution. Pairs that are one idea
(S07/S08, P18/S21, S05/S06, P01/P19), or alike in the first layer whatever its numbers (P04/P27), or that one number
can hardly keep apart (R01/R08, R02/R06, P08/P09), are worded as one in a diagnosis and are no fault of the item.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item, before
from archdsl.exam.lints.separating import separate
from archdsl.exam.lints.watched import DOING
from archdsl.exam.mistakes import MISTAKES
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Kind, Subject, Value

SHAPE, COUNTED = frozenset({"shape"}), frozenset({"params", "weights"})
TRANSPOSED = tuple(combinations(("T01", "T02", "T03", "T05"), 2))
PAIRS: tuple[tuple[tuple[str, str], frozenset[str]], ...] = (
    (("S01", "S03"), SHAPE),
    (("S02", "S03"), SHAPE),
    *((pair, SHAPE) for pair in TRANSPOSED),
    (("P04", "P07"), COUNTED),
)
"""Each pair with the quantities that it is looked for in."""


def alike(item: Item) -> Iterator[Finding]:
    """Yield the pairs of mistakes that end in one wrong answer, each at the first part where they do."""
    for pair, asks in PAIRS:
        asked = [part for part in item.parts if item.posed.is_plain(part) and asks & item.quantities(part)]
        parts = [part for part in asked if _meet(item, part, pair)]
        if parts:
            yield _finding(item, parts, pair)


def _meet(item: Item, part: Part, pair: tuple[str, str]) -> bool:
    return any(set(pair) <= set(one.ids) for one in item.wrong(part, *pair))


def _finding(item: Item, parts: list[Part], pair: tuple[str, str]) -> Finding:
    part = parts[0]
    ways = [_way(item, part, id) for id in pair]
    telling = next((other for other in item.parts if _tells(item, other, pair)), None)
    if all(ways):
        said = f"{ways[0]} and {ways[1]} end alike"
    else:
        value = next(one.value for one in item.wrong(part, *pair) if set(pair) <= set(one.ids))
        one, other = (f"{DOING[id]} ({id})" for id in pair)
        said = f"{one} and {other} both give {shown(value, item.posed.conventions)}"
    said += f"; part ({telling.id}) tells them apart" if telling else _cure(item, part, pair)
    return Finding("L2", tuple(p.name for p in parts), said, part.span, pair)


def _tells(item: Item, part: Part, pair: tuple[str, str]) -> bool:
    """Tell whether both mistakes show in a part, in different answers."""
    values = [{one.value for one in item.wrong(part, id)} for id in pair]
    return all(values) and not values[0] & values[1]


def _cure(item: Item, part: Part, pair: tuple[str, str]) -> str:
    target = item.posed.target(part)
    if target is None:
        return ""
    found = separate(item.posed.subject(target[0]), target[1], pair, from_truth=False)
    if found is None:
        return ""
    one, other = (shown(value, item.posed.conventions) for value in found.values)
    return f"; with {found.said} they would be {one} and {other}"


# The values on the way, from part to part.


def _way(item: Item, part: Part, id: str) -> str:
    """Return where a mistake is made and what it gives from part to part: `S01 in (a) (60 -> 30)`."""
    target = item.posed.target(part)
    if target is None or target[1].quantity != "shape":
        return ""
    subject = item.posed.subject(target[0])
    end = subject.end(target[1].layer)
    asked = _asked(item, subject, end)
    sites = _sites(subject, id, end)
    steps = [value for one in asked.values() for value in _wrong(item, one, id)]
    if len(steps) < 2 or not set(sites) <= asked.keys():
        return ""
    return f"{id} in {_among(sites, asked)} ({' -> '.join(map(_side, steps))})"


def _asked(item: Item, subject: Subject, end: int) -> dict[int, Part]:
    """Return the parts on the way that ask for a shape, by their node."""
    found: dict[int, Part] = {}
    way = set(before(subject, end))
    for part in item.parts:
        target = item.posed.target(part)
        if target is None or target[1].quantity != "shape" or item.posed.subject(target[0]) is not subject:
            continue
        node = subject.end(target[1].layer)
        if node in way:
            found.setdefault(node, part)
    return dict(sorted(found.items()))


def _sites(subject: Subject, id: str, end: int) -> list[int]:
    """Return the layers on the way where a mistake can be made."""
    rows = [row for row in MISTAKES if row.id == id and row.kind is Kind.RULE]
    way = set(before(subject, end))
    return sorted({site for row in rows for site in subject.sites(row) if site in way})


def _wrong(item: Item, part: Part, id: str) -> list[Value]:
    """Return what a mistake makes of a part, if it changes it."""
    found = item.wrong(part, id)
    return [found[0].value] if found else []


def _among(sites: list[int], asked: dict[int, Part]) -> str:
    if set(sites) == asked.keys() and len(sites) > 1:
        return "both parts" if len(sites) == 2 else "all parts"
    return " and ".join(f"({asked[site].id})" for site in sites)


def _side(value: Value) -> str:
    """Return the side of a square map, which is all that differs; of others the whole shape."""
    if isinstance(value, tuple) and len(value) == 3 and value[1] == value[2]:
        return shown(value[1])
    return shown(value)
