"""Everything that is predicted of a model and its training, held against what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.analysis.saved import saved_tensors
from archdsl.analysis.training_memory import Training
from archdsl.pipeline import Network
from archdsl.train.baselines import baselines
from archdsl.train.parts.data import Data, Split
from archdsl.train.parts.distributed import World
from archdsl.train.parts.fitting import Architecture, Fit
from archdsl.train.parts.freezing import frozen_modules, rest_norms
from archdsl.train.parts.loop import FIGURES
from archdsl.train.parts.losses import Objective, first_output
from archdsl.train.parts.optimizers import make_optimizer, parameter_groups
from archdsl.train.parts.options import Options
from archdsl.train.parts.run import make_start
from archdsl.train.parts.stages import make_plan
from archdsl.train.prediction import Prediction, exact, judged, skipped
from archdsl.train.storages import peak_bytes, saved_bytes
from archdsl.train.symptoms import INITIAL
from archdsl.train.work import measured_work, predicted_work
from archdsl.verify import reach, running, shapes, structure
from archdsl.verify.checks import Check
from archdsl.verify.subject import Subject

SAVED_BATCH = 4
MOST_MACS = 2 * 10**9
"""For the batch that is run to see what it keeps; a larger network is run on two samples."""
PEAK = 0.15
"""What the peak may be off by: workspace and the rounding of the allocator are not modelled."""
FIRST, LAST = 20, 50
"""Steps whose mean losses are compared."""
LONG = 200
"""From so many steps on, a loss without a floor is predicted to fall to half."""
MANY = 512
"""Images that the loss before training is measured on, at most."""
NEARLY_ALL = 0.99
"""What is asked of a run where a baseline is never wrong, which nothing can beat."""


def trained_subject(network: Network, code: ModuleType, builder: str, arguments: Mapping[str, Any]) -> Subject:
    """Return the code that is trained, with the arguments that the data gave it, ready to be verified."""
    made = ModuleType(code.__name__)
    vars(made).update(vars(code))
    setattr(made, builder, partial(getattr(code, builder), **arguments))
    return Subject(network, network.examine(), made, builder, "cpu", 0)


def of_the_model(subject: Subject, options: Options, world: World) -> Iterator[Prediction]:
    """Yield what the analysis predicts of a model, and what its code shows, without training."""
    model = subject.build()
    measurements: dict[str, Callable[[], Prediction]] = {
        "parameters": lambda: _parameters(subject, model),
        "shapes": lambda: _shapes(subject),
        "MACs of evaluation": lambda: _evaluation(subject),
        "MACs of a step": lambda: _step_work(subject),
        "saved memory": lambda: _saved(subject),
        "peak memory": lambda: _peak(subject, options, world),
        "receptive fields": lambda: _checked("receptive fields", "as analysed", reach.receptive_fields(subject)),
        "gradients": lambda: _gradients(subject, model),
    }
    for name, measure in measurements.items():
        try:
            yield measure()
        except Exception as error:  # noqa: BLE001 - one that cannot be made hides none of the others
            said = f"{type(error).__name__}: {error}".partition("\n")[0]
            yield Prediction(name, "–", "it fails", "–", "failed", said)


def _parameters(subject: Subject, model: nn.Module) -> Prediction:
    total = sum(p.numel() for p in model.parameters())
    counted = exact("parameters", subject.analysis.totals.params, total)
    return _with(counted, structure.parameters(subject, model))


def _shapes(subject: Subject) -> Prediction:
    layers = len([node for node in subject.graph.layers if node.module])
    return _checked("shapes", f"{layers:,} layers", shapes.shapes(subject, subject.build("meta")), "by hooks, ")


def _evaluation(subject: Subject) -> Prediction:
    check = running.macs(subject, subject.build("meta"))
    total = subject.analysis.totals.macs or 0
    return _with(exact("MACs of evaluation", total, total, f"layer by layer, {check.summary}"), check)


def _gradients(subject: Subject, model: nn.Module) -> Prediction:
    weights = len(subject.analysis.parameters.weights)
    return _checked("gradients", f"{weights:,} tensors", running.training(subject, model))


def _checked(name: str, predicted: str, check: Check, how: str = "") -> Prediction:
    """Return a check of `archdsl verify` as a prediction."""
    if check.skipped:
        return skipped(name, check.summary, predicted)
    state = "failed" if check.failed else "passed"
    measured = check.summary if check.failed else "all of them"
    return Prediction(name, predicted, measured, "exact", state, "" if check.failed else f"{how}{check.summary}",
                      check.differences)  # fmt: skip


def _with(prediction: Prediction, check: Check) -> Prediction:
    """Return a prediction that fails where a check of its parts does."""
    if not check.failed:
        return prediction
    return replace(prediction, state="failed", measured=check.summary, differences=check.differences)


def _step_work(subject: Subject) -> Prediction:
    """Hold the multiply-adds of a training step, forward and backward, against PyTorch's counter."""
    name, predicted = "MACs of a step", predicted_work(subject.graph)
    try:
        measured = measured_work(subject)
    except (RuntimeError, NotImplementedError) as error:
        if "meta" not in str(error):
            raise
        return skipped(name, f"a layer needs values: {str(error).partition(chr(10))[0]}", str(predicted))
    note = "forward + backward for one sample, by PyTorch's counter"
    if measured.uncorrected != measured.backward:
        note += (f", which says {measured.uncorrected:,} for backward: it multiplies the gradient of the weight of a "
                 "grouped convolution by its groups")  # fmt: skip
    met = (predicted.forward, predicted.backward) == (measured.forward, measured.backward)
    return judged(name, str(predicted), str(measured), "exact", met, note)


