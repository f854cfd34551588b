"""Look for texts that break the reader, for as long as one likes: `python -m tests.fuzz_texts --inputs 1000000 --jobs 2`.

Each input is answered within 2 seconds of one core and 300 MB more than what was there before it, or counts as a
failure, as a traceback does; a whole family of a spec, whose damage may make its networks deeper, has more time. A
failure is made as small as it can be and kept as a file. What is tried depends on `--seed` alone. The strategies and
what is asked of each input are those of `test_fuzz.py`, in `oracles/sentences.py`.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import count
from pathlib import Path
from traceback import format_exc
from types import FrameType
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from oracles import sentences

SECONDS = 2.0
"""For one input."""
PATIENCE = 10
"""Seconds after that, when the process is ended, where the interpreter does not get to notice."""
MEGABYTES = 300
PORTION = 2000
"""Inputs of one process."""
PAGE = resource.getpagesize()
EVERY = 2.0
"""Seconds between two lines on how far it is."""


class TooSlow(AssertionError):
    """An input took too long."""


class Kind(NamedTuple):
    """What is made and asked, its share of all inputs, how many variants come with each, and the time for one."""

    strategy: st.SearchStrategy[Any]
    question: Callable[[Any], None]
    share: int
    variants: int = 0
    seconds: float = SECONDS


def kinds(folder: Path) -> dict[str, Kind]:
    """Return the kinds of inputs; those of bytes go through a file in a folder."""
    look = sentences.look
    return {
        "items": Kind(sentences.items, look, 3, 19),
        "bodies": Kind(sentences.bodies, look, 2, 99),
        "damaged": Kind(sentences.damaged(), look, 2, seconds=5 * SECONDS),
        "fixes": Kind(sentences.damaged(), sentences.put_right, 1, seconds=20 * SECONDS),
        "signs": Kind(sentences.signs, look, 1),
        "signs in a model": Kind(sentences.signs.map(sentences.MODEL.format), look, 1),
        "bytes": Kind(sentences.noise(), partial(sentences.look_at_bytes, path=folder / "fuzz.arch"), 1),
    }


def guarded(question: Callable[[Any], None], value: Any, seconds: float = SECONDS) -> None:
    """Ask the question with little time and memory; raises `TooSlow` or `MemoryError` where it takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    here = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * PAGE
    _most(resource.RLIMIT_AS, here + MEGABYTES * 2**20)
    _most(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + PATIENCE)
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)  # again, in case it rings where nothing can be raised
    try:
        question(value)
    finally:
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _most(resource.RLIMIT_AS, resource.RLIM_INFINITY)
        _most(resource.RLIMIT_CPU, resource.RLIM_INFINITY)


def _most(what: int, amount: int) -> None:
    """Set a limit, as far as whoever started this process lets it be set."""
    hard = resource.getrlimit(what)[1]
    bounds = {amount, hard} - {resource.RLIM_INFINITY}
    resource.setrlimit(what, (min(bounds, default=resource.RLIM_INFINITY), hard))


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooSlow("more time than there is")


def portion(kind: Kind, number: int, inputs: int, now: Path | None = None) -> dict[str, Any]:
    """Try some inputs, and return how many there were and what failed, if anything did; `now` holds the one at hand."""
    tried = 0
    failed: dict[str, str] = {}

    @seed(number)
    @settings(
        max_examples=-(-inputs // (kind.variants + 1)),
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(kind.strategy)
    def run(value: Any) -> None:
        nonlocal tried
        for one in sentences.variants(value, kind.variants) if kind.variants else (value,):
            tried += not failed
            if now is not None:
                now.write_text(ascii(one), encoding="ascii")
            try:
                guarded(kind.question, one, kind.seconds)
            except Exception:
                failed.update(input=ascii(one), error=format_exc())
                raise

    try:
        run()
    except Exception:
        if not failed:
            raise
    return {"tried": tried, "failed": failed or None}


def _portions(chosen: list[str], inputs: int, number: int) -> Iterator[tuple[str, int, int]]:
    """Yield kind, seed and size of each process, kinds in turn by their shares."""
    shares = {name: kind.share for name, kind in kinds(Path()).items() if name in chosen}
    turn = [name for name, share in shares.items() for _ in range(share)]
    size = max(1, min(PORTION, inputs // len(turn)))
    for i in count():
        if inputs <= 0:
            return
        yield turn[i % len(turn)], number * 1_000_003 + i, min(size, inputs)
        inputs -= size


def _process(name: str, number: int, size: int) -> dict[str, Any]:
    """Try a portion in a process of its own, and return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--portion", name, str(number), str(size), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return {"kind": name, "seed": number, **json.loads(done.stdout)}
        now = Path(folder) / "now"
        error = f"ended with {done.returncode}\n{done.stderr[-5000:]}"
        failed = {"input": now.read_text(encoding="ascii") if now.exists() else "", "error": error}
        return {"kind": name, "seed": number, "tried": size, "failed": failed}


def main(arguments: list[str]) -> int:
    """Run the portions, print what fails as it is found, and return 1 if anything does."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--kinds", default=",".join(kinds(Path())), help="with commas between them")
    options.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="the folder for what fails")
    options.add_argument("--portion", nargs=4, help=argparse.SUPPRESS)
    given_ = options.parse_args(arguments)
    if given_.portion:
        name, number, size, folder = given_.portion
        made = portion(kinds(Path(folder))[name], int(number), int(size), Path(folder) / "now")
        sys.stdout.write(json.dumps(made))
        return 0
    chosen = given_.kinds.split(",")
    if unknown := set(chosen) - kinds(Path()).keys():
        options.error(f"there is no kind {', '.join(unknown)}")
    start = told = time.monotonic()
    tried = failures = 0
    with ThreadPoolExecutor(given_.jobs) as pool:
        work = [pool.submit(_process, *one) for one in _portions(chosen, given_.inputs, given_.seed)]
        for done in as_completed(work):
            made = done.result()
            tried += made["tried"]
            if made["failed"]:
                failures += 1
                _keep(made, given_.keep)
            if time.monotonic() - told > EVERY:
                told = time.monotonic()
                sys.stderr.write(f"{tried:,} inputs, {failures} failures, {told - start:,.0f} s\n")
    seconds = time.monotonic() - start
    what = f"{failures} fail{'s' if failures == 1 else ''}" if failures else "none fails"
    sys.stdout.write(f"{tried:,} inputs, {what}, {seconds:,.0f} s\n")
    return 1 if failures else 0


def _keep(made: dict[str, Any], folder: Path) -> None:
    """Write a failure down and print its last line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made['kind'].replace(' ', '-')}-{made['seed']}.json"
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}: {made['failed']['error'].strip().splitlines()[-1]}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
