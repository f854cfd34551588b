"""Sheets of exam problems: the records that every way of writing them is read into.

Everything is frozen, numbers of marks and shares are exact fractions, and what points into the file (spans) takes no
part in comparisons: a sheet in YAML equals the same sheet in TOML or JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from archdsl.diagnostics import Diagnostic, closest
from archdsl.elaborate import Library, Module
from archdsl.exam.asks import AskError, Question, Term, questions
from archdsl.exam.data import Data
from archdsl.exam.nets import Draw, Net, places
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span


@dataclass(frozen=True)
class Ask:
    """What a part asks for: as written, and read."""

    text: Text
    term: Term = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text.text

    def problem(self, error: AskError) -> Diagnostic:
        """Return the diagnostic of what is wrong with the ask, at its place in the sheet."""
        return Diagnostic(rules.BAD_ASK, str(error), self.text.at(error.start, error.end), help=error.help)


@dataclass(frozen=True)
class Hint:
    """One step of help, and the share of the marks that it costs."""

    text: Text
    cost: Fraction = Fraction(0)


@dataclass(frozen=True)
class Conventions:
    """What a sheet means by its words. `stated` are the keys that it says itself."""

    rounding: Literal["floor", "ceil_pool"] = "floor"
    layout: Literal["any", "CHW", "HWC", "strict"] = "any"
    bias: Literal["counted", "ignored"] = "counted"
    bn: Literal["trainable", "all"] = "trainable"
    work: Literal["macs", "flops"] = "macs"
    rf: Literal["theoretical", "clipped"] = "theoretical"
    kilo: Literal[1000, 1024] = 1000
    stated: frozenset[str] = frozenset()


CONVENTIONS: dict[str, tuple[str | int, ...]] = {
    "rounding": ("floor", "ceil_pool"),
    "layout": ("any", "CHW", "HWC", "strict"),
    "bias": ("counted", "ignored"),
    "bn": ("trainable", "all"),
    "work": ("macs", "flops"),
    "rf": ("theoretical", "clipped"),
    "kilo": (1000, 1024),
}
"""What each convention may be; the first is the default."""


@dataclass(frozen=True)
class Marking:
    """Shares of a part's marks, from 0 to 1, for answers that are not plainly right."""

    follow_through: Fraction = Fraction(1)
    """Right from the student's own earlier answers."""
    repeated_mistake: Fraction = Fraction(1, 2)
    """The same mistake once more."""
    slip: Fraction = Fraction(3, 4)
    """Right method, wrong arithmetic."""
    incomplete: Fraction = Fraction(1, 2)
    """A shape without its channels."""
    too_coarse: Fraction = Fraction(1, 2)
    """A rounding that would also hold a mistake."""
    note: Fraction = Fraction(1)
    """Right under another convention."""
    mistakes: Mapping[str, Fraction] = field(default_factory=dict)
    """By the id of a mistake; those not named earn nothing."""
    show_exact: Literal["never", "after_correct"] = "never"
    """Whether a rounded right answer is followed by the exact one."""


SHARES = ("follow_through", "repeated_mistake", "slip", "incomplete", "too_coarse", "note")
WORDS_OF_SHARES = {"full": Fraction(1), "half": Fraction(1, 2), "none": Fraction(0)}
FORMS: tuple[Literal["any", "exact", "expression"], ...] = ("any", "exact", "expression")
"""What an answer must be: anything that means the value, no rounding, or a calculation."""


