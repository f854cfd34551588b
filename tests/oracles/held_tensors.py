"""How many bytes of activations PyTorch's graph interpreter holds at most, tensors dropped after their last use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def peak_bytes(module: nn.Module, *inputs: Tensor) -> int:
    """Return the peak over the exported graph, in which a storage counts once and weights do not."""
    import torch
    from torch import fx
    from torch.utils import _pytree as pytree

    torch.set_num_threads(1)
    exported = torch.export.export(module.eval(), inputs).module(check_guards=False)
    weights = {t.untyped_storage().data_ptr() for t in (*exported.parameters(), *exported.buffers())}

    class Held(fx.Interpreter):
        peak = 0

        def run_node(self, node: fx.Node) -> Any:
            result = super().run_node(node)
            values = pytree.tree_leaves((list(self.env.values()), result))  # some ops return several tensors
            tensors = [t for t in values if isinstance(t, torch.Tensor)]
            storages = {s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in tensors)}
            alive = sum(size for place, size in storages.items() if place not in weights)
            self.peak = max(self.peak, alive)
            return result

    interpreter = Held(exported, garbage_collect_values=True)
    with torch.no_grad():
        interpreter.run(*inputs)
    return interpreter.peak
