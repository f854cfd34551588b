"""Variants of a class: who shares one, names of files that nobody can abuse, and a folder that loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.exam.generating import folder as folders
from archdsl.exam.generating.filenames import filenames
from archdsl.exam.generating.folder import Edited, NotOurs, write
from archdsl.exam.generating.pages import key_page, sheet_page
from archdsl.exam.generating.roster import students_in, students_of
from archdsl.exam.generating.table import summary, table
from archdsl.exam.reading import read_sheet, read_text
from archdsl.exam.submissions.gathered import AnswersError
from archdsl.exam.texts import SheetError
from archdsl.exam.variants import shared, variants

SHEETS = Path(__file__).parent / "sheets"
TWO = """
exam: s
title: A *sheet*
problems:
  - id: q
    draw: {n: [8, 9]}
    text: The map has side {{ n }}.
    net: |
      input x: [2, n, n]
      output y = x -> a: Conv2d(4, 3)
    parts:
      - {id: a, ask: shape(a), marks: 1.5, text: "What is the *shape*?"}
"""


# fmt: off
PRINTED = """
        n   c  k  s  p  o   draws   (a) truth   T01  T02  T03  T05    (b) truth   P01    T07    P04
s01    28  16  5  3  2   8      2   8x82x82      10   84   86   85       3,208   3,200  3,216    208
s02    21  32  3  2  2   8     18   8x39x39      12   42   43   41       2,312   2,304  2,336     80
s03    14   8  3  2  2  32      4   32x25x25      8   28   29   27       2,336   2,304  2,312    320
3 variants, all different, all five options distinct.
"""
"""The table of EXAM.md; only its blanks are free."""
# fmt: on


def test_the_table_is_the_printed_one():
    sheet = read_sheet(SHEETS / "up.yaml")
    found = table(sheet, variants(sheet, 2026, ("s01", "s02", "s03")))

    assert [line.split() for line in found.splitlines() if line] == [
        line.split() for line in PRINTED.splitlines() if line
    ]


def test_students_with_one_variant_are_named():
    """Two values for five students: at least three share one."""
    sheet = read_text(TWO, "s", "yaml")
    drawn = variants(sheet, 1, [f"s{i}" for i in range(5)])
    groups = shared(drawn)
    by_value: dict[object, list[str]] = {}
    for one in drawn:
        by_value.setdefault(one.values["q"]["n"], []).append(one.student)

    assert sorted(groups) == sorted(tuple(group) for group in by_value.values() if len(group) > 1)
    said = summary(sheet, drawn)
    assert said.startswith(f"5 variants, {len(by_value)} different.\n")
    assert all(student in said for group in groups for student in group)
    assert said.count("(L6)") == len(groups)


def test_a_sheet_that_draws_nothing_is_alike_for_all():
    sheet = read_sheet(SHEETS / "chain.yaml")

    assert summary(sheet, variants(sheet, 1, ("a", "b"))) == "2 variants, all alike: the sheet draws nothing."


def test_a_part_without_an_answer_stops_the_generation():
    sheet = read_text("exam: s\nproblems:\n - {id: q, parts: [{id: a, ask: 1 / 0}]}", "s", "yaml")
    with pytest.raises(SheetError, match="division by zero"):
        variants(sheet, 1, ("a",))


def test_the_sheet_has_the_questions_and_the_key_the_answers():
    sheet = read_text(TWO, "s", "yaml")
    (one,) = variants(sheet, 1, ("s<1>",))
    side = one.values["q"]["n"]
    asked, key = sheet_page(sheet, one), key_page(sheet, one)

    assert f"The map has side {side}." in asked
    assert "**(a)** What is the *shape*? *(1.5 marks)*" in asked
    assert "# A \\*sheet\\*\n" in asked
    assert "Student: s\\<1\\>, 1.5 marks" in asked
    assert "Conv2d(4, 3)" in asked
    assert f"4x{side - 2}x{side - 2}" not in asked
    assert f"4x{side - 2}x{side - 2}" in key
    assert f"Drawn: n = {side}." in key
    assert "(S03)" in key


def test_a_net_that_the_text_shows_is_not_shown_again():
    sheet = read_text(TWO.replace("side {{ n }}.", "side {{ n }}. {{ net.table }}"), "s", "yaml")
    (one,) = variants(sheet, 1, ("a",))

    assert sheet_page(sheet, one).count("Conv2d(4, 3)") == 1


def test_conventions_are_told_as_the_sheet_states_them():
    sheet = read_text(TWO.replace("title:", "conventions: {layout: HWC, kilo: 1024}\ntitle:"), "s", "yaml")
    (one,) = variants(sheet, 1, ("a",))

    assert "Conventions: shapes are height × width × channels; K is 1024." in sheet_page(sheet, one)


# Names of files.

# fmt: off
NAMES = [
    # students                      whose name is the id itself
    (("s01", "s02"),                {"s01", "s02"}),
    (("S01", "s01", "s02"),         {"s02"}),
    (("../../etc/passwd", "..", "."), set()),
    (("a/b", "a\\b", "a_b"),        {"a_b"}),
    (("con", "NUL", "com1.x", "lpt"), {"lpt"}),
    (("-rf", ".hidden", "a.", "a b"), set()),
    (("é", "e\u0301", "名前"),        set()),
    (("x" * 61, "x" * 60),          {"x" * 60}),
    (("\u017f1", "s1", "ß", "ss"),       set()),
]
# fmt: on


@pytest.mark.parametrize(("students", "kept"), NAMES, ids=[",".join(row[0])[:30] for row in NAMES])
def test_only_what_no_file_system_mistakes_is_kept(students, kept):
    found = filenames(students)

    assert {id for id, name in found.items() if name == id} == kept
    assert_safe(students, found)


@given(st.lists(st.text(min_size=1), max_size=20))
def test_names_stay_in_their_folder_and_never_meet(students):
    assert_safe(students, filenames(students))


def assert_safe(students, found):
    names = [found[one] for one in dict.fromkeys(students)]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert name.isascii()
        assert name == Path(name).name
        assert name[0].isalnum()
        assert name[-1] != "."
        assert len(name) <= 130
        assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_the_name_of_a_file_does_not_depend_on_the_others_where_none_is_alike():
    assert filenames(["a b", "c"])["a b"] == filenames(["a b"])["a b"]


# Who is in the class.


def roster(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "class.csv"
    path.write_text(text, "utf-8")
    return students_in(path, read_text(TWO, "s", "yaml"))


@pytest.mark.parametrize(
    "text",
    ["student\ns01\ns02\n", "s01\ns02\n", "name,student\nAnn,s01\nBob,s02\n", "Student ID;x\r\ns01;1\r\ns02;2\r\n",
     "\ufeffSID\ts\ns01\t1\ns02\t2\n", "student\n\ns01\n\n s02 \n"],
)  # fmt: skip
def test_students_are_read_from_a_table(text, tmp_path):
    assert roster(tmp_path, text) == ("s01", "s02")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("student\ns01\ns01\n", "s01 stands twice"),
        ("student,x\n,1\ns02,2\n", "a student has no id"),
        ("a,b\n1,2\n", "no column is of students"),
        ("student\ns\x07\n", "signs that cannot be seen"),
        ("student\n" + "x" * 201 + "\n", "an id has at most 200 characters"),
        ("", "the file is empty"),
    ],
)
def test_a_table_that_is_no_class_is_told(text, said, tmp_path):
    with pytest.raises(AnswersError, match=said):
        roster(tmp_path, text)


def test_a_table_without_students_is_told(tmp_path):
    with pytest.raises(ValueError, match="no students"):
        roster(tmp_path, "student\n")


@pytest.mark.parametrize(("text", "said"), [("a,,b", "no id"), ("a,b,a", "a stands twice"), ("", "no id")])
def test_a_row_of_ids_has_each_once(text, said):
    assert students_of(" a , b") == ("a", "b")
    with pytest.raises(ValueError, match=said):
        students_of(text)


# The folder.

FILES = {"sheets/a.md": "one\n", "keys/a.md": "two\n"}


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def test_files_are_written_with_a_manifest_of_their_digests(tmp_path):
    write(tmp_path / "out", FILES, {"seed": "1"})
    found = contents(tmp_path / "out")
    whole = json.loads(found.pop("manifest.json"))

    assert found == FILES
    assert whole["seed"] == "1"
    assert whole["files"]["sheets/a.md"] == "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"


def test_files_that_nobody_touched_are_written_anew_and_stale_ones_go(tmp_path):
    write(tmp_path, FILES, {})
    write(tmp_path, {"sheets/b.md": "three\n"}, {})

    assert set(contents(tmp_path)) == {"sheets/b.md", "manifest.json"}


def test_a_file_that_was_edited_is_kept_unless_forced(tmp_path):
    write(tmp_path, FILES, {})
    (tmp_path / "keys/a.md").write_text("mine\n", "utf-8")
    before = contents(tmp_path)
    with pytest.raises(Edited, match=r"keys/a\.md"):
        write(tmp_path, FILES, {})

    assert contents(tmp_path) == before
    write(tmp_path, FILES, {}, force=True)
    assert contents(tmp_path)["keys/a.md"] == "two\n"


def test_what_was_put_beside_the_files_stays(tmp_path):
    write(tmp_path, FILES, {})
    (tmp_path / "sheets/a.pdf").write_text("made", "utf-8")
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    write(tmp_path, {"sheets/a.md": "new\n"}, {})

    assert contents(tmp_path)["sheets/a.pdf"] == "made"
    assert contents(tmp_path)["notes.txt"] == "mine"
    assert contents(tmp_path)["sheets/a.md"] == "new\n"
    with pytest.raises(Edited, match=r"a\.pdf"):
        write(tmp_path, {"sheets/a.pdf": "ours"}, {})


def test_a_file_that_was_removed_is_written_again(tmp_path):
    write(tmp_path, FILES, {})
    (tmp_path / "keys/a.md").unlink()
    write(tmp_path, FILES, {})

    assert contents(tmp_path)["keys/a.md"] == "two\n"


@pytest.mark.parametrize("there", ["file", "others", "manifest", "hostile"])
def test_a_place_that_is_not_ours_is_left_alone_even_by_force(there, tmp_path):
    place = tmp_path / "out"
    if there == "file":
        place.write_text("mine", "utf-8")
    else:
        place.mkdir()
        text = {"others": "mine", "manifest": '{"schema": "other"}', "hostile": "[" * 100_000}[there]
        (place / ("manifest.json" if there != "others" else "thesis.tex")).write_text(text, "utf-8")
    before = contents(tmp_path)
    with pytest.raises(NotOurs):
        write(place, FILES, {}, force=True)

    assert contents(tmp_path) == before


def test_a_manifest_that_names_files_elsewhere_reaches_none_of_them(tmp_path):
    (tmp_path / "precious").write_text("mine", "utf-8")
    place = tmp_path / "out"
    write(place, FILES, {})
    whole = json.loads((place / "manifest.json").read_text("utf-8"))
    whole["files"] |= {"../precious": "0", "sheets/../../precious": "0", "/etc/passwd": "0"}
    (place / "manifest.json").write_text(json.dumps(whole), "utf-8")
    write(place, FILES, {}, force=True)

    assert (tmp_path / "precious").read_text("utf-8") == "mine"


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    write(tmp_path / "out", FILES, {"seed": "1"})
    before = contents(tmp_path)
    rename, calls = Path.rename, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 5:
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(folders.Path, "rename", failing)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "out", {"sheets/b.md": "new\n"}, {"seed": "2"})

    assert contents(tmp_path) == before


def test_a_new_folder_that_cannot_be_filled_is_not_left_behind(tmp_path):
    with pytest.raises(OSError, match="name too long"):
        write(tmp_path / "out", {"sheets/" + "x" * 300: "long"}, {})

    assert not (tmp_path / "out").exists()
