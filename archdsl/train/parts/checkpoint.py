"""Files of a run that are there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.train.parts.libraries import installed
from archdsl.train.parts.problems import RunError

FORMAT = 1
"""Of a checkpoint; another one is not read."""


HOLDERS = ("model", "state_dict", "model_state_dict")
"""What checkpoints, ours and others, call the weights in them."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever opens it, also after a crash, finds the old content or the new.

    Raises:
        OSError: the disk is full, or the folder cannot be written; what was there stays.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):  # some systems cannot open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, whole."""
    write_whole(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole; of `last.pt`, the one that it replaces stays beside it as `previous-last.pt`."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    fresh = path.with_name(f"fresh-{path.name}")
    write_whole(fresh, buffer.getvalue())
    if path.name == "last.pt" and path.exists():
        os.replace(path, path.with_name(f"previous-{path.name}"))
    os.replace(fresh, path)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values, and no code that could run.

    Raises:
        RunError: it is damaged, or of another format.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            broken = archive.testzip()  # torch itself does not compare the checksums
        if broken is not None:
            raise RunError(f"the checkpoint {path} is damaged: {broken} in it is not what was written")
        state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        said = str(error).partition("\n")[0]
        raise RunError(f"the checkpoint {path} is damaged or no checkpoint: {said}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise RunError(f"{path} is no checkpoint of format {FORMAT}")
    return state


def latest_checkpoint(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Any] | None, list[str]]:
    """Return the checkpoint of a run, or the whole one before it where it is damaged; and what was found wrong.

    Nothing at all is no mistake: the run was stopped before its first checkpoint.

    Raises:
        RunError: there are checkpoints, and none of them can be read.
    """
    problems: list[str] = []
    for one in (path, path.with_name(f"fresh-{path.name}"), path.with_name(f"previous-{path.name}")):
        if not one.exists():
            continue
        try:
            return load_checkpoint(one, device), problems
        except (RunError, OSError) as error:
            problems.append(str(error))
    if problems:
        raise RunError("; ".join(problems) + "; the run cannot go on, only begin anew in another folder")
    return None, problems


def save_weights(folder: Path, weights: Mapping[str, Tensor]) -> str:
    """Write the weights of a model, as safetensors where that is installed; return the name of the file."""
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    library = installed("safetensors.torch")
    if library is not None:
        write_whole(folder / "weights.safetensors", library.save(plain, metadata={"format": "pt"}))
        return "weights.safetensors"
    buffer = io.BytesIO()
    torch.save(plain, buffer)
    write_whole(folder / "weights.pt", buffer.getvalue())
    return "weights.pt"


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read the weights of a model, from safetensors, a checkpoint, or a plain state dict; no code in a file is run.

    Raises:
        RunError: the file is missing, damaged, or needs a library that is not installed.
    """
    try:
        if path.suffix == ".safetensors":
            library = installed("safetensors.torch")
            if library is None:
                raise RunError(f"{path} needs safetensors: pip install safetensors", 3)
            loaded: dict[str, Tensor] = library.load(path.read_bytes())
            return loaded
        content = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(content)):  # files of old versions are none
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if (broken := archive.testzip()) is not None:
                    raise RunError(f"{path} is damaged: {broken} in it is not what was written", 2)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", 2) from None
    except RunError:
        raise
    except Exception as error:  # noqa: BLE001  each library has exceptions of its own for a damaged file
        said = str(error).partition("\n")[0]
        if "weights_only" in said:  # torch's own text says how to run the code in it
            said = "more than tensors and plain values, or something else"
        raise RunError(f"{path} holds no weights: {said}", 2) from None
    weights = state
    if isinstance(state, dict):
        weights = next((state[name] for name in HOLDERS if isinstance(state.get(name), dict)), state)
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise RunError(f"{path} holds no weights: it is no mapping of names to tensors", 2)
    return weights
