"""The processor time of a training step, which other programs on a machine change less than time by the clock."""

from __future__ import annotations

import time
from statistics import median

import torch
from torch.nn import functional

from archdsl.train.experiments.experiment import Run
from archdsl.train.parts.losses import first_output

WARM_UP = 2


def step_milliseconds(run: Run, *, steps: int, batch: int) -> float:
    """Return the processor time of a training step for one image, in ms: the median of `steps` steps on a CPU.

    A step is forward, loss and backward on random images, in the precision and the layout that the run was trained
    in; all threads are counted together. Reading data and updating weights are not part of it.
    """
    record, options = run.record, run.record["options"]
    layout = torch.channels_last if options["channels_last"] else torch.contiguous_format
    model = run.model().train().to(memory_format=layout)  # type: ignore[call-overload]  # torch's
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, record["images"]["channels"], *record["images"]["size"], generator=generator)
    images = images.contiguous(memory_format=layout)
    targets = torch.arange(batch) % record["data"]["classes"]
    taken = []
    for _ in range(WARM_UP + steps):
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=options["amp"] == "bf16"):
            logits = first_output(model(images))
        functional.cross_entropy(logits.float(), targets).backward()  # type: ignore[no-untyped-call]  # torch's
        taken.append(time.process_time() - began)
    return 1e3 * median(taken[WARM_UP:]) / batch
