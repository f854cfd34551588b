"""Time the grading of a class of 500 students on 20 parts, with full diagnosis. Run by hand; prints a table.

    python tests/benchmarks/exam_grading.py [STUDENTS] [--profile]

Half of the answers are right, in one of several forms; the others are values of the catalogue's mistakes, what follows
from an earlier wrong answer, numbers of no known mistake, blanks, and texts that nobody can read. Some mistakes are
more frequent than others, as 1/rank. The seed is fixed.
Seconds are those of the processor: nobody else on the machine counts.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from archdsl.exam.asks import AskError
from archdsl.exam.grading import Judge, Submission, grade
from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_text
from archdsl.exam.results import csv, json, report, text
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Part, Sheet
from archdsl.exam.submissions import read_text as read_answers

STUDENTS, SEED, LIMIT = 500, 6, 5.0

SHEET = """
exam: twenty-parts
title: Counting in four networks
conventions: {rounding: floor, layout: any, bias: counted, bn: trainable, work: macs, rf: theoretical, kilo: 1000}
marking: {follow_through: full, repeated_mistake: 0.5, slip: 0.75, mistakes: {P01: 0.5, S03: 0.5}}
problems:
  - id: q1
    title: A chain
    net: |
      input image: [3, 64, 64]
      output y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)
    parts:
      - {id: a, ask: shape(a), marks: 2}
      - {id: b, ask: shape(b), marks: 2}
      - {id: c, ask: shape(c), marks: 2}
      - {id: d, ask: params, marks: 4}
      - {id: e, ask: receptive_field(c), marks: 2}
  - id: q2
    title: A classifier
    net: |
      input image: [3, 32, 32]
      f = image -> c1: Conv2d(16, 3, padding=1) -> BatchNorm2d -> ReLU -> p1: MaxPool2d(2)
      g = f -> c2: Conv2d(32, 5, stride=2, padding=1) -> ReLU -> p2: AvgPool2d(2)
      output y = g -> Flatten -> fc: Linear(10)
    parts:
      - {id: a, ask: shape(c1), marks: 1}
      - {id: b, ask: shape(p1), marks: 1}
      - {id: c, ask: shape(c2), marks: 1}
      - {id: d, ask: shape(p2), marks: 1}
      - {id: e, ask: params(c2), marks: 2}
      - {id: f, ask: params(fc), marks: 2}
      - {id: g, ask: params, marks: 3}
      - {id: h, ask: macs, marks: 3}
  - id: q3
    title: A residual block
    net: |
      input x: [64, 56, 56]
      y = x -> c1: Conv2d(128, 3, stride=2, padding=1, bias=false) -> BatchNorm2d -> ReLU
      z = y -> c2: Conv2d(128, 3, padding=1, bias=false) -> BatchNorm2d
      skip = x -> proj: Conv2d(128, 1, stride=2, bias=false) -> BatchNorm2d
      output w = z + skip -> ReLU
    parts:
      - {id: a, ask: shape, marks: 2}
      - {id: b, ask: params, marks: 3}
      - {id: c, ask: macs, marks: 3}
      - {id: d, ask: receptive_field, marks: 1}
  - id: q4
    title: Up again
    net: |
      input x: [16, 28, 28]
      output y = x -> up: ConvTranspose2d(8, 5, stride=3, padding=2) -> c: Conv2d(4, 3)
    parts:
      - {id: a, ask: shape(up), marks: 2}
      - {id: b, ask: shape(c), marks: 2}
      - {id: c, ask: params(up) + params(c), marks: 2}
