"""`archdsl exam practise`: a quiz in a terminal, one question at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, tell, wants_colour
from archdsl.cli.exam.sheets import open_sheet, say

if TYPE_CHECKING:
    from archdsl.exam.practice import Practice, Question, Reply
    from archdsl.exam.sheet import Sheet

LONGEST = 10_000
"""Characters of a line that are read."""

HELP = """\
  an answer       in any usual form: 64x32x32, 1,792, 3*3*3*64 + 64
  hint            the next hint
  solution        the worked solution; the question is over then
  skip            the next question
  why             the worked solution of the question before
  quit            the end, with a summary; Ctrl-D does the same"""

COMMANDS = ("hint", "solution", "skip", "why", "quit", "help")
SAME = {"exit": "quit", "q": "quit", "?": "help", "solve": "solution", "next": "skip", "h": "hint"}
"""Other words for the commands."""

TOPICS = {
    "shape": "shapes",
    "params": "parameters",
    "weights": "parameters",
    "biases": "parameters",
    "buffers": "batchnorm",
    "receptive_field": "receptive-field",
    "jump": "receptive-field",
    "macs": "macs",
    "flops": "macs",
    "activations": "memory",
    "memory": "memory",
    "values": "transposed",
    "kernel": "transposed",
}
"""The bundled topic to practise again after a sheet, by the quantity that went worst."""


@click.command("practise")
@click.argument("file", metavar="FILE|TOPIC")
@click.option("--seed", metavar="N", help="The same questions again; a new one is drawn and told otherwise.")
@click.option("--count", type=click.IntRange(1, 100_000), metavar="N", help="How many questions; else until `quit`.")
@click.option("--hints", is_flag=True, help="Give a hint after each wrong answer without being asked.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
              help="NO_COLOR is obeyed too.")  # fmt: skip
def command(file: str, seed: str | None, count: int | None, hints: bool, color: str) -> int:
    """Ask the questions of FILE, or of a bundled TOPIC, one at a time, and judge each answer at once.

    Problems that draw values are asked with new ones in every round, until `quit` or Ctrl-D. While it asks, `hint`,
    `solution`, `skip`, `why` and `help` are understood. Answers may come from a pipe, one a line.
    """
    from secrets import randbelow

    from archdsl.exam.keys import faults
    from archdsl.exam.practice import Practice
    from archdsl.exam.texts import SheetError

    sheet, topic = _opened(file, color)
    is_drawn = any(problem.draw for problem in sheet.problems)
    chosen = seed if seed is not None else str(randbelow(1_000_000))
    try:
        practice = Practice(sheet, chosen, count)
        first = practice.question
        if first is not None:
            found = faults(first.judge.sheet, {first.problem.id: first.posed.values})
            if found:
                raise SheetError(tuple(found))
    except SheetError as error:
        tell(error.diagnostics, color)
        return 1
    if first is None:
        raise click.UsageError(f"{file} has no question that could be asked")
    if is_drawn and seed is None:
        say(f"seed {chosen}: the same questions again with --seed {chosen}")
    return _Session(practice, topic, wants_colour(color), hints, color).run()


def _opened(file: str, color: str) -> tuple[Sheet, str]:
    """Return the sheet in a file, or where there is none the bundled topic of this name, with its name."""
    from archdsl.exam.topics import near, topic

    path = Path(file)
    if path.exists() or path.suffix:
        return open_sheet(file, color).asking, ""
    found = topic(file)
    if found is None:
        close = near(file)
        hint = f"did you mean {close}?" if close else "`archdsl exam new` lists the topics"
        raise click.UsageError(f"there is no file and no topic {file}; {hint}")
    return found.read(), found.name


class _Session:
    """The talk of a practice: what is printed, and what is read."""

    def __init__(self, practice: Practice, topic: str, colour: bool, hints: bool, color: str) -> None:
        self.practice = practice
        self.topic = topic
        self.colour = colour
        self.hints = hints
        self.color = color
        self.asks = sys.stdin.isatty()

    def run(self) -> int:
        """Ask until the end, and return the exit code."""
        from archdsl.exam.texts import SheetError

        try:
            self._ask()
            for line in self._lines():
                word = " ".join(line.split()).lower()
                word = SAME.get(word, word)
                if word == "quit":
                    break
                self._respond(word, line)
                if self.practice.question is None:
                    break
            self.practice.stop()
        except SheetError as error:  # a later variant that cannot be drawn
            tell(error.diagnostics, self.color)
            self._print(_summary(self.practice, self.topic))
            return 1
        self._print(_summary(self.practice, self.topic))
        return 0

    def _respond(self, word: str, line: str) -> None:
        if not word:
            self._prompt()
            return
        if word == "help":
            self._print(HELP)
            self._prompt()
            return
        if word == "why":
            self._why()
            self._prompt()
            return
        reply = self._reply(word, line)
        self._print(self._told(reply))
        if self.hints and reply.result is None and reply.verdict is not None and self.practice.hints_left:
            self._print(self._told(self.practice.hint()))
        if reply.result is None:
            self._prompt()
        else:
            self._print(_standing(self.practice))
            self._ask()

    def _reply(self, word: str, line: str) -> Reply:
        given: dict[str, Callable[[], Reply]] = {
            "hint": self.practice.hint,
            "skip": self.practice.skip,
            "solution": self.practice.solution,
        }
        if word in given:
            return given[word]()
        return self.practice.answer(line)

    def _why(self) -> None:
        results = self.practice.results
        self._print(_solution(results[-1].question) if results else "there is no question before this one")

    # What is told.

    def _ask(self) -> None:
        question = self.practice.question
        if question is not None:
            self._print(_question(question, self.practice.length, self._bold))
            self._prompt()

    def _told(self, reply: Reply) -> str:
        from archdsl.exam.practice import Event

        if reply.question is None:
            return ""
        if reply.event is Event.HINT:
            return f"hint: {_filled(reply.question, reply.hint)}{_cost(reply)}"
        if reply.event is Event.NO_HINT:
            return "there are no more hints" if reply.question.part.hints else "this question has no hints"
        if reply.event is Event.SKIPPED:
            return f"skipped; right: {reply.question.right}"
        if reply.event is Event.SOLVED:
            return _solution(reply.question)
        return self._judged(reply)

    def _judged(self, reply: Reply) -> str:
        from archdsl.exam.grades import Status, marks

        verdict, result = reply.verdict, reply.result
        assert verdict is not None, "an answer was judged"
        assert reply.question is not None, "an answer was judged"
        said = f": {verdict.said}" if verdict.said else ""
        if verdict.status in (Status.UNREADABLE, Status.BLANK):
            return f"this cannot be read{said}; try again, that was no try"
        if verdict.status is Status.HELD:
            return f"a person would have to judge this{said}; it does not count"
        name = f" ({verdict.name})" if verdict.ids else ""
        worth = f"  {marks(result.earned)}/{marks(result.out_of)}" if result is not None else ""
        if verdict.share == 1:
            word = "right" if verdict.status is Status.CORRECT else "counts as right"
            return f"{self._style(word, 'green')}{worth}{said}{name}"
        head = self._style(verdict.status.value, "yellow" if verdict.share else "red")
        if result is None:
            return f"{head}{said}{name}; one more try, or hint, solution, skip"
        return f"{head}{worth}{said}{name}; right: {reply.question.right} (`why` shows how)"

    # How it is printed.

    def _print(self, text: str) -> None:
        if text:
            emit(text, None)

    def _prompt(self) -> None:
        if self.asks:
            click.echo("> ", nl=False)

    def _lines(self) -> Iterator[str]:
        """Yield what is typed; the end of the input ends it."""
        stream = sys.stdin
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
        while line := stream.readline(LONGEST + 1):
            if len(line) > LONGEST:
                while line and not line.endswith("\n"):
                    line = stream.readline(LONGEST)
                self._print(f"a line has at most {LONGEST:,} characters")
                continue
            yield line.strip()
        if self.asks:
            click.echo()

    def _style(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour, bold=True) if self.colour else text

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self.colour else text


def _question(question: Question, length: int | None, bold: Callable[[str], str]) -> str:
    """Return a question as it is asked: the problem's text and net before its first part."""
    from archdsl.exam.generating.pages import question as asked
    from archdsl.exam.grades import marks
    from archdsl.exam.practice import LETTERS
    from archdsl.exam.prose import filled

    part, posed = question.part, question.posed
    pieces = []
    if question.opens:
        gap = "\n" if question.number > 1 else ""
        pieces.append(gap + bold(question.problem.title or question.problem.id))
        pieces.append(filled(question.problem.text, posed, "text").strip("\n"))
        pieces += _nets(question)
    number = f"{question.number} of {length}" if length else f"{question.number}"
    text = filled(part.text, posed, "text").strip("\n") if part.text is not None else asked(part)
    worth = f"{marks(part.marks)} mark{'' if part.marks == 1 else 's'}"
    pieces.append(f"\n{bold(f'Question {number}')} ({worth}): {text}")
    pieces += [f"  {letter}) {one.text}" for letter, one in zip(LETTERS, question.options, strict=False)]
    return "\n".join(piece for piece in pieces if piece)


