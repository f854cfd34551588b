"""A derivation as text and JSON."""

from __future__ import annotations

from typing import Any

from archdsl.analysis.working import Section, Working
from archdsl.ops.working import Step
from archdsl.report.json import span, text

HEADS = {
    "shape": "shape",
    "params": "params",
    "buffers": "buffers",
    "macs": "MACs",
    "flops": "FLOPs",
    "memory": "memory",
}
HEADS |= {"rf": "RF", "paths": "paths", "dead": "dead", "saved": "saved", "erf": "ERF"}
"""What each metric is called at the start of its lines."""
FORMULA = 62
"""Formulas are padded to this width, so that results stand below each other."""


def render(working: Working) -> str:
    """Return the derivation as aligned lines."""
    place = f"    {working.span}" if working.span else ""
    lines = [f"  {working.path}   {working.what}{place}", f"  {working.shapes}" if working.shapes else ""]
    lines = [line for line in lines if line] + [""]
    for section in working.sections:
        lines.extend(_section(section))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _section(section: Section) -> list[str]:
    head = HEADS[section.metric]
    named = len(section.steps) > 1 or section.total or (section.steps and section.steps[0].quantity != head)
    rows = [_line(step, named=bool(named)) for step in section.steps]
    width = max([FORMULA, *(len(left) for left, _ in rows)])
    results = [right for _, right in rows] + ([section.total] if section.total else [])
    digits = max((len(r.split("  ")[0]) for r in results), default=0)
    lines = [f"{left:<{width}} = {_aligned(right, digits)}" for left, right in rows]
    if section.total:
        lines.append(f"{'':<{width}} = {_aligned(section.total, digits)}")
    lines += list(section.notes)
    return [f"  {head if i == 0 else '':<8} {line}" for i, line in enumerate(lines)]


def _line(step: Step, *, named: bool) -> tuple[str, str]:
    left = step.formula or step.remark
    right = f"{step.result}  {step.remark}" if step.formula and step.remark else step.result
    return (f"{step.quantity}: {left}" if named and left else left or step.quantity), right


def _aligned(result: str, digits: int) -> str:
    number, gap, rest = result.partition("  ")
    return f"{number:>{digits}}{gap}{rest}"


def as_json(working: Working) -> str:
    """Return the derivation as JSON, `archdsl/working@1`."""
    document: dict[str, Any] = {
        "schema": "archdsl/working@1",
        "path": working.path,
        "what": working.what,
        "source": working.span.source.name if working.span else None,
        "span": span(working.span) if working.span else None,
        "shapes": working.shapes,
        "sections": [
            {
                "metric": section.metric,
                "steps": [step._asdict() for step in section.steps],
                "total": section.total or None,
                "notes": list(section.notes),
            }
            for section in working.sections
        ],
    }
    return text(document)
