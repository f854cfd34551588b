"""The cost of a node from 100 nodes to 100,000: it should stay flat.

python tests/benchmarks/per_node.py
"""

import time

from archdsl.elaborate import Library, Request
from archdsl.pipeline import Network
from archdsl.source import Source

SHAPES = {
    "a chain, every layer written anew by a loop": """
model M(n: int) {{
    input x: [8, 64, 64]
    output x -> for i in range({0} // 3) {{ "conv{{i}}": Conv2d(8, 3, padding=1) -> "bn{{i}}": BatchNorm2d -> ReLU }}
}}
""",
    "residual blocks": """
block B(width: int) {{
    input x
    y = x -> conv1: Conv2d(width, 3, padding=1) -> bn1: BatchNorm2d -> ReLU -> conv2: Conv2d(width, 3, padding=1)
    output y + x -> ReLU
}}
model M(n: int) {{
    input x: [8, 64, 64]
    output x -> blocks: (B(8) * ({0} // 6))
}}
""",
}
SIZES = [100, 1_000, 10_000, 100_000]


def main() -> None:
    """Print a line a size."""
    for name, text in SHAPES.items():
        print(name)
        for size in SIZES:
            best = float("inf")
            for _ in range(3 if size > 10_000 else 10):
                module = Library().add(Source("net.arch", text.format(size)))
                start = time.perf_counter()
                analysis = Network(module, Request("M", {"n": size})).examine()
                assert analysis.is_complete, analysis.diagnostics
                assert analysis.totals.macs
                best = min(best, time.perf_counter() - start)
            nodes = len(analysis.graph.nodes)
            print(f"  {nodes:>8,} nodes {best * 1e3:10.1f} ms {best / nodes * 1e6:8.1f} µs a node")


if __name__ == "__main__":
    main()
