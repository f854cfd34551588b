"""Random networks as PyTorch code, held against the analysis in every number: `python -m tests.fuzz --count 20000`.

Each network is drawn by its number alone, written as a spec, parsed, analysed, generated, built by PyTorch and compared
by every check of `archdsl verify`: modules, parameters, shapes, multiply-adds, outputs, gradients, export, peak memory,
and what units depend on; and by the bytes that autograd keeps. What differs is printed with the spec, and the exit code
is 1. At the end stands how often each layer and construct occurred. `--only verify` or `--only saved` looks at one of
the two.
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
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `oracles`

from archdsl.analysis.saved import overwriting, saved_tensors
from archdsl.elaborate import Library
from archdsl.pipeline import Network, network
from archdsl.source import Source
from archdsl.verify import verify
from oracles.live_storages import built, feeds, saved_bytes, working_in_place
from oracles.random_networks import network_at, ops_of, structures_of

APART = 10**7
"""Networks between one `--seed` and the next."""


class Tried(NamedTuple):
    """What came of some networks: how many, what was in them, and a text for each that failed."""

    count: int
    ops: Counter[str]
    structures: Counter[str]
    failures: tuple[str, ...]


def differences(text: str, only: str) -> Iterator[str]:
    """Yield what each check that fails says of a network and its code, and how what autograd keeps differs."""
    made = network(Library().add(Source("net.arch", text)), "Net")
    if only != "saved":
        for check in verify(made):
            for line in check.differences:
                yield f"{check.name}: {line}"
    if only != "verify":
        yield from _saved(made)


def _saved(made: Network) -> Iterator[str]:
    """Compare the bytes that autograd keeps of a batch of two; PyTorch refuses some networks in training."""
    graph, model = made.graph, built(made)
    writing = {i for i in overwriting(graph) if graph.nodes[i].op.name == "add"} | working_in_place(model, graph)
    try:
        measured = saved_bytes(model, *feeds(made, 2))
    except (RuntimeError, ValueError):
        return
    told = sum(one.bytes for one in saved_tensors(graph, batch=2, in_place=writing))
    if told != measured:
        yield f"saved: {told:,} bytes in the analysis, {measured:,} by autograd's hooks"


def tried(number: int, only: str) -> Tried:
    """Try one network."""
    text = network_at(number)
    try:
        found = list(differences(text, only))
    except Exception:  # noqa: BLE001 - whatever it is, the network is to be looked at
        found = [traceback.format_exc()]
    failures = ("\n".join([f"network {number}", *found, text]),) if found else ()
    return Tried(1, ops_of(text), structures_of(text), failures)


def work(given: Connection, only: str) -> None:
    """Try the networks whose numbers come through a pipe, until none does."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of PyTorch, about even kernels; nothing of ours is judged by them here
    while (number := given.recv()) is not None:
        given.send(tried(number, only))


class Worker:
    """A process that tries one network at a time: where PyTorch ends it, it is known which one it was."""

    def __init__(self, numbers: Iterator[int], only: str) -> None:
        self.numbers, self.only = numbers, only
        self.number: int | None = None
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, self.only), daemon=True)
        self.process.start()
        other.close()
        self._next()

    def _next(self) -> None:
        self.number = next(self.numbers, None)
        self.pipe.send(self.number)

    def answer(self) -> Tried:
        """Return what came of the network, and begin with the next one."""
        number = self.number
        assert number is not None, "only a worker with a network is asked"
        try:
            found: Tried = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            text = network_at(number)
            lines = [f"network {number}", f"the process died of it: exit code {self.process.exitcode}", text]
            self._start()
            return Tried(1, ops_of(text), structures_of(text), ("\n".join(lines),))
        self._next()
        return found


def main(arguments: list[str]) -> int:
    """Try networks, tell of failures as they are found, and end with what was covered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1000, help="how many networks")
    options.add_argument("--seed", type=int, default=0, help="which ones; another seed gives others")
    options.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    options.add_argument("--only", choices=("all", "verify", "saved"), default="all", help="what to hold it against")
    given = options.parse_args(arguments)
    first = given.seed * APART
    began, done, failed = time.monotonic(), 0, 0
    ops, structures = Counter[str](), Counter[str]()
    numbers = iter(range(first, first + given.count))
    workers = [Worker(numbers, given.only) for _ in range(given.jobs)]
    while busy := {worker.pipe: worker for worker in workers if worker.number is not None}:
        for pipe in wait(list(busy)):
            found = busy[pipe].answer()
            done += 1
            failed += len(found.failures)
            ops += found.ops
            structures += found.structures
            for failure in found.failures:
                sys.stdout.write(f"{failure}\n\n")
                sys.stdout.flush()
            if done % 100 == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{done:,} networks, {failed} failed ")
    for title, counts in (("layers and functions", ops), ("constructs", structures)):
        rows = "\n".join(f"  {count:>9,}  {name}" for name, count in sorted(counts.items(), key=lambda row: -row[1]))
        sys.stdout.write(f"{title}\n{rows}\n")
    outcome = f"{failed} failed" if failed else "none failed"
    sys.stdout.write(f"{done:,} networks, {outcome}, {time.monotonic() - began:,.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
