"""A window that slides along one axis: how far it reaches, where it stops, how many positions it takes.

Convolutions and pools share these rules. They work on one axis at a time, on plain numbers and on
symbols alike, so they never ask in Python how large a size is.
"""

from archdsl.sizes import Size, floordiv, require, where

UNITS = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
"""What the positions along each axis are called, by the number of axes."""


AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the spatial sizes are called, by how many there are."""


def reach(kernel: int, dilation: int) -> int:
    """Return how many positions a kernel spans, those between its taps included."""
    return dilation * (kernel - 1) + 1


def positions(size: Size, span: int, stride: int, padding: tuple[int, int], unit: str) -> Size:
    """Return how many windows of `span` fit into a padded size.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285, relationship 6.
    """
    padded = size + (padding[0] + padding[1])
    rule, blame = "kernel-too-large", "kernel_size"
    require(padded >= span, TOO_LARGE, rule=rule, argument=blame, help=SMALLER, span=span, unit=unit, padded=padded)
    return floordiv(padded - span, stride) + 1


def positions_ceil(size: Size, span: int, stride: int, padding: tuple[int, int], unit: str) -> Size:
    """Return how many windows start where a window may start, the last perhaps hanging over the end.

    PyTorch drops the last one if it would start in the padding after the end.

    Source: torch `pooling_output_shape_pad_lr` in aten/src/ATen/native/Pool.h.
    """
    padded = size + (padding[0] + padding[1])
    slack = stride - 1
    rule, blame = "kernel-too-large", "kernel_size"
    require(
        padded + slack >= span, TOO_LARGE, rule=rule, argument=blame, help=SMALLER, span=span, unit=unit, padded=padded
    )
    count = positions_full(size, span, stride, padding)
    return where((count - 1) * stride >= size + padding[0], count - 1, count)


def positions_full(size: Size, span: int, stride: int, padding: tuple[int, int]) -> Size:
    """Return how many windows there are if the last may hang over the end wherever it starts."""
    return floordiv(size + (padding[0] + padding[1]) - span + stride - 1, stride) + 1


SMALLER = "take a smaller kernel or a larger input, pad, or halve the map less often before"
TOO_LARGE = "the kernel reaches {span} {unit} but the padded input has {padded}"
