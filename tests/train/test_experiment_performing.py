"""From an experiment to its files: what is refused, and what a record says of where and how it was made."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from matplotlib.figure import Figure  # noqa: E402

from archdsl.cli import run  # noqa: E402
from archdsl.train.experiments import performing  # noqa: E402
from archdsl.train.experiments.experiment import Experiment, net  # noqa: E402
from archdsl.train.experiments.figures import mark_plainly, steady  # noqa: E402
from archdsl.train.experiments.performing import perform, redraw  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def experiment(measure=lambda setting: {}, **options):
    return Experiment(measure, checks=lambda found: (), tell=lambda found: "Something came out.",
                      draw=lambda found, figure: figure.subplots(), **options)  # fmt: skip


def trained(setting):
    setting.train(net("lite.arch", "DigitsNet"), "one")
    return {}


TINY = {"data": "synthetic:1x8x8:10", "epochs": 1, "limit": 64, "batch": 16, "crop": 0}


# fmt: off
IDLE = [
    # experiment        asked for                                     seeds   what is said
    ("identity",        {"data": "digits"},                           (),     "identity trains nothing on data: --data would change nothing"),
    ("init",            {"epochs": 3, "device": "cuda"},              (),     "init trains nothing on data: --epochs, --device would"),
    ("upsampling",      {},                                           (1, 2), "upsampling has draws of its own: --seeds would change nothing"),
]
# fmt: on


@pytest.mark.parametrize(("name", "asked", "seeds", "said"), IDLE, ids=[row[0] for row in IDLE])
def test_what_would_change_nothing_is_refused(name, asked, seeds, said, tmp_path):
    with pytest.raises(RunError) as raised:
        perform(name, tmp_path / "made", asked, seeds)

    assert said in str(raised.value)
    assert raised.value.code == 2
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("measure", "device"), [(lambda setting: {}, "cpu"), (trained, "as named")])
def test_the_device_of_a_record_is_that_of_its_trainings_and_else_the_cpu(measure, device, monkeypatch, tmp_path):
    monkeypatch.setattr(performing, "describe_device", lambda one: "cpu" if one.type == "cpu" else "as named")
    monkeypatch.setattr(performing.Setting, "device", torch.device("meta"))
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment(measure, options=TINY))
    perform("identity", tmp_path, {})

    assert json.loads((tmp_path / "identity.json").read_text(encoding="utf-8"))["device"] == device


def test_an_experiment_without_seeds_names_none(monkeypatch, tmp_path):
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment(seeds=()))

    assert "`archdsl experiment identity`: cpu, PyTorch" in perform("identity", tmp_path, {}).report


@pytest.mark.parametrize(("again", "said"), [(1, "without the time of 1 training made before"),
                                             (2, "without the time of 2 trainings made before")])  # fmt: skip
def test_trainings_that_were_there_are_told(again, said, monkeypatch, tmp_path):
    def measure(setting):
        for seed in range(again):
            setting.train(net("lite.arch", "DigitsNet"), str(seed), seed=seed)
        return {}

    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment(measure, options=TINY))

    assert "made before" not in perform("identity", tmp_path, {}).report
    assert said in perform("identity", tmp_path, {}).report


def test_the_command_of_a_record_can_be_pasted(monkeypatch, tmp_path):
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment(options=TINY))
    perform("identity", tmp_path, {"data": "my images", "epochs": 2}, (3,))

    told = json.loads((tmp_path / "identity.json").read_text(encoding="utf-8"))["command"]
    assert told == "archdsl experiment identity --seeds 3 --data 'my images' --epochs 2"


def test_a_figure_that_cannot_be_written_is_told_as_such(monkeypatch, tmp_path):
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment())
    perform("identity", tmp_path, {})
    (tmp_path / "identity.png").unlink()
    (tmp_path / "identity.png").mkdir()

    with pytest.raises(RunError, match="cannot be written"):
        redraw("identity", tmp_path)


def test_a_quick_try_replaces_no_finished_work(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment())
    assert run(["experiment", "identity"]) == 0
    finished = (tmp_path / "experiments" / "identity.json").read_bytes()
    assert run(["experiment", "identity", "--quick"]) == 0

    assert (tmp_path / "experiments" / "identity.json").read_bytes() == finished
    assert json.loads((tmp_path / "experiments" / "quick" / "identity.json").read_text(encoding="utf-8"))["quick"]


def test_a_logarithmic_axis_has_numbers_without_exponents():
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=(0.15, 3))
    mark_plainly(axes.yaxis, 1, 2, 5)
    axes.figure.canvas.draw()
    shown = [label.get_text() for label in axes.get_yticklabels() if 0.15 <= label.get_position()[1] <= 3]

    assert shown == ["0.2", "0.5", "1", "2"]
    assert axes.yaxis.get_minorticklocs().size == 0


def test_clip_paths_are_named_by_their_order_and_nothing_else_changes():
    made = b'<g clip-path="url(#p0123456789)"/><path d="M -0 1.5 \nL -0.5 -0"/><clipPath id="p0123456789"/>'
    other = made.replace(b"p0123456789", b"pabcdefabcd").replace(b"-0 1.5", b"0 1.5").replace(b'-0"', b'0"')
    named = b'<g clip-path="url(#clip0)"/><path d="M 0 1.5 \nL -0.5 0"/><clipPath id="clip0"/>'

    assert steady(made) == steady(other) == named
    assert steady(b'"url(#pffffffffff)" "url(#p0000000000)"') == b'"url(#clip0)" "url(#clip1)"'
    assert steady(b"data:image/png;base64,p0123456789 -0.5") == b"data:image/png;base64,p0123456789 -0.5"
