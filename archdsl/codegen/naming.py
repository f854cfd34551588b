"""What classes and builders are called, and which names the language's own must keep away from."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Sequence

from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.lang import ast

HELPERS = frozenset(("round_to", "center_crop", "StochasticDepth", "LayerNorm2d", "PadChannels"))
"""Functions and small classes that templates hold, for what PyTorch has not."""
IMPORTED = frozenset(
    [
        *"torch nn Tensor math partial accumulate OrderedDict Callable Sequence ClassVar NamedTuple Any".split(),
        *HELPERS,
        *dir(builtins),
    ]
)
"""What a module may import or bring along, and what Python has without an import."""
RESERVED = frozenset(
    [
        *keyword.kwlist,
        *FUNCTIONS,
        *(word for word in dir(builtins) if not word.startswith("_")),
        *"self torch nn Tensor math partial accumulate OrderedDict round_to center_crop in_channels".split(),
    ]
)
"""What a number or tensor is not called, because the code has another use for it."""


def class_name(word: str) -> str:
    """Return the name of the class of a definition: its own, with a capital in front."""
    return word[:1].upper() + word[1:]


def builder_names(models: Sequence[str]) -> dict[str, str]:
    """Return the name of each model's builder: its own in lower case; see `free` where that is taken."""
    taken = set(IMPORTED)
    return {model: free(model.lower(), taken) for model in models}


def free(wanted: str, taken: set[str]) -> str:
    """Return a name and enter it in `taken`.

    Where Python or the imports have a use for the name that is wanted, it gets a `_`; where another class or builder
    has it, a number from 2 on. Builders come first.
    """
    first = f"{wanted}_" if wanted in IMPORTED or wanted in RESERVED else wanted
    word, number = first, 1
    while word in taken:
        number += 1
        word = f"{first}_{number}" if first[-1].isdigit() else f"{first}{number}"
    taken.add(word)
    return word


def bound_names(definition: ast.Definition) -> set[str]:
    """Return every name that a definition gives a meaning: to a number, a tensor or a loop's variable."""
    found = {parameter.name for parameter in definition.parameters}
    for node in ast.walk(definition):
        match node:
            case ast.Input() | ast.Let() | ast.Bind() | ast.Share() | ast.Output():
                found |= {node.name} if node.name else set()
            case ast.BindTuple():
                found.update(node.names)
            case ast.ForStage() | ast.ForStatement():
                found.update(flat(node.target))
    return found


def spelled(definition: ast.Definition) -> dict[str, str]:
    """Return what code calls the names of a definition that it has another use for; see `free`."""
    bound = bound_names(definition)
    taken = set(bound)
    return {word: free(word, taken) for word in sorted(bound & RESERVED)}


def flat(target: ast.Target) -> list[str]:
    return [target] if isinstance(target, str) else [word for part in target for word in flat(part)]
