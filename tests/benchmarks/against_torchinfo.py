"""archdsl beside torchinfo on the meta device: cold processes, and one process for both.

From a checkout, with an installed wheel:

    python -m venv bench && bench/bin/pip install . torch==2.13.0 torchvision==0.28.0 torchinfo
    bench/bin/python tests/benchmarks/against_torchinfo.py

Times are the smallest of several runs, taken in turn; only the ratios mean anything.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

COLD_RUNS, WARM_RUNS = 7, 15
NETWORKS = [("resnet.arch", "ResNet50"), ("resnet.arch", "ResNet152"), ("densenet.arch", "DenseNet201")]
WANTED = {"ResNet50": (5, 10), "ResNet152": (10, 20), "DenseNet201": (15, 20)}
"""How many times faster it is meant to be: from the text, and from the syntax tree."""

TORCHINFO = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import torch, torchinfo
from oracles.torchvision_models import on_meta
model = on_meta("resnet50")
print(torchinfo.summary(model, (1, 3, 224, 224), device="meta", verbose=0, depth=2))
"""


def smallest(work: Callable[[], object], runs: int) -> float:
    """Return the seconds of the quickest of several runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def process(*command: str) -> Callable[[], object]:
    """Return a run of a command in a process of its own, outside the checkout."""
    return lambda: subprocess.run(command, check=True, capture_output=True, cwd="/")


def cold() -> None:
    """Print the times of whole processes."""
    archdsl = str(Path(sys.executable).with_name("archdsl"))
    analyze = (archdsl, "analyze", str(ROOT / "specs" / "resnet.arch"), "--model", "ResNet50")
    runs = {
        "archdsl, table": process(*analyze),
        "archdsl, JSON": process(*analyze, "--format", "json"),
        "torchinfo": process(sys.executable, "-c", TORCHINFO),
    }
    for work in runs.values():
        work()  # files in the cache, byte code written
    times = {name: smallest(work, COLD_RUNS) for name, work in runs.items()}
    print("ResNet-50, a cold process each             ms   torchinfo / this")
    for name, seconds in times.items():
        print(f"  {name:<34} {seconds * 1e3:8.0f} {times['torchinfo'] / seconds:8.1f}")


def warm() -> None:
    """Print the times within one process, torchinfo's without and with making the model."""
    import torch
    import torchinfo

    from archdsl.elaborate import Library, Request
    from archdsl.pipeline import Network
    from archdsl.source import Source
    from oracles.torchvision_models import on_meta

    print("\none process                    ms     / summary   / model + summary   meant")
    for file, name in NETWORKS:
        text = (ROOT / "specs" / file).read_text(encoding="utf-8")

        def make() -> torch.nn.Module:
            return on_meta(name.lower())  # noqa: B023 - called in this turn of the loop

        def parse() -> object:
            module = Library().add(Source(file, text))  # noqa: B023
            assert Network(module, Request(name)).elaboration  # noqa: B023
            return module

        def analyse(module: object) -> None:
            assert Network(module, Request(name)).examine().totals.params  # noqa: B023

        model, module = make(), parse()
        summary = smallest(lambda: torchinfo.summary(model, (1, 3, 224, 224), device="meta", verbose=0), WARM_RUNS)  # noqa: B023
        making = smallest(make, WARM_RUNS)
        tree = smallest(lambda: analyse(module), WARM_RUNS)  # noqa: B023
        whole = smallest(lambda: analyse(Library().add(Source(file, text))), WARM_RUNS)  # noqa: B023
        rows = [("torchinfo, summary", summary, None), ("torchinfo, model", making, None)]
        rows += [
            ("text to analysis", whole, 0),
            ("  of it, parsing", whole - tree, None),
            ("tree to analysis", tree, 1),
        ]
        print(name)
        for label, seconds, wanted in rows:
            line = f"  {label:<24} {seconds * 1e3:8.2f}"
            if wanted is not None:
                ratios = summary / seconds, (summary + making) / seconds
                line += f" {ratios[0]:10.1f} {ratios[1]:15.1f} {WANTED[name][wanted]:15d}"
            print(line)


if __name__ == "__main__":
    import archdsl

    print(f"archdsl from {Path(archdsl.__file__).parent}\n")
    cold()
    warm()
