"""Generated networks beside torchvision's: a forward pass and a training step, in one process.

From a checkout, with torch and torchvision:

    python tests/benchmarks/against_torchvision.py --batch 4 --size 128 --repeats 20 --threads 1

A training step is the forward pass, the backward pass and a step of SGD with momentum. Both nets have the same weights
and images and are timed in turn, each first in every other turn; a ratio is taken within each turn, so that what else
the machine does falls on both. On one thread of the CPU the times are the processor's, without those of waiting for it.
Only the ratios mean anything: at least 1.00 within the spread is as fast.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from oracles.generated import imported  # noqa: E402 - the line above makes it importable
from oracles.torchvision_models import torchvision  # noqa: E402

NETWORKS = [("resnet.py", "resnet50"), ("densenet.py", "densenet121")]
WARM_RUNS = 2


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long one run took, until the device is done with it."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def forward(model: nn.Module, images: Tensor) -> Callable[[], object]:
    """Return a forward pass in evaluation."""

    def work() -> None:
        with torch.inference_mode():
            model(images)

    return work


def step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], object]:
    """Return a training step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def work() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return work


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int, device: torch.device
) -> list[tuple[float, float]]:
    """Return the times of both, turn by turn."""
    for work in (ours, theirs) * WARM_RUNS:
        seconds(work, device)
    turns = []
    for turn in range(repeats):
        if turn % 2:
            turns.append((seconds(ours, device), seconds(theirs, device)))
        else:
            after = seconds(theirs, device)
            turns.append((seconds(ours, device), after))
    return turns


def line(label: str, turns: list[tuple[float, float]]) -> str:
    """Return the median times, and the median ratio between its quartiles."""
    ours, theirs = (statistics.median(times) for times in zip(*turns, strict=True))
    low, middle, high = statistics.quantiles([b / a for a, b in turns], n=4)
    return f"  {label:<16} {ours * 1e3:9.1f} {theirs * 1e3:12.1f} {middle:15.3f}   {low:.3f} to {high:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4, help="images at once (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="their height and width (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=20, help="turns of both nets (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    options = parser.parse_args()
    if options.repeats < 2:
        parser.error("a spread takes at least two repeats")
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    images = torch.randn(options.batch, 3, options.size, options.size, device=device)
    labels = torch.randint(1000, (options.batch,), device=device)

    print(
        f"torch {torch.__version__}, {device}, {options.threads} threads, "
        f"{options.batch} x 3 x {options.size} x {options.size}, {options.repeats} turns\n"
    )
    print("                   ours, ms   theirs, ms   theirs / ours   quartiles")
    for file, name in NETWORKS:
        theirs = torchvision().models.get_model(name, weights=None).to(device)
        ours = getattr(imported(Path(file)), name)().to(device)
        ours.load_state_dict(theirs.state_dict())
        print(name)
        pair = forward(ours.eval(), images), forward(theirs.eval(), images)
        print(line("forward", in_turn(*pair, options.repeats, device)), flush=True)
        pair = step(ours.train(), images, labels), step(theirs.train(), images, labels)
        print(line("training step", in_turn(*pair, options.repeats, device)), flush=True)


if __name__ == "__main__":
    main()
