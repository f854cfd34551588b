"""The layers and functions of the language: one class each, one family a file.

Importing this room fills `OPS`. A new family is a new file and a name in the list below.
"""

from archdsl.ops import activation, conv, dense, dropout, merge, norm, pad, pool, reshape, resize
from archdsl.ops.arguments import REQUIRED, Argument, ArgumentError, argument
from archdsl.ops.base import FLAT, OPS, SAME, WHOLE, Op, Reach, Reads, Storage, TorchCall, Window, op, spell
from archdsl.ops.merge import Add, Concat, Multiply, Scale
from archdsl.ops.reshape import Chunk, Crop, crop_like
from archdsl.sizes import ShapeError

FAMILIES = (conv, pool, norm, activation, dropout, dense, resize, pad, reshape, merge)
"""The files with layers, in the order in which a list of layers shows them."""

__all__ = [
    "FAMILIES",
    "FLAT",
    "OPS",
    "REQUIRED",
    "SAME",
    "WHOLE",
    "Add",
    "Argument",
    "ArgumentError",
    "Chunk",
    "Concat",
    "Crop",
    "Multiply",
    "Op",
    "Reach",
    "Reads",
    "Scale",
    "ShapeError",
    "Storage",
    "TorchCall",
    "Window",
    "argument",
    "crop_like",
    "op",
    "spell",
]
