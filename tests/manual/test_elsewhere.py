"""The words of other programs on the pages are what those programs say: each message is provoked and compared."""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Callable
from itertools import chain

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - so it is called everywhere

from archdsl.manual.messages import MESSAGES
from archdsl.manual.search import find, pieces
from archdsl.rules import RULES

IMAGE, WIDE, VECTOR = torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8), torch.zeros(1, 1152)
NEED_CUDA = {
    "CUDA out of memory. Tried to allocate ...",
    "Expected all tensors to be on the same device, but found at least two devices, ...",
}


def state(keys: list[str], shape: tuple[int, ...] = (1, 1)) -> None:
    nn.Sequential(nn.Linear(1, 1)).load_state_dict({key: torch.zeros(shape) for key in keys})


def even_kernel() -> None:
    """PyTorch says it once in the life of a process, unless asked to say it always."""
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            nn.Conv2d(1, 1, 4, padding="same")(IMAGE)
    finally:
        torch.set_warn_always(False)
    raise UserWarning(" ".join(str(warning.message) for warning in found))


def unused() -> None:
    x, y = (torch.zeros(1, requires_grad=True) for _ in range(2))
    torch.autograd.grad(x.sum(), [y])


def compiled(text: str) -> Callable[[], object]:
    return lambda: compile(text, "<example>", "exec")


def executed(text: str) -> Callable[[], object]:
    return lambda: exec(text, {"__name__": "example", "__package__": ""})  # the texts are those below


