"""What is predicted of a run that freezes parts of its model, held against what is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import ModuleType

import torch
from torch import Tensor, nn

from archdsl.analysis.macs import macs
from archdsl.analysis.saved import tape
from archdsl.graph import Graph
from archdsl.train.parts.freezing import BACKBONE, frozen_modules, learning_parameters
from archdsl.train.parts.options import Options
from archdsl.train.parts.run import Start
from archdsl.train.parts.stages import make_plan
from archdsl.train.prediction import Prediction, exact, judged, skipped
from archdsl.train.work import Work, measured_work
from archdsl.verify.subject import Subject, tensors

UNFROZEN = ("MACs of a step", "saved memory", "peak memory", "gradients")
"""Predictions that are of the model with all of it in training."""


@dataclass(frozen=True)
class Frozen:
    """A stage that freezes some of a model: what it is called, its patterns, and the head that `backbone` leaves."""

    name: str
    patterns: str
    head: tuple[str, ...]

    def learns(self, path: str) -> bool:
        """Whether the layer with this path in the analysis is trained."""
        around = [path[:end] for end in [*(i for i, sign in enumerate(path) if sign == "."), len(path)]]
        words = [word.strip() for word in self.patterns.split(",") if word.strip()]
        if BACKBONE in words and not any(one in self.head for one in around):
            return False
        return not any(fnmatchcase(one, word) for one in around for word in words if word != BACKBONE)


def frozen_stages(options: Options, head: tuple[str, ...]) -> list[Frozen]:
    """Return the stages of a run that freeze something."""
    plan = make_plan(options)
    return [Frozen(f"stage {number}" if len(plan) > 1 else "the run", stage.options.freeze, head)
            for number, stage in enumerate(plan, 1) if stage.options.freeze]  # fmt: skip


def with_nothing_frozen(prediction: Prediction) -> Prediction:
    """Return a prediction that says, where it is of a step, that nothing is frozen in it."""
    if prediction.name not in UNFROZEN:
        return prediction
    return replace(prediction, note=f"{prediction.note}; with nothing frozen".removeprefix("; "))


def of_the_stages(
    subject: Subject, options: Options, begun: Start, ended: Mapping[str, Tensor]
) -> Iterator[Prediction]:
    """Yield what is predicted of stages that freeze something: gradients, multiply-adds, and what stays as it was.

    `ended` holds the weights that a run ended with.
    """
    for stage in frozen_stages(options, begun.head):
        yield _gradients(subject, stage)
        yield _step_work(subject, stage)
    kept = always_frozen(begun, options)
    if kept:
        yield _stay(kept, begun.model.state_dict(), ended)


def _gradients(subject: Subject, stage: Frozen) -> Prediction:
    """Hold which tensors learn, by the paths of the analysis, against the gradients of a backward pass."""
    weights = subject.analysis.parameters.weights
    predicted = {key for key in weights if stage.learns(key.rpartition(".")[0])}
    model = _as_in(stage, subject.build()).train()
    torch.autograd.backward([output.float().square().mean() for output in tensors(model(*subject.feeds(2)))])
    found = {name for name, value in model.named_parameters() if value.grad is not None}
    lines = [*(f"{name} gets no gradient" for name in sorted(predicted - found)),
             *(f"{name} is frozen and gets a gradient" for name in sorted(found - predicted))]  # fmt: skip
    row = judged(f"gradients in {stage.name}", f"{len(predicted):,} of {len(weights):,} tensors",
                 f"{len(found):,} tensors", "exact", not lines, f"--freeze {stage.patterns}")  # fmt: skip
    return replace(row, differences=tuple(lines))


def _step_work(subject: Subject, stage: Frozen) -> Prediction:
    predicted = frozen_work(subject.graph, stage.learns)
    code = ModuleType(subject.code.__name__)
    setattr(code, subject.builder, lambda: _as_in(stage, getattr(subject.code, subject.builder)()))
    try:
        measured = measured_work(replace(subject, code=code))
    except (RuntimeError, NotImplementedError) as error:
        if "meta" not in str(error):
            raise
        said = str(error).partition("\n")[0]
        return skipped(f"MACs in {stage.name}", f"a layer needs values: {said}", str(predicted))
    met = (predicted.forward, predicted.backward) == (measured.forward, measured.backward)
    return judged(f"MACs in {stage.name}", str(predicted), str(measured), "exact", met,
                  "forward + backward for one sample, by PyTorch's counter")  # fmt: skip


def frozen_work(graph: Graph, learns: Callable[[str], bool]) -> Work:
    """Return the multiply-adds of a training step on one sample where only some layers learn, by their paths.

    An input has a gradient where something that learns is before it, so what lies before the first such layer takes
    none in the backward pass.
    """
    counts, record = macs(graph), tape(graph)
    needs: list[bool] = []
    forward = backward = 0
    for node in graph.nodes:
        learned = bool(record.learned[node.index]) and learns(node.path)
        needs.append(learned or any(needs[i] for i in node.inputs))
        count = counts[node.index]
        forward += count
        if count and needs[-1] and record.tracked[node.index]:
            backward += count * (learned + sum(needs[i] for i in node.inputs))
    return Work(forward, backward)


def _as_in(stage: Frozen, model: nn.Module) -> nn.Module:
    learning = learning_parameters(model, stage.patterns, stage.head)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in learning)
    return model


def always_frozen(begun: Start, options: Options) -> list[str]:
    """Return the names of the parameters and buffers of modules that every stage freezes."""
    stages = [frozen_modules(begun.model, stage.options.freeze, begun.head) for stage in make_plan(options)]
    modules = frozenset.intersection(*stages)
    return [name for name in begun.model.state_dict() if name.rpartition(".")[0] in modules]


def _stay(kept: list[str], began: Mapping[str, Tensor], ended: Mapping[str, Tensor]) -> Prediction:
    same = [name for name in kept if name in ended and torch.equal(began[name].cpu(), ended[name].cpu())]
    row = exact("frozen all along", len(kept), len(same), "parameters and buffers that are the same bits at the end",
                " tensors")  # fmt: skip
    return replace(row, differences=tuple(f"{name} is not as it was" for name in kept if name not in same))
