"""The command line of a training script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archdsl.train.parts.data import Data, DataError
from archdsl.train.parts.datasets import load
from archdsl.train.parts.distributed import World, join_world
from archdsl.train.parts.fitting import Architecture
from archdsl.train.parts.log import answer, say, shown
from archdsl.train.parts.options import Options, did_you_mean, make_parser, parse, resolve
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.run import make_trainer, set_up, train
from archdsl.train.parts.stages import make_plan
from archdsl.train.parts.trials import dry_run, overfit_batch, profile


def main(
    architectures: Mapping[str, Architecture], arguments: Sequence[str], defaults: Mapping[str, Any] | None = None
) -> int:
    """Train one of some models as a command line says; return the exit status.

    0 is done, 1 a run that failed, 2 a wrong command line, 3 a data set or a library that is missing, 130
    interrupted.
    """
    world = None
    try:
        parser = make_parser("Train " + ", ".join(architectures) + ".", defaults or {})
        if len(architectures) > 1:
            parser.add_argument("--model", required=True, metavar="NAME", help=f"one of {', '.join(architectures)}")
        given = parse(parser, arguments)
        architecture = choose(architectures, given.pop("model", None))
        world = join_world(str({**(defaults or {}), **given}.get("device", "auto")))
        data, options = read_data(given, defaults or {}, architecture)
        record = start(architecture, data, options, world)
        if world.leads and "test" in record:
            answer(f"test: {shown(record['test'])}")
    except RunError as error:
        say(f"error: {error}")
        return error.code
    except DataError as error:
        say(f"error: {error}")
        return 3 if error.missing else 2
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        if world is not None:
            world.close()
    return 0


def choose(architectures: Mapping[str, Architecture], name: str | None) -> Architecture:
    """Return the model of a name, or the only one.

    Raises:
        RunError: there is no such model.
    """
    if name is None:
        return next(iter(architectures.values()))
    if name not in architectures:
        raise RunError(f"there is no model {name}, but {', '.join(architectures)}"
                       f"{did_you_mean(name, list(architectures))}", 2)  # fmt: skip
    return architectures[name]


def read_data(
    given: Mapping[str, Any], defaults: Mapping[str, Any], architecture: Architecture
) -> tuple[Data, Options]:
    """Return the data set that the options name, and all options, with the recipe that suits it.

    Raises:
        RunError: no data set is named.
        DataError: it is missing or broken.
    """
    options = resolve(given, defaults, "classify")
    if not options.data:
        raise RunError("--data is missing: a data set by its name, such as fashion-mnist or digits, or a path", 2)
    side = options.size
    size = (side, side) if side else (architecture.shape[1], architecture.shape[2])
    data = load(options.data, seed=options.seed, limit=options.limit or None, size=size if all(size) else None,
                classes=options.classes)  # fmt: skip
    automatic = "segment" if data.kind == "mask" else "digits" if data.name == "digits" else "classify"
    options = resolve(given, defaults, automatic)
    make_plan(options)  # what is wrong in it is told before anything is written
    return data, options


def start(architecture: Architecture, data: Data, options: Options, world: World) -> dict[str, Any]:
    """Do what the options ask for: a run, or a trial before one; return the record of it.

    Raises:
        RunError: it cannot be done; says why.
    """
    if options.overfit_batch:  # a test of the whole model
        options = replace(options, freeze="", stages="")
    if not (options.dry_run or options.overfit_batch or options.profile):
        return train(architecture, data, options, world)
    set_up(options)
    trainer, _, record = make_trainer(architecture, data, options, world)
    if options.overfit_batch:
        return overfit_batch(trainer, record)
    return profile(trainer, record) if options.profile else dry_run(trainer, record)
