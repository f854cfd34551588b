"""The training step of a generated script beside torchvision's ResNet-18 in a plain loop, turn by turn.

From a checkout, with torch and torchvision:

    python tests/benchmarks/training_throughput.py --batch 32 --size 32 --steps 20 --pairs 6
    python tests/benchmarks/training_throughput.py --device cuda --batch 256 --size 224 --peak 989 --bandwidth 4.8

Both train on the same bytes, with SGD and Nesterov momentum, decay, and cross-entropy, each in a process of its own.
They are timed in turn, each first in every other turn; a ratio is taken within each turn, so that what else the machine
does falls on both. A plain loop is: a batch, `zero_grad`, the forward and the backward pass, `step`. It has

- its images as float tensors, normalised beforehand, where ours makes them from bytes at each step; or
- a `DataLoader` in its own process that flips and crops each image with torchvision's transforms, where ours flips and
  crops the batch.

On one thread of the CPU the times are the processor's, without those of waiting for it. Only ratios mean anything.

On CUDA the rows are the script alone, faster and faster, from eager float32 on. MFU is the FLOP of convolutions and
matrix products, forward and backward and without recomputation, over the peak rate that is given. `bound` is the least
time of a step that `archdsl.train.roofline` predicts, over the time measured. Where there is no CUDA device, a line
says so.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from archdsl.codegen import generate  # noqa: E402 - the line above makes the oracles importable
from archdsl.pipeline import Network, load  # noqa: E402
from archdsl.train.roofline import Device, roofline  # noqa: E402
from archdsl.train.script import training_script  # noqa: E402
from oracles.torchvision_models import torchvision  # noqa: E402

WARM_STEPS = 10
IMAGES, CLASSES, PADDING = 1024, 10, 4
RATE, DECAY = 1e-3, 5e-4
PLAIN = {"optimizer": "nesterov", "schedule": "constant", "lr": RATE, "weight_decay": DECAY, "validation": 0}
CHANGES: dict[str, dict[str, Any]] = {"ready tensors": {}, "flip and crop": {"flip": True, "crop": PADDING}}
CUDA_ROWS: dict[str, dict[str, Any]] = {
    "eager float32": {},
    "+ channels_last": {"channels_last": True},
    "+ bf16": {"channels_last": True, "amp": "bf16"},
    "+ compile": {"channels_last": True, "amp": "bf16", "compile": "default"},
    "+ CUDA graphs": {"channels_last": True, "amp": "bf16", "compile": "reduce-overhead"},
}


def resnet18(size: int) -> Network:
    """Return the network for the images of the table."""
    return load(ROOT / "specs" / "resnet.arch", "ResNet18", classes=CLASSES, H=size, W=size)


def script_of(made: Network, folder: Path) -> ModuleType:
    """Write a network and its training script into a folder, and import the script."""
    (folder / "net.py").write_text(generate(made), encoding="utf-8")
    (folder / "train_net.py").write_text(training_script(made, "net.py"), encoding="utf-8")
    sys.path.insert(0, str(folder))
    return importlib.import_module("train_net")


def noise(size: int) -> tuple[Tensor, Tensor]:
    """Return images of bytes and their classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 3, size, size), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, CLASSES, (IMAGES,), generator=generator)


def trainer(script: ModuleType, pixels: tuple[Tensor, Tensor], device: torch.device, **given: Any) -> Any:
    """Return the trainer of the script, which makes one step a call of `advance`."""
    split = script.Split(*pixels)
    data = script.assembled("noise", split, split.at(torch.arange(8)), tuple(map(str, range(CLASSES))))
    options = script.Options(data="noise", **{**PLAIN, **given})
    script.set_up(options)
    (architecture,) = script.ARCHITECTURES.values()
    return script.make_trainer(architecture, data, options, script.World(0, 1, device))[0]


class Changed(Dataset[tuple[Tensor, Tensor]]):
    """Images that are flipped, cropped and normalised one at a time."""

    def __init__(self, images: Tensor, labels: Tensor, mean: Tensor, std: Tensor) -> None:
        transforms = torchvision().transforms
        steps = [transforms.RandomHorizontalFlip(), transforms.RandomCrop(images.shape[-1], padding=PADDING),
                 transforms.ConvertImageDtype(torch.float32),
                 transforms.Normalize(mean.tolist(), std.tolist())]  # fmt: skip
        self.images, self.labels, self.change = images, labels, transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        return self.change(self.images[place]), self.labels[place]


