"""How a number is computed, with the numbers filled in: steps that a text, a page or an exam can print."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.sizes import Size
from archdsl.tensors import Shape

MINUS, TIMES = "−", "·"


class Step(NamedTuple):
    """One line of a derivation: what is computed, the arithmetic with every number in it, and the result.

    `formula` is empty where the result is given or taken over, and `remark` says from where.
    """

    quantity: str
    formula: str
    result: str
    remark: str = ""


def product(numbers: tuple[Size, ...]) -> str:
    """Return a product as it is written: `256 · 128 · 3 · 3`."""
    return f" {TIMES} ".join(map(grouped, numbers)) if numbers else "1"


def grouped(number: Size) -> str:
    """Return a number with separators of thousands; a formula stands in parentheses."""
    if isinstance(number, int):
        return f"{number:,}"
    text = str(number)
    return f"({text})" if " " in text else text


def sliding(size: Size, kernel: int, dilation: int, stride: int, padding: tuple[int, int], *, up: bool) -> str:
    """Return the arithmetic of how many windows fit: `⌊(28 + 2·1 − 3) / 2⌋ + 1 = ⌊27/2⌋ + 1`."""
    before, after = padding
    padded = grouped(size)
    if before == after and before:
        padded += f" + 2{TIMES}{before}"
    elif before or after:
        padded += f" + {before} + {after}"
    reach = str(kernel) if dilation == 1 else f"({dilation}{TIMES}({kernel} {MINUS} 1) + 1)"
    rest = size + before + after - (dilation * (kernel - 1) + 1)
    if stride == 1:
        return f"({padded} {MINUS} {reach}) / 1 + 1 = {grouped(rest)} + 1"
    left, right = "⌈⌉" if up else "⌊⌋"
    return f"{left}({padded} {MINUS} {reach}) / {stride}{right} + 1 = {left}{grouped(rest)}/{stride}{right} + 1"


def per_axis(names: tuple[str, ...], formulas: list[str], results: tuple[Size, ...]) -> tuple[Step, ...]:
    """Return a step for each axis, or one for all where they are alike."""
    if len(set(formulas)) == 1:
        return (Step("each size" if len(formulas) > 1 else names[0], formulas[0], grouped(results[0])),)
    return tuple(
        Step(name, formula, grouped(result)) for name, formula, result in zip(names, formulas, results, strict=True)
    )


def tensor(name: str, shape: Shape, count: int) -> Step:
    """Return the step that counts the numbers of a tensor by its shape."""
    return Step(name, product(shape), grouped(count))
