"""Generated modules under what users run them with: autocast, channels last, compilers, several processes, files.

Every test runs on the CPU, and once more on a CUDA device where there is one. The processes of the distributed test
run this file as a program.
"""

from __future__ import annotations

import copy
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from oracles.generated import imported

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

TESTS = Path(__file__).resolve().parents[1]
EXACT, SINGLE = 1e-10, 1e-4
"""Relative differences that rounding explains, in double and in single precision."""


class Net(NamedTuple):
    """A builder of `generated/`, and images that are large enough for it."""

    file: str
    builder: str
    arguments: dict[str, object]
    channels: int
    size: int
    training_size: int | None = None

    def build(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = None, seed: int = 0) -> nn.Module:
        """Return the module, drawn on the CPU so that every device gets the same numbers."""
        import torch

        torch.manual_seed(seed)
        model: nn.Module = getattr(imported(Path(f"{self.file}.py")), self.builder)(**self.arguments)
        return model.to(device, dtype)

    def images(
        self, device: torch.device | str = "cpu", dtype: torch.dtype | None = None, n: int = 2, training: bool = False
    ) -> Tensor:
        import torch

        size = self.training_size if training and self.training_size else self.size
        draw = torch.Generator().manual_seed(n)
        return torch.randn(n, self.channels, size, size, generator=draw, dtype=torch.float64).to(device, dtype)


TEN = {"classes": 10}
# fmt: off
NETS = [
    Net("alexnet",      "alexnet",          TEN,                         3,  63),
    Net("cifar_resnet", "resnet20",         {},                          3,  16),
    Net("cifar_resnet", "resnet20b",        {},                          3,  16),
    Net("densenet",     "densenet121",      TEN,                         3,  32),
    Net("densenet_bc",  "densenet_40_12",   {},                          3,  16),
    Net("densenet_bc",  "densenetbc_40_12", {},                          3,  16),
    Net("efficientnet", "efficientnetb0",   TEN,                         3,  32),
    Net("googlenet",    "googlenet",        TEN,                         3,  32),
    Net("googlenet",    "googlenetpaper",   TEN | {"aux": True},         3, 224),
    Net("inception_v3", "inceptionv3",      TEN,                         3,  75, 299),
    Net("lenet",        "lenet5",           {},                          1,  32),
    Net("lite",         "vggsmall",         {},                          1,  28),
    Net("lite",         "resnet20lite",     {},                          1,  16),
    Net("lite",         "densenetlite",     {},                          1,  16),
    Net("lite",         "inceptionlite",    {},                          1,  16),
    Net("lite",         "efficientnetlite", {},                          1,  16),
    Net("lite",         "digitsnet",        {},                          1,   8),
    Net("lite",         "unetlite",         {},                          1,  16),
    Net("mnist",        "mnistmlp",         {},                          1,  28),
    Net("mnist",        "mnistcnn",         {},                          1,  28),
    Net("mobilenet_v2", "mobilenetv2",      TEN,                         3,  32),
    Net("resnet",       "resnet18",         TEN,                         3,  32),
    Net("resnet",       "resnet50",         TEN,                         3,  32),
    Net("resnet_d",     "resnet50d",        TEN,                         3,  32),
    Net("resnet_v2",    "preactresnet50",   TEN,                         3,  32),
    Net("resnext",      "resnext50_32x4d",  TEN,                         3,  32),
    Net("unet",         "unet",             {"base": 4, "depth": 2},     1,  16),
    Net("unet",         "unetvalid",        {"base": 4, "depth": 2},     1,  45),
    Net("vgg",          "vgg11",            TEN | {"global_pool": True}, 3,  32),
    Net("vgg",          "vgg11_bn",         TEN | {"global_pool": True}, 3,  32),
]