def _saved(subject: Subject) -> Prediction:
    batch = SAVED_BATCH if (subject.analysis.totals.macs or 0) * SAVED_BATCH <= MOST_MACS else 2
    predicted = sum(one.bytes for one in saved_tensors(subject.graph, batch=batch))
    measured = saved_bytes(subject.build(), subject.feeds(batch))
    note = f"kept for the backward at batch {batch} on a CPU, each storage once"
    return exact("saved memory", predicted, measured, note, " bytes")


def _peak(subject: Subject, options: Options, world: World) -> Prediction:
    """Hold the peak of a step against that of CUDA's allocator."""
    name = {"nesterov": "momentum"}.get(options.optimizer, options.optimizer)
    amp = None if options.amp == "off" else options.amp
    batch = options.batch // options.accumulate // world.size
    predicted = Training(subject.graph, optimizer=name, amp=amp).peak(batch)
    if options.ema:
        predicted += 4 * (subject.analysis.totals.params + subject.analysis.totals.buffers)
    spelled = f"{predicted / 2**20:,.1f} MiB"
    if world.device.type != "cuda":
        return skipped("peak memory", "an allocator that counts is there on CUDA only", spelled)
    if options.compile != "off" or options.recompute:
        return skipped("peak memory", "compiled or recomputed parts keep other tensors", spelled)
    before = torch.cuda.memory_allocated(world.device)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    model = subject.build().to(world.device, memory_format=layout).train()  # type: ignore[call-overload]  # torch's
    optimizer = make_optimizer(options.optimizer, parameter_groups(model, options.lr, 0.0),
                               momentum=options.momentum, betas=(options.beta1, options.beta2), fused=True)  # fmt: skip
    feeds = [x.to(world.device, memory_format=layout) for x in subject.feeds(batch)]
    low = torch.bfloat16 if options.amp == "bf16" else torch.float16

    def step() -> None:
        with torch.autocast("cuda", low, enabled=amp is not None):
            outputs = model(*feeds)
        tensors = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        torch.autograd.backward([x.float().square().mean() for x in tensors])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    measured = peak_bytes(world.device, step) - before
    if options.ema:
        measured += 4 * (subject.analysis.totals.params + subject.analysis.totals.buffers)
    met = abs(measured - predicted) <= PEAK * predicted
    note = f"of a step at batch {batch}, by CUDA's allocator"
    return judged("peak memory", spelled, f"{measured / 2**20:,.1f} MiB", f"{PEAK:.0%}", met, note)


