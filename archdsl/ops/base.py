"""What a layer is: a record of its arguments, and the questions that the analyses ask of it.

Ops are pure. They know tensors and sizes, not graphs, files, places in a text or torch; whoever asks
adds those. An op that cannot take its inputs raises `ShapeError` and names the argument to blame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple, TypeVar

from archdsl.ops.arguments import REQUIRED, Argument, ArgumentError
from archdsl.ops.backward import NOTHING, Autocast, Extra, Forward, Gradient, Saved
from archdsl.ops.working import Step
from archdsl.sizes import ShapeError, Size, Symbolic
from archdsl.tensors import Shape, TensorType, dims

__all__ = [
    "FLAT",
    "OPS",
    "SAME",
    "WHOLE",
    "Elementwise",
    "Op",
    "Reach",
    "Reads",
    "ShapeError",
    "Storage",
    "TorchCall",
    "Window",
    "along",
    "brief",
    "op",
    "spatial",
    "spell",
]


class Reads(NamedTuple):
    """Which input positions an output position reads, along one axis.

    Output `f + len(taps)·j` reads the positions `taps[f]`, each moved by `shift·j`. A convolution has one
    phase, `Reads(stride, (range(-padding, reach - padding, dilation),))`; a transposed convolution has one
    per residue of its stride.
    """

    shift: int
    taps: tuple[range, ...]


class Reach(Enum):
    """The reads that need no table."""

    SAME = "each element reads its own position"
    WHOLE = "each element reads every position"
    FLAT = "positions become elements of a vector"


SAME, WHOLE, FLAT = Reach.SAME, Reach.WHOLE, Reach.FLAT
Window = Reach | tuple[Reads | None, ...]
"""`SAME`, `WHOLE`, `FLAT`, or one `Reads` per axis; `None` where it depends on a size not known yet."""


class Storage(Enum):
    """Whose memory an op's output occupies in evaluation."""

    NEW = "its own"
    ALIAS = "its input's, unchanged or reshaped"
    SLICE = "part of its input's"


class TorchCall(NamedTuple):
    """How PyTorch constructs the module: `nn.Conv2d(3, 64, kernel_size=7)`."""

    name: str
    positional: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = {}


OPS: dict[str, type[Op]] = {}
"""Every layer and function of the language by its name."""

_Class = TypeVar("_Class", bound="type[Op]")


def op(cls: _Class) -> _Class:
    """Enter an op under its name, which is its class's unless it says otherwise."""
    OPS[cls.name] = cls
    return cls


def spatial(cls: _Class) -> _Class:
    """Enter a layer for 1, 2 and 3 spatial axes: `Conv` as `Conv1d`, `Conv2d` and `Conv3d`."""
    for axes in (1, 2, 3):
        body = {"dimensions": axes, "__doc__": cls.__doc__, "__module__": cls.__module__}
        made: Any = type(f"{cls.name}{axes}d", (cls,), body)
        op(made)
    return cls


def _page(cls: type[Op]) -> str | None:
    """Return the documentation of a class; one that says only what it computes takes the rest over from its base."""
    page, base = cls.__dict__.get("__doc__"), cls.__base__
    if page is None or "Input:" in page or base is None or "Input:" not in (base.__doc__ or ""):
        return page
    return f"{page.rstrip()}\n\n    Input:{(base.__doc__ or '').partition('Input:')[2]}"


