"""Answers as they are handed in: every way of writing them gives the same records, and what is wrong is told."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.exam.grading import Submission
from archdsl.exam.reading import read_text as read_sheet
from archdsl.exam.submissions import AnswersError, read_submissions, read_text
from archdsl.exam.submissions.csv import rows
from archdsl.rules.exam import ANSWER_RULES
from archdsl.source import Source

NET = "    net: |\n      input x: [3, 32, 32]\n      output y = x -> conv: Conv2d(64, 3)\n"
PARTS = "    parts:\n      - {id: a, ask: params(conv), marks: 2, key: 1792}\n"
ONE = read_sheet(f"exam: one\nproblems:\n  - id: q1\n{NET}{PARTS}", "one.yaml", "yaml")
MORE = "      - {id: b, ask: shape}\n"
SHEET = read_sheet(f"exam: two\nproblems:\n  - id: q1\n{NET}{PARTS}{MORE}  - id: q2\n{NET}{PARTS}", "two.yaml", "yaml")
BOTH = (
    Submission("s01", {"q1.a": "1,792", "q1.b": "64x30x30", "q2.a": "1728"}),
    Submission("s02", {"q1.a": "", "q1.b": "see\nback", "q2.a": "1.79E+03"}),
)


def students(text: str, **options: object) -> tuple[Submission, ...]:
    return read_text(text, "answers.csv", SHEET, **options).students


def refused(text: str, sheet=SHEET, name: str = "answers.csv", **options: object) -> list:
    with pytest.raises(AnswersError) as caught:
        read_text(text, name, sheet, **options)
    return list(caught.value.diagnostics)


# fmt: off
WIDE = [
    ("commas",              'student,q1.a,q1.b,q2.a\ns01,"1,792",64x30x30,1728\ns02,,"see\nback",1.79E+03\n'),
    ("semicolons",          'student;q1.a;q1.b;q2.a\ns01;1,792;64x30x30;1728\ns02;;"see\nback";1.79E+03\n'),
    ("tabs",                'student\tq1.a\tq1.b\tq2.a\ns01\t1,792\t64x30x30\t1728\ns02\t\t"see\nback"\t1.79E+03'),
    ("Excel's first line",  'sep=;\nstudent;q1.a;q1.b;q2.a\ns01;1,792;64x30x30;1728\ns02;;"see\nback";1.79E+03\n'),
    ("a byte order mark",   '\ufeffstudent,q1.a,q1.b,q2.a\r\ns01,"1,792",64x30x30,1728\r\ns02,,"see\r\nback",1.79E+03\r\n'),
    ("spaces about quotes", 'student, q1.a , q1.b, q2.a\ns01, "1,792" ,64x30x30 , 1728\ns02, , "see\nback", 1.79E+03\n'),
    ("empty columns",       'student,q1.a,q1.b,q2.a,,\ns01,"1,792",64x30x30,1728,,\n,,,,,\ns02,,"see\nback",1.79E+03,,\n'),
    ("other spellings",     'Student ID,Q1.A,q1_b,q2 (a)\ns01,"1,792",64x30x30,1728\ns02,,"see\nback",1.79E+03\n'),
    ("other columns",       'name,student,section,q1.a,q1.b,q2.a\nAda,s01,1,"1,792",64x30x30,1728\nBo,s02,2,,"see\nback",1.79E+03\n'),
    ("an order of its own", 'q2.a,q1.b,q1.a,student\n1728,64x30x30,"1,792",s01\n1.79E+03,"see\nback",,s02\n'),
    ("long",                'student,part,answer\ns01,q1.a,"1,792"\ns02,q1.b,"see\nback"\ns01,q1.b,64x30x30\ns02,q1.a,\ns02,q2.a,1.79E+03\ns01,q2.a,1728\n'),
]
# fmt: on


@pytest.mark.parametrize("text", [text for _, text in WIDE], ids=[name for name, _ in WIDE])
def test_a_table_of_a_class_is_read_however_it_was_saved(text):
    assert students(text) == BOTH


MAPPING = {one.student: dict(one.answers) for one in BOTH}


@pytest.mark.parametrize(
    "document",
    [
        MAPPING,
        [{"student": name, **answers} for name, answers in MAPPING.items()],
        [{"student": name, "answers": answers} for name, answers in MAPPING.items()],
        {name: {"q1": {"a": a["q1.a"], "b": a["q1.b"]}, "q2": {"a": a["q2.a"]}} for name, a in MAPPING.items()},
    ],
    ids=["by student", "a list", "answers below a key", "by problem"],
)
@pytest.mark.parametrize("format", ["json", "yaml"])
def test_mappings_say_the_same_as_tables(document, format):
    assert students(json.dumps(document), format=format) == BOTH


def test_yaml_toml_and_lines_say_what_one_student_answers():
    wanted = (Submission("s07", {"q1.a": "1_792", "q1.b": "[64, 30, 30]", "q2.a": "= 1792"}),)

    assert students("student: s07\nq1.a: 1_792\nq1.b: [64, 30, 30]\nq2.a: '= 1792'\n", format="yaml") == wanted
    assert students('student = "s07"\n"q1.b" = [64, 30, 30]\n[answers]\n"q1.a" = "1_792"\n"q2.a" = "= 1792"\n',
                    format="toml")[0].answers == wanted[0].answers  # fmt: skip
    assert (
        students("student: s07\n# mine\nq1.a: 1_792\n\nq1.b : [64, 30, 30]\nq2.a = = 1792\n", format="lines") == wanted
    )


def test_without_a_student_the_file_s_name_says_who_it_is(tmp_path):
    (tmp_path / "s01.yaml").write_text("q1.a: 1,792\nq1.b: 64x30x30\nq2.a: 1728\n", "utf-8")
    (tmp_path / "s02.csv").write_text('q1.a,q1.b,q2.a\n,"see\nback",1.79E+03\n', "utf-8")
    (tmp_path / "s03.txt").write_text("q2.a: 1792", "utf-8")
    (tmp_path / "s04.json").write_text('{"q1.a": 1792}', "utf-8")
    (tmp_path / "notes.docx").write_text("", "utf-8")
    (tmp_path / ".hidden.csv").write_text("", "utf-8")
    found = read_submissions([str(tmp_path)], SHEET)

    assert found.students == (*BOTH, Submission("s03", {"q2.a": "1792"}), Submission("s04", {"q1.a": "1792"}))
    assert found.remarks == (f"{tmp_path}: not read: notes.docx",)


def test_a_folder_may_hold_tables_of_sections(tmp_path):
    (tmp_path / "monday.csv").write_text("student,q1.a\ns01,1\n", "utf-8")
    (tmp_path / "tuesday.csv").write_text("student,q1.a\ns02,2\n", "utf-8")

    assert [one.student for one in read_submissions([str(tmp_path)], SHEET).students] == ["s01", "s02"]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("student,q1.a\ns01,1792\n", "a table"),
        ("student: s01\nq1.a: 1792\n", "lines"),
        ("s01:\n  q1.a: 1792\n", "YAML"),
        ('{"s01": {"q1.a": "1792"}}', "JSON"),
    ],
    ids=lambda value: value if len(value) < 8 else "",
)
def test_standard_input_tells_itself_what_it_is_in(text, format):
    found = read_submissions(["-"], SHEET, stdin=text.encode())

    assert found.students == (Submission("s01", {"q1.a": "1792"}),)


def test_single_answers_stand_on_the_command_line():
    found = read_submissions(["q1.a=28*64 = 1792", "q1.b=64x30x30"], SHEET)

    assert [dict(one.answers) for one in found.students] == [{"q1.a": "28*64 = 1792", "q1.b": "64x30x30"}]


def test_columns_are_renamed_and_left_out():
    text = "Matriculation No.,Question 1,Question 2,Q1.C\ns01,1792,64x30x30,x\n"
    renamed = {"Matriculation No.": "student", "Question 1": "q1.a", "Question 2": "q1.b", "Q1.C": "-"}

    assert students(text, renamed=renamed) == (Submission("s01", {"q1.a": "1792", "q1.b": "64x30x30"}),)


def test_the_columns_of_a_long_table_are_renamed_too():
    text = "who,what,said\ns01,q1.a,1792\n"

    assert students(text, renamed={"who": "student", "what": "part", "said": "answer"}) == (
        Submission("s01", {"q1.a": "1792"}),
    )


def test_what_was_not_read_is_told_once():
    found = read_text("student,name,q1.a,remark\ns01,Ada,1792,hi\ns02,Bo,3\n", "c.csv", SHEET)

    assert found.remarks == (
        "c.csv: columns that are no parts are not read: name, remark",
        "no answers to q1.b, q2.a: this counts as blank for everybody",
    )
    short = read_text("student,q1.a,q1.b,q2.a\ns01,1\ns02,1,2,3\n", "c.csv", SHEET)
    assert short.remarks == ("c.csv:2: 2 of 4 cells; q1.b, q2.a of s01 counts as blank",)
    assert short.students[0].answers == {"q1.a": "1", "q1.b": "", "q2.a": ""}


def test_dates_and_powers_that_a_spreadsheet_made_are_answers_like_any_other():
    found = students("student,q1.a,q1.b\ns01,1.79E+03,03. Feb\n")

    assert found[0].answers == {"q1.a": "1.79E+03", "q1.b": "03. Feb"}


# What is wrong is told with its place and its cure.

# fmt: off
BROKEN = [
    # text                                              where     what is said                                          the cure
    ("student,q1.a\ns01,1\ns02,2\ns01,3\n",             "4:1",    "two rows are of `s01`",                              "another id"),
    ("student,part,answer\ns01,q1.a,1\ns01,Q1.A,2\n",   "3:10",   "`s01` answers q1.a twice",                           "leave one out"),
    ("student,q1.a,q1a\ns01,1,2\n",                     "1:14",   "two columns are of q1.a",                            "leave one out"),
    ("student,q1.a,q1.c\ns01,1,2\n",                    "1:14",   "the sheet has no part `q1.c`",                       '--map "q1.c=q1.b"'),
    ("student,Question 1\ns01,1\n",                     "1:1",    "no column is of a part",                             '--map "Question 1=q1.a"'),
    ("student,part,answer\ns01,q9.z,1\n",               "2:5",    "the sheet has no part `q9.z`",                       "q1.a, q1.b, q2.a"),
    ("student,part,answer\ns01,,1\n",                   "2:5",    "an answer to no part",                               "write which part"),
    ("who,q1.a\ns01,1\ns02,2\n",                        "1:1",    "no column says whose answers",                       '--map "who=student"'),
    ("student,q1.a\n,1\n",                              "2:1",    "an answer of nobody",                                "write the student's id"),
    ("student,q1.a,q1.b\ns01,1,792,64x30x30\n",         "2:11",   "4 cells in a table of 3 columns",                    '"20,928"'),
    ('student,q1.a\ns01,"1792\ns02,1\n',                "2:5",    "the quote is never closed",                          "close it"),
    ('student,q1.a\ns01,"17"92\n',                      "2:9",    "a text goes on behind its closing quote",            "written twice"),
    ("",                                                "1:1",    "the file is empty",                                  None),
    (" \n\n",                                           "1:1",    "the file is empty",                                  None),
    ("PK\x03\x04...",                                   "1:1",    "a spreadsheet or an archive",                        "as CSV in UTF-8"),
    ("student,q1.a\ns\0,1\n",                           "2:2",    "bytes that no text has",                             "as CSV in UTF-8"),
]
BROKEN_MAPPINGS = [
    ("s01: {q1.a: 1}\ns01: {q1.a: 2}\n",                "2:1",    "`s01` stands twice",                                 "leave one out"),
    ("s01: {q1.x: 1}\n",                                "1:7",    "the sheet has no part `q1.x`",                       "did you mean"),
    ("- {q1.a: 1}\n",                                   "1:3",    "nothing says whose answers",                         "`student:`"),
    ("s01: 5\n",                                        "1:1",    "`s01` is no part of the sheet, and no student",      "q1.a, q1.b, q2.a"),
    ("just words\n",                                    "1:1",    "a text, and no answers",                             "`q1.a: 1792`"),
    ("q1.a: {x: 1}\n",                                  "1:7",    "the answer to q1.a is a mapping",                    "quotes"),
    ("exam: two\nproblems: []\n",                       "1:1",    "this is a sheet",                                    "`q1.a: 1792`"),
    ("s01: {q1.a: 1\n",                                 "2:1",    "",                                                   None),
]
# fmt: on


@pytest.mark.parametrize(("text", "where", "said", "cure"), BROKEN)
def test_a_broken_table_is_refused_at_the_place_of_its_fault(text, where, said, cure):
    found = refused(text)

    assert f"{found[0].span}" == f"answers.csv:{where}"
    assert said in found[0].message
    assert cure is None or cure in (found[0].help or "")
    assert len(found) == 1


@pytest.mark.parametrize(("text", "where", "said", "cure"), BROKEN_MAPPINGS)
def test_a_broken_mapping_is_refused_at_the_place_of_its_fault(text, where, said, cure):
    found = refused(text, name="answers.yaml", format="yaml")

    assert f"{found[0].span}" == f"answers.yaml:{where}"
    assert said in found[0].message
    assert cure is None or cure in (found[0].help or "")


@pytest.mark.parametrize(
    ("data", "where", "cure"),
    [
        ("student,q1.a\nJos\u00e9,1\n".encode("latin-1"), "2:4", "save the file as UTF-8"),
        ("student,q1.a\ns01,1\n".encode("utf-16"), "1:1", "CSV UTF-8"),
    ],
)
def test_another_encoding_is_refused_with_its_cure(data, where, cure):
    with pytest.raises(AnswersError) as caught:
        read_submissions(["-"], SHEET, stdin=data)

    (found,) = caught.value.diagnostics
    assert f"{found.span}" == f"<stdin>:{where}"
    assert "is not UTF-8" in found.message
    assert cure in found.help


def test_a_student_in_two_files_is_told_with_both_places(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("student,q1.a,q1.b\ns01,1,2\n", "utf-8")
    with pytest.raises(AnswersError) as caught:
        read_submissions([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], SHEET)

    (found,) = caught.value.diagnostics
    assert found.message == "`s01` answers q1.a twice"
    assert [f"{found.span}", f"{found.related[0].span}"] == [f"{tmp_path}/b.csv:2:5", f"{tmp_path}/a.csv:2:5"]


def test_every_file_is_looked_at_before_anything_is_refused(tmp_path):
    (tmp_path / "s01.csv").write_text('q1.a\n"1', "utf-8")
    (tmp_path / "s02.yaml").write_text("q1.x: 1", "utf-8")
    with pytest.raises(AnswersError) as caught:
        read_submissions([str(tmp_path)], SHEET)

    assert [d.code for d in caught.value.diagnostics] == ["E0751", "E0754"]


@pytest.mark.parametrize(
    ("renamed", "said"),
    [({"x": "q9.z"}, "the sheet has no part `q9.z`"), ({"who": "student"}, "no file has a column `who`")],
)
def test_a_name_that_fits_nothing_is_refused(renamed, said):
    with pytest.raises(ValueError, match=said):
        students("student,q1.a\ns01,1\n", renamed=renamed)


@pytest.mark.parametrize("rule", [r for r in ANSWER_RULES.values() if r.code != "E0757"], ids=lambda rule: rule.name)
def test_the_bad_file_of_a_page_breaks_its_rule_and_the_good_one_none(rule):
    if rule.name != "no-student":
        assert {d.rule for d in refused(rule.bad, ONE)} == {rule}
    else:
        assert rule in {d.rule for d in refused(rule.bad, ONE)}
    assert read_text(rule.good, "answers.csv", ONE).students


# Nothing that is handed in breaks the reader.


@given(st.text(st.sampled_from("studenq1.ab,;\t\n\"' =-{}[]:#") | st.characters(), max_size=200))
def test_any_text_is_read_or_refused(text):
    for format in ("", "csv", "yaml", "json", "lines"):
        with suppress(AnswersError):
            found = read_text(text, "answers", SHEET, format=format)
            assert all(part in ("q1.a", "q1.b", "q2.a") for one in found.students for part in one.answers)


CELLS = st.text(
    st.sampled_from('ab,;"\n x') | st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8
)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_cells_that_are_quoted_read_back_without_the_spaces_about_them(table, separator):
    text = "\n".join(separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    found = [[cell.text for cell in row] for row in rows(Source("t", text), separator)]

    assert found == [[cell.strip() for cell in row] for row in table if any(cell.strip() for cell in row)]


def test_a_long_answer_is_kept_for_a_person_and_an_endless_one_is_refused():
    kept = students(f"student,q1.a\ns01,{'9' * 100_000}\n")
    assert len(kept[0].answers["q1.a"]) == 100_000

    (found,) = refused(f"student,q1.a\ns01,{'9' * 200_001}\n")
    assert found.code == "E0756"
