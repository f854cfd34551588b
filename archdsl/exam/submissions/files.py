"""Bytes of files of answers, bounded, to texts; and which files of a folder are read."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.exam.submissions.gathered import AnswersError
from archdsl.rules import exam as rules
from archdsl.rules import files
from archdsl.source import Source, Span

STDIN = "-"
MOST_BYTES = 20_000_000
"""Of one file; a class of 500 on 20 parts has a quarter of a million."""
MOST_FILES = 5_000
"""In one folder."""
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".txt": "lines",
    ".arch": "arch",
}  # fmt: skip
_SHEETS = {b"PK\x03\x04": "a spreadsheet or an archive", b"\xd0\xcf\x11\xe0": "a spreadsheet of old", b"%PDF": "a PDF"}
"""What files begin with that are no texts, though people hand them in as such."""


def format_of(path: Path) -> str:
    """Return what a file is written in, by the ending of its name; empty where that tells nothing."""
    return FORMATS.get(path.suffix.lower(), "")


def inside(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the files of a folder that are read, by name, and what is to be said of the others."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~")))
    read = [path for path in entries if path.is_file() and format_of(path)]
    left = [path.name + ("/" if path.is_dir() else "") for path in entries if path not in set(read)]
    more = f" and {len(left) - 5:,} more" if len(left) > 5 else ""
    return read, [f"{folder}: not read: {', '.join(left[:5])}{more}"] if left else []


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, up to just beyond the bound; raises `OSError`."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def decoded(data: bytes, name: str) -> Source:
    """Return the text of a file, which people know by `name`, with `\\n` at the ends of its lines.

    Raises:
        AnswersError: it is too large, empty, or no text in UTF-8.
    """
    at_start = Span(Source(name, ""), 0, 0)
    if len(data) > MOST_BYTES:
        message = f"the file has more than {MOST_BYTES:,} bytes"
        raise AnswersError((Diagnostic(rules.ANSWERS_TOO_LARGE, message, at_start, help="split the class"),))
    for sign, what in _SHEETS.items():
        if data.startswith(sign):
            message = f"this is {what}, and no text"
            help = "save the answers as CSV in UTF-8"
            raise AnswersError((Diagnostic(files.NOT_TEXT, message, at_start, help=help),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, name) from None
    source = Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise AnswersError((Diagnostic(rules.ANSWERS_SYNTAX, "the file is empty", Span(source, 0, 0)),))
    if "\0" in text:
        at = source.text.index("\0")
        message, help = "the file holds bytes that no text has", "save the answers as CSV in UTF-8"
        raise AnswersError((Diagnostic(files.NOT_TEXT, message, Span(source, at, at + 1), help=help),))
    return source


def _undecodable(data: bytes, error: UnicodeDecodeError, name: str) -> AnswersError:
    bom = 3 if data.startswith(b"\xef\xbb\xbf") else 0  # which the decoder takes off before it counts
    good = data[bom : bom + error.start].decode("utf-8", errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
    readable = Source(name, good + "\ufffd")
    at = len(readable.text) - 1
    message, help = f"byte {bom + error.start + 1:,} of the file is not UTF-8", "save the file as UTF-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        help = "it is in UTF-16, which Excel calls Unicode text; save it as `CSV UTF-8`"
    return AnswersError((Diagnostic(files.NOT_TEXT, message, Span(readable, at, at + 1), help=help),))