# fmt: off
TORCH: dict[str, Callable[[], object]] = {
    "module 'torch.nn' has no attribute '...'": lambda: nn.Conv2D,
    "got an unexpected keyword argument '...'": lambda: nn.Conv2d(1, 1, 3, strides=2),
    "missing ... required positional argument: '...'": lambda: nn.Conv2d(1, 1),
    "takes from ... to ... positional arguments but ... were given": lambda: nn.ReLU(1, 2, 3),
    "padding='same' is not supported for strided convolutions": lambda: nn.Conv2d(1, 1, 3, padding="same", stride=2),
    "Invalid padding string '...', should be one of": lambda: nn.Conv2d(1, 1, 3, padding="full"),
    "padding_mode must be one of": lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"),
    'Only "zeros" padding mode is supported for ConvTranspose2d': lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"),
    "groups must be a positive integer": lambda: nn.Conv2d(1, 1, 3, groups=0),
    "non-positive stride is not supported": lambda: nn.Conv2d(1, 1, 3, stride=0)(IMAGE),
    "dropout probability has to be between 0 and 1, but got ...": lambda: nn.Dropout(3),
    "expected stride to be a single integer value or a list of ... values to match the convolution dimensions": lambda: nn.Conv2d(1, 1, (3, 3, 3))(IMAGE),
    "Missing key(s) in state_dict: ...": lambda: state([]),
    "Unexpected key(s) in state_dict: ...": lambda: state(["a.weight"]),
    "size mismatch for ...: copying a param with shape torch.Size([...]) from checkpoint": lambda: state(["0.weight"], (2, 2)),
    "attribute '...' already exists": lambda: nn.Module().add_module("train", nn.ReLU()),
    "module name can't contain \".\", got: ...": lambda: nn.Module().add_module("a.b", nn.ReLU()),
    "'...' object has no attribute '...'": lambda: nn.ReLU().conv1,
    "Given groups=..., weight of size [...], expected input[...] to have ... channels, but got ...": lambda: nn.Conv2d(1, 64, 3)(WIDE),
    "Given transposed=..., weight of size [...], expected input[...] to have ... channels, but got ...": lambda: nn.ConvTranspose2d(1, 64, 3)(WIDE),
    "running_mean should contain ... elements not ...": lambda: nn.BatchNorm2d(8)(WIDE),
    "Given normalized_shape=[...], expected input with shape [...], but got input of size[...]": lambda: nn.LayerNorm(8)(VECTOR),
    "Cannot find callable ... in hubconf": lambda: torch.hub.load(".", "resnet19", source="local"),
    "module 'torch.nn.init' has no attribute '...'": lambda: nn.init.kaiming,
    "Unsupported nonlinearity ...": lambda: nn.init.kaiming_normal_(VECTOR.clone(), nonlinearity="rectifier"),
    "Mode ... not supported, please use one of ['fan_in', 'fan_out']": lambda: nn.init.kaiming_normal_(VECTOR.clone(), mode="fan"),
    "The size of tensor a (...) must match the size of tensor b (...) at non-singleton dimension ...": lambda: torch.zeros(1, 256, 8, 8) + torch.zeros(1, 64, 8, 8),
    "Sizes of tensors must match except in dimension .... Expected size ... but got size ...": lambda: torch.cat([IMAGE, IMAGE[..., 1:, :]], 1),
    "Tensors must have same number of dimensions: got ... and ...": lambda: torch.cat([IMAGE, VECTOR], 1),
    "Calculated padded input size per channel: (...). Kernel size: (...). Kernel size can't be greater than actual input size": lambda: nn.Conv2d(1, 1, 9)(IMAGE),
    "Given input size: (...). Calculated output size: (...). Output size is too small": lambda: nn.MaxPool2d(9)(IMAGE),
    "in_channels must be divisible by groups": lambda: nn.Conv2d(4, 9, 3, groups=3),
    "out_channels must be divisible by groups": lambda: nn.Conv2d(3, 8, 3, groups=3),
    "num_channels (...) must be divisible by num_groups (...)": lambda: nn.GroupNorm(3, 8),
    "Expected number of channels in input to be divisible by num_groups, but got input of shape": lambda: F.group_norm(WIDE, 2),
    "mat1 and mat2 shapes cannot be multiplied (... and ...)": lambda: nn.Linear(2048, 10)(VECTOR),
    "shape '[...]' is invalid for input of size ...": lambda: IMAGE.view(-1, 60),
    "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [...]": lambda: nn.Conv2d(1, 2, 3)(VECTOR),
    "expected 4D input (got ... input)": lambda: nn.BatchNorm2d(1)(VECTOR),
    "non-empty 3D or 4D (batch mode) tensor expected for input": lambda: nn.MaxPool2d(2)(VECTOR),
    "Expected 3D or 4D tensor, but got [...]": lambda: nn.AdaptiveAvgPool2d(2)(VECTOR),
    "Dimension out of range (expected to be in range of [...], but got ...)": lambda: nn.Flatten(5)(VECTOR),
    "pad should be at most half of effective kernel size, but got pad=..., kernel_size=... and dilation=...": lambda: nn.MaxPool2d(3, padding=3)(IMAGE),
    "Padding size should be less than the corresponding input dimension, but got: padding": lambda: nn.Conv2d(1, 1, 3, padding=9, padding_mode="reflect")(IMAGE),
    "Padding value causes wrapping around more than once.": lambda: nn.Conv2d(1, 1, 3, padding=9, padding_mode="circular")(IMAGE),
    "output padding must be smaller than either stride or dilation, but got output_padding_height": lambda: nn.ConvTranspose2d(1, 1, 3, output_padding=2)(IMAGE),
    "Given input size per channel: (...). Calculated output size per channel: (...). Output size is too small": lambda: nn.ConvTranspose2d(1, 1, 1, padding=4)(IMAGE),
    "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor": lambda: nn.PixelShuffle(2)(WIDE),
    "split_with_sizes expects split_sizes to sum exactly to ... (input tensor's size at dimension ...)": lambda: WIDE.split([1, 1], 1),
    "Attempted to use an uninitialized parameter in ...": lambda: [p.numel() for p in nn.LazyLinear(3).parameters()],
    "Can't access the shape of an uninitialized parameter or buffer.": lambda: nn.LazyLinear(3).weight.shape,
    "argument 'input' (position 1) must be Tensor, not NoneType": lambda: nn.Linear(1, 1)(None),
    "argument 'input' (position 1) must be Tensor, not int": lambda: nn.ReLU()(3),
    "received an invalid combination of arguments - got (...), but expected one of:": lambda: nn.Conv2d(1, 1, 1)(3),
    "forward() takes ... positional arguments but ... were given": lambda: nn.ReLU()(IMAGE, IMAGE),
    "forward() missing ... required positional argument: '...'": lambda: nn.ReLU()(),
    "Overflow when unpacking long": lambda: nn.Conv2d(1, 10**30, 1),
    "appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.": unused,
    "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy": even_kernel,
    "Expected more than 1 value per channel when training, got input size ...": lambda: nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1)),
    "Expected input batch_size (...) to match target batch_size (...).": lambda: nn.CrossEntropyLoss()(torch.zeros(4, 10), torch.zeros(3, dtype=torch.long)),
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate ... bytes.": lambda: torch.empty(10**17),
    "mat1 and mat2 must have the same dtype, but got ... and ...": lambda: nn.Linear(1, 1)(torch.zeros(1, 1, dtype=torch.double)),
    "Tensor on device ... is not on the expected device ...!": lambda: nn.Linear(2, 2)(torch.zeros(2, 2, device="meta")),
}
PYTHON: dict[str, Callable[[], object]] = {
    "invalid syntax": compiled("x -> y"),
    "invalid syntax. Perhaps you forgot a comma?": compiled("f(a b)"),
    "unexpected indent": compiled("  a"),
    "expected ':'": compiled("if a\n  b"),
    "unterminated string literal (detected at line ...)": compiled('"a'),
    "'(' was never closed": compiled("f(a"),
    "'[' was never closed": compiled("[a"),
    "'{' was never closed": compiled("{a"),
    "unmatched ')'": compiled("a)"),
    "unmatched '}'": compiled("a}"),
    "closing parenthesis '...' does not match opening parenthesis '...'": compiled("(a]"),
    "cannot assign to True": compiled("True = 1"),
    "f-string: expecting '}'": compiled("f'{a'"),
    "f-string: single '}' is not allowed": compiled("f'a}'"),
    "maximum recursion depth exceeded": executed("def f(): return f()\nf()"),
    "name '...' is not defined": executed("y"),
    "cannot access local variable '...' where it is not associated with a value": executed("def f():\n  x\n  x = 1\nf()"),
    "'...' object cannot be interpreted as an integer": lambda: range("a"),
    "'...' object is not iterable": lambda: list(3),
    "unsupported operand type(s) for ...: '...' and '...'": lambda: 8 + "a",
    'can only concatenate str (not "int") to str': lambda: "a" + 8,
    "could not convert string to float: '...'": lambda: float("a"),
    "invalid literal for int() with base 10: '...'": lambda: int("a"),
    "division by zero": lambda: 1 / 0,
    "list index out of range": lambda: [][0],
    "cannot unpack non-iterable int object": executed("a, b = 3"),
    "not enough values to unpack (expected ..., got ...)": executed("a, b = [1]"),
    "too many values to unpack (expected ...)": executed("a, b = [1, 2, 3]"),
    "too many nested parentheses": compiled("(" * 300),
    "'utf-8' codec can't decode byte ... in position ...: ...": lambda: b"\xff".decode("utf-8"),
    "No module named '...'": lambda: importlib.import_module("resnet_of_nobody"),
    "cannot import name '...' from '...'": executed("from math import resnet"),
    "attempted relative import beyond top-level package": lambda: importlib.import_module("..secret", "folder"),
    "attempted relative import with no known parent package": executed("from . import secret"),
    "cannot import name '...' from partially initialized module '...' (most likely due to a circular import)": lambda: importlib.import_module("circle_a"),
}
# fmt: on


