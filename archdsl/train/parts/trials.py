"""What can be tried before a run: a plan with one step, one batch learned by heart, a measured speed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, conv_backward_flop

from archdsl.train.parts.feeding import seed_draws
from archdsl.train.parts.fitting import counted
from archdsl.train.parts.log import say
from archdsl.train.parts.loop import Trainer
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.recompute import activations_kept

LEARNED = 0.01
"""The loss at which a batch is known by heart."""
MOST_STEPS = 500
WARM_UP = 10
"""Steps before the measured ones: memory is reserved, algorithms are chosen, code is compiled."""


def dry_run(trainer: Trainer, record: dict[str, Any]) -> dict[str, Any]:
    """Make one step and say what a run would do."""
    trainer.advance()
    trainer.read_losses()
    data, images = record["data"], record["images"]
    arguments = ", ".join(f"{name}={value}" for name, value in record["arguments"].items())
    how = {"none": "their own", "pad": "padded to it", "resize": "resized to it"}[images["how"]]
    grey = f"; grey is repeated to {images['channels']} channels" if images["repeated"] else ""
    say(f"{record['model']}: {record['parameters']:,} parameters, built with {arguments or 'its defaults'}")
    say(f"{data['name']}: {data['train']:,} training, {data['validation']:,} validation and {data['test']:,} test "
        f"images, {data['classes']} classes; size {images['size'][0]}×{images['size'][1]} ({how}){grey}")  # fmt: skip
    say(f"{counted(trainer.total, 'step')} of {counted(trainer.options.batch, 'image')} in "
        f"{counted(trainer.options.epochs, 'epoch')} on {record['device']}, "
        f"{counted(record['processes'], 'process')}; loss {record['loss']}")  # fmt: skip
    return {**record, "first_loss": trainer.losses[0]}


def overfit_batch(trainer: Trainer, record: dict[str, Any]) -> dict[str, Any]:
    """Train on the first batch, unchanged each time and with a constant rate, until its loss is under 0.01.

    Raises:
        RunError: it is not after 500 steps: the model or its initialisation is likely wrong.
    """
    options = trainer.options
    indices = torch.arange(trainer.world.rank, options.batch, trainer.world.size)
    images, targets = trainer.feed.batch(indices)
    pixels, masks = trainer.fit.decode(images, targets if trainer.fit.kind == "mask" else None)
    pixels = trainer.fit.normalise(pixels).contiguous(memory_format=trainer.layout)
    targets = targets if masks is None else masks
    first = value = float("inf")
    for step in range(MOST_STEPS):
        trainer.set_modes()
        seed_draws(options.seed, 4, step)
        trainer.model.zero_grad(set_to_none=True)
        with trainer.autocast():
            outputs = trainer.forward(pixels)
        loss = trainer.objective(outputs, targets)
        trainer.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        trainer.update()
        mean = loss.detach().double() / trainer.world.size
        trainer.world.sum([mean])
        value = float(mean)
        first = value if step == 0 else first
        if value < LEARNED:
            say(f"one batch is learned: loss {first:.4f} fell to {value:.4f} in {step + 1} steps")
            return {**record, "first_loss": first, "loss_reached": value, "steps": step + 1}
        if not value < float("inf"):
            break
    raise RunError(f"one batch is not learned: loss {first:.4f} came to {value:.4f} in {step + 1} steps; "
                   "look at the initialisation, the rate and the smoothing")  # fmt: skip


def profile(trainer: Trainer, record: dict[str, Any]) -> dict[str, Any]:
    """Measure the speed of steps: their median time with and without the way of the data, and the memory of a step.

    FLOP are those of convolutions and matrix products in a forward and a backward pass, two per multiplication; what
    is computed anew to save memory does not count.
    """
    device, options = trainer.device, trainer.options
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    whole = statistics.median(_step_seconds(trainer, trainer.advance))
    peak_bytes = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    mine = options.batch // trainer.world.size // options.accumulate
    images, targets = trainer.prepare(torch.arange(mine))
    computing = statistics.median(_step_seconds(trainer, lambda: _compute(trainer, images, targets)))
    found: dict[str, Any] = {"steps": options.profile, "batch": options.batch, "amp": options.amp,
                             "channels_last": options.channels_last, "compile": options.compile}  # fmt: skip
    found["step_ms"] = whole * 1e3
    found["compute_ms"] = computing * 1e3 * options.accumulate
    found["images_per_second"] = options.batch / whole
    found["images_per_second_without_data"] = options.batch / computing / options.accumulate
    found["flop_per_image"] = count_flop(trainer, images, targets) / mine
    found["flop_per_second"] = found["flop_per_image"] * found["images_per_second"]
    if options.peak:
        found["share_of_peak"] = found["flop_per_second"] / (options.peak * 1e12 * trainer.world.size)
    if peak_bytes:
        found["peak_bytes"] = peak_bytes
    say(
        "\n".join(
            f"{name.replace('_', ' ')}: {value:,.4g}" for name, value in found.items() if isinstance(value, float)
        )
    )
    return {**record, "profile": found}


def count_flop(trainer: Trainer, images: Tensor, targets: Tensor) -> int:
    """Return the FLOP of a step on a batch, as torch's counter finds them, with one correction.

    In PyTorch 2.13 it takes the weight of a grouped convolution for that of an ungrouped one where it counts the
    gradient of the weight: `groups` times too many.
    """

    def backward(*given: Any, **named: Any) -> int:
        *first, groups, mask = given
        inputs = int(conv_backward_flop(*first, groups, [mask[0], False, mask[2]], **named))  # type: ignore[call-arg]
        weights = int(conv_backward_flop(*first, groups, [False, mask[1], mask[2]], **named))  # type: ignore[call-arg]
        return inputs + weights // int(groups)

    backward._get_raw = True  # type: ignore[attr-defined]  # by this the counter gives tensors, as its own function wants
    convolution = torch.ops.aten.convolution_backward
    with (
        FlopCounterMode(display=False, custom_mapping={convolution: backward}) as counter,
        activations_kept(trainer.model),
    ):
        trainer.objective(trainer.model(images), targets).backward()  # type: ignore[no-untyped-call]
    trainer.model.zero_grad(set_to_none=True)
    return int(counter.get_total_flops())


def _step_seconds(trainer: Trainer, work: Callable[[], object]) -> list[float]:
    """Return how long steps take, without the first ones.

    On CUDA it is the device's own clock at the end of each: to wait there would leave it idle until the next begins.
    """
    steps = trainer.options.profile
    for _ in range(min(WARM_UP, steps)):
        work()
    if trainer.device.type != "cuda":
        ends = [time.perf_counter()]
        for _ in range(steps):
            work()
            ends.append(time.perf_counter())
        return [end - began for began, end in pairwise(ends)]
    marks: list[torch.cuda.Event] = [
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        for _ in range(steps + 1)
    ]
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize(trainer.device)
    return [began.elapsed_time(end) / 1e3 for began, end in pairwise(marks)]


def _compute(trainer: Trainer, images: Tensor, targets: Tensor) -> None:
    trainer.model.zero_grad(set_to_none=True)
    with trainer.autocast():
        outputs = trainer.forward(images)
    loss = trainer.objective(outputs, targets)
    trainer.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    trainer.update()
