"""One problem of a sheet: what it draws, its nets, its parts and their hints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from archdsl.diagnostics import closest
from archdsl.exam.asks import FUNCTIONS, MEANT, QUANTITIES, AskError, names, parse, questions
from archdsl.exam.nets import PLACEHOLDER, Draw, Net, syntax_of
from archdsl.exam.reading.data import data_of
from archdsl.exam.reading.entries import Entry, Number
from archdsl.exam.reading.fields import Fields, Findings
from archdsl.exam.reading.marking import marking_of
from archdsl.exam.requirements import problems_of
from archdsl.exam.sheet import FORMS, Ask, Marking, Part, Problem
from archdsl.exam.texts import Text
from archdsl.lang.builder import KEYWORDS
from archdsl.rules import exam as rules

KEYS = ("id", "title", "draw", "require", "net", "nets", "data", "text", "parts", "hints")
PART_KEYS = ("id", "ask", "marks", "text", "key", "after", "tolerance", "choices", "form", "marking")
MOST_PARTS = 200
MOST_NETS = 20
MOST_DRAWN = 50
"""Names that one problem draws."""
MOST_VALUES = 1000
"""Values to choose from for one name."""
MOST_MARKS = 10_000
MOST_CHOICES = 20
_NAME = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
_RESERVED = frozenset((*QUANTITIES, *FUNCTIONS, *KEYWORDS, "net"))


def problem_of(entry: Entry, marking: Marking, findings: Findings, id: str = "") -> Problem:
    """Return the problem that a mapping means; `id` is its name where the mapping need not have one."""
    fields = Fields(entry, "a problem", KEYS, findings)
    name = fields.identifier("id") if "id" in fields or not id else id
    draw = _draws(fields)
    nets = _nets(fields, draw)
    data, text = data_of(fields, nets, draw), fields.text("text")
    problem = Problem(name, fields.line("title"), draw, _requirements(fields), nets, data, text, (), fields.here)
    fields.missing("parts", "write `parts:` and a list of questions")
    parts: list[Part] = []
    for item in fields.items("parts", MOST_PARTS):
        parts.append(_part(item, problem, parts, marking, findings))
    problem = replace(problem, parts=_hinted(fields, parts))
    check_texts(problem, findings)
    for diagnostic in problems_of(problem):
        findings.keep(diagnostic)
    return problem


def check_texts(problem: Problem, findings: Findings) -> None:
    """Report placeholders that nothing fills, and nets that cannot be read."""
    prose = [problem.text, *(p.text for p in problem.parts), *(h.text for p in problem.parts for h in p.hints)]
    tables = [f"{name or 'net'}.{what}" for name in problem.nets for what in ("table", "code")]
    for text in prose:
        if text is not None:
            _check_placeholders(text, [*problem.draw, *tables], findings)
    for net in problem.nets.values():
        if _check_placeholders(net.text, list(problem.draw), findings):
            first = {name: values[0] for name, values in problem.draw.items() if values}
            for diagnostic in syntax_of(net, first):
                findings.keep(diagnostic)


def ask_of(text: Text, problem: Problem, findings: Findings) -> Ask | None:
    """Return an ask that is read, with its names and nets looked up; `None` where it is none."""
    try:
        ask = Ask(text, parse(text.text))
    except AskError as error:
        findings.keep(Ask(text, parse("0")).problem(error))
        return None
    for drawn in names(ask.term):
        if drawn.name not in problem.draw:
            meant = MEANT.get(drawn.name.lower()) or closest(drawn.name, (*QUANTITIES, *problem.draw))
            help = f"did you mean `{meant}`?" if meant else f"known are {', '.join((*QUANTITIES, *problem.draw))}"
            unknown = AskError(f"there is no quantity `{drawn.name}`", drawn.start, drawn.end, help)
            findings.keep(ask.problem(unknown))
    for question in questions(ask.term):
        try:
            problem.place(question)
        except AskError as error:
            findings.keep(ask.problem(error))
    return ask


def _check_placeholders(text: Text, known: Iterable[str], findings: Findings) -> bool:
    """Report unknown placeholders; return whether there is none."""
    names = list(known)
    sound = True
    for match in PLACEHOLDER.finditer(text.text):
        if match[1] not in names:
            if not sound:
                continue  # the first of a text is told
            sound = False
            close = closest(match[1], names)
            help = f"did you mean `{{{{ {close} }}}}`?" if close else f"known are {', '.join(names)}" if names else None
            span = text.at(match.start(), match.end())
            findings.add(rules.UNKNOWN_PLACEHOLDER, f"nothing is called `{match[1]}` here", span, help)
    return sound


def _draws(fields: Fields) -> Mapping[str, tuple[Draw, ...]]:
    draws: dict[str, tuple[Draw, ...]] = {}
    for name, (span, entry) in list(fields.pairs("draw").items())[:MOST_DRAWN]:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            message = f"`{name[:40]}` cannot be the name of a drawn value"
            fields.findings.add(rules.WRONG_VALUE, message, span, "take a name that means nothing else, as `n` or `c1`")
            continue
        if not isinstance(entry.value, tuple) or not 1 <= len(entry.value) <= MOST_VALUES:
            fields.wrong(entry, f"`{name}` is drawn from a list of 1 to {MOST_VALUES:,} values")
            draws[name] = (1,)
            continue
        values = [value for item in entry.value if (value := _drawn(item, name, fields)) is not None]
        if any(type(value) is Fraction for value in values):
            values = [Fraction(v) if type(v) is int else v for v in values]
        if len({type(value) for value in values}) > 1:
            fields.wrong(entry, f"the values of `{name}` are of several kinds")
        draws[name] = tuple(values) or (1,)
    if len(fields.pairs("draw")) > MOST_DRAWN:
        fields.findings.add(rules.WRONG_VALUE, f"a problem draws at most {MOST_DRAWN} values", fields.span("draw"))
    return draws


def _drawn(item: Entry, name: str, fields: Fields) -> Draw | None:
    if isinstance(item.value, bool):
        return item.value
    if isinstance(item.value, str) and _NAME.fullmatch(item.value):
        return item.value
    if isinstance(item.value, Number):
        value = fields.as_number(item, f"a value of `{name}`", -(10**12), 10**12)
        return int(value) if value is not None and value.denominator == 1 else value
    fields.wrong(item, f"a value of `{name}` is a number or a name")
    return None


def _requirements(fields: Fields) -> tuple[Text, ...]:
    entry = fields.get("require")
    if entry is None:
        return ()
    items = entry.value if isinstance(entry.value, tuple) else (entry,)
    texts = [fields.as_text(item, "a requirement is a text, as `c != o`") for item in items[:MOST_DRAWN]]
    return tuple(text for text in texts if text is not None)


def _nets(fields: Fields, draw: Mapping[str, tuple[Draw, ...]]) -> dict[str, Net]:
    if "net" in fields and "nets" in fields:
        help = "write several as `nets: {first: ..., second: ...}`"
        fields.findings.add(rules.WRONG_VALUE, "a problem has `net` or `nets`, not both", fields.span("nets"), help)
    text = fields.text("net")
    nets = {"": Net("", text)} if text is not None else {}
    for name, (span, entry) in list(fields.pairs("nets").items())[:MOST_NETS]:
        if not _NAME.fullmatch(name) or name in draw:
            message = f"`{name[:40]}` cannot be the name of a net"
            fields.findings.add(rules.WRONG_VALUE, message, span, "take a name as `first`, that is not drawn")
        inner = fields.as_text(entry, f"the net `{name[:40]}` is a text")
        if inner is not None:
            nets[name] = Net(name, inner)
    return nets


def _part(entry: Entry, problem: Problem, earlier: list[Part], marking: Marking, findings: Findings) -> Part:
    fields = Fields(entry, "a part", PART_KEYS, findings)
    id = fields.identifier("id")
    known = [part.id for part in earlier]
    if id and id in known:
        findings.add(rules.DUPLICATE_ID, f"two parts are called `{id}`", fields.span("id"), "answers are to `id`s")
    fields.missing("ask", "write what is asked, as `params` or `shape(conv1)`")
    text = fields.text("ask")
    ask = ask_of(text, problem, findings) if text is not None else None
    nothing = Text("", fields.here)
    key = fields.get("key")
    tolerance = fields.number("tolerance", 0, 1)
    marks = fields.number("marks", 0, MOST_MARKS)
    return Part(
        id=id,
        name=f"{problem.id}.{id}",
        ask=ask or Ask(nothing, parse("0")),
        marks=Fraction(1) if marks is None else marks,
        text=fields.text("text"),
        key=fields.answer(key) if key is not None else None,
        after=_after(fields, known),
        tolerance=tolerance or Fraction(0),
        choices=_choices(fields),
        form=next(form for form in FORMS if form == (fields.choice("form", FORMS) or "any")),
        marking=marking_of(fields, marking),
        span=fields.here,
    )


def _after(fields: Fields, known: list[str]) -> tuple[str, ...]:
    if "after" not in fields:
        return tuple(known)
    found = []
    for item in fields.items("after", MOST_PARTS):
        text = fields.as_text(item, "`after` lists ids of parts")
        if text is not None and text.text not in known:
            close = closest(text.text, known)
            help = f"did you mean `{close}`?" if close else f"before it come {', '.join(known) or 'none'}"
            message = f"no earlier part is called `{text.text[:40]}`"
            fields.findings.add(rules.UNKNOWN_PART, message, item.span, help)
        elif text is not None:
            found.append(text.text)
    return tuple(dict.fromkeys(found))


def _choices(fields: Fields) -> int | tuple[Text, ...]:
    entry = fields.get("choices")
    if entry is None:
        return 0
    if isinstance(entry.value, tuple) and 2 <= len(entry.value) <= MOST_CHOICES:
        return tuple(text for item in entry.value if (text := fields.answer(item)) is not None)
    number = entry.value.text if isinstance(entry.value, Number) else ""
    if number.isdigit() and len(number) < 3 and 2 <= int(number) <= MOST_CHOICES:
        return int(number)
    fields.wrong(entry, f"`choices` is how many options there are, from 2 to {MOST_CHOICES}, or a list of them")
    return 0


def _hinted(fields: Fields, parts: list[Part]) -> tuple[Part, ...]:
    hints = {}
    known = [part.id for part in parts]
    for id, (span, entry) in fields.pairs("hints").items():
        if id not in known:
            close = closest(id, known)
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(known) or 'none'}"
            fields.findings.add(rules.UNKNOWN_PART, f"no part is called `{id[:40]}`", span, help)
        hints[id] = fields.hints(entry)
    return tuple(replace(part, hints=hints.get(part.id, ())) for part in parts)
