"""How a network is trained, as `fit` and `analyze --memory` take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from archdsl.analysis.training_memory import Training
    from archdsl.graph import Graph, Instance

_Command = TypeVar("_Command", bound=Callable[..., Any])

NAMES = ("optimizer", "amp", "checkpoint")
"""The options, as parameters of a command."""


class Trained(NamedTuple):
    """What the options say of a step of training, beside its batch and dtype."""

    optimizer: str = "adam"
    amp: str | None = None
    checkpoint: tuple[str, ...] = ()


def training_options(command: _Command) -> _Command:
    """Add what a step of training is done with."""
    for option in reversed(
        (
            click.option(
                "--optimizer", default="adam", show_default=True, help="sgd, momentum, rmsprop, adam or adamw."
            ),
            click.option("--amp", type=click.Choice(("bf16", "fp16")), help="Autocast to this; weights in float32."),
            click.option(
                "--checkpoint",
                multiple=True,
                metavar="block|PATH",
                help="Compute every block, or this module, anew in the backward.",
            ),
        )
    ):
        command = option(command)
    return command


def training(graph: Graph, dtype: str, how: Trained) -> Training:
    """Return a network set up for training.

    Raises:
        click.UsageError: what is asked for does not exist, or cannot be.
    """
    from archdsl.analysis.training_memory import Training

    checkpoint = None if not how.checkpoint else "block" if how.checkpoint == ("block",) else how.checkpoint
    modules = _modules(graph.root)
    for path in how.checkpoint:
        if path != "block" and path not in modules and (said := _of_a_layer(graph, path, modules)):
            raise click.UsageError(said)
    try:
        return Training(graph, dtype=dtype, optimizer=how.optimizer, amp=how.amp, checkpoint=checkpoint)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _modules(root: Instance) -> list[str]:
    """Return the paths of all modules of several layers, in order of running."""
    from archdsl.graph import Instance

    found: list[str] = []
    pending = [root]
    while pending:
        one = pending.pop()
        inside = [child for child in one.children if isinstance(child, Instance)]
        found.extend(child.path for child in inside)
        pending.extend(reversed(inside))
    return found


def _of_a_layer(graph: Graph, path: str, modules: list[str]) -> str | None:
    """Say why a layer is no checkpoint, and what is; `None` where there is no such layer."""
    node = next((node for node in graph.layers if node.path == path), None)
    if node is None:
        return None
    around = path.rpartition(".")[0]
    taken = around if around in modules else ", ".join(modules[:4])
    hint = (
        f"--checkpoint takes a module of several layers, such as {taken}" if taken else f"{graph.model} has no modules"
    )
    return f"`{path}` is one layer, and there is nothing inside of it to compute anew; {hint}"
