"""Names of files for students, whose ids are anything that people type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256

LONGEST = 60
"""Characters of a name that are taken from an id."""
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9]))*", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)
"""Names that Windows keeps for devices, with any ending."""


def filenames(students: Iterable[str]) -> Mapping[str, str]:
    """Return a name without ending for each student: the id itself where no file system could mistake it.

    Any other gets letters of its digest, so that names neither leave their folder nor meet, also where upper and lower
    case are one.
    """
    ids = list(dict.fromkeys(students))
    folded = Counter(id.casefold() for id in ids)
    found: dict[str, str] = {}
    taken: set[str] = {id.casefold() for id in ids if _is_plain(id) and folded[id.casefold()] == 1}
    for id in ids:
        if id.casefold() in taken and _is_plain(id):
            found[id] = id
            continue
        digest = sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
        stem = _OTHER.sub("_", id)[:LONGEST].strip("_-") or "student"
        name = next(n for size in range(8, 65) if (n := f"{stem}-{digest[:size]}").casefold() not in taken)
        taken.add(name.casefold())
        found[id] = name
    return found


def _is_plain(id: str) -> bool:
    is_device = id.split(".")[0].casefold() in _DEVICES
    return len(id) <= LONGEST and _PLAIN.fullmatch(id) is not None and not is_device
