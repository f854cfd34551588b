"""What students handed in: tables, mappings, copies of the sheet and folders of files to answers by student and part.

Files of answers are read and never written. Either all of them can be read, or every problem is told at its place and
nobody gets marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archdsl.exam.grading import Submission
from archdsl.exam.sheet import Sheet
from archdsl.exam.submissions import copies, lines, mappings, tables
from archdsl.exam.submissions.files import MOST_FILES, STDIN, decoded, format_of, inside, read_bytes
from archdsl.exam.submissions.gathered import AnswersError, Gathered
from archdsl.exam.submissions.names import Names
from archdsl.exam.texts import SheetError

__all__ = ["STDIN", "AnswersError", "Submissions", "read_submissions", "read_text"]


@dataclass(frozen=True)
class Submissions:
    """All that was handed in, in the order of the files, and what is worth telling about it."""

    students: tuple[Submission, ...]
    remarks: tuple[str, ...] = ()
    """Sentences on what was not read, and on parts to which nobody had a column."""
    only: frozenset[str] = frozenset()
    """The parts that were answered on the command line, where nothing else was given; all count where it is empty."""


def read_submissions(
    paths: Iterable[str], sheet: Sheet, renamed: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Submissions:
    """Read files of answers, folders of such files, `-` for what stands in `stdin`, and single answers `q1.a=1792`.

    `renamed` gives columns, or parts as the files call them, another name: that of a part, `student`, `part`,
    `answer`, or `-` for what is to be left out.

    Raises:
        AnswersError: files have errors; carries all of them.
        ValueError: `renamed` names what is not there.
        OSError: a file cannot be read.
    """
    gathered = Gathered(Names(sheet, renamed or {}))
    given = list(paths)
    gathered.is_single = bool(given) and all(_is_answer(path, gathered.names) for path in given)
    for path in given:
        if path == STDIN:
            _read(stdin, "<stdin>", gathered, sheet, "", "stdin")
        elif Path(path).is_dir():
            files, left = inside(Path(path))
            gathered.remarks += left
            files = [file for file in files if not _is_sheet(file, sheet)]
            if not files:
                raise ValueError(
                    f"{path} has no files of answers in it; they end in .csv, .yaml, .toml, .json, .txt or .arch"
                )
            if len(files) > MOST_FILES:
                raise ValueError(f"{path} has {len(files):,} files; at most {MOST_FILES:,} are read")
            for file in files:
                _read(read_bytes(file), file.as_posix(), gathered, sheet, format_of(file), file.stem)
        elif _is_answer(path, gathered.names):
            _read(path.encode(errors="surrogateescape"), "<command line>", gathered, sheet, "lines", "answer")
        else:
            file = Path(path)
            _read(read_bytes(file), path, gathered, sheet, format_of(file), file.stem)
    return _done(gathered)


def read_text(
    text: str, name: str, sheet: Sheet, *, format: str = "", student: str = "", renamed: Mapping[str, str] | None = None
) -> Submissions:
    """Read answers in `csv`, `yaml`, `json`, `toml`, `lines` or `arch`.

    Where no format is said, the name or the text tells it. `student` is whose answers these are, where the text does
    not say.

    Raises:
        AnswersError: it has errors; carries all of them.
    """
    gathered = Gathered(Names(sheet, renamed or {}))
    _read(
        text.encode("utf-8", errors="surrogatepass"),
        name,
        gathered,
        sheet,
        format or format_of(Path(name)),
        student or Path(name).stem,
    )
    return _done(gathered)


def _read(data: bytes, name: str, gathered: Gathered, sheet: Sheet, format: str, student: str) -> None:
    """Read one file into what is gathered; `student` is whose it is where it does not say."""
    source = decoded(data, name)
    format = format or ("arch" if sheet.is_light and copies.looks_like(source.text) else "")
    format = format or _told_by(source.text, gathered.names)
    try:
        if format == "csv":
            tables.read(source, gathered, student)
        elif format == "lines":
            lines.read(source, gathered, student)
        elif format == "arch":
            copies.read(source, gathered, student, sheet)
        else:
            mappings.read(source, format, gathered, student)
    except AnswersError as error:
        gathered.problems += error.diagnostics
    except SheetError as error:  # what reads YAML, TOML and JSON reads them for sheets
        gathered.problems += error.diagnostics


def _is_sheet(file: Path, sheet: Sheet) -> bool:
    """Tell whether a file is the sheet itself, which may lie among the copies of it."""
    original = Path(sheet.source.name)
    return sheet.is_light and original.exists() and file.samefile(original)


def _is_answer(path: str, names: Names) -> bool:
    """Tell whether an argument is an answer, `q1.a=1792`, and no file."""
    name, sign, _ = path.partition("=")
    return bool(sign and names.find(name)) and not Path(path).exists()


def _told_by(text: str, names: Names) -> str:
    """Return the format that a text without a telling name is in."""
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return "json"
    if tables.looks_like(text, names):
        return "csv"
    return "yaml" if mappings.looks_like(start) else "lines"


def _done(gathered: Gathered) -> Submissions:
    gathered.check()
    students = tuple(
        Submission(student, {part: given.text for part, given in answers.items()})
        for student, answers in gathered.answers.items()
    )
    only = frozenset(gathered.asked) if gathered.is_single else frozenset()
    return Submissions(students, tuple(gathered.remarks), only)
