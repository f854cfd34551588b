"""A graph of ours as a PyTorch model, built op by op from what each op says of its module: what ours is held against.

The *real* twin has the layers that the ops name. The *positive* twin has weights that are all positive and means for
maxima, and nothing else that can cancel or saturate: there, an output has a gradient at exactly the pixels that it
depends on. It answers for the receptive field (MATHS, "Verification harness").
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from archdsl.graph import Graph, Node

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

Build = Callable[[Node, Any], "nn.Module | None"]


def evaluated(graph: Graph) -> list[Node]:
    """Return what evaluation runs."""
    return [node for node in graph.nodes if node.index not in graph.training_only]


def results(graph: Graph) -> list[Node]:
    """Return the outputs of evaluation."""
    return [node for name, node in graph.outputs.items() if name not in graph.training_outputs]


def real(graph: Graph, *, training: bool = False, device: str = "cpu") -> fx.GraphModule:
    """Return the twin with PyTorch's layers, in evaluation mode; with all of its outputs where `training`."""
    import torch

    nodes = graph.nodes if training else evaluated(graph)
    outputs = list(graph.outputs.values()) if training else results(graph)
    with torch.device(device):
        return _module(graph, nodes, outputs, _layer).eval()


def positive(graph: Graph, node: Node) -> fx.GraphModule:
    """Return the positive twin of a graph up to one node, in double precision."""
    needed = {node.index, *(fed.index for fed in graph.inputs.values())}
    for one in reversed(graph.nodes[: node.index + 1]):
        if one.index in needed:
            needed.update(one.inputs)
    nodes = [one for one in graph.nodes if one.index in needed]
    return _module(graph, nodes, [node], _positive_layer, _plus).double().eval()


def _module(
    graph: Graph, nodes: Sequence[Node], outputs: Sequence[Node], build: Build, product: Any = None
) -> fx.GraphModule:
    from torch import fx

    drawn, modules, values = fx.Graph(), dict[str, "nn.Module"](), dict[int, fx.Node]()
    names = {node.index: name for name, node in graph.inputs.items()}
    for node in nodes:
        arguments = tuple(values[i] for i in node.inputs)
        if node.index in names:
            values[node.index] = drawn.placeholder(names[node.index])
        elif node.op.name in FUNCTIONS:
            function = FUNCTIONS[node.op.name](node.op)
            if product is not None and node.op.name == "multiply":
                function = product
            values[node.index] = drawn.call_function(function, arguments)
        else:
            if node.path not in modules:
                assert node.call == 0 or not node.op.stateful, "the first call of a module brings its weights"
                modules[node.path] = build(node, graph.types(node))
            values[node.index] = drawn.call_module(node.path, arguments)
    returned = tuple(values[node.index] for node in outputs)
    drawn.output(returned if len(returned) > 1 else returned[0])
    return fx.GraphModule(modules, drawn, graph.model or "Net")


# Functions of the language, which have no module.


def _add(op: Any) -> Callable[..., Tensor]:
    return _plus


def _plus(*xs: Tensor) -> Tensor:
    return reduce(operator.add, xs)


def _multiply(op: Any) -> Callable[..., Tensor]:
    return lambda *xs: reduce(operator.mul, xs)


def _scale(op: Any) -> Callable[..., Tensor]:
    return lambda x: op.factor * x


def _concat(op: Any) -> Callable[..., Tensor]:
    def concat(*xs: Tensor) -> Tensor:
        import torch

        return torch.cat(xs, dim=1)

    return concat


def _crop(op: Any) -> Callable[..., Tensor]:
    def crop(x: Tensor) -> Tensor:
        if x.dim() == 3:
            return x[:, :, op.start : x.shape[2] - op.end]
        return x[:, :, op.top : x.shape[2] - op.bottom, op.left : x.shape[3] - op.right]

    return crop


def _chunk(op: Any) -> Callable[..., Tensor]:
    return lambda x: x.narrow(1, op.start, op.length)


