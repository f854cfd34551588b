"""Files to start from: the bundled specs, and a small classifier with a comment at every step."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from archdsl.manual.page import Page, Prose, Table
from archdsl.ops import OPS
from archdsl.pipeline import read
from archdsl.resources import specs

CLASSIFIER = "classifier"
"""The starter that is taken where none is named."""
_PLAIN = "Net"
_TEXT = """\
## A small classifier: two convolutions, each halved by a pooling, and a linear layer.
model {name}(width: int = 16, classes: int = 10) {{
    # Channels, height, width. `[3, H, W]` would leave the size open.
    input image: [3, 32, 32]

    # A label such as `conv1` names the module, and so its weights in a checkpoint.
    output logits = image
        -> conv1: Conv2d(width, 3, padding=1) -> ReLU -> MaxPool2d(2)
        -> conv2: Conv2d(2 * width, 3, padding=1) -> ReLU -> MaxPool2d(2)
        -> Flatten
        -> fc: Linear(classes)
}}

# `archdsl check` holds these numbers against the network.
test {name} {{
    expect shape("conv2") == [32, 16, 16]
    expect params == 25_578
}}
"""


@dataclass(frozen=True)
class Starter:
    """A file to start from: what it is called, which models it has, and what the first of them is."""

    name: str
    models: tuple[str, ...]
    says: str
    text: str


def classifier(stem: str = "") -> Starter:
    """Return the commented classifier; its model is called after the file that it will be in."""
    name = model_name(stem)
    says = _TEXT.split("\n")[0].lstrip("# ")
    return Starter(CLASSIFIER, (name,), says, _TEXT.format(name=name))


def model_name(stem: str) -> str:
    """Return a name for the model of a file: `my-net` holds `MyNet`."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", stem) if part]
    name = "".join(part[0].upper() + part[1:] for part in parts)
    if not name or name[0].isdigit():
        name = _PLAIN + name
    return name + _PLAIN if name in OPS or keyword.iskeyword(name) else name


@cache
def bundled() -> tuple[Starter, ...]:
    """Return the bundled specs, in the order of their names."""
    return tuple(_starter(path.stem) for path in sorted(specs().glob("*.arch")))


def _starter(stem: str) -> Starter:
    path = specs() / f"{stem}.arch"
    module = read(path, path.name)
    docs = [item.doc for item in module.spec.items if item.kind == "model" and item.doc]
    says = re.split(r"(?<=\.)(?<!\bal\.)\s", docs[0].replace("\n", " "))[0] if docs else ""
    return Starter(stem, tuple(module.models), says, module.source.text)


def starter(name: str, stem: str = "") -> tuple[Starter, str | None] | None:
    """Return the starter that is meant by its name or by a model in it, and that model; `None` where there is none."""
    plain = name.removesuffix(".arch").casefold()
    if plain == CLASSIFIER:
        return classifier(stem), None
    for one in bundled():
        if plain == one.name.casefold():
            return one, None
    for one in bundled():
        for model in one.models:
            if plain == model.casefold():
                return one, model
    return None


def near(name: str) -> str | None:
    """Return the starter or model that was probably meant."""
    known = {word.casefold(): word for one in bundled() for word in (*one.models, one.name)} | {CLASSIFIER: CLASSIFIER}
    close = get_close_matches(name[:60].casefold(), known, n=1)
    return known[close[0]] if close else None


def contents() -> Page:
    """Return the page that lists the starters."""
    every = (classifier(), *bundled())
    rows = tuple((one.name, ", ".join(one.models), one.says) for one in every)
    said = [{"name": one.name, "models": list(one.models), "summary": one.says} for one in every]
    lead = "`archdsl new NAME --from STARTER`, where a starter is a file or a model in it."
    table = Table(("Starter", "Models", "What it is"), rows)
    return Page("Starters", "", (Prose(lead), table), (), {"schema": "archdsl/starters@1", "starters": said})
