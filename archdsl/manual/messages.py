"""Messages of PyTorch and Keras that no rule answers, since a spec cannot make the mistake: what to do about them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.manual.lessons import SCHEMA, reference
from archdsl.manual.page import Page, Points, Prose, Section


class Message(NamedTuple):
    """What another program says, to the letter with `...` for what differs, and what there is to say to it."""

    title: str
    who: str
    says: tuple[str, ...]
    answer: str
    see: tuple[str, ...]


MESSAGES = (
    Message(
        "One value per channel in training",
        "PyTorch",
        ("Expected more than 1 value per channel when training, got input size ...",),
        "A batch normalisation in training has one number for each channel, and no variance can be taken of it: the "
        "batch "
        "holds one sample, and the map one position. Take batches of two or more (`drop_last=True` if the last one "
        "is "
        "short), normalise in front of the pooling to one position, or use `GroupNorm`. A spec has no batch, so the "
        "analysis says nothing of it.",
        ("BatchNorm2d", "GroupNorm", "AdaptiveAvgPool2d"),
    ),
    Message(
        "Batches of two sizes",
        "PyTorch",
        ("Expected input batch_size (...) to match target batch_size (...).",),
        "Something merged the batch with other axes, mostly a `view(-1, n)` with a wrong `n`. `Flatten` keeps the "
        "batch, and "
        "`archdsl analyze` shows what it gives.",
        ("Flatten",),
    ),
    Message(
        "Out of memory",
        "PyTorch",
        (
            "CUDA out of memory. Tried to allocate ...",
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate ... bytes.",
        ),
        "`archdsl analyze FILE --batch N --dtype float16` gives the weights and the peak of the activations before "
        "anything "
        "runs; training holds several times as much. Halve the batch, or the input size.",
        (),
    ),
    Message(
        "Numbers of two types",
        "PyTorch",
        ("mat1 and mat2 must have the same dtype, but got ... and ...",),
        "The input is of another type than the weights, as arrays of numpy are in float64: `x.float()`. A spec has "
        "no "
        "types of numbers; `--dtype` says what memory is counted in.",
        ("Linear",),
    ),
    Message(
        "Two devices",
        "PyTorch",
        (
            "Expected all tensors to be on the same device, but found at least two devices, ...",
            "Tensor on device ... is not on the expected device ...!",
        ),
        "The model or the input was not moved: `model.to(device)`, `x = x.to(device)`. It says nothing of the network.",
        (),
    ),
)


def answer(message: Message) -> Page:
    """Return the page of a message."""
    see = [Section("See also", (Points(tuple(map(reference, message.see))),))] if message.see else []
    facts = {
        "schema": SCHEMA,
        "kind": "message",
        "elsewhere": {message.who: list(message.says)},
        "answer": message.answer,
        "see": list(message.see),
    }
    said = Section(f"In {message.who} this appears as", (Points(message.says, verbatim=True),))
    return Page(message.title, "no mistake in a spec", (Prose(message.answer),), (said, *see), facts)
