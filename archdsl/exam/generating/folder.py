"""A folder of generated files: written as a whole or not at all, and never over what somebody changed by hand."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

MANIFEST = "manifest.json"
SCHEMA = "archdsl/variants@1"
FOLDERS = ("sheets", "keys")
LARGEST_MANIFEST = 50_000_000


class NotOurs(ValueError):
    """A folder that is not written to, in words."""


class Edited(NotOurs):
    """A folder whose files were changed since they were written; `--force` writes over them."""


def digest(text: str) -> str:
    """Return SHA-256 of a text as it is written."""
    return sha256(text.encode("utf-8")).hexdigest()


def look(folder: Path, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the files of a folder that would be lost: changed since they were generated, or in the way of `names`.

    What somebody put beside the generated files is neither, and stays where it is.

    Raises:
        NotOurs: there is something else at this place.
        OSError: it cannot be read.
    """
    if not folder.exists() and not folder.is_symlink():
        return ()
    if not folder.is_dir():
        raise NotOurs(f"{folder} is a file; name a folder")
    manifest = folder / MANIFEST
    if not manifest.is_file():
        if any(folder.iterdir()):
            raise NotOurs(f"{folder} holds other files; name a new folder")
        return ()
    written = _digests(manifest)
    changed = [name for name, known in written.items() if _digest_of(folder / name) not in ("", known)]
    in_the_way = [name for name in _inside(folder) if name not in written and name in set(names)]
    return tuple(sorted({*changed, *in_the_way}))


def write(folder: Path, files: Mapping[str, str], manifest: Mapping[str, object], *, force: bool = False) -> None:
    """Write files by their names, such as `sheets/s01.md`, and the manifest that has their digests.

    Raises:
        Edited: files there were changed by hand, and `force` was not given.
        NotOurs: something else is at this place.
        OSError: they cannot be written; what was there is there still.
    """
    changed = look(folder, files)
    if changed and not force:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise Edited(f"{', '.join(changed[:3])}{more} in {folder} changed since; --force writes over them")
    whole = {"schema": SCHEMA, **manifest, "files": {name: digest(text) for name, text in files.items()}}
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        for name, text in {**files, MANIFEST: json.dumps(whole, indent=1, ensure_ascii=False) + "\n"}.items():
            path = new / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        _exchange(folder, new, kept=[name for name in _inside(folder) if name not in {*files, *_written(folder)}])
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _exchange(folder: Path, new: Path, kept: list[str]) -> None:
    """Put what is in `new` in the place of what is in the folder, or leave all as it was; `kept` files stay."""
    old = new / ".old"
    old.mkdir()
    moves = [(folder / name, old / name) for name in (*FOLDERS, MANIFEST)]
    moves += [(new / name, folder / name) for name in (*FOLDERS, MANIFEST)]
    moves += [(old / name, folder / name) for name in kept]
    undo: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            if source.exists():
                target.parent.mkdir(exist_ok=True)
                source.rename(target)
                undo.append((target, source))
    except BaseException:
        for target, source in reversed(undo):
            target.rename(source)
        raise


def _written(folder: Path) -> dict[str, str]:
    manifest = folder / MANIFEST
    return _digests(manifest) if manifest.is_file() else {}


def _digests(manifest: Path) -> dict[str, str]:
    """Return the digests of a manifest, of files in the folders that are ours only."""
    try:
        if manifest.stat().st_size > LARGEST_MANIFEST:
            raise ValueError
        found = json.loads(manifest.read_text(encoding="utf-8"))
        files = found["files"]
        if found["schema"] != SCHEMA or not isinstance(files, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotOurs(f"{manifest} is no manifest of variants; name a new folder") from None
    return {name: str(known) for name, known in files.items() if _is_ours(name)}


def _is_ours(name: str) -> bool:
    one, _, rest = name.partition("/")
    return one in FOLDERS and bool(rest) and "/" not in rest and "\\" not in rest and rest not in (".", "..")


def _digest_of(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        return ""


def _inside(folder: Path) -> list[str]:
    """Return the names of what is in our folders."""
    places = [folder / one for one in FOLDERS if (folder / one).is_dir()]
    return [f"{place.name}/{path.name}" for place in places for path in place.iterdir()]
