"""From what somebody types to a page: a code, a name, a word of another library, or a message that was pasted.

A message is compared without its numbers, brackets and quotes, since those differ each time. What is said to the
letter wins over what is alike, and that over single words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache, partial
from itertools import chain
from math import log
from typing import NamedTuple

from archdsl.elaborate.words import ELSEWHERE
from archdsl.manual import language, layers, lessons, messages
from archdsl.manual.chapters import CHAPTERS
from archdsl.manual.page import Page
from archdsl.ops import OPS
from archdsl.rules import BY_NAME, RULES
from archdsl.rules.exam import EXAM_RULES

LANGUAGE = "language"
PAGES = RULES | EXAM_RULES
_EXAM = {rule.name: rule for rule in EXAM_RULES.values()}
LONGEST = 20_000
"""Characters of a pasted message that are looked at, from its end: a traceback says last what it is about."""
MOST_WORDS = 40
"""A message in other words than a known one is compared as a whole up to this length."""
MOST_HITS = 6

TOPICS = {
    "same padding": "Conv2d", "valid padding": "Conv2d", "padding same": "Conv2d",
    "residual connection": "add", "skip connection": "add", "shortcut connection": "add",
    "fully connected": "Linear", "fully connected layer": "Linear", "depthwise convolution": "Conv2d",
    "dilated convolution": "Conv2d", "strided convolution": "Conv2d",
}  # fmt: skip
"""What a course names in several words, and the page that tells of it."""

_CODE = re.compile(r"([ew]?)0*(\d{1,4})", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![a-z_0-9])[-+]?\d\w*(?:\.\d\w*)*")
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_COMMON = frozenset(
    "a an and are as at be but by for from got has have in is it its not of on or that the there this to was what with"
    " how do does i my error runtimeerror valueerror typeerror syntaxerror you why can cannot".split()
)


class Hit(NamedTuple):
    """A page that may be meant: what it is called in a list, how well it fits, and how it is made."""

    name: str
    summary: str
    score: float
    page: Callable[[], Page]


@dataclass(frozen=True)
class Found:
    """Pages that may be meant, the best first; an exact one stands alone."""

    hits: tuple[Hit, ...]
    meant: tuple[str, ...] = ()
    """Where there are none: what may have been meant."""


def find(query: str) -> Found:
    """Return the pages for what somebody types."""
    query = query.strip()
    query = TOPICS.get(query.casefold(), query)
    for look in (_by_code, _by_language, by_layer, _by_word):
        if hits := look(query):
            return Found(hits)
    if match := _CODE.fullmatch(query):
        return Found((), tuple(sorted(PAGES, key=lambda code: abs(int(code[1:]) - int(match[2])))[:3]))
    hits = _search(query[-LONGEST:])
    return Found(hits) if hits else Found((), _near(query))


def _by_code(query: str) -> tuple[Hit, ...]:
    match = _CODE.fullmatch(query)
    letters = [match[1].upper()] if match and match[1] else ["E", "W"]
    codes = [f"{letter}{match[2].zfill(4)}" for letter in letters] if match else []
    name = query.lower().replace(" ", "-")
    rule = next((PAGES[code] for code in codes if code in PAGES), None) or BY_NAME.get(name) or _EXAM.get(name)
    return (_rule_hit(rule.code),) if rule else ()


def _by_language(query: str) -> tuple[Hit, ...]:
    first, _, rest = query.partition(" ")
    if first.casefold() != LANGUAGE:
        return ()
    return _by_word(rest) if rest else (Hit(LANGUAGE, "the language", 1.0, language.reference),)


def by_layer(query: str) -> tuple[Hit, ...]:
    """Return the page of a layer, by its own name or by what another library or a textbook calls it."""
    group, said = layers.group_of(query), ""
    if group is None:
        group = layers.elsewhere(query)
        meant = layers.meant_elsewhere(query)
        said = f"`{query}` is what others call it; a spec writes `{meant}`."
    return (Hit(query, group.summary, 1.0, partial(layers.layer, group, said)),) if group else ()


def _by_word(query: str) -> tuple[Hit, ...]:
    return tuple(_chapter_hit(chapter.name) for chapter in language.chapters_of(query))


def _rule_hit(code: str, score: float = 1.0) -> Hit:
    rule = PAGES[code]
    return Hit(code, rule.summary, score, partial(lessons.lesson, rule))


def _chapter_hit(name: str, score: float = 1.0) -> Hit:
    chapter = next(chapter for chapter in CHAPTERS if chapter.name == name)
    return Hit(f"{LANGUAGE} {name}", chapter.title, score, partial(language.chapter_page, chapter))


# Messages and words.


def words(text: str) -> tuple[str, ...]:
    """Return the words of a message, without the numbers and signs that differ each time."""
    return tuple(_WORD.findall(_NUMBER.sub(" ", text.lower())))


def pieces(message: str) -> tuple[tuple[str, ...], ...]:
    """Return what a known message says between the places where it differs each time."""
    return tuple(filter(None, (words(piece) for piece in message.split("..."))))


class _Known(NamedTuple):
    """A page as the search sees it: what other programs say of it, and its own words with their weight."""

    hit: Hit
    said: tuple[str, ...]
    own: dict[str, float]


@cache
def _index() -> tuple[_Known, ...]:
    return tuple(chain(_rules(), _messages(), _layers(), _chapters()))


def _rules() -> Iterator[_Known]:
    for rule in PAGES.values():
        said = tuple(chain.from_iterable(rule.elsewhere.values()))
        own = _weighed((3, rule.name), (2, rule.summary), (1, " ".join((rule.why, *rule.causes, *said))))
        yield _Known(_rule_hit(rule.code), said, own)


def _messages() -> Iterator[_Known]:
    for message in messages.MESSAGES:
        name = message.says[0].partition("...")[0].strip()
        hit = Hit(name, message.title, 1.0, partial(messages.answer, message))
        own = _weighed((2, f"{message.title} {' '.join(message.says)}"), (1, message.answer))
        yield _Known(hit, message.says, own)


def _layers() -> Iterator[_Known]:
    for group in layers.groups():
        hit = Hit(group.typical.name, group.summary, 1.0, partial(layers.layer, group))
        title = f"{' '.join(group.names)} {' '.join(layers.words_for(group))}"
        named = " ".join(argument.name for argument in group.typical.arguments)
        own = _weighed((3, title), (2, f"{group.summary} {named}"), (1, group.typical.__doc__ or ""))
        yield _Known(hit, (), own)


def _chapters() -> Iterator[_Known]:
    for chapter in CHAPTERS:
        said = " ".join(entry.says for entry in chapter.entries)
        own = _weighed((3, " ".join(language.words_of(chapter))), (2, chapter.title), (1, f"{chapter.lead} {said}"))
        yield _Known(_chapter_hit(chapter.name), (), own)


def _weighed(*texts: tuple[float, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for weight, text in texts:
        for word in _stems(words(text)):
            found[word] = max(weight, found.get(word, 0))
    return found


def _stems(found: Iterable[str]) -> Iterator[str]:
    """Yield the words that say something, without the endings by which the same word differs."""
    for word in chain.from_iterable((word, *word.split("_")) if "_" in word else (word,) for word in found):
        if word and word not in _COMMON:
            yield re.sub(r"(?<=[a-z]{3})(?:ing|ed|es|s|e)$", "", word)


@cache
def _rarity() -> dict[str, float]:
    """Return how much each word tells: one that is on every page tells nothing."""
    index = _index()
    counts: dict[str, int] = {}
    for known in index:
        for word in known.own:
            counts[word] = counts.get(word, 0) + 1
    return {word: log((1 + len(index)) / count) for word, count in counts.items()}


def _search(query: str) -> tuple[Hit, ...]:
    asked = words(query)
    for measure in (_quoted, _alike, _in_common):
        scored = [known.hit._replace(score=measure(asked, known)) for known in _index()]
        hits = sorted((hit for hit in scored if hit.score > 0), key=lambda hit: -hit.score)
        if hits:
            return tuple(hit for hit in hits if hit.score >= hits[0].score / 2)[:MOST_HITS]
    return ()


def _quoted(asked: tuple[str, ...], known: _Known) -> float:
    """Return how many words of a known message are said to the letter, or how many of a known one were pasted."""
    return max((float(_quotes(asked, pieces(message))) for message in known.said), default=0.0)


def _quotes(asked: tuple[str, ...], known: tuple[tuple[str, ...], ...]) -> int:
    joined = tuple(chain.from_iterable(known))
    if len(joined) < 2:
        return int(tuple(word for word in asked if word not in _COMMON) == joined)
    if (len(asked) >= 3 or len("".join(asked)) >= 12) and _place(asked, joined, 0) >= 0:
        return len(asked)
    place = 0
    for piece in known:
        found = _place(piece, asked, place)
        if found < 0:
            return 0
        place = found + len(piece)
    return len(joined)


def _place(part: tuple[str, ...], whole: tuple[str, ...], start: int) -> int:
    return next((i for i in range(start, len(whole) - len(part) + 1) if whole[i : i + len(part)] == part), -1)


def _alike(asked: tuple[str, ...], known: _Known) -> float:
    """Return what share of a known message is said in its order, where that is most of it or of what was pasted."""
    best = 0.0
    asked = asked[-MOST_WORDS:]
    for message in known.said:
        told = tuple(chain.from_iterable(pieces(message)))
        blocks = SequenceMatcher(None, asked, told, autojunk=False).get_matching_blocks()
        same = sum(block.size for block in blocks)
        if same >= 4:
            best = max(best, same / len(told), same / len(asked))
    return best if best >= 0.7 else 0.0


def _in_common(asked: tuple[str, ...], known: _Known) -> float:
    """Return how much of what the words tell is on a page; those nobody uses count against all."""
    rarity = _rarity()
    unknown = max(rarity.values())
    stems = set(_stems(asked))
    whole = sum(rarity.get(word, unknown) for word in stems)
    shared = sum(rarity[word] * known.own[word] for word in stems if word in known.own)
    covered = sum(rarity[word] for word in stems if word in known.own)
    return shared / whole if whole and covered >= whole / 2 else 0.0


def _near(query: str) -> tuple[str, ...]:
    """Return names that look like what was typed."""
    spelt = {word.casefold(): word for word in (*PAGES, *BY_NAME, *_EXAM, *ELSEWHERE, *OPS)}
    spelt |= {word.casefold(): word for chapter in CHAPTERS for word in (chapter.name, *language.words_of(chapter))}
    close = get_close_matches(query[:60].casefold(), spelt, n=3)
    return tuple(spelt[word] for word in close)