def _nets(question: Question) -> list[str]:
    """Return the layers of the nets that the texts do not show."""
    from archdsl.exam.nets import PLACEHOLDER
    from archdsl.exam.prose import laid_out, table

    texts = [question.problem.text, *(part.text for part in question.problem.parts)]
    said = {match[1] for text in texts if text is not None for match in PLACEHOLDER.finditer(text.text)}
    pieces = []
    for name, net in question.problem.nets.items():
        if not {f"{name or 'net'}.table", f"{name or 'net'}.code"} & said:
            pieces += [f"Network {name}:"] if name else []
            pieces.append(laid_out(table(net, question.posed), "text").strip("\n"))
    return pieces


def _filled(question: Question, text: str) -> str:
    from archdsl.exam.prose import laid_out, with_values

    return laid_out(with_values(text, question.posed), "text").strip("\n")


def _cost(reply: Reply) -> str:
    from archdsl.exam.grades import marks

    if not reply.cost or reply.question is None:
        return ""
    return f" (it costs {marks(reply.cost * reply.question.part.marks)} marks)"


def _solution(question: Question) -> str:
    from archdsl.exam.solution import solve
    from archdsl.exam.solutions.as_text import solutions

    return solutions([solve(question.posed, question.part)], brief=False).strip("\n")