@dataclass(frozen=True)
class Part:
    """One question of a problem."""

    id: str
    name: str
    """With the problem's id in front: `q1.a`."""
    ask: Ask
    marks: Fraction = Fraction(1)
    text: Text | None = None
    key: Text | None = None
    """The lecturer's answer as written; not yet read."""
    after: tuple[str, ...] = ()
    """Ids of the earlier parts that this one builds on; all earlier ones where the sheet does not say."""
    tolerance: Fraction = Fraction(0)
    """How far an answer may be off, as a share of the value."""
    choices: int | tuple[Text, ...] = 0
    """How many options to make, or the options; 0 for an open question."""
    form: Literal["any", "exact", "expression"] = "any"
    marking: Marking = field(default_factory=Marking)
    """The sheet's, with what the part says otherwise."""
    hints: tuple[Hint, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Problem:
    """A net, what is drawn for it, and the questions about it."""

    id: str
    title: str = ""
    draw: Mapping[str, tuple[Draw, ...]] = field(default_factory=dict)
    """By name, the values to choose from."""
    require: tuple[Text, ...] = ()
    """What drawn values must satisfy, as written."""
    nets: Mapping[str, Net] = field(default_factory=dict)
    """By name; the only one is `""`; none where the asks are bare formulas."""
    data: Mapping[str, Data] = field(default_factory=dict)
    """Numbers for inputs and weights, as `x` and `up.weight`; of one of several nets with its name in front."""
    text: Text | None = None
    parts: tuple[Part, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    def place(self, question: Question) -> tuple[Net, str]:
        """Return the net that a question is about, and the layer in it; `""` is the net itself.

        Raises:
            AskError: the problem has no such net; says where in the ask.
        """
        start = question.place_start
        end = max(question.end, start) if not question.place else start + len(question.place)
        if not self.nets:
            help = "give the problem a `net`"
            raise AskError(f"`{question.quantity}` is of a net, and the problem has none", question.start, end, help)
        if "" in self.nets:
            return self.nets[""], question.place
        name, _, rest = question.place.partition(".")
        if name not in self.nets:
            known = ", ".join(self.nets)
            message = f"there is no net `{name}`" if name else f"of which net is `{question.quantity}`?"
            raise AskError(message, question.start if not name else start, end, f"there are {known}")
        return self.nets[name], rest

    def unknown_places(self, values: Mapping[str, Draw] | None = None) -> tuple[Diagnostic, ...]:
        """Return the places of asks that a net does not have, for some drawn values; a net with errors has none.

        Raises:
            SheetError: a net that is asked about has errors.
        """
        known: dict[str, tuple[str, ...]] = {}
        found = []
        for part in self.parts:
            for question in questions(part.ask.term):
                net, place = self.place(question)
                if net.name not in known:
                    known[net.name] = places(net.network(values))
                if place and place not in known[net.name]:
                    close = closest(place, known[net.name])
                    end = question.place_start + len(place)
                    help = f"did you mean `{close}`?" if close else f"there are {', '.join(known[net.name][:8])}"
                    message = f"there is no layer, block or output `{place}`"
                    found.append(part.ask.problem(AskError(message, question.place_start, end, help)))
        return tuple(found)


@dataclass(frozen=True)
class Listing:
    """A whole file of the language inside notes, with its own tests; places in it are those of the notes."""

    source: Source = field(compare=False, repr=False)
    text: str
    title: str = ""

    @property
    def module(self) -> Module:
        """The file, to be checked as any other."""
        return Library().add(self.source, None)


@dataclass(frozen=True)
class Sheet:
    """All that one file asks."""

    exam: str
    title: str = ""
    conventions: Conventions = field(default_factory=Conventions)
    marking: Marking = field(default_factory=Marking)
    problems: tuple[Problem, ...] = ()
    listings: tuple[Listing, ...] = ()
    is_light: bool = False
    """Whether it is a file of the language, where values beside a `?` are given and not asked for."""
    remarks: tuple[str, ...] = field(default=(), compare=False)
    """Sentences on what the file has and the sheet has not."""
    source: Source = field(default_factory=lambda: Source("<sheet>", ""), compare=False, repr=False)

    @property
    def parts(self) -> Iterator[tuple[Problem, Part]]:
        """Every part with its problem, in the order of the sheet."""
        return ((problem, part) for problem in self.problems for part in problem.parts)

    @property
    def asking(self) -> Sheet:
        """The sheet with what it asks for alone: in a file of the language with a `?`, those; else everything."""
        blanks = {part.name for _, part in self.parts if part.key is None}
        if not self.is_light or not blanks:
            return self
        problems = [replace(p, parts=_only(p.parts, blanks)) for p in self.problems]
        return replace(self, problems=tuple(problem for problem in problems if problem.parts))


def _only(parts: tuple[Part, ...], names: Collection[str]) -> tuple[Part, ...]:
    """Return some of the parts of a problem, which build on one another only."""
    kept = {part.id for part in parts if part.name in names}
    return tuple(replace(part, after=tuple(id for id in part.after if id in kept)) for part in parts if part.id in kept)
