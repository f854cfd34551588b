"""What can follow an arrow, as code sees it: a definition of the file, a layer, or a parameter that is either."""

from __future__ import annotations

import ast as python
from dataclasses import dataclass

from archdsl.elaborate import Module
from archdsl.elaborate.values import LayerValue
from archdsl.lang import ast


@dataclass(frozen=True, slots=True, eq=False)
class Defined:
    """A block or seq."""

    home: Module
    definition: ast.Definition


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """A parameter whose values differ."""

    name: str
    candidates: tuple[Defined | LayerValue, ...]


Unit = Defined | LayerValue | Passed


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor in `forward`: the expression that gives it, and its channels as the constructor knows them."""

    code: python.expr
    channels: python.expr
    sizes: tuple[python.expr, ...] | None = None
    """The spatial sizes, where a layer before has set them."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """Tensors bound as `name[i]`: their channels as a function of the index."""

    name: str
    index: str
    channels: python.expr
