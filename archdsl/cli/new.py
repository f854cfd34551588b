"""`archdsl new`: a file to start from."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit
from archdsl.cli.explain import quoted, shown

if TYPE_CHECKING:
    from archdsl.manual.starters import Starter

_NAME = re.compile(r"\w[\w-]*")
_SUFFIX = ".arch"


@click.command("new")
@click.argument("name", required=False)
@click.option("--from", "origin", metavar="STARTER", help="A bundled spec, or a model in one; see --list.")
@click.option("--list", "everything", is_flag=True, help="Every starter with its models.")
def command(name: str | None, origin: str | None, everything: bool) -> int:
    """Write NAME.arch: a bundled spec, or a small classifier with comments. Nothing is overwritten.

    A NAME that is one of a bundled spec, or of a model in one, takes that spec; - prints instead of writing.

    \b
    archdsl new lenet
    archdsl new mynet
    archdsl new mynet --from ResNet18
    """
    from archdsl.manual.starters import contents

    if everything:
        emit(shown(contents(), "text", "auto", None), None)
        return 0
    if name is None:
        raise click.UsageError("give the file a name, as in `archdsl new mynet`; --list shows what it may hold")
    if name == "-":
        emit(_chosen("", origin)[0].text, None)
        return 0
    path = _path(name)
    starter, model = _chosen(path.stem, origin)
    _create(path, starter.text)
    _advise(path, starter, model)
    return 0


def _path(name: str) -> Path:
    """Return where the file goes; raises a usage error where it cannot go there."""
    path = Path(name)
    if "\0" in name or not path.name or name.endswith(("/", os.sep)) or path.is_dir():
        raise click.UsageError(f"{name!r} is a folder or no name; give the file a name, as in `{path / 'mynet'}`")
    stem = path.name.removesuffix(_SUFFIX)
    if path.suffix not in ("", _SUFFIX) and _NAME.fullmatch(path.stem):
        raise click.UsageError(f"a spec ends in {_SUFFIX}: `archdsl new {path.stem}`")
    if not _NAME.fullmatch(stem):
        raise click.UsageError(f"{stem!r} has more than letters, digits, `_` and `-`; no file is called that")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {quoted(str(path.parent))}; make it first")
    return path.with_name(stem + _SUFFIX)


def _chosen(stem: str, origin: str | None) -> tuple[Starter, str | None]:
    """Return the starter that is asked for, and the model where one was named."""
    from archdsl.manual.starters import classifier, near, starter

    if origin is None:
        return starter(stem, stem) or (classifier(stem), None)
    found = starter(origin, stem)
    if found is None:
        close = near(origin)
        hint = f"did you mean `{close}`?" if close else "`archdsl new --list` shows them"
        raise click.UsageError(f"there is no starter {quoted(origin)}; {hint}")
    return found


def _create(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    advice = f"archdsl new writes over nothing; take another name, or look at it with `archdsl analyze {path}`"
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        try:
            os.link(temporary, path)  # unlike a rename, it never takes the place of what is there
        except FileExistsError:
            raise click.UsageError(f"{path} is there already; {advice}") from None
        except OSError:  # a file system without links
            _create_plainly(path, text, advice)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _create_plainly(path: Path, text: str, advice: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{path} is there already; {advice}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _advise(path: Path, starter: Starter, model: str | None) -> None:
    """Tell what was written, and what to do with it."""
    file = shlex.quote(str(path))
    several = len(starter.models) > 1
    chosen = f" --model {model or starter.models[0]}" if several else ""
    click.echo(f"wrote {path}    {starter.name}: {', '.join(starter.models)}", err=True)
    click.echo(f"next: archdsl analyze {file}{chosen}", err=True)
    click.echo(f"      archdsl check {file}", err=True)
