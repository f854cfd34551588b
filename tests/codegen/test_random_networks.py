"""The differential test: random networks as code, held against the analysis in every number.

Some hundreds here; `python -m tests.fuzz --count 20000` does any number. What was found that way stands below by name.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("torch")

from archdsl.codegen import generate
from archdsl.elaborate import Library
from archdsl.pipeline import network
from archdsl.source import Source
from archdsl.verify import verify
from oracles.random_networks import networks

# PyTorch's remark on even kernels with padding "same", which is drawn now and then.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")


def differences(text: str) -> list[str]:
    made = network(Library().add(Source("net.arch", text)), "Net")
    return [f"{check.name}: {line}" for check in verify(made) for line in check.differences]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_random_networks_are_what_the_analysis_says(axes):
    @settings(max_examples=70, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(networks(axes=[axes]))
    def compared(text: str) -> None:
        assert differences(text) == []

    compared()


CASES = [
    ("a block flattens maps of two sizes", """
block B { input x
  output x -> Flatten -> fc: Linear(4) }
model Net { input x: [3, 8, 8]
  a = x -> a: B
  b = x -> MaxPool2d(2) -> b: B
  output a + b }"""),
    ("a block of two outputs, one of them for training", """
block B { input x
  output a = x -> ReLU
  output b = x -> c: Conv1d(2, 1) }
model Net { input x: [4, 8]
  a, b = x -> u: B
  output a
  output o = b when training }"""),
    ("training calls a shared layer before evaluation does", """
model Net { input x: [1, 9, 9]
  input u: [1, 5, 5]
  share s = Dropout(p=0.5) * 2
  a = x -> s
  b = u -> s
  output b
  output o = a -> c: Conv2d(8, 1) when training }"""),
    ("an output of training hands its input through", """
block B { input x
  input u
  output a = x
  output b = u -> Tanh }
model Net { input x: [4, 8]
  y = x -> c: Conv1d(4, 3) -> d: Conv1d(4, 1)
  a, b = (x, y) -> B
  output a
  output o = b when training }"""),
    ("a block needs all its inputs, though one is handed through for training", """
block B { input x
  input u
  output a = x
  output b = u -> Tanh }
model Net { input x: [4, 8]
  y = x -> c: Conv1d(4, 1)
  a, b = (y, x) -> B
  output b
  output o = a when training }"""),
    ("an indexed label in a sequence", """
seq S = l[0]: Conv1d(2, 1) -> ReLU
model Net { input x: [4, 8]
  output x -> S -> g: (for i in range(2) { l[i]: Conv1d(2, 1) } -> ReLU) }"""),
    ("indexed labels that do not begin at 0", """
model Net { input x: [4, 8]
  for i in range(3) { x = x -> if i == 0 { ReLU } else { l[i]: Conv1d(4, 1) } }
  output x }"""),
    ("items of a list in another order than they run", """
model Net { input x: [2, 20]
  for (i, k) in enumerate([3, 2, 5]) { x = x -> l[2 - i]: Conv1d(k, k) }
  output x }"""),
    ("groups within groups, repeated", """
model Net { input x: [2, 40]
  output x -> outer: ((a: Conv1d(2, 1) -> ReLU -> (b: Conv1d(2, 3) -> Tanh) * 2) * 2 -> Sigmoid) * 2 }"""),
    ("a crop in three dimensions by one side", """
model Net { input x: [2, 4, 5, 6]
  output crop(x, left=1) -> c: Conv3d(2, 1) }"""),
    ("channels behind Unflatten", """
model Net(s: list = [1, 3]) { input x: [3, 22]
  output x -> Unflatten(1, s) -> c: Conv2d(2, 1) }"""),
    ("channels kept by Unflatten of another axis", """
model Net { input x: [6, 8]
  output x -> Unflatten(-1, (4, 2)) -> c: Conv2d(2, 1) }"""),
    ("a split axis of a part takes no memory", """
