"""The loop: batches in, steps of the optimiser out, and what is kept of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.train.parts.augment import augment, mix, rand_augment
from archdsl.train.parts.averaging import Averaged
from archdsl.train.parts.data import Split
from archdsl.train.parts.distributed import World, across_processes, share_of
from archdsl.train.parts.feeding import Feed, epoch_order, seed_draws
from archdsl.train.parts.fitting import Fit, counted
from archdsl.train.parts.freezing import frozen_modules, learning_parameters, rate_factors, rest_norms
from archdsl.train.parts.log import Row
from archdsl.train.parts.losses import Objective, first_output
from archdsl.train.parts.metrics import Tally
from archdsl.train.parts.optimizers import decayed, l1_norm, make_optimizer, parameter_groups
from archdsl.train.parts.options import Options
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.recompute import recompute
from archdsl.train.parts.schedules import Schedule
from archdsl.train.parts.stages import make_plan, stage_of

READ_EVERY = 50
"""Steps between looks at the losses on a device that does not wait for each; the CPU does."""

FIGURES = {"classes": "top1", "mask": "miou", "labels": "f1"}
"""The figure that a run is judged by."""


class Trainer:
    """A model in training: the state that a checkpoint holds, and what moves it by one step.

    A batch is divided into `accumulate` parts, and each part among the processes. The gradient is the mean over the
    whole batch, whatever the division, where an image's loss does not depend on the others: a batch norm sees its
    part only, unless it is frozen or synchronised, as does the Dice loss, and ignored pixels weigh the parts.
    """

    def __init__(
        self, model: nn.Module, fit: Fit, options: Options, split: Split, world: World, head: Sequence[str] = ()
    ) -> None:
        """Put a model and its data on their device; `head` names the layers that --freeze backbone leaves.

        Raises:
            RunError: the batch is larger than the split, or cannot be divided; or a stage has nothing to train.
        """
        self.fit, self.options, self.world, self.device = fit, options, world, world.device
        refuse_unsuitable(options, fit, len(split.images), world.size)
        if options.sync_bn and self.device.type != "cuda":
            raise RunError(f"--sync-bn is for CUDA, and this run is on {self.device.type}", 2)
        self.steps_per_epoch = len(split.images) // options.batch
        self.total = self.steps_per_epoch * options.epochs
        if world.size > 1 and options.sync_bn:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.layout: torch.memory_format = layout
        self.model = model.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self.averaged = Averaged(self.model, options.ema) if options.ema else None
        if options.recompute:
            recompute(self.model, options.recompute)
        self.objective = Objective(choose_loss(options.loss, fit), options.smoothing, options.aux_weight)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=options.amp == "fp16")
        self.head, self.plan = tuple(head), make_plan(options)
        self.learning = [learning_parameters(self.model, stage.options.freeze, head) for stage in self.plan]
        self.enter(0)
        self.feed = Feed(split, self.device)
        self.step = 0
        self.losses: list[float] = []
        self.unread: list[Tensor] = []
        self.order = torch.empty(0, dtype=torch.int64)
        self.order_of = -1

    def enter(self, index: int) -> None:
        """Begin a stage: freeze its part of the model, with a new optimiser for the rest and a schedule."""
        self.stage, stage, run = index, self.plan[index], self.options
        options = stage.options
        self.frozen = frozen_modules(self.model, options.freeze, self.head)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name in self.learning[index])
        factors = rate_factors(self.model, self.head, options.lr_decay, options.backbone_lr)
        groups = parameter_groups(self.model, options.lr, options.weight_decay, factors)
        self.optimizer = make_optimizer(run.optimizer, groups, momentum=run.momentum, betas=(run.beta1, run.beta2),
                                        fused=self.device.type in ("cpu", "cuda"))  # fmt: skip
        self.sparse = [weight for _, weight in decayed(self.model)] if run.l1 else []
        self.schedule = Schedule(options.schedule, stage.epochs * self.steps_per_epoch,
                                 round(options.warmup * self.steps_per_epoch), options.floor,
                                 read_shares(options.milestones), options.gamma)  # fmt: skip
        self.model.eval()  # the next step sets the modes anew
        # Processes agree on the gradients that they exchange when they are joined, so they are joined anew.
        self.forward = self.model
        self.forward = across_processes(self.model, self.world)
        if run.compile != "off":
            self.forward = torch.compile(self.forward, mode=run.compile)

    def stages(self) -> list[dict[str, Any]]:
        """Return what the record of a run says of its stages: their epochs, what is trained in each, and its rates."""
        found = []
        for stage, names in zip(self.plan, self.learning, strict=True):
            options = stage.options
            factors = rate_factors(self.model, self.head, options.lr_decay, options.backbone_lr)
            sizes = [p.numel() for name, p in self.model.named_parameters() if name in names]
            rates = [options.lr * factors[name] for name in names]
            found.append({"from_epoch": stage.first + 1, "epochs": stage.epochs, "freeze": options.freeze,
                          "tensors": len(sizes), "parameters": sum(sizes), "schedule": options.schedule,
                          "lowest_lr": min(rates), "highest_lr": max(rates)})  # fmt: skip
        return found

    @property
    def epoch(self) -> int:
        """The epoch that the next step belongs to."""
        return self.step // self.steps_per_epoch

    def autocast(self) -> AbstractContextManager[Any]:
        """Return what a forward pass is computed in."""
        if self.options.amp == "off":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.options.amp == "bf16" else torch.float16)

    def advance(self) -> None:
        """Make one step of the optimiser."""
        epoch, position = divmod(self.step, self.steps_per_epoch)
        if self.stage != (stage := stage_of(self.plan, epoch)):
            self.enter(stage)
        if self.order_of != epoch:
            order = epoch_order(len(self.feed), self.options.seed, epoch)
            self.order, self.order_of = order.to(self.feed.images.device), epoch
        batch = self.order[position * self.options.batch : (position + 1) * self.options.batch]
        self.set_modes()
        self.schedule.set(self.optimizer, self.step - self.plan[stage].first * self.steps_per_epoch)
        # Here and not behind the last step: the forward pass takes the memory of the gradients as soon as it is free.
        self.model.zero_grad(set_to_none=True)
        parts = batch.chunk(self.options.accumulate)
        loss = torch.zeros((), device=self.device)
        for number, part in enumerate(parts):
            seed_draws(self.options.seed, 2, self.step, number, self.world.rank)
            with self._gradients_stay_here() if number + 1 < len(parts) else nullcontext():
                loss += self._backward(*self.prepare(share_of(part, self.world.rank, self.world.size)), len(parts))
        self.update()
        self.unread.append(loss)
        self.step += 1
        if self.device.type == "cpu" or len(self.unread) == READ_EVERY:
            self.read_losses()

    def set_modes(self) -> None:
        """Turn training on; batch norms that are frozen, alone or with their module, stay as in evaluation."""
        if self.model.training:
            return
        self.forward.train()
        self.model.train()
        rest_norms(self.model, self.frozen, self.plan[self.stage].options.frozen_bn)

    def prepare(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return a batch as the model takes it, with all changes that training makes."""
        options = self.options
        images, targets = self.feed.batch(indices)
        if options.randaugment:
            images = rand_augment(images, options.randaugment)
        is_mask = self.fit.kind == "mask"
        pixels, masks = self.fit.decode(images, targets if is_mask else None)
        pixels, masks = augment(pixels, masks, options)
        pixels, targets = self.fit.normalise(pixels), targets if masks is None else masks
        if options.mixup or options.cutmix:
            pixels, targets = mix(pixels, targets, self.fit.classes, options.mixup, options.cutmix)
        return pixels.contiguous(memory_format=self.layout), targets

    def _backward(self, images: Tensor, targets: Tensor, parts: int) -> Tensor:
        with self.autocast():
            outputs = self._answer(images)
        loss = self.objective(outputs, targets)
        if self.device.type == "cpu" and not bool(loss.isfinite()):
            raise self._diverged(self.step, float(loss.detach()), first_without_number(self.model, images))
        whole = loss + self.options.l1 * l1_norm(self.sparse) if self.sparse else loss
        self.scaler.scale(whole / parts).backward()  # type: ignore[no-untyped-call]
        return loss.detach() / parts

    def _answer(self, images: Tensor) -> Any:
        try:
            return self.forward(images)
        except RuntimeError as error:
            # Those of the compiler are known by their home: to import it for their names takes seconds.
            if self.options.compile == "off" or not type(error).__module__.startswith(("torch._dynamo", "torch._ind")):
                raise
            said = " ".join(str(error).strip().splitlines()[:2]).strip()
            raise RunError(f"--compile {self.options.compile} does not work here: {said}; --compile off does") from None

    def update(self) -> None:
        """Move the parameters along the gradient: unscaled, then clipped."""
        if self.options.clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.averaged is not None:
            self.averaged.update(self.model)

    def _gradients_stay_here(self) -> AbstractContextManager[Any]:
        wrapped = getattr(self.forward, "_orig_mod", self.forward)
        if isinstance(wrapped, nn.parallel.DistributedDataParallel):
            return wrapped.no_sync()
        return nullcontext()

    def read_losses(self) -> None:
        """Take the losses of the last steps from the device, as means over all processes.

        Raises:
            RunError: one of them is not a number.
        """
        if not self.unread:
            return
        values = torch.stack(self.unread) / self.world.size
        self.unread = []
        self.world.sum([values])
        for value in values.tolist():
            if not abs(value) < float("inf"):
                raise self._diverged(len(self.losses), value, "")
            self.losses.append(value)

    def _diverged(self, step: int, loss: float, where: str) -> RunError:
        stage = self.plan[self.stage]
        rate = stage.options.lr * self.schedule.factor(step - stage.first * self.steps_per_epoch)
        return RunError(
            f"the loss is {loss} at step {step + 1} of epoch {step // self.steps_per_epoch + 1}, with a rate of "
            f"{rate:.3g}{where}; a smaller --lr, --warmup or --clip 1 may help"
        )

    def check_numbers(self) -> None:
        """Refuse parameters that are not numbers, so that none are kept.

        Raises:
            RunError: names the first of them.
        """
        for name, value in self.model.state_dict().items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise RunError(f"{name} is not a number after step {self.step}: the gradient was not; a smaller --lr, "
                               "--warmup or --clip 1 may help")  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return all that a step follows from, apart from the options and the data."""
        self.read_losses()
        self.check_numbers()
        state = {"step": self.step, "stage": self.stage, "losses": torch.tensor(self.losses, dtype=torch.float64)}
        state |= {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"scaler": self.scaler.state_dict()}
        if self.averaged is not None:
            state |= {"averaged": self.averaged.model.state_dict(), "updates": self.averaged.updates}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where a state was taken."""
        self.step, self.losses = state["step"], state["losses"].tolist()
        self.enter(state.get("stage", 0))
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        if self.averaged is not None:
            self.averaged.model.load_state_dict(state["averaged"])
            self.averaged.updates = state["updates"]

    def evaluate(self, model: nn.Module, feed: Feed) -> tuple[Row, Tensor]:
        """Return the figures of a model on a split and its confusion matrix, with each image counted once."""
        self.world.copy_from_first([b for b in model.buffers() if b.numel()])
        tally = Tally(self.fit.classes, self.device)
        mine = share_of(torch.arange(len(feed)), self.world.rank, self.world.size)
        objective = Objective(self.objective.terms)
        with evaluating(model), torch.inference_mode():
            for part in torch.split(mine, max(1, self.options.batch // self.world.size)) if len(mine) else ():
                images, targets = feed.batch(part)
                pixels, masks = self.fit.decode(images, targets if self.fit.kind == "mask" else None)
                pixels = self.fit.normalise(pixels).contiguous(memory_format=self.layout)
                with self.autocast():
                    logits = first_output(model(pixels))
                targets = targets if masks is None else masks
                tally.add(logits.float(), targets, objective(logits, targets))
        self.world.sum(tally.tensors())
        return tally.results(self.fit.kind), tally.confusion

    def finished_epoch(self, validation: Feed | None, began: float) -> Row:
        """Return what is known after an epoch: its mean loss, the rate, and the figures on the validation images."""
        last = self.losses[-self.steps_per_epoch :]
        row: Row = {"epoch": self.epoch, "step": self.step, "train_loss": sum(last) / len(last)}
        row["lr"] = float(self.optimizer.param_groups[0]["lr"])
        if validation is not None:
            figures, _ = self.evaluate(self.model, validation)
            row |= {f"val_{name}": value for name, value in figures.items()}
            if self.averaged is not None:
                figures, _ = self.evaluate(self.averaged.model, validation)
                row |= {f"ema_val_{name}": value for name, value in figures.items()}
        row["seconds"] = round(time.monotonic() - began, 3)
        return row

    def judged(self) -> nn.Module:
        """Return the model whose figures count: the averaged one where there is one."""
        return self.model if self.averaged is None else self.averaged.model


def refuse_unsuitable(options: Options, fit: Fit, images: int, processes: int) -> None:
    """Refuse options that do not go with the data or with each other.

    Raises:
        RunError: says which, and what would.
    """
    pieces = processes * options.accumulate
    if options.batch % pieces:
        raise RunError(
            f"a batch of {options.batch} cannot be divided into {pieces} equal parts: {counted(processes, 'process')} "
            f"and --accumulate {options.accumulate}",
            2,
        )
    if options.batch > images:
        fits = images // pieces * pieces
        raise RunError(
            f"a batch of {options.batch} is more than the {images} training images; --batch {fits} or less", 2
        )
    if fit.kind == "mask" and (options.mixup or options.cutmix):
        raise RunError("--mixup and --cutmix are for classes, not for masks", 2)
    if fit.kind == "mask" and options.randaugment:
        raise RunError("--randaugment would turn images and not their masks", 2)
    if options.recompute and options.compile != "off":
        raise RunError("--recompute is for uncompiled models: torch.compile has its own way to save memory", 2)


def choose_loss(name: str, fit: Fit) -> str:
    """Return the terms of a loss; `auto` is BCE where answers are a yes or no, else cross-entropy.

    Raises:
        RunError: the loss cannot judge such answers.
    """
    binary = fit.kind == "labels" or fit.classes == 1
    if name == "auto":
        return "bce" if binary else "ce"
    terms = name.split("+")
    if "dice" in terms and fit.kind != "mask":
        raise RunError("the Dice loss is for masks", 2)
    return "+".join("bce" if term == "ce" and binary else term for term in terms)


def read_shares(text: str) -> Sequence[float]:
    """Return the milestones of a step schedule.

    Raises:
        RunError: they are no rising shares of a run.
    """
    try:
        shares = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        shares = [-1.0]
    if shares != sorted(shares) or not all(0 < share < 1 for share in shares):
        raise RunError(f"--milestones takes rising numbers between 0 and 1, such as 0.5,0.75, not {text}", 2)
    return shares


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Turn a model to evaluation, and back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@torch.no_grad()
def first_without_number(model: nn.Module, images: Tensor) -> str:
    """Return where the outputs of a model first are not numbers, as the end of a sentence."""
    found: list[str] = []

    def look(path: str, output: object) -> None:
        if isinstance(output, Tensor) and not bool(output.isfinite().all()):
            found.append(path)

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, path=path: look(path, output))
        for path, module in model.named_modules()
        if not any(True for _ in module.children())
    ]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
    if found:
        return f", first in what {found[0]} gives"
    return ", first in the images" if not bool(images.isfinite().all()) else ", first in the loss itself"
