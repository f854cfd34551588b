"""What is verified: a network with its analysis, and the module of generated code that claims to be it."""

from __future__ import annotations

import linecache
import sys
from collections import Counter
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.analysis import Analysis
from archdsl.graph import Graph, Node
from archdsl.pipeline import Network
from archdsl.tensors import Shape

STEP = 32


class NotBuilt(Exception):
    """The generated code cannot be imported, or its builder fails; the text says how."""


@dataclass(frozen=True)
class Subject:
    """A network, the code that was generated of it, and where that runs."""

    network: Network
    analysis: Analysis
    code: ModuleType
    builder: str
    device: str
    seed: int

    @property
    def graph(self) -> Graph:
        return self.analysis.graph

    def build(self, device: str | None = None) -> nn.Module:
        """Return the model as its builder makes it, in evaluation mode.

        Raises:
            NotBuilt: the code has no such builder, or it fails.
        """
        builder = getattr(self.code, self.builder, None)
        if builder is None:
            raise NotBuilt(f"the code has no builder `{self.builder}`")
        torch.manual_seed(self.seed)
        try:
            with torch.device(device or self.device):
                made = builder()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code that may have been edited by hand can fail in any way
            raise NotBuilt(f"`{self.builder}(...)` fails: {type(error).__name__}: {error}") from None
        if not isinstance(made, nn.Module):
            raise NotBuilt(f"`{self.builder}(...)` gives no module of PyTorch")
        return made.eval()

    def affordable(self, most: int) -> Graph:
        """Return the graph at the largest of its sizes that takes `most` multiply-adds, all weights as they are.

        Sizes are taken in steps of 32 from the declared one, which is what encoders and decoders allow.
        """
        layers, best = constructed(self.code, self.graph), self.graph
        if (self.analysis.totals.macs or 0) <= most:
            return best
        inputs = {name: node.output.known for name, node in self.graph.inputs.items()}
        for less in range(STEP, max(max(known) for known in inputs.values()), STEP):
            smaller = {name: (known[0], *(size - less for size in known[1:])) for name, known in inputs.items()}
            if any(size < 1 for known in smaller.values() for size in known):
                break
            made = self.network.at(smaller)
            if any(d.severity == "error" for d in made.elaboration.diagnostics):
                continue
            if constructed(self.code, made.graph) != layers:
                break
            best = made.graph
            if (made.examine().totals.macs or 0) <= most:
                break
        return best

    def feeds(self, batch: int, device: str | None = None, graph: Graph | None = None) -> list[Tensor]:
        """Return random inputs, the same for the same seed."""
        where = device or self.device
        generator = torch.Generator().manual_seed(self.seed)
        shapes = [(batch, *node.output.known) for node in (graph or self.graph).inputs.values()]
        if where == "meta":
            return [torch.empty(shape, device="meta") for shape in shapes]
        return [torch.randn(shape, generator=generator).to(where) for shape in shapes]


def has_device(device: str) -> bool:
    """Tell whether PyTorch can run something there."""
    return device != "cuda" or torch.cuda.is_available()


def results(graph: Graph, *, training: bool = False) -> dict[str, Node]:
    """Return the outputs by name; those of training are among them where it is asked for."""
    return {name: node for name, node in graph.outputs.items() if training or name not in graph.training_outputs}


def constructed(code: ModuleType, graph: Graph) -> list[Any]:
    """Return every op with how its module is constructed: where the list is the same, the code is."""
    found: list[Any] = []
    for node in graph.layers:
        if node.is_module:
            found.append((node.id, node.op.module(*graph.types(node))))
        elif node.op.name != "crop" or not _asks_for_sizes(code, node):
            found.append((node.id, node.op.non_defaults()))
    return found


def _asks_for_sizes(code: ModuleType, node: Node) -> bool:
    """Tell whether the class that a crop is in cuts to a size that it asks for when it is run, in all its crops."""
    definition = node.instance.definition
    forward = getattr(getattr(code, definition.name if definition else "", None), "forward", None)
    return forward is not None and "center_crop" in forward.__code__.co_names


def calls(graph: Graph, *, training: bool = False) -> dict[str, Node]:
    """Return the nodes that are run as modules, by path and number of the call: `relu`, `relu#1`, ...

    What only training runs is no call in evaluation, so the numbers may be lower there than in the analysis.
    """
    found: dict[str, Node] = {}
    counts: Counter[str] = Counter()
    for node in graph.layers:
        if node.module and (training or node.index not in graph.training_only):
            found[called(node.path, counts[node.path])] = node
            counts[node.path] += 1
    return found


def called(path: str, call: int) -> str:
    """Return what a call of a layer is called, as in the analysis."""
    return f"{path}#{call}" if call else path


def tensors(given: Any) -> list[Tensor]:
    """Return what a model gave as a list: a tensor, or a tuple of them."""
    return [given] if isinstance(given, Tensor) else list(given)


def spelled(graph: Graph) -> str:
    """Return the sizes of the inputs: `224×224`."""
    return ", ".join("×".join(map(str, node.output.known[1:] or node.output.known)) for node in graph.inputs.values())


def shape(tensor: Tensor) -> Shape:
    """Return a tensor's shape as a plain tuple."""
    return tuple(tensor.shape)


def imported(text: str, name: str) -> ModuleType:
    """Return generated code as a module; nothing is written anywhere.

    Raises:
        NotBuilt: it cannot be imported.
    """
    made = ModuleType(name)
    made.__file__ = f"<{name}>"
    # Dataclasses, `torch.export` and tracebacks look for modules and lines in these two places.
    sys.modules[name] = made
    linecache.cache[made.__file__] = (len(text), None, text.splitlines(True), made.__file__)
    try:
        exec(compile(text, made.__file__, "exec"), vars(made))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        del sys.modules[name]
        raise NotBuilt(f"the code cannot be imported: {type(error).__name__}: {error}") from None
    return made
