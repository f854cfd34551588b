"""The weight initialisations of `torch.nn.init` and the arguments that each takes."""

from __future__ import annotations

from difflib import get_close_matches

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


def why_not_an_init(scheme: str, given: list[str | None]) -> tuple[str, str | None] | None:
    """Return what is wrong with an `init` statement and what to do, or `None` where it is right."""
    if scheme not in SCHEMES:
        close = get_close_matches(scheme, SCHEMES, n=1)
        return f"there is no initialisation `{scheme}`", f"did you mean `{close[0]}`?" if close else None
    for name in given:
        if name is not None and name not in SCHEMES[scheme]:
            return f"`{scheme}` has no argument `{name}`", f"it takes {', '.join(SCHEMES[scheme]) or 'none'}"
    if len(given) > len(SCHEMES[scheme]):
        return f"`{scheme}` takes {len(SCHEMES[scheme])} arguments", None
    return None
