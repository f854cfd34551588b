"""Sets of positions of a map, and which positions of another map the units of such a set read.

Along one axis a set is a bitmask, bit `i` for position `i`; a negative one is the complement of what it inverts, so
that `ALL`, nearly always the answer, costs nothing at any size. Over the axes it is a union of products of masks, since
branches may read different shapes. What would take too much work raises `TooLarge`: sizes are whatever a spec says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.analysis.fields import SAME_POSITION
from archdsl.analysis.support import folded, positions
from archdsl.ops import Reads

ALL = -1
"""The mask of a whole axis."""

Box = tuple[int, ...]
"""A mask for each axis; a vector has no axes, and one position."""

MOST_BITS = 2**27
"""Bits of masks that one pass makes or looks at, well under a second; a step costs as much as some hundred of them."""
STEP = 128
MOST_BOXES = 64
"""Products of which one set may be the union."""


class TooLarge(Exception):
    """A set takes more work than is left."""


class Room:
    """The work that is left, in bits of masks."""

    def __init__(self, bits: int = MOST_BITS) -> None:
        self.bits = bits

    def spend(self, bits: int) -> None:
        """Take work out of what is left, before it is done.

        Raises:
            TooLarge: it does not suffice.
        """
        if bits > self.bits:
            raise TooLarge
        self.bits -= bits


def read(reads: Reads, mask: int, units: int, size: int, border: str, room: Room) -> int:
    """Return which positions of an axis of `size` are read by some of the units in `mask`, one of `units`.

    Where a window hangs over the border it reads nothing there, or with a padding mode what stands for it.

    Raises:
        TooLarge: it takes more work than is left.
    """
    phases, shift = len(reads.taps), reads.shift
    if mask == ALL and _cover(reads, units, size):
        return ALL
    if units == size and reads == SAME_POSITION:
        return mask
    windows = [(f, taps, -(-(units - f) // phases)) for f, taps in enumerate(reads.taps[:units]) if taps]
    before = after = 0
    if border != "zeros" and windows:
        before = max(0, -min(taps[0] for _, taps, _ in windows))
        after = max(0, max((count - 1) * shift + taps[-1] for _, taps, count in windows) - (size - 1))
    length, found = before + size + after, 0
    room.spend(length + len(windows) * STEP + (units if mask != ALL else 0))
    word = f"{mask:b}"[::-1] if phases > 1 and mask != ALL else ""
    for phase, taps, count in windows:
        if shift == 0:
            low = high = 0
        else:
            low = max(0, -((before + taps[-1]) // shift))
            high = min(count - 1, (size + after - 1 - taps[0]) // shift)
        if low > high:
            continue
        room.spend(4 * STEP + length + 2 * (taps[-1] - taps[0]))
        if mask == ALL:
            some = (1 << (high - low + 1)) - 1
        else:
            some = int(word[phase::phases][::-1] or "0", 2) if phases > 1 else mask
            some = some >> low & (1 << (high - low + 1)) - 1 if shift else int(some != 0)
        if some:
            seen = _repeated(_spread(some, shift), taps.step, len(taps))
            place = low * shift + taps[0] + before
            found |= seen << place if place >= 0 else seen >> -place
    found &= (1 << length) - 1
    return _whole(_folded(found, before, size, border, room) if before or after else found, size)


def _cover(reads: Reads, units: int, size: int) -> bool:
    """Tell whether the units of some phase, all of them, leave no position out: only then is it no work to see."""
    phases, shift = len(reads.taps), reads.shift
    for phase, taps in enumerate(reads.taps[:units]):
        if not taps or taps[0] > 0:
            continue
        count, gap = -(-(units - phase) // phases), taps.step if len(taps) > 1 else 1
        if (count - 1) * shift + taps[-1] < size - 1:
            continue
        if (gap == 1 and (shift <= len(taps) or count == 1)) or (shift == 1 and count >= gap):
            return True
    return False


def _spread(mask: int, step: int) -> int:
    """Return the positions of a mask `step` times as far apart."""
    return mask if step <= 1 else int(("0" * (step - 1)).join(f"{mask:b}"), 2)


def _repeated(mask: int, step: int, count: int) -> int:
    """Return the union of a mask with itself, moved `count - 1` times by `step` each."""
    there = 1
    while there < count:
        more = min(there, count - there)
        mask |= mask << step * more
        there += more
    return mask


def _folded(mask: int, before: int, size: int, border: str, room: Room) -> int:
    """Return the positions that are read, and those that stand for what is read beyond the border.

    In `mask`, bit 0 is the position `before` places ahead of the first.
    """
    inside = mask >> before & (1 << size) - 1
    outside = mask & ~(inside << before)
    room.spend(outside.bit_count() * (outside.bit_length() // 32 + STEP))
    for place in positions(outside):
        inside |= 1 << folded(place - before, size, border)
    return inside


def _whole(mask: int, size: int) -> int:
    return ALL if mask.bit_count() == size else mask


def counted(mask: int, size: int) -> int:
    """Return how many of the `size` positions of an axis a mask has."""
    return mask.bit_count() if mask >= 0 else size - (~mask).bit_count()


def united(boxes: Sequence[Box], sizes: tuple[int, ...], room: Room) -> tuple[Box, ...]:
    """Return few products whose union is that of the given ones, none within another.

    Raises:
        TooLarge: there are too many of them.
    """
    kept = list(dict.fromkeys(boxes))
    if len(kept) <= 1:
        return tuple(kept)
    if any(all(mask == ALL for mask in box) for box in kept):
        return ((ALL,) * len(sizes),)
    room.spend(len(kept) * sum(size + STEP for size in sizes))
    for axis, size in enumerate(sizes):  # what differs along one axis only is one product
        joined: dict[tuple[Box, Box], int] = {}
        for box in kept:
            rest = box[:axis], box[axis + 1 :]
            joined[rest] = joined.get(rest, 0) | box[axis]
        kept = [(*first, _whole(mask, size) if mask >= 0 else mask, *last) for (first, last), mask in joined.items()]
    if len(kept) > MOST_BOXES:
        raise TooLarge
    room.spend(len(kept) ** 2 * sum(size // 32 + STEP for size in sizes))
    return tuple([box for box in kept if not any(_within(box, other) for other in kept if other is not box)])


def _within(box: Box, other: Box) -> bool:
    return all(mask & ~whole == 0 for mask, whole in zip(box, other, strict=True))


Weight = Callable[[int], int]
"""What a mask along one axis counts; of the union of two that share nothing, the sum of theirs."""


def measured(boxes: Sequence[Box], weights: Sequence[Weight], room: Room) -> int:
    """Return the weight of a union of products, each position having the product of its weights along the axes.

    Raises:
        TooLarge: it takes more work than is left.
    """
    if not weights:
        return 1 if boxes else 0
    weight, *rest = weights
    if len(boxes) == 1:
        total = weight(boxes[0][0])
        return total * measured([boxes[0][1:]], rest, room) if rest else total
    groups: list[tuple[int, list[Box]]] = []  # positions along the axis that lie in the same boxes
    for mask, *tail in boxes:
        room.spend((len(groups) + 1) * (mask.bit_length() // 32 + STEP))
        alone, parts = mask, list[tuple[int, list[Box]]]()
        for there, within in groups:
            if there & mask:
                parts.append((there & mask, [*within, tuple(tail)]))
            if there & ~mask:
                parts.append((there & ~mask, within))
            alone &= ~there
        groups = [*parts, (alone, [tuple(tail)])] if alone else parts
    return sum([weight(mask) * measured(within, rest, room) for mask, within in groups])
