"""Files of exam problems to sheets: YAML 1.2, TOML and JSON with the same keys, notes in Markdown, and `.arch`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from archdsl.diagnostics import Diagnostic, closest
from archdsl.exam.reading import arch, json, toml, yaml
from archdsl.exam.reading.entries import LARGEST_SHEET, Entry, too_large
from archdsl.exam.reading.markdown import read as read_notes
from archdsl.exam.reading.sheets import sheet_of
from archdsl.exam.sheet import Sheet
from archdsl.exam.texts import SheetError
from archdsl.resources import bundled_spec
from archdsl.rules import exam as rules
from archdsl.rules import files
from archdsl.source import Source, Span

__all__ = ["FORMATS", "read_sheet", "read_text"]

FORMATS = {
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".md": "markdown", ".markdown": "markdown",
    ".arch": "arch",
}  # fmt: skip
"""What a file is written in, by the ending of its name."""

_READERS: dict[str, Callable[[Source], Entry]] = {"yaml": yaml.read, "toml": toml.read, "json": json.read}
_SURROGATE = re.compile("[\0\ud800-\udfff]")


def read_sheet(path: str | Path, name: str | None = None) -> Sheet:
    """Read a file of problems; the plain name of a bundled spec stands for that where there is no such file.

    Diagnostics call it `name`, which is the path as given unless said otherwise.

    Raises:
        SheetError: it has errors; carries all of them.
        OSError: it cannot be read.
    """
    given = Path(path)
    bundled = None if given.exists() else bundled_spec(str(path))
    found = bundled or given
    name = name or (bundled.name if bundled else given.as_posix())
    with found.open("rb") as file:
        data = file.read(LARGEST_SHEET * 4 + 1)
    ending = found.suffix.lower()
    if ending not in FORMATS:
        close = closest(ending, FORMATS)
        help = f"did you mean `{given.stem}{close}`?" if close else f"a sheet ends in {', '.join(FORMATS)}"
        message = f"`{given.name}` does not say what it is written in"
        raise SheetError((Diagnostic(rules.UNKNOWN_FORMAT, message, Span(Source(name, ""), 0, 0), help=help),))
    return _read(_decoded(data, name), name, FORMATS[ending], found)


def read_text(text: str, name: str, format: str) -> Sheet:
    """Read a text of problems in `yaml`, `toml`, `json`, `markdown` or `arch`; diagnostics call it `name`.

    Raises:
        SheetError: it has errors; carries all of them.
        ValueError: there is no such format.
    """
    known = tuple(dict.fromkeys(FORMATS.values()))
    if format not in known:
        raise ValueError(f"a sheet is in {', '.join(known[:-1])} or {known[-1]}, not {format}")
    return _read(text, name, format, None)


def _read(text: str, name: str, format: str, path: Path | None) -> Sheet:
    source = Source(name, text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    if found := _SURROGATE.search(source.text):
        where = Span(source, found.start(), found.end())
        raise SheetError((Diagnostic(files.NOT_TEXT, "this is not a text in UTF-8", where),))
    if len(source.text) > LARGEST_SHEET:
        message = f"the sheet has {len(source.text):,} characters, and {LARGEST_SHEET:,} are the most that is read"
        raise too_large(message, Span(source, 0, 0))
    if format == "markdown":
        return read_notes(source)
    if format == "arch":
        return arch.read(source, path)
    return sheet_of(_READERS[format](source))


def _decoded(data: bytes, name: str) -> str:
    try:
        return data[: LARGEST_SHEET * 4 + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) > LARGEST_SHEET * 4 and error.start >= len(data) - 4:
            return data[: error.start].decode("utf-8")  # cut in the middle of a sign; it is too large all the same
        readable = Source(name, data[: error.start].decode("utf-8") + "\ufffd")
        at = len(readable.text) - 1
        help = "save the file as UTF-8"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            help = "it is in UTF-16; save the file as UTF-8"
        message = f"byte {error.start + 1:,} of the file is not UTF-8"
        raise SheetError((Diagnostic(files.NOT_TEXT, message, Span(readable, at, at + 1), help=help),)) from None