model Net { input x: [4, 20, 13]
  a, b = split(x, 2)
  y = b -> Unflatten(2, (10, -1)) -> Flatten
  output concat(a -> LocalResponseNorm(4) -> AdaptiveAvgPool2d(1) -> Flatten, y) }"""),
    ("a map with its channels last is copied where it is flattened", """
model Net { input x: [6, 5, 7]
  y = x -> n: LayerNorm2d -> GELU -> b: BatchNorm2d
  output concat(y -> Flatten, y -> Flatten) }"""),
    ("windows in the padding alone", """
model Net { input x: [2, 2]
  output x -> MaxPool1d(2, padding=1, dilation=3, ceil_mode=true) -> n: GroupNorm(2) }"""),
    ("windows in the padding alone, whose gradients PyTorch writes outside the map", """
model Net { input x: [11, 3, 1, 1]
  output x -> p: MaxPool3d((2, 2, 3), padding=1, dilation=(1, 3, 2), ceil_mode=true) -> c: Conv3d(2, 1) }"""),
    ("an input that only training reads", """
model Net { input x: [3, 23]
  input u: [8, 23]
  output u -> c: Conv1d(8, 3) -> ReLU
  output o = x -> d: Conv1d(1, 3) when training }"""),
    ("a list of factors", """
seq S(factors: list[float]) = Upsample(scale_factor=factors)
model Net { input x: [3, 10]
  for (i, f) in enumerate(([1.5], [0.5])) { x = x -> l[i]: S(factors=f) }
  output x }"""),
    ("layers of several kinds for one parameter", """
model Net(unit: block = PadChannels(0, 0)) { input x: [3, 22]
  output x -> a: unit -> c: Conv1d(2, 1) }
model Other = Net(unit=BatchNorm1d())"""),
    ("words of Python as names", """
model Net(lambda: int = 3, nn: int = 2) { input x: [3, 8, 8]
  self = x -> class_: Conv2d(lambda, nn)
  output torch = self -> ReLU }"""),
    ("initialisation where there is nothing to initialise", """
model Net { input x: [3, 8, 8]
  init kaiming_normal
  output x -> ReLU }"""),
    ("a default that uses another parameter", """
block B(n: int = 6, k: int = n // 6) { input x
  output x -> c: Conv1d(n, k) }
model Net { input x: [3, 8]
  output x -> a: B -> b: B(12) }"""),
    ("a layer asks for a size", """
model Net { input x: [3, W = 4]
  output x -> b: BatchNorm1d(affine=W < 8) }"""),
    ("a vector beside a map that became one", """
model Net { input u: [10]
  a = u -> Unflatten(1, (2, 5, 1)) -> MaxPool2d((4, 1), 2) -> AdaptiveAvgPool2d(1) -> Flatten
  output concat(a, u) }"""),
    ("maxima whose places nobody reads", """
model Net { input x: [3, 8, 8]
  a = x -> AdaptiveMaxPool2d(1)
  output a * (x -> c: Conv2d(3, 1)) }"""),
    ("a norm over a batch of single values", """
model Net { input x: [3, 8, 8]
  output x -> AdaptiveAvgPool2d(1) -> n: BatchNorm2d(track_running_stats=false) }"""),
    ("a nearest upsampling by a fraction", """
model Net { input x: [2, 3, 3, 3]
  output x -> u: Upsample(scale_factor=(2, 2.25, 2)) }"""),
    ("an arm that no model takes", """
seq S = l: Flatten
model Net(n: int = 1) { input x: [3, 8, 8]
  if n > 1 { y = x -> for k in range(3) { "l{k}": S } } else { y = x -> Flatten }
  output y }
model Other = Net(n=1)"""),
    ("a block passed where no model comes", """
block B { input x
  output x -> ReLU }
seq S(unit: block) = c: Conv1d(2, 1) -> u: unit -> B
model Net(n: int = 2) { input x: [3, 8]
  output x -> (if n > 2 { s: S(unit=Mish) } else { B }) }"""),
    ("a sum written over the layer that is asked", """
