"""Memory of training as predicted, beside what PyTorch keeps and holds on a CPU: a table of bundled networks.

python tests/benchmarks/training_memory.py
python tests/benchmarks/training_memory.py all      # what every bundled model keeps, in minutes
"""

import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from archdsl.analysis.saved import saved_tensors
from archdsl.analysis.training_memory import Training
from archdsl.pipeline import load, network, read
from oracles.live_storages import built, feeds, peak_bytes, saved_bytes
from oracles.networks import SPECS

SMALL = {"H": 64, "W": 64}
NETS = [
    ("resnet", "ResNet50", SMALL),
    ("densenet", "DenseNet121", SMALL),
    ("unet", "UNet", {**SMALL, "base": 16}),
    ("efficientnet", "EfficientNetB0", SMALL),
    ("mobilenet_v2", "MobileNetV2", SMALL),
    ("vgg", "VGG16", SMALL),
    ("googlenet", "GoogLeNet", SMALL),
]
BATCHES = [2, 16]
LARGEST = 3 * 10**8
"""Numbers that all layers of a network may make of a batch, for it to be run."""


def peaks() -> None:
    """Print, for each network and batch, what is kept and the peak: measured and predicted, without weights."""
    print(f"{'network':<16}{'batch':>6}{'kept':>14}{'predicted':>14}{'peak':>14}{'predicted':>14}{'off':>9}{'ms':>7}")
    for file, name, given in NETS:
        made = load(SPECS / f"{file}.arch", name, **given)
        model = built(made)
        for batch in BATCHES:
            inputs = feeds(made, batch)
            kept, (_, most) = saved_bytes(model, *inputs), peak_bytes(model, *inputs)
            start = time.perf_counter()
            training = Training(made.graph, optimizer="sgd")
            found = training.at(batch)
            took = time.perf_counter() - start
            peak = found.peak - training.always
            print(
                f"{name:<16}{batch:>6}{kept:>14,}{found.saved:>14,}{most:>14,}{peak:>14,}"
                f"{peak / most - 1:>+9.2%}{took * 1e3:>7.1f}"
            )


def every_model() -> None:
    """Print what every bundled model keeps of one sample and of two, and whether that is what is predicted."""
    for path in sorted(SPECS.glob("*.arch")):
        module = read(path)
        for name in module.models:
            made = network(module, name)
            if any(d.severity == "error" for d in made.diagnostics) or made.graph.is_symbolic:
                print(f"{name:<20} has no size or value of its own")
                continue
            model = built(made)
            for batch in (1, 2):
                if batch * sum(node.output.elements for node in made.graph.nodes) > LARGEST:
                    print(f"{name:<20}{batch:>3}  not run")
                    continue
                ours = sum(one.bytes for one in saved_tensors(made.graph, batch=batch))
                try:
                    kept = saved_bytes(model, *feeds(made, batch))
                except ValueError as error:  # a norm refuses one sample of one position
                    print(f"{name:<20}{batch:>3}  {error}")
                    continue
                print(f"{name:<20}{batch:>3}{kept:>16,}{ours:>16,}  {'equal' if kept == ours else 'DIFFERENT'}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    every_model() if sys.argv[1:] == ["all"] else peaks()