def initial_loss(architecture: Architecture, data: Data, options: Options, world: World) -> tuple[float, float]:
    """Return the loss before the first step, in training mode and without changes of images, and ln(classes).

    The model is the one that the run begins with, with what its first stage freezes: it follows from the seed.
    """
    begun, first = make_start(architecture, data, options), make_plan(options)[0].options
    fit = begun.fit
    binary = fit.kind == "labels" or fit.classes == 1
    objective = Objective("bce" if binary else "ce")
    batch = max(2, min(options.batch, MANY // 4))
    model = begun.model.to(world.device).train()
    rest_norms(model, frozen_modules(model, first.freeze, begun.head), first.frozen_bn)
    losses = []
    places = _spread(len(data.train), MANY, batch)
    with torch.no_grad():
        for some in torch.split(places, batch):
            losses.append(_loss(model, fit, objective, data.train.at(some), world))
    return sum(losses) / len(losses), math.log(2 if binary else fit.classes)


def _spread(count: int, most: int, batch: int) -> Tensor:
    """Return places of images in whole batches, spread evenly and mixed: files are often sorted by class."""
    some = min(count, most) // batch * batch or count
    places = torch.arange(some) * count // some
    return places[torch.randperm(some, generator=torch.Generator().manual_seed(0))]


def _loss(model: nn.Module, fit: Fit, objective: Objective, part: Split, world: World) -> float:
    images, targets = part.images.to(world.device), part.targets.to(world.device)
    pixels, masks = fit.decode(images, targets if fit.kind == "mask" else None)
    return float(objective(first_output(model(fit.normalise(pixels))), targets if masks is None else masks))


def of_the_run(
    data: Data, options: Options, record: Mapping[str, Any], losses: Sequence[float], start: tuple[float, float]
) -> Iterator[Prediction]:
    """Yield what is predicted of a training, and what it came to."""
    kind = record["images"]["kind"]
    yield _start(options, kind, *start)
    yield _falls(options, record, losses)
    figure, name = float(record["test"][FIGURES[kind]]), {"top1": "accuracy", "miou": "mIoU", "f1": "F1"}[FIGURES[kind]]
    for baseline in baselines(data):
        title, perfect = f"{name} beats {baseline.name}", baseline.figure == 1
        least = f"≥ {NEARLY_ALL:.2%}" if perfect else f"> {baseline.figure:.2%}"
        met = figure >= NEARLY_ALL if perfect else figure > baseline.figure
        note = f"{baseline.how}, which is always right" if perfect else baseline.how
        yield judged(title, least, f"{figure:.2%}", "", met, note)


def _start(options: Options, kind: str, loss: float, equal_chances: float) -> Prediction:
    predicted = f"{equal_chances:.3f}"
    if options.init:
        return skipped("loss at the start", "the run begins with trained weights", predicted)
    note = "ln(classes), the loss of equal chances"
    if kind == "mask" and loss < equal_chances:  # where most pixels are background, a bias for it is a better start
        return judged("loss at the start", f"≤ {predicted}", f"{loss:.3f}", "", loss > 0, note)
    met = abs(loss - equal_chances) <= INITIAL * equal_chances
    return judged("loss at the start", predicted, f"{loss:.3f}", f"{INITIAL:.0%}", met, note)


def _falls(options: Options, record: Mapping[str, Any], losses: Sequence[float]) -> Prediction:
    if len(losses) < 2:
        return skipped("loss falls", "there was one step alone")
    first, last = (min(most, max(1, len(losses) // 4)) for most in (FIRST, LAST))
    began, ended = sum(losses[:first]) / first, sum(losses[-last:]) / last
    has_floor = options.smoothing or options.mixup or options.cutmix or options.init
    share = 0.5 if len(losses) >= LONG and not has_floor and record["images"]["kind"] == "classes" else 1.0
    note = f"mean of the first {first} and of the last {last} of {len(losses)} steps"
    return judged("loss falls", f"< {share * began:.3f}", f"{ended:.3f}", "", ended < share * began,
                  f"{note}; from {began:.3f}")  # fmt: skip
