"""The predicted peak of a training step beside that of PyTorch's MemTracker: `python tests/benchmarks/mem_tracker.py`.

A step is forward, backward and Adam, on a CPU. MemTracker counts all tensors, those too that Adam makes in passing,
which the prediction leaves out; they are what is missing where weights outweigh activations. What it printed last is
kept beside this file, in `mem_tracker.txt`.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch.distributed._tools.mem_tracker import MemTracker

from archdsl.analysis.training_memory import training_memory
from archdsl.pipeline import load
from oracles.live_storages import built, feeds, tensors
from oracles.networks import SPECS

NETS = (
    ("resnet", "ResNet18", {"H": 64, "W": 64}, 64),
    ("resnet", "ResNet50", {"H": 64, "W": 64}, 32),
    ("densenet", "DenseNet121", {"H": 64, "W": 64}, 32),
    ("unet", "UNet", {"H": 64, "W": 64, "base": 16}, 16),
    ("efficientnet", "EfficientNetB0", {"H": 64, "W": 64}, 8),
    ("mobilenet_v2", "MobileNetV2", {"H": 64, "W": 64}, 16),
    ("vgg", "VGG16_GAP", {"H": 64, "W": 64}, 16),
    ("googlenet", "GoogLeNet", {"H": 64, "W": 64}, 16),
)


def main() -> None:
    """Print one line for each network, and the share by which the prediction is off."""
    warnings.simplefilter("ignore")
    print(f"{'network':<16}{'batch':>6}{'MemTracker':>16}{'predicted':>16}{'off':>9}")
    for file, name, given, batch in NETS:
        made = load(SPECS / f"{file}.arch", name, **given)
        model = built(made)
        optimizer = torch.optim.Adam(model.parameters(), foreach=False)
        inputs = feeds(made, batch)
        tracker = MemTracker()
        tracker.track_external(model, optimizer, *inputs)
        with tracker:
            for step in range(2):
                if step:
                    tracker.reset_mod_stats()
                sum(x.sum() for x in tensors(model(*inputs))).backward()
                optimizer.step()
                optimizer.zero_grad()
        (measured,) = [kinds["Total"] for kinds in tracker.get_tracker_snapshot("peak").values()]
        told = training_memory(made.graph, batch=batch, dtype="float32", optimizer="adam").peak
        print(f"{name:<16}{batch:>6}{measured:>16,}{told:>16,}{told / measured - 1:>+9.2%}", flush=True)


if __name__ == "__main__":
    main()
