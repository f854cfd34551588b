"""What a run can be asked for: each option with its default and its help, and sets of them that go together."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from archdsl.train.parts.problems import RunError

_T = TypeVar("_T")


def _option(default: _T, help: str, *choices: str, least: float | None = None, most: float | None = None) -> _T:
    value: _T = field(default=default, metadata={"help": help, "choices": choices, "least": least, "most": most})
    return value


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a run. A share is a number from 0 to 1; 0 turns a part off where nothing else is said."""

    # What is trained, on what, and where it goes.
    data: str = _option(
        "", "a data set by name (fashion-mnist, fashion-scenes, blue-marble, digits, synthetic) or path"
    )
    output: str = _option("", "folder of the run; runs/MODEL-DATA where left out")
    recipe: str = _option(
        "auto", "options that go together: auto, classify, digits, segment, finetune, long, imagenet, or a JSON file"
    )
    resume: bool = _option(False, "go on where the run in the output folder was stopped; begin it if there is none")
    limit: int = _option(0, "images that are used of each split; 0 is all", least=0)
    validation: float = _option(0.1, "share of the training images held back to choose and to stop", least=0, most=0.9)
    fit: str = _option("auto", "how images get the size of the model", "auto", "pad", "resize", "none")
    size: int = _option(0, "height and width in place of those the model declares", least=0)
    set: str = _option("", "arguments of the model, such as 'width=8, stride=2'")
    classes: str = _option("", "labels that are kept, such as 0-4 or 1,3,7-9; they are numbered anew from 0")
    # Transfer: what a run begins with, and what of it stays.
    init: str = _option("", "weights to start from, by name: .safetensors, a checkpoint of a run, a state dict")
    head: str = _option("", "layers of the head, by pattern; the last ones, shaped by the classes, where left out")
    new_head: bool = _option(False, "let the head begin anew; it does where its shape in --init is another")
    partial: bool = _option(False, "let layers that --init has nothing for keep their initialisation")
    freeze: str = _option("", "modules that stay as they are, by pattern, such as 'conv1,layer*'; backbone is all "
                              "but the head")  # fmt: skip
    lr_decay: float = _option(1.0, "factor of the rate of each top-level module beside the next one", least=0, most=1)
    backbone_lr: float = _option(1.0, "factor of the rate of all but the head", least=0)
    stages: str = _option("", "a JSON list of stages, each with its epochs and options, the last without epochs")
    # How long, and how fast.
    epochs: int = _option(5, "times through the training images", least=1)
    batch: int = _option(128, "images of one optimiser step, over all processes", least=1)
    accumulate: int = _option(1, "parts a batch is split into, to need less memory", least=1)
    lr: float = _option(0.05, "peak learning rate", least=0)
    schedule: str = _option("one-cycle", "of the rate", "constant", "step", "cosine", "one-cycle", "inverse-sqrt")
    warmup: float = _option(0.0, "epochs of linear warm-up; one-cycle has its own", least=0)
    floor: float = _option(0.0, "share of the peak rate that a schedule ends at", least=0, most=1)
    milestones: str = _option("0.5,0.75", "shares of the run at which the step schedule drops")
    gamma: float = _option(0.1, "factor of such a drop", least=0, most=1)
    patience: int = _option(0, "epochs without a better validation figure before the run stops; 0 is never", least=0)
    # What moves the parameters.
    optimizer: str = _option("nesterov", "the optimiser", "sgd", "momentum", "nesterov", "adam", "adamw")
    momentum: float = _option(0.9, "of momentum and nesterov", least=0, most=1)
    beta1: float = _option(0.9, "of adam and adamw", least=0, most=1)
    beta2: float = _option(0.999, "of adam and adamw", least=0, most=1)
    weight_decay: float = _option(5e-4, "of weights; norms and biases have none", least=0)
    l1: float = _option(0.0, "factor of the sum of absolute weights in the loss", least=0)
    clip: float = _option(0.0, "largest norm of the gradient", least=0)
    ema: float = _option(0.0, "decay of averaged weights, such as 0.999", least=0, most=1)
    # The loss.
    loss: str = _option("auto", "the loss", "auto", "ce", "bce", "dice", "ce+dice", "bce+dice")
    smoothing: float = _option(0.0, "label smoothing", least=0, most=1)
    aux_weight: float = _option(0.4, "weight of the loss of each auxiliary head", least=0)
    # Changes of the images.
    flip: bool = _option(False, "mirror half of the images left to right")
    crop: int = _option(0, "pixels of padding that a crop of the old size is cut from, per image", least=0)
    zoom: float = _option(0.0, "smallest share of the area that a random resized crop keeps", least=0, most=1)
    rotate: float = _option(0.0, "largest angle of a rotation, in degrees", least=0, most=180)
    jitter: float = _option(0.0, "strength of changes of brightness, contrast and saturation", least=0, most=1)
    grey: float = _option(0.0, "share of colour images made grey", least=0, most=1)
    erase: float = _option(0.0, "share of images of which a box is erased", least=0, most=1)
    mixup: float = _option(0.0, "alpha of MixUp", least=0)
    cutmix: float = _option(0.0, "alpha of CutMix", least=0)
    randaugment: int = _option(0, "magnitude of torchvision's RandAugment, from 1 to 30", least=0, most=30)
    # How it is computed.
    device: str = _option("auto", "auto, cpu, cuda, cuda:1, mps")
    amp: str = _option("off", "arithmetic of the forward pass", "off", "bf16", "fp16")
    channels_last: bool = _option(False, "keep images with their channels last in memory")
    compile: str = _option("off", "torch.compile", "off", "default", "reduce-overhead", "max-autotune")
    recompute: str = _option("", "modules computed anew in the backward pass, by pattern, such as 'layer*'")
    sync_bn: bool = _option(False, "batch statistics over all processes (CUDA)")
    frozen_bn: bool = _option(False, "keep the running statistics of batch norms as they are, and use them")
    seed: int = _option(0, "of all that is drawn", least=0)
    deterministic: bool = _option(False, "only algorithms that give the same bits again; slower")
    # What is kept and shown.
    save_every: int = _option(0, "steps between checkpoints within an epoch; there is one after each", least=0)
    evaluate: str = _option("best", "weights that the test is read with, at the end", "best", "last")
    tensorboard: bool = _option(True, "write TensorBoard events where it is installed")
    progress: str = _option("auto", "a bar on a terminal", "auto", "on", "off")
    # Other things than a run.
    overfit_batch: bool = _option(False, "train on one batch until its loss is under 0.01, as a test of the model")
    dry_run: bool = _option(False, "say what would be done, make one step, and write nothing")
    profile: int = _option(0, "time that many steps in place of a run", least=0)
    peak: float = _option(
        0.0, "peak rate of the device in TFLOP/s, which --profile states its own as a share of", least=0
    )


