"""The reference of the language: the chapters, with the tables that the code itself fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archdsl.analysis import CONVENTIONS
from archdsl.analysis.expectations import TOTALS
from archdsl.elaborate import LARGEST_SIZE, MOST_AXES, Library, value_of
from archdsl.elaborate.builtins import DEEPEST as DEEPEST_LIST
from archdsl.elaborate.builtins import FUNCTIONS, HEAVIEST, LONGEST, listed
from archdsl.elaborate.construction import DEEPEST as DEEPEST_INSTANCE
from archdsl.elaborate.construction import MOST_NODES, MOST_PIECES
from archdsl.elaborate.expressions import LARGEST, MOST_STEPS, QUESTIONS, TENSOR_FUNCTIONS
from archdsl.elaborate.initialisers import SCHEMES
from archdsl.elaborate.library import DEEPEST_IMPORT
from archdsl.elaborate.naming import LONGEST as LONGEST_LABEL
from archdsl.elaborate.naming import RESERVED
from archdsl.elaborate.values import TYPES, show
from archdsl.lang.items import DEEPEST
from archdsl.lang.parser import LARGEST_FILE
from archdsl.manual import chapters, vocabulary
from archdsl.manual.chapters import CHAPTERS, INPUT, NAMED, Chapter, Entry
from archdsl.manual.lessons import SCHEMA
from archdsl.manual.page import Block, Page, Points, Prose, Section, Table, Terms, code
from archdsl.pipeline import network
from archdsl.rules import RULES, files, limits, names
from archdsl.source import Source

LEAD = (
    "A spec says what a network is, and everything in it is settled before anything runs. An example below is a whole "
    f"file, or the body of a model whose first line, `{INPUT}`, is left out."
)


def reference() -> Page:
    """Return the whole reference."""
    sections = tuple(Section(chapter.title, tuple(_blocks(chapter))) for chapter in CHAPTERS)
    said = {"schema": SCHEMA, "kind": "language", "chapters": [facts(chapter) for chapter in CHAPTERS]}
    return Page("The language", "", (Prose(LEAD),), sections, said)


def chapter_page(chapter: Chapter) -> Page:
    """Return one chapter as a page of its own."""
    others = ", ".join(f"`{other.name}`" for other in CHAPTERS if other is not chapter)
    more = Section("See also", (Points((f"`archdsl explain language`, or one of its chapters {others}",)),))
    said = {"schema": SCHEMA, "kind": "language", "chapters": [facts(chapter)]}
    return Page(chapter.title, f"language {chapter.name}", tuple(_blocks(chapter)), (more,), said)


def chapters_of(word: str) -> tuple[Chapter, ...]:
    """Return the chapter of that name, or those that tell of a word, sign, function or type."""
    word = word.strip("`").casefold()
    named = tuple(chapter for chapter in CHAPTERS if word in (chapter.name, chapter.name.removesuffix("s")))
    return named or tuple(chapter for chapter in CHAPTERS if word in map(str.casefold, words_of(chapter)))


def words_of(chapter: Chapter) -> tuple[str, ...]:
    """Return the words and signs that a chapter tells of."""
    tables: dict[str, tuple[str, ...]] = {
        chapters.TYPES.name: TYPES,
        chapters.BUILTINS.name: tuple(FUNCTIONS),
        chapters.INITIALISERS.name: tuple(SCHEMES),
        chapters.TESTS.name: tuple(dict.fromkeys((*QUESTIONS, *TOTALS))),
        chapters.NUMBERS.name: tuple(CONVENTIONS),
        chapters.EXPRESSIONS.name: tuple(sign for level in vocabulary.operators() for sign in level),
    }
    entries = (word for entry in chapter.entries for word in entry.words)
    return tuple(dict.fromkeys((*entries, *tables.get(chapter.name, ()))))


def program(example: str) -> str:
    """Return an example as a whole file."""
    if "model " in example:
        return f"{example}\n"
    lines = example.split("\n")
    head = [] if any(line.startswith("input ") for line in lines) else [INPUT]
    return "model Example {\n" + "".join(f"  {line}\n" for line in (*head, *lines)) + "}\n"


def _blocks(chapter: Chapter) -> Iterator[Block]:
    yield Prose(chapter.lead)
    if made := _TABLES.get(chapter.name):
        yield from made()
    for entry in chapter.entries:
        yield Prose(f"{_listed(entry)}  {entry.says}")
        if entry.example:
            yield code(entry.example)


def _listed(entry: Entry) -> str:
    return ", ".join(f"`{word}`" for word in entry.words)


def facts(chapter: Chapter) -> dict[str, object]:
    """Return a chapter as a machine reads it."""
    entries = [{"words": list(e.words), "says": e.says, "example": e.example or None} for e in chapter.entries]
    tables = [
        {"head": list(block.head), "rows": [list(row) for row in block.rows]}
        for block in _blocks(chapter)
        if isinstance(block, Table)
    ]
    return {
        "name": chapter.name,
        "title": chapter.title,
        "lead": chapter.lead,
        "words": list(words_of(chapter)),
        "entries": entries,
        "tables": tables,
    }


# What the code says of itself.


def _words() -> Iterator[Block]:
    begin = ", ".join(f"`{word}`" for word in vocabulary.item_words())
    every = ", ".join(f"`{word}`" for word in vocabulary.keywords())
    yield Prose(f"An item begins with {begin}.")
    yield Prose(f"The words of the language are {every}. They may be labels, and names of nothing else.")


def _statements() -> Iterator[Block]:
    begin = ", ".join(f"`{word}`" for word in vocabulary.statement_words())
    yield Prose(f"The words that begin one are {begin}.")


def _operators() -> Iterator[Block]:
    yield Prose("The operators, those that bind least first:")
    rows = [
        (str(level), f"`{sign}`", chapters.SIGNS[f"{sign} in front" if signs == ("-",) else sign])
        for level, signs in enumerate(vocabulary.operators(), 1)
        for sign in signs
    ]
    yield Table(("Level", "Operator", "Gives"), tuple(rows), frozenset({0}))


def _types() -> Iterator[Block]:
    rows = tuple((f"`{name}`", *_kind(name)) for name in TYPES)
    yield Table(("Type", "For example", "What it takes"), rows)


def _kind(name: str) -> tuple[str, str]:
    value, takes = chapters.KINDS[name]
    return f"`{value}`", takes


def _functions() -> Iterator[Block]:
    rows = []
    for name in FUNCTIONS:
        call, gives = chapters.FUNCTIONS[name]
        rows.append((f"`{call}`", f"`{value(call)}`", gives))
    yield Table(("Call", "Value", "What it gives"), tuple(rows))
    yield Prose(f"On tensors there are {', '.join(f'`{name}`' for name in TENSOR_FUNCTIONS)}.")


def value(expression: str) -> str:
    """Return the value of an expression as the language writes it."""
    found = value_of("example", expression)
    return show(listed(found) if isinstance(found, range) else found)


def _schemes() -> Iterator[Block]:
    rows = tuple((f"`{name}`", ", ".join(f"`{a}`" for a in arguments) or "none") for name, arguments in SCHEMES.items())
    yield Table(("Scheme", "Arguments"), rows)


def _questions() -> Iterator[Block]:
    yield Prose(f"The totals of a network are {', '.join(f'`{name}`' for name in TOTALS)}.")
    yield Prose(f"Of a path one may ask {', '.join(f'`{name}`' for name in QUESTIONS)}.")


def _conventions() -> Iterator[Block]:
    yield Terms(tuple(CONVENTIONS.items()))


def _names() -> Iterator[Block]:
    yield Table(("In the spec", "In PyTorch", "Key"), chapters.NAME_RULES)
    yield Prose("So the weights of this network")
    yield code(NAMED)
    yield Prose("have these keys:")
    yield code("\n".join(keys(NAMED)), language="text")
    yield Prose(
        f"A label is a Python name of at most {LONGEST_LABEL} characters and none of the {len(RESERVED)} attributes"
        " that every `nn.Module` has, such as `train`, `forward` or `type`."
    )


def keys(text: str) -> list[str]:
    """Return the keys of the learned tensors of a spec, as the `state_dict` has them."""
    graph = network(Library().add(Source("<reference>", text)), None).graph
    return [f"{node.path}.{name}" for node in graph.layers for name in graph.weights(node)]


def _limits() -> Iterator[Block]:
    bounds = (
        (LARGEST_FILE, "characters of a file", limits.FILE_TOO_LARGE),
        (DEEPEST, "brackets in brackets", limits.TOO_DEEP),
        (DEEPEST_INSTANCE, "blocks in blocks", limits.TOO_DEEP),
        (DEEPEST_LIST, "lists in lists", limits.TOO_LONG),
        (DEEPEST_IMPORT, "files that import the next", files.IMPORT_LOOP),
        (LONGEST, "elements of a list, turns of a loop", limits.TOO_LONG),
        (HEAVIEST, "elements of a list with those of the lists in it", limits.TOO_LONG),
        (MOST_PIECES, "pieces of a `split`", limits.TOO_LONG),
        (MOST_AXES, "axes of an input", limits.TOO_LONG),
        (MOST_NODES, "layers of a network", limits.TOO_MANY),
        (MOST_STEPS, "steps to build it", limits.TOO_MANY),
        (LARGEST_SIZE, "positions along an axis of an input", limits.NUMBER_TOO_LARGE),
        (LARGEST, "the largest whole number", limits.NUMBER_TOO_LARGE),
        (LONGEST_LABEL, "characters of a label", names.RESERVED_LABEL),
    )
    rows = tuple((f"{bound:,}", what, f"`{rule.code}`") for bound, what, rule in bounds)
    yield Table(("At most", "What", "Beyond it"), rows, frozenset({0}))
    told = [rule for rule in RULES.values() if rule in vars(limits).values()]
    yield Points(tuple(f"`{rule.code}`: {rule.summary}" for rule in told))


_TABLES: dict[str, Callable[[], Iterator[Block]]] = {
    chapters.ITEMS.name: _words,
    chapters.STATEMENTS.name: _statements,
    chapters.EXPRESSIONS.name: _operators,
    chapters.TYPES.name: _types,
    chapters.BUILTINS.name: _functions,
    chapters.INITIALISERS.name: _schemes,
    chapters.TESTS.name: _questions,
    chapters.NUMBERS.name: _conventions,
    chapters.NAMES.name: _names,
    chapters.LIMITS.name: _limits,
}
