"""The blanks of a file of the language filled in; everything else in it stays as it is, its ends of lines too."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError
from archdsl.exam.expectations import Written
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Sheet
from archdsl.exam.texts import SheetError
from archdsl.exam.walk import Value

BLANK = "?"


def filled(sheet: Sheet, original: str, names: Collection[str] | None = None) -> tuple[str, int]:
    """Return a file with the answers in place of its blanks, and how many there were.

    `original` is the text that the sheet was read from, `names` are the parts that are filled in, all by default.

    Raises:
        SheetError: a blank has no answer; carries all that is wrong.
    """
    written = Written(sheet.source)
    pieces = original.split(BLANK)
    between = [BLANK] * (len(pieces) - 1)
    problems: list[Diagnostic] = []
    count = 0
    for problem in sheet.problems:
        posed = Posed(problem, sheet.conventions)
        for part in problem.parts:
            if part.key is not None or part.span is None or (names is not None and part.name not in names):
                continue
            try:
                answer = literal(posed.truth(part))
            except AskError as error:
                problems.append(part.ask.problem(error))
            except SheetError as error:
                problems += [one for one in error.diagnostics if one not in problems]
            else:
                # Signs before it are counted, as the original may have other ends of lines.
                between[sheet.source.text.count(BLANK, 0, written.blank(part.span))] = answer
                count += 1
    if problems:
        raise SheetError(tuple(problems))
    return pieces[0] + "".join(sign + piece for sign, piece in zip(between, pieces[1:], strict=True)), count


def literal(value: Value) -> str:
    """Return a value as the language writes it: `9_408`, `[64, 112, 112]`, `109.77`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_number, value))}]"
    return value if isinstance(value, str) else _number(value)


def _number(value: int | Fraction) -> str:
    return f"{int(value):_}" if Fraction(value).denominator == 1 else repr(float(value))