HARMLESS = frozenset(
    (
        "output",
        "recipe",
        "resume",
        "device",
        "save_every",
        "tensorboard",
        "progress",
        "dry_run",
        "overfit_batch",
        "profile",
        "peak",
    )
)
"""Options that a resumed run may change: what it learns does not follow from them."""

RECIPES: dict[str, dict[str, Any]] = {
    "classify": {"flip": True, "crop": 2},
    "digits": {"epochs": 15, "batch": 64, "crop": 1},
    "segment": {"optimizer": "adamw", "lr": 1e-2, "weight_decay": 1e-2, "batch": 32, "loss": "ce+dice", "flip": True},
    "long": {
        "epochs": 40, "lr": 0.1, "schedule": "cosine", "warmup": 2.0, "flip": True, "crop": 4, "smoothing": 0.1,
        "erase": 0.1, "cutmix": 1.0, "ema": 0.999, "amp": "bf16", "channels_last": True, "compile": "default",
    },
    "imagenet": {
        "epochs": 100, "batch": 256, "lr": 0.1, "schedule": "cosine", "warmup": 5.0, "weight_decay": 1e-4, "flip": True,
        "zoom": 0.25, "jitter": 0.3, "smoothing": 0.1, "mixup": 0.2, "cutmix": 1.0, "ema": 0.9999, "amp": "bf16",
        "channels_last": True,
    },
    "finetune": {
        "epochs": 5, "lr": 0.02, "flip": True, "crop": 2, "new_head": True,
        "stages": '[{"epochs": 1, "freeze": "backbone", "schedule": "constant"}, {"lr_decay": 0.7}]',
    },
}  # fmt: skip
"""Sets of options. `finetune` is for --init: first the head alone, then all with smaller rates before it.

`auto` is `segment` for masks, `digits` for figures that must not be mirrored, else `classify`."""


class _Parser(argparse.ArgumentParser):
    """A parser that leaves with a `RunError`, and knows what a wrong option was meant to be."""

    def error(self, message: str) -> NoReturn:
        raise RunError(message, 2)