class Op:
    """A layer, or a function on tensors, with its arguments filled in."""

    name: ClassVar[str]
    """As written in a spec and in PyTorch."""
    attribute: ClassVar[str]
    """What an unlabelled one is called in its scope: the name in lower case unless said otherwise."""
    _names_subclasses: ClassVar[bool] = False
    arguments: ClassVar[tuple[Argument, ...]] = ()
    source: ClassVar[str]
    """Where the formulas are from."""
    dimensions: ClassVar[int | None] = None
    """The number of spatial axes it works on; `None` for any."""
    is_module: ClassVar[bool] = True
    """Whether PyTorch has a module for it; an addition has none."""
    by_position: ClassVar[int | None] = None
    """How many arguments may be given by position; `None` for all. More are pasted PyTorch, misread."""
    arity: ClassVar[int | None] = 1
    """How many tensors it takes; `None` for two or more."""
    leading: ClassVar[tuple[str, ...]] = ()
    """PyTorch's names of what its constructor is given by position."""
    storage: ClassVar[Storage] = Storage.NEW
    functional: ClassVar[bool] = False
    """Whether PyTorch code writes an unlabelled one as a function, as `torch.flatten`."""
    centres: ClassVar[bool] = False
    """Whether it subtracts the mean of each channel, and with it a bias before it."""
    example: ClassVar[str] = ""
    """How the manual shows it at work: a pipeline with its input in front, `[16, 32, 32] -> Conv2d(32, 3)`, or an
    expression of `x` and `y`. Empty where one can be made of the required arguments."""
    has_scratch: ClassVar[bool] = False
    """Whether PyTorch may hold more than inputs and output while it runs; set by what the class defines."""
    copies_input: bool = False
    """Whether the scratch is a copy that takes the input's place while the output is made."""
    channels_last: ClassVar[bool] = False
    """Whether the channels of a position lie together in the output, and then in what is computed of it."""
    keeps_layout: bool = True
    """Whether they lie together in the output wherever they do in what it reads first, as PyTorch does on a CPU."""
    is_traced: ClassVar[bool] = True
    """Whether it leaves a trace in evaluation: what hands on its input, and calls nothing of PyTorch's, leaves none."""
    stateful: ClassVar[bool] = False
    """Whether it may hold tensors, learned or not; set by what the class defines."""
    keeps: ClassVar[Saved] = NOTHING
    """What autograd keeps of it, where that is always the same."""
    autocast: Autocast = Autocast.KEEPS
    may_be_overwritten: ClassVar[bool] = False
    """Whether the code that is generated lets an activation or a sum write over its output: its gradient does not
    need that."""
    wants_contiguous: ClassVar[bool] = False
    """Whether a part of a tensor, whose elements lie apart, is copied before it is computed with."""

    def __init_subclass__(cls) -> None:
        declared = [a for a in vars(cls).values() if isinstance(a, Argument)]
        for name, value in list(vars(cls).items()):
            if isinstance(value, Argument):
                value.name = name
                delattr(cls, name)
        inherited = tuple(a for a in cls.arguments if a.name not in {d.name for d in declared})
        cls.arguments = inherited + tuple(declared)
        cls.has_scratch = cls.scratch is not Op.scratch
        cls.stateful = cls.weights is not Op.weights or cls.buffers is not Op.buffers
        cls.__doc__ = _page(cls)
        if "name" not in vars(cls):
            cls.name = cls.__name__
        if "attribute" in vars(cls):
            cls._names_subclasses = True
        elif not cls._names_subclasses:
            cls.attribute = cls.name.lower()

    def __init__(self, *positional: Any, **keywords: Any) -> None:
        """Bind and check the arguments.

        Raises:
            ArgumentError: one is missing, unknown, given twice, of the wrong type or out of range.
        """
        names = [a.name for a in self.arguments]
        if len(positional) > len(names):
            most = f"at most {len(names)} argument{'s' * (len(names) > 1)}" if names else "no arguments"
            raise ArgumentError(f"takes {most}, but {len(positional)} are given", len(names))
        if self.by_position is not None and len(positional) > self.by_position:
            known = " and ".join(f"`{name}`" for name in names[: self.by_position])
            message = f"takes {known} by position and the rest by name; the size of the input is inferred"
            raise ArgumentError(message, self.by_position)
        given = dict(zip(names, positional, strict=False))
        for name, value in keywords.items():
            if name in given:
                raise ArgumentError(f"`{name}` is given twice", name)
            if name not in names:
                raise ArgumentError(f"has no argument `{name}`", name, unknown=True)
            given[name] = value
        fields = self.__dict__
        for declared in self.arguments:
            if declared.name in given:
                place = names.index(declared.name) if declared.name not in keywords else declared.name
                fields[declared.name] = declared.read(given[declared.name], self.dimensions, place)
            elif declared.default is REQUIRED:
                raise ArgumentError(f"needs `{declared.name}`", None)
            else:
                fields[declared.name] = declared.fill(self.dimensions)
        self.check()

    def check(self) -> None:
        """Check what concerns several arguments at once; raises `ArgumentError`."""

    def output(self, *inputs: TensorType) -> TensorType:
        """Return the type of the result; raises `ShapeError` where the inputs do not fit."""
        raise NotImplementedError

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        """Return the shape of every learned tensor under PyTorch's name for it."""
        return {}

    def buffers(self, *inputs: TensorType) -> dict[str, Shape]:
        """Return the shape of every tensor that is stored but not learned."""
        return {}

    def macs(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        """Return the multiply-adds for one sample; biases, norms and activations count none."""
        return 0

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        """Return what an output position reads of the inputs' positions."""
        return SAME

    @property
    def border(self) -> str:
        """What a window reads beyond the border of a map, by PyTorch's names of padding modes."""
        return "zeros"

    def windows(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Window, ...]:
        """Return the window on each input; they differ only where a gate is multiplied in."""
        return (self.window(inputs, output),) * len(inputs)

    def scratch(self, inputs: tuple[TensorType, ...], output: TensorType, itemsize: int) -> int:
        """Return the bytes a sample that PyTorch holds beside inputs and output while it computes this."""
        return 0

    @property
    def training_storage(self) -> Storage:
        """Whose memory the output occupies in training."""
        return self.storage

    @property
    def gradient(self) -> Gradient:
        """What the gradients of the inputs lie in, once the backward has run."""
        return Gradient.SAME if self.training_storage is Storage.ALIAS else Gradient.NEW

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """Return what autograd keeps of a call whose output a gradient is wanted for."""
        return self.keeps

    def dropped(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> tuple[Extra, ...]:
        """Return what is made besides the output, and dropped at once, where no gradient is wanted in training."""
        return self.saved(inputs, output, forward._replace(in_place=False)).extras

    def gradient_between(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        """Return how many numbers a gradient has on its way to the input, where it goes by two steps; 0 for one."""
        return 0

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        """Return how the output's shape is computed."""
        return (Step("shape", "", dims(output.shape), "as its input"),)

    def macs_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> str:
        """Return the product that counts the multiply-adds; empty where there are none."""
        return ""

    def module(self, *inputs: TensorType) -> TorchCall | None:
        """Return how PyTorch constructs the module, or `None` for a function."""
        return TorchCall(f"nn.{self.name}", (), self.non_defaults()) if self.is_module else None

    def non_defaults(self, *names: str) -> dict[str, Any]:
        """Return the arguments that differ from their defaults, all or the named ones."""
        return {
            a.name: getattr(self, a.name)
            for a in self.arguments
            if (not names or a.name in names) and getattr(self, a.name) != a.fill(self.dimensions)
        }

    @classmethod
    def signature(cls) -> str:
        """Return the op as one would call it, with its defaults: `Linear(out_features, bias=true)`."""
        return f"{cls.name}({', '.join(map(str, cls.arguments))})"

    def as_map(self, x: TensorType) -> tuple[int, tuple[Size, ...]]:
        """Return channels and spatial sizes; raises `ShapeError` where the number of axes is another."""
        if self.dimensions is not None and len(x.shape) != self.dimensions + 1:
            axes = {1: "[c, l]", 2: "[c, h, w]", 3: "[c, d, h, w]"}[self.dimensions]
            message = f"`{self.name}` works on {axes}, but gets {x}"
            raise ShapeError(message, rule="wrong-rank", help=self._other_axes(x))
        return x.channels, x.shape[1:]

    def _other_axes(self, x: TensorType) -> str | None:
        """Return what to do where a tensor has another number of axes than the layer works on."""
        axes = len(x.shape) - 1
        twin = f"{self.name[:-2]}{axes}d"
        if axes == 0:
            return "a vector has no positions: put the layer before `Flatten`"
        if axes == (self.dimensions or 0) + 1 and x.shape[0] == 1:
            return f"shapes have no batch axis: [{', '.join(map(str, x.shape[1:]))}]"
        return f"for {x} there is `{twin}`" if self.name.endswith("d") and twin in OPS else None

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        mine, others = vars(self), vars(other)
        return all(mine[a.name] == others[a.name] for a in self.arguments)

    def __hash__(self) -> int:
        return hash((type(self), *(vars(self)[a.name] for a in self.arguments)))

    def __str__(self) -> str:
        """Return the op as written in a spec, with what differs from the defaults."""
        required = [spell(getattr(self, a.name)) for a in self.arguments if a.default is REQUIRED]
        rest = [
            f"{a.name}={spell(value)}"
            for a in self.arguments
            if a.default is not REQUIRED and (value := getattr(self, a.name)) != a.fill(self.dimensions)
        ]
        return f"{self.name}({', '.join(required + rest)})" if required or rest else self.name

    __repr__ = __str__


class Elementwise(Op):
    """Keep the shape: what happens to an element does not depend on the elements at other positions.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        self.as_map(x)
        return x


def along(x: TensorType, merged: Collection[int]) -> Window:
    """Return the window of outputs that read all along the `merged` axes, counted from the channels."""
    spatial = range(1, len(x.shape))
    if merged and all(axis in merged for axis in spatial):
        return WHOLE
    if not any(axis in merged for axis in spatial):
        return SAME
    reads: list[Reads | None] = []
    for axis in spatial:
        size = x.shape[axis]
        if axis not in merged:
            reads.append(Reads(1, (range(1),)))
        else:
            reads.append(None if isinstance(size, Symbolic) else Reads(0, (range(size),)))
    return tuple(reads)


def brief(value: Any) -> Any:
    """Return an argument as PyTorch takes it at its shortest: one number where all axes have the same."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 and value[0] is not None else value


def spell(value: object) -> str:
    """Return a value as the language writes it; equal sizes on all axes are written once."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        if value and all(isinstance(v, int) and v == value[0] for v in value):
            return spell(value[0])
        return f"({', '.join(map(spell, value))})"
    return str(value)
