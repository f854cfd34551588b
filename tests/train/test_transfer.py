"""Weights of another training: what is taken by name, what begins anew, and which files are refused."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archdsl.codegen import generate  # noqa: E402
from archdsl.pipeline import load  # noqa: E402
from archdsl.train.parts import checkpoint  # noqa: E402
from archdsl.train.parts.fitting import Architecture, meet  # noqa: E402
from archdsl.train.parts.heads import head_of  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from archdsl.train.parts.run import make_start, make_trainer  # noqa: E402
from archdsl.train.parts.transfer import start_from  # noqa: E402
from archdsl.verify.subject import imported  # noqa: E402
from oracles.training import ALONE, MAPPER, SMALL, Small, bright_spots, options, quadrants  # noqa: E402

SPECS = Path(__file__).resolve().parents[2] / "specs"


def other(classes=4, seed=7):
    torch.manual_seed(seed)
    return Small(classes)


def saved(path, value):
    torch.save(value, path)
    return str(path)


def begun(file, **given):
    return make_start(SMALL, quadrants(), options(init=file, **given))


def same(model, weights, names):
    found = model.state_dict()
    return [torch.equal(found[name], weights[name]) for name in names]


BODY = [name for name in Small().state_dict() if not name.startswith("fc.")]
HEAD = ["fc.weight", "fc.bias"]


def test_all_is_taken_where_all_fits(tmp_path):
    weights = other().state_dict()
    start = begun(saved(tmp_path / "w.pt", weights))

    assert all(same(start.model, weights, [*BODY, *HEAD]))
    assert (len(start.transfer.matched), start.transfer.new_head) == (9, False)
    assert start.head == ("fc",)


def test_a_head_for_other_classes_keeps_its_own_initialisation(tmp_path):
    weights = other(5).state_dict()
    start, untouched = begun(saved(tmp_path / "w.pt", weights)), begun("")

    assert all(same(start.model, weights, BODY))
    assert all(same(start.model, untouched.model.state_dict(), HEAD))
    assert start.transfer.new_head
    assert start.transfer.other_shape == ("fc.weight (5×128 there, 4×128 here)", "fc.bias (5 there, 4 here)")


def test_a_head_that_fits_begins_anew_where_that_is_asked_for(tmp_path):
    weights = other().state_dict()
    start, untouched = begun(saved(tmp_path / "w.pt", weights), new_head=True), begun("")

    assert all(same(start.model, weights, BODY))
    assert all(same(start.model, untouched.model.state_dict(), HEAD))
    assert start.transfer.left_out == ("fc.weight", "fc.bias")


def test_a_head_is_taken_whole_or_not_at_all(tmp_path):
    weights = other().state_dict()
    del weights["fc.bias"]
    start, untouched = begun(saved(tmp_path / "w.pt", weights)), begun("")

    assert all(same(start.model, untouched.model.state_dict(), HEAD))
    assert (start.transfer.missing, start.transfer.left_out) == (("fc.bias",), ("fc.weight",))


def test_the_report_says_what_matched_with_counts_and_first_names(tmp_path, capsys):
    weights = {**other(5).state_dict(), "aux.weight": torch.ones(1), "aux.bias": torch.ones(1)}
    del weights["bn.num_batches_tracked"]
    file = saved(tmp_path / "w.pt", weights)
    _, _, record = make_trainer(SMALL, quadrants(), options(init=file), ALONE)

    assert capsys.readouterr().err.splitlines() == [
        f"weights of {file}:",
        "  matched: 6 (conv.weight, conv.bias, bn.weight, …)",
        "  missing: 1 (bn.num_batches_tracked)",
        "  unexpected: 2 (aux.weight, aux.bias)",
        "  other shape: 2 (fc.weight (5×128 there, 4×128 here), fc.bias (5 there, 4 here))",
        "  head: fc (begins anew)",
    ]
    assert record["transfer"] == {
        "file": file, "head": ["fc"], "new_head": True,
        "matched": {"count": 6, "first": ["conv.weight", "conv.bias", "bn.weight"]},
        "missing": {"count": 1, "first": ["bn.num_batches_tracked"]},
        "unexpected": {"count": 2, "first": ["aux.weight", "aux.bias"]},
        "other_shape": {"count": 2, "first": ["fc.weight (5×128 there, 4×128 here)", "fc.bias (5 there, 4 here)"]},
        "left_out": {"count": 0, "first": []},
    }  # fmt: skip


def test_a_backbone_that_is_not_whole_is_refused_unless_that_is_asked_for(tmp_path):
    weights = other().state_dict()
    del weights["conv.weight"]
    weights["bn.bias"] = torch.ones(9)
    file = saved(tmp_path / "w.pt", weights)

    with pytest.raises(RunError, match=r"outside of the head, 2 \(conv.weight, bn.bias\).*--partial") as caught:
        begun(file)
    assert caught.value.code == 2
    start, untouched = begun(file, partial=True), begun("")
    assert all(same(start.model, untouched.model.state_dict(), ["conv.weight", "bn.bias"]))
    assert all(same(start.model, weights, ["conv.bias", "bn.weight", *HEAD]))


@pytest.mark.parametrize("holder", ["model", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module."])
def test_what_checkpoints_and_wrappers_put_around_weights_is_taken_off(tmp_path, holder, prefix):
    weights = other().state_dict()
    file = saved(tmp_path / "w.pt", {"epoch": 3, holder: {prefix + name: value for name, value in weights.items()}})

    assert all(same(begun(file).model, weights, [*BODY, *HEAD]))


def test_weights_are_read_from_safetensors_and_from_a_checkpoint_of_ours(tmp_path):
    pytest.importorskip("safetensors")
    weights = other().state_dict()
    name = checkpoint.save_weights(tmp_path, weights)
    checkpoint.save_checkpoint(tmp_path / "best.pt", {"model": weights, "row": {"epoch": 1}})

    assert name.endswith(".safetensors")
    for file in (name, "best.pt"):
        assert all(same(begun(str(tmp_path / file)).model, weights, [*BODY, *HEAD]))


class Harmful:
    """What runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_a_file_is_not_run(tmp_path):
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Harmful(str(tmp_path / "made"))))
    torch.save({"model": {"conv.weight": torch.ones(1), "x": Harmful(str(tmp_path / "made"))}}, tmp_path / "torch.pt")
    for name in ("plain.pt", "torch.pt"):
        with pytest.raises(RunError, match="holds no weights") as caught:
            begun(str(tmp_path / name))
        assert caught.value.code == 2
        assert "weights_only" not in str(caught.value)  # torch's own text says how to run it
    assert not (tmp_path / "made").exists()


