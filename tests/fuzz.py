"""Random networks as PyTorch code, held against the analysis in every number: `python -m tests.fuzz --count 20000`.

Each network is drawn by its number alone, written as a spec, parsed, analysed, generated, built by PyTorch and compared
by every check of `archdsl verify`: modules, parameters, shapes, multiply-adds, outputs, gradients, export, peak memory,
and what units depend on. What differs is printed with the spec, and the exit code is 1. At the end stands how often
each layer and construct occurred.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `oracles`

from archdsl.elaborate import Library
from archdsl.pipeline import network
from archdsl.source import Source
from archdsl.verify import verify
from oracles.random_networks import network_at, ops_of, structures_of

PORTION = 50
"""Networks that a process takes at once."""
APART = 10**7
"""Networks between one `--seed` and the next."""


class Tried(NamedTuple):
    """What came of some networks: how many, what was in them, and a text for each that failed."""

    count: int
    ops: Counter[str]
    structures: Counter[str]
    failures: tuple[str, ...]


def differences(text: str) -> Iterator[str]:
    """Yield what each check that fails says of a network and its code."""
    for check in verify(network(Library().add(Source("net.arch", text)), "Net")):
        for line in check.differences:
            yield f"{check.name}: {line}"


def portion(first: int) -> Tried:
    """Try the networks from a number on."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of PyTorch, about even kernels; nothing of ours is judged by them here
    ops, structures, failures = Counter[str](), Counter[str](), list[str]()
    for number in range(first, first + PORTION):
        text = network_at(number)
        ops += ops_of(text)
        structures += structures_of(text)
        try:
            found = list(differences(text))
        except Exception:  # noqa: BLE001 - whatever it is, the network is to be looked at
            found = [traceback.format_exc()]
        if found:
            failures.append("\n".join([f"network {number}", *found, text]))
    return Tried(PORTION, ops, structures, tuple(failures))


def main(arguments: list[str]) -> int:
    """Try networks, tell of failures as they are found, and end with what was covered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1000, help="how many networks, rounded up to whole portions")
    options.add_argument("--seed", type=int, default=0, help="which ones; another seed gives others")
    options.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    given = options.parse_args(arguments)
    first = given.seed * APART
    starts = range(first, first + given.count, PORTION)
    began, done, failed = time.monotonic(), 0, 0
    ops, structures = Counter[str](), Counter[str]()
    with get_context("spawn").Pool(given.jobs) as pool:
        for tried in pool.imap_unordered(portion, starts):
            done += tried.count
            failed += len(tried.failures)
            ops += tried.ops
            structures += tried.structures
            for failure in tried.failures:
                sys.stdout.write(f"{failure}\n\n")
            sys.stdout.flush()
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{done:,} networks, {failed} failed ")
    for title, counts in (("layers and functions", ops), ("constructs", structures)):
        rows = "\n".join(f"  {count:>9,}  {name}" for name, count in sorted(counts.items(), key=lambda row: -row[1]))
        sys.stdout.write(f"{title}\n{rows}\n")
    outcome = f"{failed} failed" if failed else "none failed"
    sys.stdout.write(f"{done:,} networks, {outcome}, {time.monotonic() - began:,.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
