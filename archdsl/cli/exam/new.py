"""`archdsl exam new`: a sheet to start from."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

import click

from archdsl.cli.common import emit
from archdsl.cli.exam.sheets import say

SUFFIXES = (".yaml", ".yml")


@click.command("new")
@click.argument("topic", required=False)
@click.option("-o", "--output", metavar="PATH", help="The file; TOPIC.yaml, if left out. - prints.")
def command(topic: str | None, output: str | None) -> int:
    """Write a sheet on TOPIC with comments that say what its keys mean. Nothing is overwritten.

    Without a TOPIC, all topics are listed.

    \b
    archdsl exam new
    archdsl exam new receptive-field
    archdsl exam new residual -o week5.yaml
    """
    from archdsl.exam.topics import near, topics
    from archdsl.exam.topics import topic as find
    from archdsl.exam.topics.skeleton import skeleton

    if topic is None:
        if output is not None:
            raise click.UsageError("-o needs a topic, as in `archdsl exam new residual -o week5.yaml`")
        width = max(map(len, topics()))
        emit("".join(f"{one.name:<{width}}  {one.summary}\n" for one in topics().values()), None)
        say("next: archdsl exam new TOPIC")
        return 0
    found = find(topic)
    if found is None:
        close = near(topic)
        hint = f"did you mean `{close}`?" if close else "`archdsl exam new` lists them"
        raise click.UsageError(f"there is no topic `{topic[:80]}`; {hint}")
    if output == "-":
        emit(skeleton(found), None)
        return 0
    path = _path(output or f"{found.name}.yaml")
    _create(path, skeleton(found, path.stem))
    file = shlex.quote(str(path))
    say(f"wrote {path}    {found.summary}")
    say(f"next: archdsl exam check {file} --lint")
    say(f"      archdsl exam generate {file} --seed 1 --students s01,s02,s03")
    return 0


def _path(name: str) -> Path:
    """Return where the sheet goes; raises a usage error where it cannot go there."""
    path = Path(name)
    if "\0" in name or not path.name or name.endswith(("/", os.sep)) or path.is_dir():
        raise click.UsageError(f"{name!r} is a folder or no name; give the file a name, as `week5.yaml`")
    if not path.suffix:
        path = path.with_name(f"{path.name}.yaml")
    if path.suffix not in SUFFIXES:
        raise click.UsageError(f"the sheet is in YAML: {path.with_suffix('.yaml')}")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}; make it first")
    return path


def _create(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    there = f"{path} is there already; archdsl exam new writes over nothing, so take another name with -o"
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, 0o666 & ~_umask())
            _place(Path(temporary), path, text)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except FileExistsError:
        raise click.UsageError(there) from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None


def _place(temporary: Path, path: Path, text: str) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, it never takes the place of what is there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