# A compiler takes seconds for a deep net, and meets nothing in it that one of these does not have.
SHALLOW = {
    "resnet20":         Net("cifar_resnet", "cifarresnet",   {"n": 1},                                3, 16),
    "densenet121":      Net("densenet",     "densenet",      {"growth": 8, "depths": (2, 2, 2), "stem": 16}, 3, 32),
    "densenet_40_12":   Net("densenet_bc",  "cifardensenet", {"depth": 10, "bc": False},              3, 16),
    "densenetbc_40_12": Net("densenet_bc",  "cifardensenet", {"depth": 16, "bc": True},               3, 16),
    "efficientnetb0":   Net("efficientnet", "efficientnet",  {"width": 0.5, "depth": 0.3},            3, 32),
    "resnet50d":        Net("resnet_d",     "resnetd",       {"depths": (1, 2, 1, 1)},                3, 32),
    "preactresnet50":   Net("resnet_v2",    "preactresnet",  {"depths": (1, 2, 1, 1)},                3, 32),
    "resnext50_32x4d":  Net("resnext",      "resnext",       {"depths": (1, 2, 1, 1)},                3, 32),
}
# fmt: on
ALIKE = {"resnet50", "googlenetpaper", "resnet20lite", "densenetlite", "inceptionlite", "efficientnetlite", "vgg11"}
ALIKE |= {"resnet20", "densenetbc_40_12", "inceptionv3", "vggsmall", "mnistmlp", "mnistcnn", "unet"}
"""What a compiler meets in another net already."""
COMPILED = [SHALLOW.get(net.builder, net) for net in NETS if net.builder not in ALIKE]
IN_TWO_PROCESSES = [net for net in COMPILED if net.builder not in ("alexnet", "inceptionv3")]
"""Without the most weights, and without InceptionV3, whose training takes images of 299 pixels."""


def over(nets: list[Net]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("net", nets, ids=[net.builder for net in nets])


@pytest.fixture(name="torch")
def _torch():
    return pytest.importorskip("torch")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request, torch):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)