def said(program: str) -> set[str]:
    """Return what some program says on any page."""
    pages = chain.from_iterable(rule.elsewhere.get(program, ()) for rule in RULES.values())
    others = chain.from_iterable(message.says for message in MESSAGES if message.who == program)
    return {*pages, *others}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a hub that has no model, and two modules that import each other."""
    (tmp_path / "hubconf.py").write_text("dependencies = []\n", encoding="utf-8")
    (tmp_path / "circle_a.py").write_text("from circle_b import b\na = 1\n", encoding="utf-8")
    (tmp_path / "circle_b.py").write_text("from circle_a import a\nb = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def pattern(message: str) -> str:
    return ".*?".join(map(re.escape, message.split("...")))


def heard(provoke: Callable[[], object]) -> str:
    """Return what is said when something goes wrong, as a person would paste it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its message is compared below
        provoke()
    error = caught.value
    return str(error.args[0] if isinstance(error, KeyError) else error)


@pytest.mark.parametrize("message", sorted(said("PyTorch") - NEED_CUDA))
def test_pytorch_says_so(message, folder):
    assert re.search(pattern(message), heard(TORCH[message]), re.DOTALL)


@pytest.mark.parametrize("message", sorted(said("Python")))
def test_python_says_so(message, folder):
    assert re.search(pattern(message), heard(PYTHON[message]), re.DOTALL)


@pytest.mark.parametrize("message", sorted(said("PyTorch") - NEED_CUDA))
def test_what_pytorch_says_leads_to_a_page_that_has_it(message, folder):
    """The whole message is pasted, with its numbers and, for state dicts and tracebacks, its other lines."""
    pasted = heard(TORCH[message])
    best = find(pasted).hits[0].page().facts["elsewhere"]["PyTorch"]

    assert any(re.search(pattern(known), pasted, re.DOTALL) for known in best)


@pytest.mark.parametrize("message", sorted(said("Keras")))
def test_a_message_of_keras_leads_to_its_page(message):
    found = find(message.replace("...", "7"))

    assert message in found.hits[0].page().facts["elsewhere"]["Keras"]


def test_every_message_has_words_to_be_found_by():
    everything = said("PyTorch") | said("Keras") | said("Python")

    assert len(everything) > 100
    assert all(sum(map(len, pieces(message))) >= 1 for message in everything)
