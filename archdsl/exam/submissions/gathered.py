"""Answers as they are collected from one file after another, with every problem on the way."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, Label, Rule, SpecError
from archdsl.exam.submissions.names import LEFT_OUT, Names, listed
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Span

MOST_ANSWERS = 500_000
MOST_TOLD = 20
"""Problems of one run; a file that is wrong in one way is wrong in every line."""
MOST_REMARKS = 10
LONGEST_ID = 200
LONGEST_ANSWER = 200_000
"""In characters. Answers of a few thousand are held for a person; what is longer is no answer but a broken file."""

PERSONAL = frozenset(
    "name fullname firstname lastname surname givenname email emailaddress mail section group tutorial timestamp date "
    "time total score started completed submitted duration attempt grade comment comments".split()
)
"""Columns that tables of students often have, and that nobody takes for answers."""


class AnswersError(SpecError):
    """Files of answers that have errors; carries all of them."""


class Gathered:
    """What was read so far."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.answers: dict[str, dict[str, Text]] = {}
        """By student and part, as written."""
        self.asked: set[str] = set()
        """Parts for which a file has a column or a key."""
        self.problems: list[Diagnostic] = []
        self.remarks: list[str] = []
        self.is_single = False
        """Whether these are answers from the command line, to some parts only."""
        self._read = 0
        self._remarked: dict[str, list[str]] = {}
        self._twice: set[str] = set()

    def student(self, written: Text) -> str:
        """Note a student, also one without any answer, and return the id."""
        id = " ".join(written.text.split())
        if len(id) > LONGEST_ID:
            message = f"an id of {len(id):,} characters; at most {LONGEST_ID} are read"
            self.add(rules.ANSWERS_TOO_LARGE, message, written.span)
            return ""
        if not id:
            self.add(rules.NO_STUDENT, "an answer of nobody", written.span, "write the student's id")
            return ""
        self.answers.setdefault(id, {})
        return id

    def give(self, student: str, part: str, answer: Text) -> None:
        """Note an answer; a student has one to each part."""
        given = self.answers[student]
        self.asked.add(part)
        if part in given:
            if student not in self._twice:  # who is in two files is so with every part
                self._twice.add(student)
                message = f"`{student}` answers {part} twice"
                help = "leave one out, or give one of two students another id"
                self.add(rules.GIVEN_TWICE, message, answer.span, help, given[part].span)
            return
        if len(answer.text) > LONGEST_ANSWER:
            message = f"an answer of {len(answer.text):,} characters; at most {LONGEST_ANSWER:,} are read"
            opening = Span(answer.span.source, answer.span.start, answer.span.start + 1)
            self.add(
                rules.ANSWERS_TOO_LARGE, message, opening, "is a quote never closed, or a file pasted into a cell?"
            )
            return
        self._read += 1
        if self._read > MOST_ANSWERS:
            self.add(rules.ANSWERS_TOO_LARGE, f"more than {MOST_ANSWERS:,} answers", answer.span, "split the class")
            raise AnswersError(())
        given[part] = answer

    def add(self, rule: Rule, message: str, span: Span, help: str | None = None, first: Span | None = None) -> None:
        """Note a problem; `first` is where the other one stands.

        Raises:
            AnswersError: there are so many that no more are wanted.
        """
        related = () if first is None else (Label(first, "first here"),)
        self.problems.append(Diagnostic(rule, message, span, help=help, related=related))
        if len(self.problems) >= MOST_TOLD:
            raise AnswersError(())

    def remark(self, text: str) -> None:
        """Note something that is worth telling and no error."""
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append(text)

    def remark_on(self, student: str, sentence: str) -> None:
        """Note what is worth telling of the files of several students; the sentence ends where their ids follow."""
        self._remarked.setdefault(sentence, []).append(student)

    def unknown(self, written: Text, missing: Iterable[str], *, strict: bool) -> bool:
        """Report a name that is no part, where it looks like one; tell whether it was reported.

        `missing` are the parts that it may have been meant for. A `strict` place holds parts and nothing else.
        """
        name = written.text.strip()
        if not name or self.names.role(name) == LEFT_OUT:
            return False
        close = self.names.close(name, missing)
        plain = "".join(c for c in name.casefold() if c.isalnum())
        if plain in PERSONAL or not (strict or close):
            return False
        shown = name[:60]
        if close:
            help = f'did you mean `{close}`? `--map "{shown}={close}"` says so, `--map "{shown}=-"` leaves it out'
        else:
            help = f'the parts are {listed(self.names.parts)}; `--map "{shown}=-"` leaves it out'
        self.add(rules.UNKNOWN_ANSWER, f"the sheet has no part `{shown}`", written.span, help)
        return True

    def check(self) -> None:
        """Look at all that was read.

        Raises:
            AnswersError: there are problems.
            ValueError: a column that was given another name is in no file.
        """
        if self.problems:
            raise AnswersError(tuple(self.problems))
        if self.names.unused:
            raise ValueError(f"--map: no file has a column `{self.names.unused[0]}`")
        self.remarks += [f"{sentence} {listed(students)}" for sentence, students in self._remarked.items()]
        silent = [part for part in self.names.parts if part not in self.asked]
        if silent and self.answers and not self.is_single:
            self.remarks.append(f"no answers to {listed(silent)}: this counts as blank for everybody")
