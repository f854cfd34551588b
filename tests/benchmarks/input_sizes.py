"""Functions of the input sizes against plain analyses at every size: `python tests/benchmarks/input_sizes.py [most]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from oracles.plain_sizes import FAMILIES, bundled_text, differences, opened


def main(most: int) -> int:
    """Compare every family at every height from 1 to `most`, the width alike and the width another; count faults."""
    faults = 0
    for name, model in FAMILIES:
        text = bundled_text(name)
        started = time.perf_counter()
        found = opened(text, model)
        form = found.form
        took = time.perf_counter() - started
        wrong: list[str] = []
        for height in range(1, most + 1):
            other = found.requirement("W").nearest(most + 1 - height)[1]
            for width in (height, other):
                wrong += [f"{height}×{width}: {said}" for said in differences(found, text, model, height, width)]
        faults += len(wrong)
        smallest = "×".join(map(str, found.smallest.values()))
        since = "×".join(map(str, form.from_sizes().values())) if form and form.peak else "–"
        print(f"{model:<18} {1e3 * took:6.1f} ms  smallest {smallest:<9} peak from {since:<9} {len(wrong)} faults")
        for line in wrong[:5]:
            print("   ", line)
    return faults


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)))
