"""Tables of answers: wide, with a column for each part, or long, with a row for each answer."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics import Diagnostic
from archdsl.exam.submissions import csv
from archdsl.exam.submissions.gathered import AnswersError, Gathered
from archdsl.exam.submissions.names import ANSWER, LEFT_OUT, PART, STUDENT, Names, listed
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

Row = tuple[Text, ...]


def looks_like(text: str, names: Names) -> bool:
    """Tell whether a text begins as a table does: a first row with a column of students or of a part."""
    start = Source("", "\n".join(text.lstrip().split("\n", 2)[:2]))
    try:
        header = next(csv.rows(start), ())
    except AnswersError:
        return False
    known = [cell for cell in header if names.find(cell.text) or names.rank(cell.text, STUDENT) is not None]
    return len(header) > 1 and bool(known)


def read(source: Source, gathered: Gathered, student: str) -> None:
    """Read a table; `student` is whose it is where it has no column of students.

    Raises:
        AnswersError: it cannot be read.
    """
    rows = csv.rows(source)
    header = next(rows, None)
    if header is None:
        raise AnswersError((Diagnostic(rules.ANSWERS_SYNTAX, "the file is empty", Span(source, 0, 0)),))
    table = _Table(source, header, gathered, student)
    if table.is_long:
        for row in rows:
            table.long_row(row)
    else:
        found = list(rows)
        table.read_header(len(found))
        for row in found:
            table.wide_row(row)


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    part: str
    name: Text


class _Table:
    def __init__(self, source: Source, header: Row, gathered: Gathered, student: str) -> None:
        self.source, self.header, self.gathered, self.file_student = source, header, gathered, student
        self.names = gathered.names
        self.by = {role: self._column(role) for role in (STUDENT, PART, ANSWER)}
        self.columns: list[_Column] = []
        self.students: dict[str, Span] = {}

    def _column(self, role: str) -> int | None:
        """Return the column that has a role, the surest where several may have it."""
        ranked = [(rank, i) for i, c in enumerate(self.header) if (rank := self.names.rank(c.text, role)) is not None]
        return min(ranked)[1] if ranked else None

    @property
    def is_long(self) -> bool:
        return self.by[PART] is not None and self.by[ANSWER] is not None

    @property
    def head(self) -> Span:
        """The first row."""
        return Span(self.source, self.header[0].span.start, self.header[-1].span.end)

    # One column a part.

    def read_header(self, rows: int) -> None:
        """Find the part of each column."""
        unread: list[str] = []
        first: dict[str, Span] = {}
        for place, cell in enumerate(self.header):
            part = self.names.find(cell.text)
            if place == self.by[STUDENT] or not cell.text:
                continue
            if part in first:
                message = f"two columns are of {part}"
                self.gathered.add(rules.GIVEN_TWICE, message, cell.span, "leave one out", first[part])
            elif part:
                first[part] = cell.span
                self.columns.append(_Column(place, part, cell))
        self.gathered.asked.update(first)
        missing = [part for part in self.names.parts if part not in first]
        for place, cell in enumerate(self.header):
            if place == self.by[STUDENT] or self.names.find(cell.text) or self.names.role(cell.text) == LEFT_OUT:
                continue
            if not self.gathered.unknown(cell, missing, strict=False) and cell.text:
                unread.append(cell.text)
        if not first:
            message = "no column is of a part of the sheet"
            known = self.names.parts
            help = f'the parts are {listed(known)}; `--map "{self._example()}={known[0]}"` says which one it is'
            if not self.gathered.problems:
                self.gathered.add(rules.UNKNOWN_ANSWER, message, self.head, help)
            raise AnswersError(())
        if unread:
            self.gathered.remark(f"{self.source.name}: columns that are no parts are not read: {listed(unread, 6)}")
        if self.by[STUDENT] is None and rows > 1:
            message = "no column says whose answers these are"
            help = f'call it `student`, or say which it is: `--map "{self._example()}=student"`'
            self.gathered.add(rules.NO_STUDENT, message, self.head, help)
            raise AnswersError(())

    def _example(self) -> str:
        """Return a column that may be meant, for the help."""
        known = self.by[STUDENT]
        spare = (cell.text for place, cell in enumerate(self.header) if place != known and cell.text)
        return next((name for name in spare if not self.names.find(name)), "COLUMN")

    def wide_row(self, row: Row) -> None:
        """Read the answers of one student."""
        if self._is_broken(row):
            return
        id = self.gathered.student(self._student(row))
        if not id:
            return
        whole = Span(self.source, row[0].span.start, row[-1].span.end)
        if id in self.students:
            message, help = f"two rows are of `{id}`", "give one of them another id, or leave it out"
            self.gathered.add(rules.GIVEN_TWICE, message, whole, help, self.students[id])
            return
        self.students[id] = whole
        behind = Text("", Span(self.source, whole.end, whole.end))
        for column in self.columns:
            self.gathered.give(id, column.part, row[column.place] if column.place < len(row) else behind)
        short = [column.part for column in self.columns if column.place >= len(row)]
        if short:
            cells = f"{whole.line}: {len(row)} of {len(self.header)} cells"
            self.gathered.remark(f"{self.source.name}:{cells}; {listed(short, 6)} of {id} counts as blank")

    # One row an answer.

    def long_row(self, row: Row) -> None:
        """Read one answer."""
        if self._is_broken(row):
            return
        part_at, answer_at = self.by[PART], self.by[ANSWER]
        assert part_at is not None, "a long table has both"
        assert answer_at is not None, "a long table has both"
        end = row[-1].span.end
        nothing = Text("", Span(self.source, end, end))
        written = row[part_at] if part_at < len(row) else nothing
        part = self.names.find(written.text)
        if not part:
            if not written.text:
                self.gathered.add(rules.UNKNOWN_ANSWER, "an answer to no part", written.span, "write which part")
            self.gathered.unknown(written, self.names.parts, strict=True)
            return
        id = self.gathered.student(self._student(row))
        if id:
            answer = row[answer_at] if answer_at < len(row) else nothing
            self.gathered.give(id, part, answer)

    # Both.

    def _student(self, row: Row) -> Text:
        place = self.by[STUDENT]
        if place is None:
            return Text(self.file_student, row[0].span)
        return row[place] if place < len(row) else Text("", row[-1].span)

    def _is_broken(self, row: Row) -> bool:
        spare = [cell for cell in row[len(self.header) :] if cell.text]
        if not spare:
            return False
        message = f"{len(row)} cells in a table of {len(self.header)} columns"
        help = 'a cell with the separator in it stands in double quotes: "20,928"'
        self.gathered.add(rules.TOO_MANY_CELLS, message, Span(self.source, spare[0].span.start, row[-1].span.end), help)
        return True
