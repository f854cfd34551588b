"""The weight initialisations of `torch.nn.init` and the arguments that each takes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

SCHEMES: dict[str, tuple[str, ...]] = {
    "uniform": ("a", "b"),
    "normal": ("mean", "std"),
    "trunc_normal": ("mean", "std", "a", "b"),
    "constant": ("val",),
    "ones": (),
    "zeros": (),
    "dirac": ("groups",),
    "xavier_uniform": ("gain",),
    "xavier_normal": ("gain",),
    "kaiming_uniform": ("a", "mode", "nonlinearity"),
    "kaiming_normal": ("a", "mode", "nonlinearity"),
    "orthogonal": ("gain",),
    "sparse": ("sparsity", "std"),
}


WORDS: dict[str, tuple[str, ...]] = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"),
}
"""Arguments that take one of some words; the convolutions of other dimensions are `"conv2d"` to a gain."""

ELSEWHERE = {
    "he_normal": "kaiming_normal", "he_uniform": "kaiming_uniform", "he": "kaiming_normal",
    "kaiming": "kaiming_normal", "msra": "kaiming_normal", "glorot_normal": "xavier_normal",
    "glorot_uniform": "xavier_uniform", "glorot": "xavier_uniform", "xavier": "xavier_uniform",
    "truncated_normal": "trunc_normal", "gaussian": "normal", "zero": "zeros",
}  # fmt: skip
"""What other libraries call the schemes."""


HAVE_KERNELS = ("Conv", "Linear")
"""How the names of the layers begin that an `init` is for."""


def has_kernel(kind: str) -> bool:
    """Whether layers of a kind have the weight that initialisations are for: convolutions and `Linear`."""
    return kind.startswith(HAVE_KERNELS)


class Why(NamedTuple):
    """What is not right about an `init` statement, what to do, and at which of its arguments."""

    message: str
    help: str | None = None
    argument: int | None = None


def why_not_an_init(scheme: str, given: Sequence[tuple[str | None, Any]]) -> Why | None:
    """Return what is not right about an `init` with these arguments, or `None`; names may be absent."""
    if scheme not in SCHEMES:
        close = ELSEWHERE.get(scheme) or next(iter(get_close_matches(scheme, SCHEMES, n=1)), None)
        return Why(f"there is no initialisation `{scheme}`", f"did you mean `{close}`?" if close else None)
    takes = SCHEMES[scheme]
    for place, (name, value) in enumerate(given):
        if name is not None and name not in takes:
            return Why(f"`{scheme}` has no argument `{name}`", f"it takes {', '.join(takes) or 'none'}", place)
        words = WORDS.get(name or (takes[place] if place < len(takes) else ""))
        if words and isinstance(value, str) and value not in words:
            choice = ", ".join(f'"{word}"' for word in words)
            return Why(f'`{name or takes[place]}` is one of {choice}, not "{value}"', None, place)
    if len(given) > len(takes):
        return Why(f"`{scheme}` takes {len(takes)} arguments, and {len(given)} are given", None, len(takes))
    return None