def _standing(practice: Practice) -> str:
    from archdsl.exam.grades import marks

    done, length = len(practice.results), practice.length
    number = f"{done} of {length}" if length else f"{done} question{'s' * (done != 1)}"
    return f"{number}, {marks(practice.earned)}/{marks(practice.out_of)} marks"


def _summary(practice: Practice, topic: str) -> str:
    """Return how it went, the mistakes that were made by name, and what to practise again: the topic, if it was one."""
    from archdsl.exam.grades import marks

    found = practice.summary
    if not found.asked:
        return "no question was answered"
    asked = f"{found.asked} question{'s' * (found.asked != 1)}"
    lines = ["", f"{asked}, {found.right} right at once, {marks(found.earned)}/{marks(found.out_of)} marks"]
    if found.mistakes:
        lines.append("Mistakes:")
        wide = max(len(one.name) for one in found.mistakes)
        lines += [f"  {one.times} x {one.name:<{wide}}  you {one.did}" for one in found.mistakes]
    if found.weakest:
        worth = f"{marks(found.weakest_earned)}/{marks(found.weakest_out_of)} marks"
        again = topic or TOPICS.get(found.weakest_quantity)
        how = f": archdsl exam practise {again}" if again else ""
        lines.append(f"Practise again: {found.weakest} ({worth}){how}")
    return "\n".join(lines)