FUNCTIONS: dict[str, Callable[[Any], Callable[..., Tensor]]] = {
    "add": _add,
    "multiply": _multiply,
    "scale": _scale,
    "concat": _concat,
    "crop": _crop,
    "chunk": _chunk,
}


def _layer(node: Node, types: Any) -> nn.Module:
    from torch import nn

    from oracles.torchvision_models import torchvision

    call = node.op.module(*types)
    if call.name == "PadChannels":
        return nn.ConstantPad3d((0, 0, 0, 0, *call.positional), 0.0)
    if call.name == "LayerNorm2d":
        return torchvision().models.convnext.LayerNorm2d(*call.positional, **call.keywords)
    kind = getattr(nn, call.name.removeprefix("nn."), None) or getattr(torchvision().ops, call.name)
    return kind(*call.positional, **call.keywords)


# The positive twin.

KEPT = ("AvgPool", "AdaptiveAvgPool", "Flatten", "ZeroPad", "PixelShuffle", "PixelUnshuffle", "Upsample", "PadChannels")
WEIGHTED = ("Conv", "Linear")


def _positive_layer(node: Node, types: Any) -> nn.Module:
    import torch
    from torch import nn

    name = node.op.name
    if name.startswith(WEIGHTED):
        layer = _layer(node, types)
        with torch.no_grad():
            layer.weight.fill_(layer.weight.shape[0] / layer.weight.numel())
            if layer.bias is not None:
                layer.bias.zero_()
        return layer
    if name.startswith("MaxPool"):
        return _windows_of_ones(node.op)
    if name.startswith(KEPT):
        return _layer(node, types)
    if name.startswith("AdaptiveMaxPool"):
        return getattr(nn, name.replace("Max", "Avg"))(node.op.output_size)
    if name.startswith(("GroupNorm", "LayerNorm", "RMSNorm", "Softmax", "LogSoftmax")) and name != "LayerNorm2d":
        return _along(node)
    if name.startswith(("BatchNorm", "InstanceNorm")) and not node.op.track_running_stats:
        return _everywhere()
    return nn.Identity()


def _windows_of_ones(pool: Any) -> nn.Module:
    """A maximum pool with a mean for the maximum; PyTorch has no dilated mean, so the windows are cut out."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Windows(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows, columns = (self._positions(size, axis) for axis, size in enumerate(x.shape[2:]))
            low, high = pool.padding[0], 1 + int(rows.max()) - x.shape[2] - pool.padding[0]
            left, right = pool.padding[1], 1 + int(columns.max()) - x.shape[3] - pool.padding[1]
            padded = functional.pad(x, (left, max(right, 0), low, max(high, 0)))
            return padded[:, :, rows][:, :, :, :, columns].mean(dim=(3, 5))

        def _positions(self, size: int, axis: int) -> Tensor:
            """The positions that each window reads in the padded map: one row a window."""
            kernel, step, gap, pad = (v[axis] for v in (pool.kernel_size, pool.steps, pool.dilation, pool.padding))
            shape = functional.max_pool1d(torch.zeros(1, 1, size), kernel, step, pad, gap, pool.ceil_mode).shape
            return torch.arange(shape[2])[:, None] * step + torch.arange(kernel) * gap

    return Windows()


def _everywhere() -> nn.Module:
    """What normalises by the statistics of the map it is given: every position depends on every other."""
    from torch import nn

    class Everywhere(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x.mean(dim=tuple(range(2, x.dim())), keepdim=True)

    return Everywhere()


def _along(node: Node) -> nn.Module:
    """What normalises along some axes: every position there depends on every other. The axes are those documented."""
    from torch import nn

    op, rank = node.op, len(node.output.shape)
    if op.name.endswith("Softmax"):
        axes = [op.dim % (rank + 1)]
    elif op.name == "GroupNorm":
        axes = list(range(2, rank + 1))
    else:
        axes = list(range(1 if op.dims is None else rank + 1 - op.dims, rank + 1))

    class Along(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x.mean(dim=axes, keepdim=True)

    return Along()
