"""Multiply-adds of a training step: those that the analysis predicts, and those that PyTorch's counter finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, conv_backward_flop

from archdsl.analysis.macs import macs
from archdsl.analysis.saved import tape
from archdsl.graph import Graph
from archdsl.verify.subject import Subject, tensors

BATCH = 2
"""Samples of the counted step: a norm over the batch needs more than one."""


@dataclass(frozen=True, slots=True)
class Work:
    """Multiply-adds for one sample, of convolutions and matrix products; one of them is two FLOPs."""

    forward: int
    backward: int
    uncorrected: int = 0
    """The backward pass as PyTorch's counter gives it."""

    def __str__(self) -> str:
        return f"{self.forward:,} + {self.backward:,}"


def predicted_work(graph: Graph) -> Work:
    """Return the multiply-adds of a training step on one sample.

    The gradient of a weight takes as many as the forward pass, and so does that of an input. An input has one where
    something learned is before it, so the first layer of a network has none.
    """
    counts, record = macs(graph), tape(graph)
    forward = backward = 0
    for node in graph.layers:
        count = counts[node.index]
        forward += count
        if count and record.tracked[node.index]:
            learned = bool(record.learned[node.index])
            backward += count * (learned + sum(record.tracked[i] for i in node.inputs))
    return Work(forward, backward)


def measured_work(subject: Subject) -> Work:
    """Return what PyTorch's counter finds in a training step, on the meta device.

    In PyTorch 2.13 the counter takes the weight of a grouped convolution for that of an ungrouped one where it counts
    the gradient of the weight: `groups` times too many. They are divided by `groups` here.

    Raises:
        RuntimeError: a layer cannot be run without values.
    """
    backward: list[tuple[int, int]] = []

    def counted(*given: Any, **named: Any) -> int:
        *first, groups, mask = given
        inputs = int(conv_backward_flop(*first, groups, [mask[0], False, mask[2]], **named))  # type: ignore[call-arg]
        weights = int(conv_backward_flop(*first, groups, [False, mask[1], mask[2]], **named))  # type: ignore[call-arg]
        backward.append((inputs + weights, inputs + weights // int(groups)))
        return inputs + weights

    counted._get_raw = True  # type: ignore[attr-defined]  # by this the counter gives tensors, as its own function wants
    convolution = torch.ops.aten.convolution_backward
    model = subject.build("meta").train()
    with FlopCounterMode(display=False, custom_mapping={convolution: counted}) as counter:
        outputs = tensors(model(*subject.feeds(BATCH, "meta")))
        forward = counter.get_total_flops()
        torch.autograd.backward(_sum(outputs))
        whole = counter.get_total_flops() - forward
    too_many = sum(raw - right for raw, right in backward)
    each = 2 * BATCH
    return Work(forward // each, (whole - too_many) // each, whole // each)


def _sum(outputs: list[Tensor]) -> Tensor:
    sums = [output.sum() for output in outputs]
    return sum(sums[1:], sums[0])
