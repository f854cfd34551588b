"""How many channels a layer gives, as an expression of what it is given."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from archdsl.codegen.terms import binary, constant, indexed, value_of
from archdsl.ops import Op
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.pad import PadChannels
from archdsl.ops.reshape import Unflatten
from archdsl.ops.resize import PixelShuffle, PixelUnshuffle


def after(kind: type[Op], given: Mapping[str, ast.expr], channels: ast.expr) -> ast.expr:
    """Return the channels behind a layer with these arguments; all that is not named here keeps them."""
    if issubclass(kind, Conv | ConvTranspose):
        return given["out_channels"]
    if issubclass(kind, Linear):
        return given["out_features"]
    if issubclass(kind, PixelShuffle):
        return binary("//", channels, binary("**", given["upscale_factor"], constant(2)))
    if issubclass(kind, PixelUnshuffle):
        return binary("*", channels, binary("**", given["downscale_factor"], constant(2)))
    if issubclass(kind, PadChannels):
        return binary("+", binary("+", given["before"], channels), given["after"])
    if issubclass(kind, Unflatten) and value_of(given["dim"]) == 1:
        return indexed(given["unflattened_size"], constant(0))
    return channels
