"""Problems to start from, one file a topic: their values are drawn, and they catch the mistakes that they name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archdsl.diagnostics import closest
from archdsl.exam.reading import read_text
from archdsl.exam.sheet import Sheet

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Topic:
    """A bundled sheet."""

    name: str
    summary: str
    """What it is about, in one line."""
    text: str
    """The sheet as written, in YAML."""

    def read(self) -> Sheet:
        """Return the sheet; raises `ModuleNotFoundError` where YAML cannot be read."""
        return read_text(self.text, f"{self.name}.yaml", "yaml")


@cache
def topics() -> dict[str, Topic]:
    """Return every topic by its name, in the order of the alphabet."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        first, _, _ = text.partition("\n")
        found[path.stem] = Topic(path.stem, first.lstrip("# ").rstrip("."), text)
    return found


def topic(name: str) -> Topic | None:
    """Return the topic of a name; upper case, blanks and underscores make no difference."""
    return topics().get("-".join(name.lower().replace("_", " ").replace("-", " ").split()))


def near(name: str) -> str | None:
    """Return the name of a topic that may be meant by one that is not there."""
    plain = name.lower()
    return closest(plain, topics()) or next((one for one in topics() if plain and plain in one), None)
