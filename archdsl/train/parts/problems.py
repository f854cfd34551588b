"""What stops a run."""

from __future__ import annotations


class RunError(Exception):
    """Why a run cannot start or go on, in a sentence for its user; `code` is the exit status of the command."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
