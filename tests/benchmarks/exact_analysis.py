"""How long the exact structural analyses take beyond parsing, in one process: `python tests/benchmarks/exact_analysis.py`.

Each line is the median of several runs in milliseconds, with the garbage collector as it is. A chain of convolutions
shows that the time grows with the number of layers, and the peak of allocated memory with it.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

from archdsl.analysis import analyze_graph
from archdsl.analysis.aliasing import equivariance, subsamplings
from archdsl.analysis.alignment import meetings
from archdsl.analysis.coupling import couplings
from archdsl.analysis.coverage import coverage
from archdsl.analysis.dead import dead_work
from archdsl.analysis.effective import effective_fields
from archdsl.analysis.gridding import gridding
from archdsl.analysis.overlap import overlaps
from archdsl.analysis.paths import paths
from archdsl.analysis.productive import productive
from archdsl.analysis.training_memory import training_memory
from archdsl.graph import Graph
from archdsl.pipeline import loads, network, read
from archdsl.report.fields import Told
from archdsl.resources import specs

NETS = (("resnet", "ResNet152"), ("densenet", "DenseNet201"), ("inception_v3", "InceptionV3"), ("unet", "UNet"))


def told(graph: Graph) -> None:
    """Compute all fields and what is told of them."""
    made = Told(graph)
    for node in graph.nodes:
        for name in made.covers[node.index]:
            made.of(node, name)


ANALYSES: dict[str, Callable[[Graph], object]] = {
    "analyze": lambda graph: analyze_graph(graph, source="", batch=1, dtype="float32"),
    "fields": coverage,
    "phases": told,
    "erf": effective_fields,
    "paths": paths,
    "dead": dead_work,
    "training": lambda graph: training_memory(graph, batch=1, dtype="float32", optimizer="adam"),
    "overlap": overlaps,
    "gridding": gridding,
    "aliasing": lambda graph: (subsamplings(graph), equivariance(graph)),
    "alignment": meetings,
    "productive": productive,
    "coupling": couplings,
}


def median(run: Callable[[], object], times: int) -> float:
    """Return the median of the run times, in milliseconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        run()
        taken.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(taken)


def main() -> None:
    """Print a column for each network and a row for each analysis."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--layers", type=int, default=10_000, help="in the chain")
    given = options.parse_args()
    graphs = {name: network(read(specs() / f"{file}.arch"), name).elaboration.graph for file, name in NETS}
    chain = f"model M {{ input x: [3, 64, 64]\n output x -> c: Conv2d(3, 3, padding=1) * {given.layers} }}"
    graphs[f"{given.layers:,} layers"] = loads(chain).elaboration.graph
    print(f"{'ms':<12}" + "".join(f"{name:>16}" for name in graphs))
    sums = dict.fromkeys(graphs, 0.0)
    for title, run in ANALYSES.items():
        row = [median(lambda g=graph, r=run: r(g), given.repeats) for graph in graphs.values()]
        for name, taken in zip(graphs, row, strict=True):
            sums[name] += taken if title != "fields" else 0  # "phases" computes them again
        print(f"{title:<12}" + "".join(f"{taken:>16.2f}" for taken in row))
    print(f"{'sum':<12}" + "".join(f"{taken:>16.2f}" for taken in sums.values()))
    *_, last = graphs.values()
    peaks = []
    for run in ANALYSES.values():
        tracemalloc.start()
        run(last)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    most = max(peaks)
    print(
        f"the most allocated by one analysis of the chain: {most / 2**20:.0f} MiB, {list(ANALYSES)[peaks.index(most)]}"
    )


if __name__ == "__main__":
    main()
