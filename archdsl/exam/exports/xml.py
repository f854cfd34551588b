"""Elements of XML, written out: every text and attribute is escaped, and nothing else is possible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SIGNS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


@dataclass(frozen=True)
class Element:
    """An element with either a text or others inside."""

    name: str
    text: str = ""
    inside: tuple[Element, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)

    def lines(self, indent: str = "") -> Iterable[str]:
        """Yield its lines; a text stays as it is, without a break that was not in it."""
        opening = self.name + "".join(f' {name}="{escaped(value)}"' for name, value in self.attributes.items())
        if self.inside:
            yield f"{indent}<{opening}>"
            for one in self.inside:
                yield from one.lines(indent + "  ")
            yield f"{indent}</{self.name}>"
        elif self.text:
            yield f"{indent}<{opening}>{escaped(self.text)}</{self.name}>"
        else:
            yield f"{indent}<{opening}/>"


def element(name: str, *inside: Element | str, **attributes: str) -> Element:
    """Return an element; an attribute that is a word of Python is given with `_` behind it."""
    named = {key.rstrip("_"): value for key, value in attributes.items()}
    texts = "".join(one for one in inside if isinstance(one, str))
    return Element(name, texts, tuple(one for one in inside if isinstance(one, Element)), named)


def document(root: Element) -> str:
    """Return a file of XML."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *root.lines()]) + "\n"


def escaped(text: str) -> str:
    """Return a text for an element or an attribute, without the characters that XML has no place for."""
    return "".join(_SIGNS.get(sign, sign) for sign in _FORBIDDEN.sub(" ", text))
