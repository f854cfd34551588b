"""What the children of a module are called: labels, positions in a Sequential, names after the op."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container

from archdsl.graph import Instance
from archdsl.lang import ast
from archdsl.ops import Op

RESERVED = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval"
    " extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules"
    " mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook"
    " register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook"
    " register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook"
    " register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_"
    " set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad".split()
)
"""What `nn.Module` itself is made of; a test holds the list against torch."""
RESERVED_IN_SEQUENCE = frozenset(("append", "extend", "insert", "pop"))

LONGEST = 100
"""Characters of a label."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def why_not_a_label(name: str, *, in_sequence: bool) -> str | None:
    """Return what is wrong with a label, or `None` where it can be an attribute."""
    if len(name) > LONGEST:
        return f"`{name[:40]}...` has more than {LONGEST} characters"
    if name.isidentifier() and not name.isascii():
        return f"`{name[:40]}` has letters other than a to z"
    if not _IDENTIFIER.fullmatch(name):
        return f"`{name[:40]}` is no Python name"
    if keyword.iskeyword(name):
        return f"`{name}` is a keyword of Python"
    if name in RESERVED or (in_sequence and name in RESERVED_IN_SEQUENCE):
        return f"`{name}` is an attribute of every PyTorch module"
    return None


def usable(name: str) -> str | None:
    """Return a label like one that cannot be used; `None` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name[:LONGEST]).encode("ascii", "ignore").decode()
    words = re.sub(r"\W+", "_", plain).strip("_")
    label = f"_{words}" if words[:1].isdigit() else words
    if not label:
        return None
    return label if why_not_a_label(label, in_sequence=True) is None else f"{label}_"


def numbered(name: str, taken: Container[str]) -> str:
    """Return the next label after one that is taken: `conv2` after `conv`, and `conv3` after `conv2`."""
    stem = name.rstrip("0123456789")
    number = int(name[len(stem) :] or 1) + 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


class Children:
    """Gives out the names below one module; `sequence` says whether the unlabelled get positions."""

    __slots__ = ("calls", "instance", "labels", "lists", "prefix", "sequence", "taken", "unlabelled")

    def __init__(self, instance: Instance, *, sequence: bool) -> None:
        self.instance = instance
        self.prefix = instance.path + "." if instance.path else ""
        self.sequence = sequence
        self.taken = 0
        """Positions that are taken."""
        self.labels: dict[str, ast.Syntax] = {}
        self.unlabelled: dict[str, list[Op | None]] = {}
        """What each name after an op stands for, in order: `relu`, `relu_2`, ..."""
        self.calls: dict[tuple[str, int], int] = {}
        self.lists: dict[str, Instance] = {}

    def position(self) -> str:
        """Return the path of the next position of a Sequential."""
        path = f"{self.prefix}{self.taken}"
        self.taken += 1
        return path

    def after(self, name: str, op: Op | None = None) -> tuple[str, int]:
        """Return path and call of an unlabelled child named after what it is.

        Given an op without state, equal ones are one module that is called again, as `self.relu` is.
        """
        known = self.unlabelled.setdefault(name, [])
        if op is not None:
            for number, other in enumerate(known):
                if other is op or other == op:
                    key = (name, number)
                    self.calls[key] = call = self.calls.get(key, 0) + 1
                    return self._numbered(name, number), call
        known.append(op)
        while self._numbered(name, len(known) - 1)[len(self.prefix) :] in self.labels:
            known.append(None)  # a label has taken this name
        return self._numbered(name, len(known) - 1), 0

    def _numbered(self, name: str, number: int) -> str:
        return f"{self.prefix}{name}_{number + 1}" if number else f"{self.prefix}{name}"
