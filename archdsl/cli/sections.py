"""What `analyze` adds when it is asked: each section is computed and loaded only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.cli.training import Trained

if TYPE_CHECKING:
    from archdsl.analysis import Analysis
    from archdsl.analysis.training_memory import TrainingMemory
    from archdsl.report.rows import Row


class Section(NamedTuple):
    """One section: its key in the JSON, and what makes it of an analysis."""

    key: str
    text: Callable[[Analysis, Sequence[Row]], str]
    document: Callable[[Analysis], Any]


def _fields(analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.report.fields import render

    return render(analysis, shown)


def _fields_document(analysis: Analysis) -> Any:
    from archdsl.report.fields import as_dict

    return as_dict(analysis)


def _dead(analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.analysis.dead import dead_work
    from archdsl.report.dead import render

    return render(dead_work(analysis.graph))


def _dead_document(analysis: Analysis) -> Any:
    from archdsl.analysis.dead import dead_work
    from archdsl.report.dead import as_dict

    return as_dict(dead_work(analysis.graph))


def _paths(analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.analysis.paths import paths
    from archdsl.report.paths import render

    return render(paths(analysis.graph))


def _paths_document(analysis: Analysis) -> Any:
    from archdsl.analysis.paths import paths
    from archdsl.report.paths import as_dict

    return as_dict(paths(analysis.graph))


def _effective(analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.analysis.effective import effective_fields
    from archdsl.report.effective import render

    return render(analysis, effective_fields(analysis.graph))


def _effective_document(analysis: Analysis) -> Any:
    from archdsl.analysis.effective import effective_fields
    from archdsl.report.effective import as_dict

    return as_dict(analysis, effective_fields(analysis.graph))


def _memory(how: Trained, analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.report.training import render

    return render(_step(how, analysis))


def _memory_document(how: Trained, analysis: Analysis) -> Any:
    from archdsl.report.training import as_dict

    return as_dict(_step(how, analysis))


def _step(how: Trained, analysis: Analysis) -> TrainingMemory:
    from archdsl.cli.training import training

    return training(analysis.graph, analysis.dtype, how).at(analysis.batch)


def _structure(analysis: Analysis, shown: Sequence[Row]) -> str:
    from archdsl.report.structure import render

    return render(analysis)


def _structure_document(analysis: Analysis) -> Any:
    from archdsl.report.structure import as_dict

    return as_dict(analysis)


NEED_SIZES = ("memory", "dead")


def sections(names: Sequence[str], how: Trained) -> list[Section]:
    """Return the sections of these flags; `how` is the training that the one of memory tells of."""
    every = {
        "rf": Section("exact_fields", _fields, _fields_document),
        "erf": Section("effective_fields", _effective, _effective_document),
        "paths": Section("paths", _paths, _paths_document),
        "memory": Section("training_memory", partial(_memory, how), partial(_memory_document, how)),
        "structure": Section("structure", _structure, _structure_document),
        "dead": Section("dead_work", _dead, _dead_document),
    }
    return [every[name] for name in names]