"""


def answers(sheet: Sheet, students: int, chance: random.Random) -> list[Submission]:
    """Return what a class might hand in."""
    judge = Judge(sheet)
    wrong = {part.name: _wrong(judge.posed(problem.id), part) for problem, part in sheet.parts}
    return [Submission(f"s{number:03}", _paper(sheet, judge, wrong, chance)) for number in range(1, students + 1)]


def _wrong(posed: Posed, part: Part) -> list[Any]:
    """Return the values that mistakes of the catalogue lead to, in all layers and in one."""
    found = [*posed.candidates(part), *posed.candidates(part, once=True)]
    return [one.value for one in found if not isinstance(one.value, str)] or [posed.truth(part)]


def _paper(sheet: Sheet, judge: Judge, wrong: dict[str, list[Any]], chance: random.Random) -> dict[str, str]:
    given: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    for problem, part in sheet.parts:
        posed, earlier = judge.posed(problem.id), values.setdefault(problem.id, {})
        value: Any = posed.truth(part)
        kind = chance.random()
        if 0.5 <= kind < 0.72:
            value = chance.choices(wrong[part.name], [1 / place for place in range(1, len(wrong[part.name]) + 1)])[0]
        elif kind < 0.84:
            value = _follows(posed, part, earlier, value)
        elif kind < 0.92:
            value = _garbled(value, chance)
        if kind >= 0.96:
            given[part.name] = chance.choice(["see back", "?!", "64 by", "my answer is on page 3"])
            continue
        if kind >= 0.92:
            given[part.name] = ""
            continue
        given[part.name] = _written(value, chance)
        if value != posed.truth(part):
            earlier[part.id] = value
    return given


def _follows(posed: Posed, part: Part, earlier: dict[str, Any], truth: Any) -> Any:
    try:
        return posed.truth(part, {id: earlier[id] for id in part.after if id in earlier}) if earlier else truth
    except (AskError, ValueError):
        return truth


def _garbled(value: Any, chance: random.Random) -> Any:
    """Return a value near another, of no mistake in particular."""
    if isinstance(value, tuple):
        moved = chance.randint(-9, 9)
        return (value[0], *(max(1, int(size) + moved) for size in value[1:]))
    return max(1, int(value) + chance.randint(-max(9, int(value) // 3), max(9, int(value) // 3)))


def _written(value: Any, chance: random.Random) -> str:
    """Return a value in one of the forms that students use."""
    if isinstance(value, tuple) and len(value) == 3:
        c, h, w = map(shown, value)
        return chance.choice([f"{c}x{h}x{w}", f"{h}x{w}x{c}", f"({c}, {h}, {w})", f"{c}@{h}x{w}"])
    if isinstance(value, tuple):
        return "x".join(map(shown, value))
    whole = Fraction(value).denominator == 1
    forms = [shown(value), str(int(value)) if whole else shown(value)]
    if value > 1000 and whole:
        forms += [f"{float(value) / 1000:.1f}k", f"{int(value) - 7} + 7 = {int(value)}"]
    return chance.choice(forms)


def main() -> None:
    students = next((int(word) for word in sys.argv[1:] if word.isdigit()), STUDENTS)
    sheet = read_text(SHEET, "twenty.yaml", "yaml")
    submissions = answers(sheet, students, random.Random(SEED))
    names = [part.name for _, part in sheet.parts]
    rows = [["student", *names], *([s.student, *(s.answers[name] for name in names)] for s in submissions)]
    table = csv.table(rows)
    profile = cProfile.Profile() if "--profile" in sys.argv else None

    times = [time.process_time()]
    read = read_answers(table, "class.csv", sheet)
    times.append(time.process_time())
    if profile:
        profile.enable()
    grades = grade(sheet, read.students)
    if profile:
        profile.disable()
    times.append(time.process_time())
    made = report(grades, sheet)
    written = [text.write(made, explain=True), csv.write(made), json.write(made, sheet)]
    times.append(time.process_time())

    count = len(submissions) * len(names)
    steps = [after - before for before, after in pairwise(times)]
    found: dict[str, int] = {}
    for paper in grades.papers:
        for verdict in paper.verdicts:
            found[verdict.status.value] = found.get(verdict.status.value, 0) + 1
    print(f"{len(submissions)} students x {len(names)} parts = {count:,} answers, seed {SEED}")
    for name, seconds in zip(("read CSV", "grade", "write text, csv, json"), steps, strict=True):
        print(f"  {name:<22} {seconds:7.3f} s   {count / seconds:>10,.0f} answers/s")
    print(f"  {'all':<22} {sum(steps):7.3f} s   limit {LIMIT:g} s, {sum(map(len, written)):,} characters written")
    print("  " + ", ".join(f"{status} {number:,}" for status, number in sorted(found.items(), key=lambda one: -one[1])))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    if not profile and sum(steps) > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    print(Path(__file__).name)
    main()
