"""The pages of one student in Markdown: the sheet with its questions, and the key with answers and working."""

from __future__ import annotations

import re
from fractions import Fraction

from archdsl.exam.asks import Question
from archdsl.exam.choices import Option, ranked
from archdsl.exam.grades import marks
from archdsl.exam.nets import shown as drawn
from archdsl.exam.posed import Posed
from archdsl.exam.prose import escaped, filled, laid_out, table
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Conventions, Part, Problem, Sheet
from archdsl.exam.solution import ASKED, Bench, solve
from archdsl.exam.solutions.as_markdown import solutions
from archdsl.exam.solutions.bench import in_words
from archdsl.exam.variants import Variant

LETTERS = "ABCDEFGHIJKLMNOPQRST"
MOST_MISTAKES = 4
"""Wrong answers of a part that a key foresees."""

WORDS: dict[tuple[str, str | int], str] = {
    ("rounding", "floor"): "sizes of outputs are rounded down",
    ("rounding", "ceil_pool"): "pools round sizes of outputs up",
    ("layout", "any"): "shapes may be written channels first or last",
    ("layout", "CHW"): "shapes are channels × height × width",
    ("layout", "HWC"): "shapes are height × width × channels",
    ("layout", "strict"): "shapes are channels × height × width, in this order",
    ("bias", "counted"): "biases count as parameters",
    ("bias", "ignored"): "layers have no biases",
    ("bn", "trainable"): "of a batch norm, scale and shift are parameters",
    ("bn", "all"): "of a batch norm, all four vectors count",
    ("work", "macs"): "work is counted in multiply-adds",
    ("work", "flops"): "work is counted in FLOPs, two for each multiply-add",
    ("rf", "theoretical"): "receptive fields may reach beyond the image",
    ("rf", "clipped"): "receptive fields are cut to the image",
    ("kilo", 1000): "K is 1000",
    ("kilo", 1024): "K is 1024",
}
"""What a sheet's conventions say to who answers it."""


def sheet_page(sheet: Sheet, variant: Variant) -> str:
    """Return the questions of one student.

    Raises:
        SheetError: a question of choice has not the options it asks for.
        AskError: a part has no right answer.
    """
    total = sum((part.marks for _, part in sheet.parts), Fraction(0))
    pieces = [_head(sheet, variant, f"{marks(total)} marks"), _conventions(sheet.conventions)]
    for number, problem in enumerate(sheet.problems, 1):
        posed = variant.posed(problem.id)
        pieces += [_title(number, problem), filled(problem.text, posed), *_nets(problem, posed)]
        for part in problem.parts:
            chosen = variant.options(part)
            pieces += [_question(posed, part), _choices(chosen) if chosen else "Answer: \\_\\_\\_\\_\\_\\_\\_\\_"]
        pieces.append(_code(variant, problem))
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def key_page(sheet: Sheet, variant: Variant) -> str:
    """Return the answers to the questions of one student, each with its working and the wrong ones to expect.

    Raises as `sheet_page` does.
    """
    pieces = [_head(sheet, variant, "key")]
    for number, problem in enumerate(sheet.problems, 1):
        posed = variant.posed(problem.id)
        bench = Bench(posed)
        pieces += [_title(number, problem), _drawn(posed), *_nets(problem, posed)]
        for part in problem.parts:
            chosen = variant.options(part)
            pieces += [solutions([solve(bench, part)], brief=False).strip("\n"), _remarks(posed, part, chosen)]
        pieces.append(_code(variant, problem))
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def question(part: Part) -> str:
    """Return what a part without a text asks, in words."""
    term = part.ask.term
    if isinstance(term, Question):
        words = f"{ASKED.get(term.quantity, term.quantity)} {in_words(term.place)}"
        return words[:1].upper() + words[1:]
    return str(part.ask)


def _head(sheet: Sheet, variant: Variant, what: str) -> str:
    title = escaped(sheet.title or sheet.exam, "md")
    student = escaped(variant.student, "md")
    return f"# {title}\n\n{f'Student: {student}, ' if student else ''}{what}"


def _title(number: int, problem: Problem) -> str:
    return f"## {number}. {escaped(problem.title or problem.id, 'md')}"


def _conventions(stated: Conventions) -> str:
    said = [WORDS[key, getattr(stated, key)] for key in WORDS_IN_ORDER if key in stated.stated]
    return f"Conventions: {'; '.join(said)}." if said else ""


WORDS_IN_ORDER = tuple(dict.fromkeys(key for key, _ in WORDS))


def _nets(problem: Problem, posed: Posed) -> list[str]:
    """Return the layers of the nets that the texts do not show themselves."""
    texts = [problem.text, *(part.text for part in problem.parts)]
    said = " ".join(text.text for text in texts if text is not None)
    pieces = []
    for name, net in problem.nets.items():
        called = name or "net"
        if not re.search(rf"\{{\{{[ \t]*{called}\.(?:table|code)[ \t]*\}}\}}", said):
            pieces += [f"Network {escaped(name, 'md')}:"] if name else []
            pieces.append(laid_out(table(net, posed), "md").strip("\n"))
    return pieces


def _question(posed: Posed, part: Part) -> str:
    asked = filled(part.text, posed).strip("\n") if part.text is not None else escaped(question(part), "md")
    return f"**({part.id})** {asked} *({_worth(part)})*"


def _choices(chosen: tuple[Option, ...]) -> str:
    return "\n".join(f"- **{letter}** {escaped(one.text, 'md')}" for letter, one in zip(LETTERS, chosen, strict=False))


def _remarks(posed: Posed, part: Part, chosen: tuple[Option, ...]) -> str:
    """Return what the marker wants beside the working: the option, the marks and the likeliest wrong answers."""
    letter = next((letter for letter, one in zip(LETTERS, chosen, strict=False) if one.is_right), "")
    likely = [one for _, one in zip(range(MOST_MISTAKES), ranked(posed, part), strict=False) if one.ids]
    said = [f"{escaped(shown(one.value, posed.conventions), 'md')} ({'/'.join(one.ids[:3])})" for one in likely]
    wrong = f" Wrong answers to expect: {', '.join(said)}." if said else ""
    return f"{f'Option **{letter}**, ' if letter else ''}{_worth(part)}.{wrong}"


def _worth(part: Part) -> str:
    return f"{marks(part.marks)} mark{'' if part.marks == 1 else 's'}"


def _drawn(posed: Posed) -> str:
    said = [f"{name} = {drawn(value)}" for name, value in posed.values.items()]
    return f"Drawn: {escaped(', '.join(said), 'md')}." if said else ""


def _code(variant: Variant, problem: Problem) -> str:
    """Return what brings this variant back, where anything was drawn."""
    return f"Variant: {escaped(variant.drawings[problem.id].code, 'md')}" if problem.draw else ""
