"""What a folder of variants holds: for every student the drawn values, and the codes that bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import PurePath

from archdsl.exam.generating.folder import digest
from archdsl.exam.nets import Draw
from archdsl.exam.sheet import Sheet
from archdsl.exam.variants import Variant


def manifest(
    sheet: Sheet, seed: int | str, drawn: Iterable[Variant], names: Mapping[str, str], *, with_keys: bool
) -> dict[str, object]:
    """Return the manifest of a class as JSON takes it; `names` are those of files, by student."""
    return {
        "exam": sheet.exam,
        "title": sheet.title,
        "sheet": {"file": PurePath(sheet.source.name).name, "sha256": digest(sheet.source.text)},
        "seed": str(seed),
        "code": "SHA-256 of `code|name`, first 8 bytes, big-endian, modulo the number of values",
        "students": [_student(one, names[one.student], with_keys) for one in drawn],
    }


def _student(variant: Variant, name: str, with_keys: bool) -> dict[str, object]:
    problems = {
        id: {
            "code": drawing.code,
            "draws": drawing.attempt + 1,
            "values": {name: _value(value) for name, value in drawing.values.items()},
        }
        for id, drawing in variant.drawings.items()
        if drawing.values
    }
    key = {"key": f"keys/{name}.md"} if with_keys else {}
    return {"student": variant.student, "sheet": f"sheets/{name}.md", **key, "problems": problems}


def _value(value: Draw) -> int | float | str | bool:
    """Return a drawn value; a fraction without a short decimal is a text."""
    if not isinstance(value, Fraction):
        return value
    return float(value) if Fraction(repr(float(value))) == value else str(value)
