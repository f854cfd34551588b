"""Small pictures in a record: a row of whole numbers is one text, so that a picture takes a few lines."""

from __future__ import annotations

from collections.abc import Sequence


def as_rows(picture: Sequence[Sequence[int]]) -> list[str]:
    """Return the rows of a picture as texts, its numbers with spaces between them."""
    return [" ".join(map(str, row)) for row in picture]


def from_rows(rows: Sequence[str]) -> list[list[int]]:
    """Return the picture that such rows are of.

    Raises:
        ValueError: a row holds something else than whole numbers.
    """
    return [[int(number) for number in row.split()] for row in rows]
