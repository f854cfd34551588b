"""Comments put back into a text that is laid out anew: each between the two tokens that it stood between.

A comment ends its line, so it says where a line ends in the new text too: one behind something stays behind it, one on
a line of its own has such a line again. Tokens that come, go or change their line do not count: commas, arrows, and
parentheses that change nothing. Of a comment behind those alone on a line there is nothing left to stand behind; it
gets a line of its own.

A line that says `# allow NAME` quiets what is found on it and nothing else, so it stays one line, with the same tokens
and however long it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import NamedTuple

from archdsl.lang.layout import HARD, Doc, Fill, Group, IfBroken, Line, Nest, Remark
from archdsl.source import Source, Span

_TOKEN = re.compile(r'"[^"\n]*"|->|→|\w+|[^\w\s]')
_PIECE = re.compile(rf"\s+|{_TOKEN.pattern}")
_ALLOW = re.compile(r"#\s*allow\b")
_EMPTY_LINE = re.compile(r"\n[ \t\r\f]*\n")
_ARROWS = ("->", "→")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = (")", "]", "}")


class Token(NamedTuple):
    """A name, a number's part, a text or a sign, and where it stands."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Written:
    """A text as its author wrote it: tokens, comments and lines."""

    def __init__(self, source: Source, comments: Sequence[Span], start: int) -> None:
        self.source = source
        self.comments = comments
        self.tokens = _tokens(source.text, comments, start)
        self._starts = [token.start for token in self.tokens]
        self._comment_starts = [comment.start for comment in comments]

    def line_of(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def index(self, offset: int, sign: str = "") -> int:
        """Return the number of the first token from a place on, or of the first that is this sign."""
        found = bisect_left(self._starts, offset)
        while sign and self.tokens[found].text != sign:
            found += 1
        return found

    def closing(self, index: int) -> int:
        """Return the number of the token that closes a bracket."""
        opening = self.tokens[index].text
        depth = 0
        while True:
            depth += {opening: 1, _PAIRS[opening]: -1}.get(self.tokens[index].text, 0)
            if not depth:
                return index
            index += 1

    def between(self, start: int, end: int) -> Sequence[Span]:
        """Return the comments between two places."""
        first = bisect_left(self._comment_starts, start)
        return self.comments[first : bisect_left(self._comment_starts, end, first)]

    def without_comments(self, start: int, end: int) -> str:
        """Return the text between two places without its comments."""
        found = self.between(start, end)
        starts, ends = (start, *(c.end for c in found)), (*(c.start for c in found), end)
        return "".join(self.source.text[a:b] for a, b in zip(starts, ends, strict=True))

    def is_apart(self, end: int, start: int) -> bool:
        """Tell whether an empty line stands behind something, before the comments of what follows or that itself."""
        first = next((c.start for c in self.between(end, start) if self._is_alone(c)), start)
        return self.has_empty_line(end, first)

    def has_empty_line(self, start: int, end: int) -> bool:
        return _EMPTY_LINE.search(self.source.text, start, end) is not None

    def _is_alone(self, comment: Span) -> bool:
        line = self.source.text.rfind("\n", 0, comment.start) + 1
        return not self.source.text[line : comment.start].strip()


def _tokens(text: str, comments: Sequence[Span], start: int) -> list[Token]:
    made: list[Token] = []
    for comment in comments:
        made += [Token(m[0], m.start()) for m in _TOKEN.finditer(text, start, max(start, comment.start))]
        start = max(start, comment.end)
    return made + [Token(m[0], m.start()) for m in _TOKEN.finditer(text, start)]


@dataclass(slots=True)
class _Gap:
    """What the author wrote between two tokens, as far as the layout has to keep it."""

    behind: str = ""
    """A comment at the end of the line of the token before."""
    alone: list[tuple[str, bool]] = field(default_factory=list)
    """Comments on lines of their own, and whether an empty line stands above each."""
    apart: bool = False
    """Whether an empty line stands under the last of them."""
    joined: bool = False
    """Whether no line may end here."""
    begins: bool = False
    """Whether a line must begin here."""


def commented(doc: Doc, written: Written) -> Doc:
    """Return a document of all tokens of a text with the comments of the text in it.

    Raises:
        AssertionError: the document has other tokens than the text.
    """
    atoms = list(_atoms(doc))
    drawn = [atom for atom in atoms if isinstance(atom, str) and not atom.isspace()]
    tokens = _without_needless(written.tokens, drawn)
    texts = ("->" if token.text in _ARROWS else token.text for token in tokens)
    assert "".join(texts) == "".join(text for text in drawn if text != ","), "a layout has the tokens of its text"
    return _built(_woven(atoms, _gaps(written, tokens)))


def _without_needless(tokens: Sequence[Token], drawn: Sequence[str]) -> list[Token]:
    """Return the tokens of a text without commas, and without the parentheses that are not drawn."""
    left = Counter(pair[:2] for pair in _parentheses(drawn))
    needless: set[int] = set()
    for start, end, opening, closing in _parentheses([token.text for token in tokens]):
        if left[start, end]:
            left[start, end] -= 1
        else:
            needless |= {opening, closing}
    return [token for i, token in enumerate(tokens) if i not in needless and token.text != ","]


def _parentheses(texts: Iterable[str]) -> list[tuple[int, int, int, int]]:
    """Return pairs of parentheses, outer ones first: how much is before each of the two, and their indices."""
    found: dict[int, tuple[int, int, int, int]] = {}
    opened: list[tuple[int, int]] = []
    before = 0
    for i, text in enumerate(texts):
        if text == "(":
            opened.append((before, i))
        elif text == ")":
            start, opening = opened.pop()
            found[opening] = (start, before, opening, i)
        elif text != ",":
            before += _length(text)
    return [found[opening] for opening in sorted(found)]


def _length(token: str) -> int:
    """Return how much a token counts: one that is written as two, as in `for i inlist`, counts as those two."""
    return 2 if token in _ARROWS else len(token)


def _gaps(written: Written, tokens: Sequence[Token]) -> dict[int, _Gap]:
    """Return what is asked of the gaps between tokens, by how much is before each."""
    gaps = _gaps_by_number(written, tokens)
    before = [0, *accumulate(_length(token.text) for token in tokens)]
    return {before[number]: gap for number, gap in gaps.items()}


def _gaps_by_number(written: Written, tokens: Sequence[Token]) -> dict[int, _Gap]:
    gaps: dict[int, _Gap] = {}
    starts = [token.start for token in tokens]
    end = 0
    for comment in written.comments:
        number = bisect_left(starts, comment.start)
        if number and tokens[number - 1].text in _ARROWS:
            number -= 1
        gap = gaps.setdefault(number, _Gap())
        line = written.line_of(comment.start)
        if number and written.line_of(tokens[number - 1].start) == line:
            gap.behind = _tidy(comment.text)
            if _ALLOW.search(comment.text):
                _keep_line(written, tokens, number, gaps)
        else:
            above = max(end, tokens[number - 1].end if number else 0)
            gap.alone.append((_tidy(comment.text), written.has_empty_line(above, comment.start)))
        follower = starts[number] if number < len(tokens) else comment.end
        gap.apart = written.has_empty_line(comment.end, follower)
        end = comment.end
    return gaps


def _keep_line(written: Written, tokens: Sequence[Token], end: int, gaps: dict[int, _Gap]) -> None:
    """Ask that the line of the last of some tokens begins where it does, and ends nowhere before its comment."""
    line = written.line_of(tokens[end - 1].start)
    first = end - 1
    while first and (written.line_of(tokens[first - 1].start) == line or tokens[first - 1].text in _ARROWS):
        first -= 1
    gaps.setdefault(first, _Gap()).begins = True
    for number in range(first + 1, end):
        gaps.setdefault(number, _Gap()).joined = True


def _tidy(comment: str) -> str:
    """Return a comment with a space behind its signs."""
    signs = len(comment) - len(comment.lstrip("#"))
    rest = comment[signs:].rstrip()
    return comment[:signs] + (rest if not rest or rest[0] in " !" else f" {rest}")


# A document as a row of its parts.


class _Edge(NamedTuple):
    """The beginning or the end of a part that holds others."""

    kind: type[Nest] | type[Group] | type[Fill]
    opens: bool
    broken: bool = False


_Atom = str | Line | IfBroken | Remark | _Edge
_NEST, _END_NEST = _Edge(Nest, opens=True), _Edge(Nest, opens=False)


def _atoms(doc: Doc) -> Iterator[_Atom]:
    """Yield the parts of a document one after the other, texts cut into tokens and what is between them."""
    match doc:
        case str():
            yield from _PIECE.findall(doc)
        case tuple():
            for part in doc:
                yield from _atoms(part)
        case Nest(doc=inner) | Group(doc=inner) | Fill(doc=inner):
            yield _Edge(type(doc), opens=True, broken=isinstance(doc, Group) and doc.broken)
            yield from _atoms(inner)
            yield _Edge(type(doc), opens=False)
        case _:
            yield doc


def _built(atoms: Iterable[_Atom]) -> Doc:
    """Return the document that has these parts."""
    made: list[list[Doc]] = [[]]
    edges: list[_Edge] = []
    for atom in atoms:
        if not isinstance(atom, _Edge):
            made[-1].append(atom)
        elif atom.opens:
            made.append([])
            edges.append(atom)
        else:
            edge, inner = edges.pop(), tuple(made.pop())
            made[-1].append(Group(inner, edge.broken) if edge.kind is Group else edge.kind(inner))
    return tuple(made[0])


def _woven(atoms: Iterable[_Atom], gaps: Mapping[int, _Gap]) -> Iterator[_Atom]:
    """Yield the parts of a document, those between two tokens changed as is asked."""
    length, before = 0, ""
    between: list[_Atom] = []
    for atom in (*atoms, ""):
        if not isinstance(atom, str) or atom.isspace() or atom == ",":
            between.append(atom)
            continue
        yield from _changed(between, gaps.get(length, _Gap()), before, atom)
        yield atom
        length, before, between = length + len(atom), atom, []


def _changed(between: list[_Atom], gap: _Gap, before: str, after: str) -> list[_Atom]:
    """Return what stands between two tokens, changed as is asked; the first has none before it, the last none after."""
    if gap.joined:
        flat = [part.flat if isinstance(part, Line) else part for part in between]
        return [part for part in flat if not isinstance(part, IfBroken)]
    if not (gap.behind or gap.alone or (gap.begins and before)):
        return between
    remark: list[_Atom] = [Remark(gap.behind)] if gap.behind else []
    if not before:
        return [*_over(gap), *between]
    if not after:
        return [*between, *remark, *_under(gap)]
    parts = _with_line(between, before, after)
    lines = [i for i, part in enumerate(parts) if isinstance(part, Line)]
    first, last = lines[0], lines[-1]
    closes = [i for i, part in enumerate(parts[:first]) if part == _END_NEST]
    if gap.alone and after in _CLOSING and closes:
        place = closes[-1]
        return [*parts[:place], *remark, *_under(gap, before), *parts[place:]]
    return [*parts[:first], *remark, *parts[first : last + 1], *_over(gap), *parts[last + 1 :]]


def _with_line(between: Iterable[_Atom], before: str, after: str) -> list[_Atom]:
    """Return what stands between two tokens with a line that ends; one put in indents, but not what closes or goes on.

    It is put outside of what begins there, which may stay on one line.
    """
    parts = [part for part in between if not (isinstance(part, str) and part.isspace())]
    if any(isinstance(part, Line) for part in parts):
        return [replace(part, hard=True) if isinstance(part, Line) else part for part in parts]
    place = len(parts)
    while place and isinstance(edge := parts[place - 1], _Edge) and edge.opens:
        place -= 1
    line: list[_Atom] = [_NEST, HARD, _END_NEST]
    if after in _CLOSING:
        line = [_NEST, _END_NEST, HARD]
    elif after in ("{", "else") or before == "else":
        line = [HARD]
    return [*parts[:place], *line, *parts[place:]]


def _under(gap: _Gap, before: str = "") -> Iterator[_Atom]:
    """Yield comments each on a line under what stands before."""
    for i, (text, apart) in enumerate(gap.alone):
        yield from (Line(hard=True, blank=apart and (i > 0 or before not in _PAIRS)), text)


def _over(gap: _Gap) -> Iterator[_Atom]:
    """Yield comments each on a line over what follows."""
    for i, (text, _) in enumerate(gap.alone):
        blank = gap.alone[i + 1][1] if i + 1 < len(gap.alone) else gap.apart
        yield from (text, Line(hard=True, blank=blank))