def make_parser(description: str, defaults: Mapping[str, Any]) -> argparse.ArgumentParser:
    """Return the parser of all options; what is not given is absent from what it returns."""
    parser = _Parser(description=description, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    for one in fields(Options):
        names = [_flag(one.name)] + (["-o"] if one.name == "output" else [])
        default = defaults.get(one.name, one.default)
        about = str(one.metadata["help"]) + (f" [{', '.join(c)}]" if (c := one.metadata["choices"]) else "")
        about = (about + (f" (default {default})" if default not in ("", 0, False) else "")).replace("%", "%%")
        if isinstance(one.default, bool):
            parser.add_argument(*names, action=argparse.BooleanOptionalAction, help=about)
        else:
            parser.add_argument(*names, type=partial(_value, one), metavar=_sign(one), help=about)
    return parser


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _sign(one: Field[Any]) -> str:
    return {int: "N", float: "X"}.get(type(one.default), "NAME" if one.metadata["choices"] else "TEXT")


def _value(one: Field[Any], text: object) -> Any:
    """Return the value of an option from the command line or a recipe file.

    Raises:
        argparse.ArgumentTypeError: it is no such value; says what would be.
    """
    kind: Any = type(one.default)
    choices = one.metadata["choices"]
    if kind is bool:
        if not isinstance(text, bool):
            raise argparse.ArgumentTypeError(f"takes true or false, not {text!r}")
        return text
    try:
        value = kind(str(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a {'whole ' * (kind is int)}number, not {text!r}") from None
    if choices and value not in choices:
        raise argparse.ArgumentTypeError(f"is one of {', '.join(choices)}, not {value!r}{did_you_mean(value, choices)}")
    least, most = one.metadata["least"], one.metadata["most"]
    if least is not None and not value >= least:
        raise argparse.ArgumentTypeError(f"is at least {least}, not {value}")
    if most is not None and not value <= most:
        raise argparse.ArgumentTypeError(f"is at most {most}, not {value}")
    return value


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return `; did you mean X?` where something known is close to a word, else nothing."""
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options that a command line gives.

    Raises:
        RunError: there is no such option, or its value is none.
    """
    found, unknown = parser.parse_known_args(arguments)
    if unknown:
        known = [option for action in parser._actions for option in action.option_strings]
        word = unknown[0].partition("=")[0]
        raise RunError(f"there is no option {word}{did_you_mean(word, known)}", 2)
    return vars(found)


def read_recipe(recipe: str) -> dict[str, Any]:
    """Return the options that a recipe sets: one of ours by its name, or a JSON object in a file.

    Raises:
        RunError: there is no such recipe, or it sets what is no option.
    """
    if recipe in RECIPES:
        return dict(RECIPES[recipe])
    path = Path(recipe)
    if path.suffix != ".json":
        known = ("auto", *RECIPES)
        raise RunError(f"there is no recipe {recipe}, but {', '.join(known)}{did_you_mean(recipe, known)}", 2)
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"the recipe {recipe} cannot be read: {error}", 2) from None
    if not isinstance(given, dict):
        raise RunError(f"the recipe {recipe} is no JSON object of options", 2)
    found: dict[str, Any] = {}
    for word, value in given.items():
        name = str(word).replace("-", "_")
        if name == "stages" and isinstance(value, list):
            value = json.dumps(value)
        found[name] = checked(name, value, recipe)
    return found


def checked(name: str, value: object, where: str) -> Any:
    """Return the value of an option that a file gives, at a place that is told where it is wrong.

    Raises:
        RunError: there is no such option, or it takes no such value.
    """
    known = {one.name: one for one in fields(Options)}
    if name not in known:
        raise RunError(f"{where}: there is no option {name}{did_you_mean(name, list(known))}", 2)
    try:
        return _value(known[name], value)
    except argparse.ArgumentTypeError as error:
        raise RunError(f"{where}: {name} {error}", 2) from None


def resolve(given: Mapping[str, Any], defaults: Mapping[str, Any], automatic: str) -> Options:
    """Return all options: those given, over those of the recipe, over the defaults of a script, over ours.

    `automatic` is the recipe that `auto` stands for.

    Raises:
        RunError: the recipe is none, or options contradict each other.
    """
    merged = {**defaults, **given}
    name = merged.get("recipe", "auto")
    recipe = automatic if name == "auto" else name
    options = Options(**{**defaults, **read_recipe(recipe), **given, "recipe": recipe})
    refuse_contradictions(options)
    return options


def refuse_contradictions(options: Options) -> None:
    """Refuse options that do not go together; where there are stages, it is the last one that may end early.

    Raises:
        RunError: says which, and what would.
    """
    if not options.init and (options.new_head or options.partial):
        own = "--new-head" if options.new_head else "--partial"
        name = "--recipe finetune" if options.recipe == "finetune" else own
        raise RunError(f"{name} is for a run that begins with weights, and --init names none", 2)
    if options.patience and options.schedule == "one-cycle":
        raise RunError("a one-cycle run learns most at its end, so it is not stopped early: leave out --patience, "
                       "or take another --schedule", 2)  # fmt: skip
    if options.patience and not options.validation:
        raise RunError("--patience looks at validation images, and --validation 0 leaves none", 2)


def as_record(options: Options) -> dict[str, Any]:
    """Return options as they stand in the record of a run."""
    return asdict(options)


def changed_options(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Return which options of a resumed run differ from those that it began with, apart from the harmless."""
    names = [one.name for one in fields(Options) if one.name not in HARMLESS]
    defaults = {one.name: one.default for one in fields(Options) if one.default is not MISSING}
    pairs = ((name, then.get(name, defaults[name]), now.get(name, defaults[name])) for name in names)
    return [f"{_flag(name)} was {old!r}, is {new!r}" for name, old, new in pairs if old != new]
