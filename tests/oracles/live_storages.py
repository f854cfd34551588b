"""What PyTorch holds while it trains: what autograd keeps for the backward, and all storages alive at once.

Both count bytes of storages, each once, learned tensors and buffers apart.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archdsl.graph import Graph
    from archdsl.pipeline import Network


def built(network: Network) -> nn.Module:
    """Return the model that is generated for a network, in training mode."""
    from archdsl.codegen import builder_names, generate
    from archdsl.verify.subject import imported

    code = imported(generate(network), f"generated_{network.name}")
    model: nn.Module = getattr(code, builder_names([network.name])[network.name])()
    return model.train()


def feeds(network: Network, batch: int) -> list[Tensor]:
    """Return random inputs."""
    import torch

    return [torch.randn(batch, *node.output.known) for node in network.graph.inputs.values()]


def working_in_place(model: nn.Module, graph: Graph) -> set[int]:
    """Return the nodes whose modules say that they work in place."""
    modules = dict(model.named_modules())
    return {node.index for node in graph.nodes if node.module and getattr(modules.get(node.module), "inplace", False)}


def own_storages(model: nn.Module) -> set[int]:
    """Return the storages of learned tensors and buffers."""
    return {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}


def tensors(given: Any) -> list[Tensor]:
    """Return the outputs of a model as a list."""
    import torch

    return [given] if isinstance(given, torch.Tensor) else [x for x in given if x is not None]


@contextmanager
def tight_results(model: nn.Module) -> Iterator[None]:
    """Cut what a transposed convolution over three axes gives to its size.

    PyTorch's own kernel, taken for few and small samples, leaves it in a storage as large as its input where that is
    the larger one; the kernel of oneDNN does not.
    """
    from torch import nn

    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, nn.ConvTranspose3d):
                hooks.enter_context(module.register_forward_hook(_cut))
        yield


def _cut(module: nn.Module, given: Any, result: Tensor) -> None:
    result.untyped_storage().resize_(result.nbytes)


def saved_bytes(model: nn.Module, *feeds: Tensor, context: Callable[[], Any] = nullcontext) -> int:
    """Return the bytes that are kept when the forward pass has ended, for gradients of learned tensors alone.

    What belongs to a part that no output depends on is dropped on the way, and is not counted.
    """
    import torch

    class Box:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor.detach()

    boxes: weakref.WeakSet[Box] = weakref.WeakSet()

    def pack(tensor: Tensor) -> Box:
        box = Box(tensor)
        boxes.add(box)
        return box

    own = own_storages(model)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor), context(), tight_results(model):
        outputs = model(*feeds)
    storages = {box.tensor.untyped_storage()._cdata: box.tensor.untyped_storage().nbytes() for box in boxes}
    del outputs
    return sum(size for place, size in storages.items() if place not in own)


class Held:
    """The bytes alive now and the most so far, of storages that PyTorch's operators make or return."""

    def __init__(self, model: nn.Module, feeds: tuple[Tensor, ...]) -> None:
        self.now = self.most = 0
        self.known = own_storages(model)
        for tensor in feeds:
            self.enter(tensor)

    def enter(self, tensor: Tensor) -> None:
        """Count the storage of a tensor from now until it is freed."""
        storage = tensor.untyped_storage()
        place = storage._cdata
        if place in self.known:
            return
        self.known.add(place)
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._leave, place, size)

    def _leave(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size


@contextmanager
def counted(held: Held) -> Iterator[None]:
    """Enter every tensor that an operator returns."""
    import torch
    from torch.utils import _pytree as pytree
    from torch.utils._python_dispatch import TorchDispatchMode

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for leaf in pytree.tree_leaves(result):
                if isinstance(leaf, torch.Tensor):
                    held.enter(leaf)
            return result

    with Mode():
        yield


def peak_bytes(
    model: nn.Module, *feeds: Tensor, context: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> tuple[int, int]:
    """Return the bytes alive at the end of the forward pass and the most of forward and backward, feeds included.

    The gradient of every output that has one is all ones; gradients of learned tensors stay, as in a step of training.
    """
    import torch

    class Ones(torch.autograd.Function):
        """A loss whose gradient is all ones, made when it is wanted and held by nobody."""

        @staticmethod
        def forward(ctx: Any, *outputs: Tensor) -> Tensor:
            ctx.save_for_backward(*outputs)
            return outputs[0].new_zeros(())

        @staticmethod
        def backward(ctx: Any, *_: Tensor) -> tuple[Tensor | None, ...]:
            wanted = zip(ctx.saved_tensors, ctx.needs_input_grad, strict=True)
            return tuple(torch.ones_like(x) if needed else None for x, needed in wanted)

    model.zero_grad(set_to_none=True)
    held = Held(model, feeds)
    with counted(held):
        with context():
            outputs = tensors(model(*feeds))
        forward = held.now
        Ones.apply(*outputs).backward()
    most = held.most
    model.zero_grad(set_to_none=True)
    return forward, most