model Net { input x: [3, 13]
  y = x -> c: Conv1d(4, 5)
  output z = y + (crop(x, start=3, end=1) -> d: Conv1d(4, 1)) }"""),
    ("a shared module that leaves out layers where the map is large", """
block B { input x: [c, h, w]
  if h <= 7 { x = x -> p: ReflectionPad2d(2) -> u: Upsample(size=10) }
  output x }
model Net { input x: [3, 7, 9]
  share s = (ReLU -> for i in range(2) { c[i]: Conv2d(3, 1) } -> b: B)
  y = x -> b: B
  z = x -> s
  output (y -> s) + z }"""),
    ("channels that lie together", """
model Net { input x: [3, 5, 6]
  output x -> LayerNorm2d -> u: ConvTranspose2d(4, 4) -> Flatten -> l: Linear(1) }"""),
    ("a norm whose gradient crashes PyTorch where its input wants none", """
model Net { input x: [3, 9, 17]
  output x -> LayerNorm2d(elementwise_affine=false) -> g: GroupNorm(1) }"""),
    ("an activation that is called again where its input is still read", """
model Net { input x: [3, 8, 8]
  a = x -> c: Conv2d(4, 1) -> ReLU -> d: Conv2d(4, 1)
  b = a -> ReLU
  output a + b }"""),
    ("a shared activation whose second input is still read", """
model Net { input x: [3, 8, 8]
  share act = ReLU
  a = x -> c: Conv2d(4, 1) -> act -> d: Conv2d(4, 1)
  output a * (a -> act) }"""),
    ("what only training reads of a block, handed on", """
block B { input x: [c, h, w]
  input v: [c, h, w]
  share s = Identity
  output o = v -> s
  output p = x * (x -> AdaptiveMaxPool2d(1) -> g: Conv2d(c, 1) -> Sigmoid) }
model Net { input x: [4, 6, 17]
  y = x * x
  a, b = (y, x) -> u: B
  output b
  output t = 0.5 * a when training }"""),
    ("a softmax that is passed", """
block B(unit: block) { input x
  output x -> c: Conv2d(3, 1) -> u: unit }
model Net { input x: [3, 5, 5]
  output x -> a: B(unit=LogSoftmax) -> b: B(unit=ReLU) }"""),
    ("values beyond float32", """
block B { input x
  output x * x }
model Net { input x: [3, 8]
  output x -> c: Conv1d(4, 1) -> 4 * x -> B -> B -> B -> B -> B -> B -> B }""".replace("-> 4 * x ", "")),
    ("an interpolation that a rounding error widens", """
model Net { input x: [3, 29]
  output x -> Upsample(7, mode="linear") -> c: ConvTranspose1d(3, 5) }"""),
    ("a crop to a fixed size in a model whose blocks crop to what they meet", """
block Cut { input x
  input u
  output concat(crop(u, like=x), x) }
model Net { input x: [6, 21, 23]
  input u: [4, 19, 7]
  a = x -> AdaptiveAvgPool2d((6, 4)) -> AdaptiveMaxPool2d(2)
  wide = u + u
  b = concat(crop(u, like=a), a)
  gated = b * (b -> AdaptiveAvgPool2d(1) -> gate: Conv2d(10, 1) -> Sigmoid)
  output out = b * 2
  output aux = (gated, wide -> AdaptiveMaxPool2d(6)) -> cut: Cut when training }"""),
    ("squares beyond float32", """
block B { input x
  output x * x }
model Net { input x: [3, 8]
  output x -> c: Conv1d(4, 1) -> B -> B -> B -> B -> B -> B }"""),
]  # fmt: skip


@pytest.mark.parametrize("text", [text for _, text in CASES], ids=[name for name, _ in CASES])
def test_what_was_once_wrong_stays_right(text):
    generate(Library().add(Source("net.arch", text)))  # the whole family too

    assert differences(text) == []
