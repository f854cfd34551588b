"""A regrade for a terminal and as a document, `archdsl/regrade@1`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from archdsl.exam.grades import marks
from archdsl.exam.regrade import Change, Regrade, Total
from archdsl.exam.results.json import plain
from archdsl.exam.results.plain import one_line, padded, width
from archdsl.exam.results.text import NARROWEST, WIDEST_STUDENT
from archdsl.report.json import text

SCHEMA = "archdsl/regrade@1"


def write(regrade: Regrade) -> str:
    """Return what changed as text: the sheet, every student with another finding, who is new and who is gone."""
    lines = [f"sheet: {one_line(one, 400)}" for one in regrade.sheet]
    lines += [""] * bool(lines)
    changed: dict[str, list[Change]] = {}
    for change in regrade.changes:
        changed.setdefault(change.student, []).append(change)
    totals = [total for total in regrade.totals if total.student in changed]
    wide = max((width(one_line(total.student, WIDEST_STUDENT)) for total in totals), default=0)
    for total in totals:
        name = padded(one_line(total.student, WIDEST_STUDENT), wide)
        now = f"{marks(total.after)} / {marks(total.out_of)}"
        lines.append(
            f"{name}  {marks(total.before)} → {now}" if total.before != total.after else f"{name}  still {now}"
        )
        lines += _changes(changed[total.student])
    lines += [f"new: {one_line(one.student)}, {marks(one.after)} / {marks(one.out_of)}" for one in regrade.added]
    lines += [f"gone: {one_line(one.student)}, had {marks(one.before)} / {marks(one.out_of)}" for one in regrade.gone]
    if totals or regrade.added or regrade.gone:
        lines.append("")
    return "\n".join([*lines, summary(regrade)]) + "\n"


def summary(regrade: Regrade) -> str:
    """Return how many students have other marks, and why, on one line."""
    up = sum(total.after > total.before for total in regrade.totals)
    down = sum(total.after < total.before for total in regrade.totals)
    same = len(regrade.totals) - up - down
    said = f"{up} higher, {down} lower, {same} as before"
    said += f", {len(regrade.added)} new" if regrade.added else ""
    said += f", {len(regrade.gone)} gone" if regrade.gone else ""
    reasons = Counter(one for change in regrade.changes for one in (change.why or (UNKNOWN,)))
    told = [f"{one_line(why, 100)} ({count})" for why, count in reasons.most_common(5)]
    return f"{said}." + (f"   Why: {'; '.join(told)}" if told else "")


UNKNOWN = "nothing of the sheet or the answer: it is judged otherwise now"


def _changes(changes: list[Change]) -> Iterator[str]:
    part = max(len(change.part) for change in changes)
    for change in changes:
        before = f"{marks(change.before.marks)}/{marks(change.before.out_of)}"
        after = f"{marks(change.after.marks)}/{marks(change.after.out_of)}"
        scores = f"{before} → {after}" if before != after else f"{after} as before"
        found = [_found(change.before.status, change.before.ids), _found(change.after.status.value, change.after.ids)]
        said = f"{found[0]} → {found[1]}" if found[0] != found[1] else found[0]
        why = "; ".join(change.why) or UNKNOWN
        answer = padded(one_line(change.answer), NARROWEST)
        yield f"  {change.part:<{part}}  {answer}  {scores}  {one_line(said, 80)}: {one_line(why, 400)}"


def _found(status: str, ids: tuple[str, ...]) -> str:
    return f"{status} {'/'.join(ids)}" if ids else status


def document(regrade: Regrade) -> str:
    """Return what changed as JSON."""
    return text(
        {
            "schema": SCHEMA,
            "sheet": list(regrade.sheet),
            "changes": [_change(change) for change in regrade.changes],
            "students": [_total(total) for total in regrade.totals],
            "added": [_total(total) for total in regrade.added],
            "gone": [_total(total) for total in regrade.gone],
        }
    )


def _change(change: Change) -> dict[str, Any]:
    before, after = change.before, change.after
    return {
        "student": change.student,
        "part": change.part,
        "answer": change.answer,
        "before": {"marks": _number(before.marks), "status": before.status, "mistakes": list(before.ids)},
        "after": {"marks": _number(after.marks), "status": after.status.value, "mistakes": list(after.ids)},
        "why": list(change.why),
    }


def _total(total: Total) -> dict[str, Any]:
    return {"student": total.student, "before": plain(total.before), "after": plain(total.after)}


def _number(value: Fraction | None) -> int | float | None:
    return None if value is None else plain(value)