def plain_batches(pixels: tuple[Tensor, Tensor], kind: str, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches for ever, epoch by epoch, the last incomplete one left out."""
    images, labels = pixels
    scaled = images.float() / 255
    mean, std = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))
    if kind == "flip and crop":
        loader = DataLoader(Changed(images, labels, mean, std), batch, shuffle=True, num_workers=0, drop_last=True)
        while True:
            yield from loader
    ready = (scaled - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
    while True:
        for part in torch.randperm(len(images)).split(batch)[: len(images) // batch]:
            yield ready[part], labels[part]


def plain_step(model: nn.Module, batches: Iterator[tuple[Tensor, Tensor]]) -> Callable[[], None]:
    """Return a training step as a tutorial writes it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=DECAY)

    def step() -> None:
        images, labels = next(batches)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def perform(end: Connection, kind: str, ours: bool, options: argparse.Namespace) -> None:
    """Make a step whenever it is asked for, and answer how long it took by the clock and by the processor."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    pixels = noise(options.size)
    if ours:
        with tempfile.TemporaryDirectory() as folder:
            script = script_of(resnet18(options.size), Path(folder))
        work = trainer(script, pixels, torch.device("cpu"), batch=options.batch, **CHANGES[kind]).advance
    else:
        model = torchvision().models.resnet18(num_classes=CLASSES)
        work = plain_step(model.train(), plain_batches(pixels, kind, options.batch))
    for _ in range(WARM_STEPS):
        work()
    end.send(None)
    while end.recv():
        clock, processor = time.perf_counter(), time.process_time()
        work()
        end.send((time.perf_counter() - clock, time.process_time() - processor))


def turns(kind: str, options: argparse.Namespace) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield the times of both, each in a process of its own: neither computes in memory that the other has freed."""
    context = multiprocessing.get_context("spawn")
    ends, processes = [], []
    for ours in (True, False):
        end, other = context.Pipe()
        processes.append(context.Process(target=perform, args=(other, kind, ours, options), daemon=True))
        processes[-1].start()
        end.recv()
        ends.append(end)
    for turn in range(options.steps):
        times = {}
        for number in (0, 1) if turn % 2 else (1, 0):
            ends[number].send(True)
            times[number] = ends[number].recv()
        yield times[0], times[1]
    for end, process in zip(ends, processes, strict=True):
        end.send(False)
        process.join()


def on_cpu(options: argparse.Namespace) -> None:
    """Print the medians of both, and of the ratio between its quartiles, by the clock and by the processor."""
    print(f"torch {torch.__version__}, {options.threads} threads, batch {options.batch}, 3 x {options.size} x "
          f"{options.size}, {options.pairs} times {options.steps} steps\n")  # fmt: skip
    print("images          time        ours, ms   theirs, ms   theirs / ours   quartiles")
    for kind in CHANGES:
        # A process keeps the memory that it was given, which makes its convolutions faster or slower by some per cent.
        pairs = [turn for _ in range(options.pairs) for turn in turns(kind, options)]
        for number, name in enumerate(("clock", "processor")):
            times = [(ours[number], theirs[number]) for ours, theirs in pairs]
            low, middle, high = statistics.quantiles([b / a for a, b in times], n=4)
            ours, theirs = (statistics.median(one) * 1e3 for one in zip(*times, strict=True))
            print(f"{kind:<15} {name:<10} {ours:9.1f} {theirs:12.1f} {middle:15.3f}   {low:.3f} to {high:.3f}",
                  flush=True)  # fmt: skip


def events(work: Callable[[], object], steps: int) -> list[float]:
    """Return the seconds between the ends of steps, by the device's own clock, which nothing waits for."""
    for _ in range(WARM_STEPS):
        work()
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize()
    return [one.elapsed_time(other) / 1e3 for one, other in pairwise(marks)]


def on_cuda(options: argparse.Namespace) -> None:
    """Print images a second, MFU and the bound, from eager float32 to all that makes it faster."""
    network, device = resnet18(options.size), torch.device(options.device)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name(device)}, batch {options.batch}, 3 x "
          f"{options.size} x {options.size}, {options.steps} steps, data path included, peak {options.peak} TFLOP/s "
          f"({options.peak_float32} in float32), {options.bandwidth} TB/s\n")  # fmt: skip
    print("ResNet-18           images/s     ms   to eager     MFU   bound / measured   GiB")
    eager = 0.0
    with tempfile.TemporaryDirectory() as folder:
        script = script_of(network, Path(folder))
        for label, given in CUDA_ROWS.items():
            amp = given.get("amp")
            torch.cuda.reset_peak_memory_stats(device)
            made = trainer(script, noise(options.size), device, batch=options.batch, flip=True, crop=PADDING, **given)
            step = statistics.median(events(made.advance, options.steps))
            eager = eager or step
            lines = roofline(network.graph, batch=options.batch, amp=amp)
            peak = (options.peak if amp else options.peak_float32) * 1e12
            bound = lines.seconds(Device(peak, options.bandwidth * 1e12))
            held = torch.cuda.max_memory_allocated(device) / 2**30
            print(f"{label:<18} {options.batch / step:9,.0f} {step * 1e3:6.1f} {eager / step:9.2f}x "
                  f"{lines.flop / step / peak:7.1%} {bound / step:18.2f} {held:5.1f}", flush=True)  # fmt: skip
            del made
            torch.cuda.empty_cache()


def main() -> None:
    """Print the table of a device."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="images of a step (default: %(default)s)")
    parser.add_argument("--size", type=int, default=32, help="their height and width (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=50, help="that are timed (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=5, help="of processes (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument(
        "--peak", type=float, default=989, help="dense bf16 TFLOP/s of the device (default: %(default)s, H100 and H200)"
    )
    parser.add_argument("--peak-float32", type=float, default=495, help="TFLOP/s of TF32 (default: %(default)s)")
    parser.add_argument("--bandwidth", type=float, default=4.8, help="of its memory, TB/s (default: %(default)s, H200)")
    options = parser.parse_args()
    if options.steps < 2:
        parser.error("a spread takes at least two steps")
    if options.batch > IMAGES:
        parser.error(f"there are {IMAGES} images")
    torch.set_num_threads(options.threads)
    if options.device == "cpu":
        on_cpu(options)
    elif torch.cuda.is_available():
        on_cuda(options)
    else:
        print("there is no CUDA device here: nothing was measured")


if __name__ == "__main__":
    main()