def whole_model():
    buffer = io.BytesIO()
    torch.save(nn.Linear(2, 2), buffer)
    return buffer.getvalue()


def a_number_short():
    buffer = io.BytesIO()
    torch.save(other().state_dict(), buffer)
    return buffer.getvalue()[:-200]


def a_bit_off():
    buffer = io.BytesIO()
    torch.save(other().state_dict(), buffer)
    content = buffer.getvalue()
    place = content.index(other().conv.bias.detach().numpy().tobytes())
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# fmt: off
REFUSED = [
    ("text.pt",            lambda: b"hello",                "holds no weights"),
    ("empty.pt",           lambda: b"",                     "holds no weights"),
    ("cut.pt",             a_number_short,                  "holds no weights"),
    ("flipped.pt",         a_bit_off,                       "is damaged"),
    ("module.pt",          whole_model,                     "holds no weights"),
    ("bad.safetensors",    lambda: b"\xff" * 64,            "holds no weights"),
    ("absent.pt",          None,                            "cannot be read"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "said"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_wrong_file_is_named(tmp_path, name, content, said):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    if content is not None:
        (tmp_path / name).write_bytes(content())

    with pytest.raises(RunError, match=said) as caught:
        begun(str(tmp_path / name))
    assert name in str(caught.value)
    assert caught.value.code == 2


# fmt: off
UNSUITED = [
    ({"a": torch.ones(1)},                                          "nothing in it fits"),
    ({"a": 1},                                                      "no mapping of names to tensors"),
    ([torch.ones(1)],                                               "no mapping of names to tensors"),
    ({**Small().state_dict(), "conv.bias": torch.full((8,), float("nan"))}, "conv.bias holds what is not a number"),
]
# fmt: on


@pytest.mark.parametrize(("content", "said"), UNSUITED, ids=[u[1] for u in UNSUITED])
def test_weights_that_do_not_suit_are_refused(tmp_path, content, said):
    with pytest.raises(RunError, match=said):
        begun(saved(tmp_path / "w.pt", content))


def test_a_refused_file_leaves_the_model_as_it_was(tmp_path):
    model = other(seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {**other(seed=2).state_dict(), "bn.weight": torch.full((8,), float("inf"))}
    with pytest.raises(RunError):
        start_from(model, saved(tmp_path / "w.pt", weights), ("fc",), new_head=False, partial=False)

    assert all(same(model, before, before))


class TwoHeads(nn.Module):
    """A model with an auxiliary head and a layer as wide as there are classes."""

    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.aux = nn.Sequential(nn.Flatten(), nn.Linear(256, 3), nn.Linear(3, classes))
        self.classifier = nn.Sequential(nn.Linear(256, 6), nn.ReLU(), nn.Linear(6, classes))

    def forward(self, x):
        y = self.stem(x)
        main = self.classifier(y.flatten(1))
        return (main, self.aux(y)) if self.training else main


class Fixed(nn.Module):
    """A model for four classes alone; its stem gives four channels too, and a pooling layer comes last."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.last = nn.Conv2d(4, 4, 1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x):
        return self.pool(self.last(self.stem(x)))


# fmt: off
HEADS = [
    (SMALL,                                        quadrants,    "",              ("fc",)),
    (MAPPER,                                       bright_spots, "",              ("head",)),
    (Architecture("TwoHeads", TwoHeads, (1, 8, 8)), quadrants,   "",              ("aux.2", "classifier.2")),
    (Architecture("Fixed", Fixed, (1, 8, 8)),      quadrants,    "",              ("last",)),
    (Architecture("TwoHeads", TwoHeads, (1, 8, 8)), quadrants,   "classifier,*.2", ("aux.2", "classifier")),
]
# fmt: on


@pytest.mark.parametrize(("architecture", "data", "patterns", "head"), HEADS)
def test_the_head_is_what_the_classes_shape_or_a_pattern_names(architecture, data, patterns, head):
    model, fit, arguments = meet(architecture, data(), options())

    assert head_of(architecture, arguments, model, fit, patterns) == head


def test_a_head_that_is_not_there_is_said():
    with pytest.raises(RunError, match="--head: no module is called fcc; did you mean fc"):
        begun("", head="fcc")


def test_weights_of_torchvision_load_by_name_and_answer_alike(tmp_path):
    """All of ResNet-18, with weights and statistics drawn at random; and with a new head, all but that."""
    torchvision = pytest.importorskip("oracles.torchvision_models").torchvision()
    code = imported(generate(load(SPECS / "resnet.arch", "ResNet18")), "archdsl_transfer_resnet")
    torch.manual_seed(3)
    theirs = torchvision.models.resnet18(weights=None, num_classes=4).eval()
    for name, value in theirs.state_dict().items():
        if "running" in name:
            value.copy_(torch.rand(value.shape) * 0.2 + 0.05)
    file = saved(tmp_path / "resnet18.pt", theirs.state_dict())
    architecture = Architecture("ResNet18", code.resnet18, (3, 224, 224))
    start = make_start(architecture, quadrants(4, 4), options(init=file, size=64))
    x = torch.randn(2, 3, 64, 64)

    assert (len(start.transfer.matched), start.transfer.missing, start.transfer.unexpected) == (122, (), ())
    with torch.no_grad():
        mine, wanted = start.model.eval()(x), theirs(x)
    assert float(wanted.std()) > 0.1
    assert torch.allclose(mine, wanted, atol=1e-4)

    thousand = saved(tmp_path / "thousand.pt", torchvision.models.resnet18(weights=None).state_dict())
    start = make_start(architecture, quadrants(4, 4), options(init=thousand, size=64))
    assert (len(start.transfer.matched), len(start.transfer.other_shape), start.head) == (120, 2, ("fc",))