@pytest.fixture(autouse=True)
def _one_thread_per_worker(torch):
    threads = torch.get_num_threads()
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def outputs(given: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return list(given) if isinstance(given, tuple) else [given]


def loss(given: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return a number that each output has its part in, and that is a mean over the images."""
    return sum((output.double().square().mean() for output in outputs(given)), start=0.0)


def difference(given: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest number."""
    given, expected = given.detach(), expected.detach()
    return float((given - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def differences(given: Tensor | tuple[Tensor, ...], expected: Tensor | tuple[Tensor, ...]) -> list[float]:
    return [difference(a, b) for a, b in zip(outputs(given), outputs(expected), strict=True)]


@over(NETS)
def test_autocast_makes_every_layer_with_a_product_compute_in_bfloat16(torch, device, net):
    model, dtypes = net.build(device), set()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d | torch.nn.Linear):
            module.register_forward_hook(lambda module, given, output: dtypes.add(output.dtype))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        trained = model(net.images(device, torch.float32, training=True))
        loss(trained).backward()
        with torch.no_grad():
            given = model.eval()(net.images(device, torch.float32))

    assert dtypes == {torch.bfloat16}
    assert {output.dtype for output in [given, *outputs(trained)]} == {torch.bfloat16}
    assert all(output.isfinite().all() for output in [given, *outputs(trained)])
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())


@over(NETS)
def test_channels_last_stays_so_in_every_layer_and_changes_no_output(torch, device, net):
    last = torch.channels_last
    model, images, strayed = net.build(device, torch.float64).eval(), net.images(device, torch.float64), []
    with torch.no_grad():
        expected = model(images)
        model.to(memory_format=last)
        for name, module in model.named_modules():
            module.register_forward_hook(
                lambda module, given, output, name=name: (
                    strayed.append(name) if output.dim() == 4 and not output.is_contiguous(memory_format=last) else None
                )
            )
        given = model(images.to(memory_format=last))

    assert difference(given, expected) <= EXACT
    assert strayed == []


@over(COMPILED)
def test_one_graph_without_a_break_is_compiled_in_training_and_in_evaluation(torch, device, net):
    torch._dynamo.reset()
    model = net.build(device)
    compiled = torch.compile(copy.deepcopy(model), backend="eager", fullgraph=True)
    for training in (True, False):
        images = net.images(device, torch.float32, training=training)
        model.train(training)
        compiled.train(training)
        torch.manual_seed(0)
        expected = model(images)
        torch.manual_seed(0)
        given = compiled(images)

        assert max(differences(given, expected)) <= SINGLE


# torch warns of its own parts when its compiler is first imported.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("builder", "backward"), [("mnistcnn", True), ("digitsnet", False)])
def test_compiled_code_computes_the_same(torch, device, builder, backward):
    if device.type == "cpu" and not shutil.which(os.environ.get("CXX", "g++")):
        pytest.skip("no C++ compiler")
    if device.type == "cuda":
        pytest.importorskip("triton")
    torch._dynamo.reset()
    net = next(net for net in NETS if net.builder == builder)
    model = net.build(device).eval().requires_grad_(backward)
    compiled = torch.compile(copy.deepcopy(model), fullgraph=True)
    images = net.images(device, torch.float32)
    expected, given = model(images), compiled(images)
    found = [difference(given, expected)]
    if backward:
        loss(expected).backward()
        loss(given).backward()
        pairs = zip(compiled.parameters(), model.parameters(), strict=True)
        found += [difference(p.grad, q.grad) for p, q in pairs]

    assert max(found) <= SINGLE


@over(COMPILED)
def test_an_exported_program_takes_any_number_of_images(torch, device, net):
    model = net.build(device).eval()
    batch = torch.export.Dim("batch")
    program = torch.export.export(
        model, (net.images(device, torch.float32),), dynamic_shapes=({0: batch},), strict=True
    ).module()
    for n in (1, 3):
        images = net.images(device, torch.float32, n)

        assert difference(program(images), model(images)) <= SINGLE


@over(NETS)
def test_forward_asks_for_no_value_of_a_tensor(torch, net):
    model = net.build("meta")
    for training in (True, False):
        given = model.train(training)(net.images("meta", torch.float32, training=training))

        assert {output.shape[0] for output in outputs(given)} == {2}


# `x.dim()`, which the crop of U-Net asks for, is no number to this tracer.
@over([net for net in NETS if net.builder != "unetvalid"])
def test_a_symbolic_trace_computes_the_same(torch, device, net):
    model, images = net.build(device).eval(), net.images(device, torch.float32)
    traced = torch.fx.symbolic_trace(model)
    with torch.no_grad():
        assert difference(traced(images), model(images)) <= SINGLE


@over(NETS)
def test_weights_go_through_a_file_into_a_net_drawn_otherwise(torch, device, net):
    model, images, file = net.build(device).eval(), net.images(device, torch.float32), io.BytesIO()
    other = net.build(device, seed=1).eval()
    with torch.no_grad():
        before = other(images)
        torch.save(model.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, map_location=device, weights_only=True), strict=True)
        expected, given = model(images), other(images)

    assert difference(before, expected) > SINGLE
    assert difference(given, expected) <= SINGLE


@over(NETS)
def test_a_deep_copy_computes_the_same_and_shares_no_number(torch, device, net):
    model, images = net.build(device).eval(), net.images(device, torch.float32)
    with torch.no_grad():
        expected = model(images)
        other = copy.deepcopy(model)
        for tensor in model.state_dict().values():
            tensor.zero_()
        given = other(images)

    assert difference(given, expected) <= SINGLE


def test_two_processes_get_the_gradients_of_one_and_wait_for_no_parameter(torch, device, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path), device.type], env=environment)
        for rank in range(2)
    ]
    try:
        codes = [rank.wait(timeout=300) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()

    assert codes == [0, 0]
    reports = [json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]
    assert reports == [{str(net): "as one process" for net in IN_TWO_PROCESSES}] * 2


def train_beside_another(rank: int, folder: Path, device: str) -> None:
    """Write what every net was like on one of two processes."""
    import torch

    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", f"file://{folder}/store", timedelta(seconds=60), rank=rank, world_size=2
    )
    report = {}
    for net in IN_TWO_PROCESSES:
        try:
            report[str(net)] = train_in_two(net, rank, device)
        except RuntimeError as error:
            report[str(net)] = str(error)
    (folder / f"{rank}.json").write_text(json.dumps(report), encoding="utf-8")
    torch.distributed.destroy_process_group()


def train_in_two(net: Net, rank: int, device: str) -> str:
    """Compare the gradients of two processes with those of one on all images, then take a second step."""
    import torch

    alone = net.build(device, torch.float64)
    for module in alone.modules():
        if isinstance(module, torch.nn.Dropout) or hasattr(module, "p"):
            module.p = 0.0
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # so that no image sees another
    model = torch.nn.parallel.DistributedDataParallel(copy.deepcopy(alone))
    images = net.images(device, torch.float64, 4)
    loss(alone(images)).backward()
    loss(model(images[2 * rank : 2 * rank + 2])).backward()
    pairs = zip(model.module.named_parameters(), alone.parameters(), strict=True)
    differ = [name for (name, ours), one in pairs if not difference(ours.grad, one.grad) <= EXACT]
    if differ:
        return f"other gradients of {', '.join(differ)}"

    # The second step is refused where the first left a parameter without a gradient.
    model.train()
    loss(model(images[2 * rank : 2 * rank + 2])).backward()
    lost = [name for name, p in model.module.named_parameters() if not p.grad.isfinite().all()]
    return f"no gradients of {', '.join(lost)}" if lost else "as one process"


if __name__ == "__main__":
    train_beside_another(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
