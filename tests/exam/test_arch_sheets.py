"""Files of the language as sheets: tests are problems, `?` is a blank, and a copy with answers is graded."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.elaborate import Library
from archdsl.exam import api
from archdsl.exam.filling import filled, literal
from archdsl.exam.grading import Judge
from archdsl.exam.keys import checked, faults
from archdsl.exam.posed import Posed
from archdsl.exam.prose import filled as worded
from archdsl.exam.reading import read_sheet
from archdsl.exam.reading import read_text as read_any
from archdsl.exam.submissions import AnswersError, Submissions, read_submissions, read_text
from archdsl.exam.texts import SheetError
from archdsl.pipeline import check
from archdsl.resources import specs
from archdsl.source import Source

NET = """\
model Net(width: int = 64) {  # said twice: expect params == 7 ?
    input x: [3, H, W]
    output y = x -> conv: Conv2d(width, 3, padding=1) -> pool: MaxPool2d(2)
}
"""
# By hand: 3*3*3*64 + 64 = 1,792 parameters, 64 maps of 8x8 halved to 4x4, a field of 3 + 1.
SHEET = (
    NET
    + """\
test Net(H=8, W=8) {
    expect params("conv") == ?  # with biases?
    expect shape("pool") == ?
    expect receptive_field("pool") == 4
}
"""
)
RESNET = """\
from resnet import Bottleneck, ResNet
model Mine = ResNet(unit=Bottleneck, depths=[3, 4, 6, 3])
test Mine {
    expect params("conv1") == ?
    expect receptive_field("layer1") == ?
    expect shape("layer2.0.conv2") == [128, 28, 28]
    expect macs == 4.09G within 1%
}
"""
BUNDLED = sorted(path.name for path in specs().glob("*.arch"))


def read(text: str, name: str = "quiz.arch"):
    return read_any(text, name, "arch")


def of_net(body: str):
    return read(f"{NET}test Net(H=8, W=8) {{ {body} }}")


def refused(text: str) -> list:
    with pytest.raises(SheetError) as caught:
        read(text)
    return list(caught.value.diagnostics)


def truths(sheet) -> dict[str, object]:
    return {
        part.name: Posed(problem, sheet.conventions).truth(part) for problem in sheet.problems for part in problem.parts
    }


# Tests as problems.


def test_a_test_is_a_problem_and_its_expectations_are_parts():
    sheet = read(SHEET)
    (problem,) = sheet.problems

    assert (sheet.exam, sheet.is_light, problem.id, problem.title) == ("quiz", True, "net", "Net")
    assert [(part.name, str(part.ask), part.key and part.key.text, part.after) for part in problem.parts] == [
        ("net.1", 'params("conv")', None, ()),
        ("net.2", 'shape("pool")', None, ("1",)),
        ("net.3", 'receptive_field("pool")', "4", ("1", "2")),
    ]
    assert [part.span.line for part in problem.parts] == [6, 7, 8]
    assert truths(sheet) == {"net.1": 1792, "net.2": (64, 4, 4), "net.3": 4}


def test_the_arguments_of_a_test_are_those_of_its_network():
    sheet = read(NET + "test Net(H=8, W=8, width=2) { expect shape == ? } test Net(W=6, H=4) { expect shape == ? }")

    assert truths(sheet) == {"net-1.1": (2, 4, 4), "net-2.1": (64, 2, 3)}


def test_ids_are_unique_whatever_the_models_are_called():
    body = "{ input x: [3, 8, 8] output y = x -> Flatten }"
    models = "".join(f"model {name} {body}\n" for name in ("Net", "NET", "Net_1", "_x"))
    tests = "".join(f"test {name} {{ expect params == 0 }}\n" for name in ("Net", "NET", "Net_1", "_x", "Net"))

    ids = [problem.id for problem in read(models + tests).problems]
    assert ids == ["net-1", "net-2", "net_1", "x", "net-3"]


@pytest.mark.parametrize(("body", "ask", "key", "tolerance"), [
    ("expect params == 1_792",                        "params",                  "1_792",       0),
    ("expect 1_792 == params",                        "params",                  "1_792",       0),
    ("expect ? == params",                            "params",                  None,          0),
    ("expect params == ?",                            "params",                  None,          0),
    ("expect params # == 3 ?\n  ==\n ? # why?\n",     "params",                  None,          0),
    ("expect (params - 64) / 27 == (32 + 32)",        "(params - 64) / 27",      "(32 + 32)",   0),
    ("expect params == 1.8K within 2.5%",             "params",                  "1.8K",        Fraction(1, 40)),
    ('expect shape("conv")[0] == 64',                 'shape("conv")[0]',        "64",          0),
    ('expect shape("conv") == [64,\n  8,\n  8]',      'shape("conv")',           "[64, 8, 8]",  0),
])  # fmt: skip
def test_an_expectation_is_read_as_written(body, ask, key, tolerance):
    (part,) = of_net(body).problems[0].parts

    assert (str(part.ask), part.key.text if part.key else None, part.tolerance) == (ask, key, tolerance)


def test_what_no_ask_can_say_is_left_to_check_and_said_so():
    sheet = of_net("expect params < 2K expect round(params / 1e3, 1) == 1.8 expect buffers == 0 expect params == 1_792")

    assert [part.name for _, part in sheet.parts] == ["net.4"]
    said = "`params < 2K` (line 5), `round(params / 1e3, 1) == 1.8` (line 5), `buffers == 0` (line 5)"
    assert sheet.remarks == (f"left to `archdsl check`, as no exam asks it: {said}",)


@pytest.mark.parametrize(("test", "code", "at", "said"), [
    ("",                                           "E0715", "",                 "the file has no `test`, so it asks nothing"),
    ("test Nett { expect params == ? }",           "E0211", "Nett",             "there is no model `Nett` in this file"),
    ("test Net(K=3) { expect params == ? }",       "E0202", "K=3",              "`Net` has no parameter or size `K`"),
    ("test Net { expect parms == ? }",             "E0719", "parms",            "there is no quantity `parms`"),
    ("test Net { expect params == ? + 1 }",        "E0719", "expect params == ? + 1", "a blank stands alone on one side of `==`, and an ask on the other"),
    ("test Net { expect params < ? }",             "E0719", "expect params < ?", "a blank stands alone on one side of `==`, and an ask on the other"),
    ("test Net { expect buffers == ? }",           "E0719", "buffers",          "a test counts the counters of batches among `buffers`, and an exam does not"),
    ("test Net { expect params( == ? }",           "E0102", "}",                "`(` is closed by `}`"),
])  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(test, code, at, said):
    found = refused(NET + test)

    assert [(d.code, d.message) for d in found] == [(code, said)]
    assert found[0].span.text == at


def test_an_error_of_the_network_is_told_in_the_file_with_the_test_it_came_up_in():
    sheet = read(NET.replace("padding=1", "padding=0") + "test Net(H=2, W=2) { expect params == ? }")

    (found,) = faults(sheet)
    assert (found.code, found.span.line, found.frames[0].span.line) == ("E0303", 3, 5)


def test_a_file_is_read_with_what_lies_beside_it(tmp_path):
    (tmp_path / "part.arch").write_text("block B { input x: [c, h, w]\n output x -> Conv2d(2, 1) }\n")
    quiz = "from .part import B\nmodel Net { input x: [3, 8, 8]\n output y = x -> b: B }\ntest Net { expect params == ? }\n"
    (tmp_path / "quiz.arch").write_text(quiz)

    assert truths(read_sheet(tmp_path / "quiz.arch")) == {"net.1": 8}


def test_students_read_the_layers_and_never_the_values():
    (problem,) = read(SHEET).problems
    text = worded(problem.text, Posed(problem, read(SHEET).conventions), "text")

    assert "Conv2d(64, 3, padding=1)" in text
    assert "test Net" not in problem.nets[""].text.text


# Keys.


@pytest.mark.parametrize("name", BUNDLED)
def test_what_a_bundled_spec_expects_is_right_and_its_blanks_are_filled_with_what_check_holds(name):
    sheet = read_sheet(name)
    keys = checked(sheet)
    assert keys
    assert all(key.is_right for key in keys)

    text = sheet.source.text
    for key in reversed(keys):
        span = key.part.key.span
        text = f"{text[: span.start]}?{text[span.end :]}"
    blank = read(text, name)
    assert not any(part.key for _, part in blank.parts)
    made, count = filled(blank, text)
    found = check(Library().add(Source(name, made), specs() / name))
    assert count == len(keys)
    assert [outcome.text for outcome in found.outcomes if outcome.holds is not True] == []


@pytest.mark.parametrize(("body", "status", "id"), [
    ('params("conv") == 1_792',          "correct", ""),
    ('params("conv") == 1_555',          "wrong",   ""),
    ('params("conv") == 1_729',          "mistake", "P02"),  # 1,728 weights and one bias
    ('params("conv") == 1_728',          "note",    "C4"),
    ('shape("conv") == [64, 6, 6]',      "mistake", "S01"),  # without the padding
    ('shape("conv") == [8, 8, 64]',      "note",    "C2"),
    ('receptive_field("pool") == 5',     "mistake", "R03"),  # 3 + 2, the kernels added
])  # fmt: skip
def test_a_wrong_value_is_named(body, status, id):
    (key,) = checked(of_net(f"expect {body}"))

    assert key.verdict.status.value == status
    assert id in key.verdict.ids or not id


def test_a_published_network_is_filled_in():
    """ResNet-50: 64*3*7*7 = 9,408 weights in conv1; layer1 sees 7 + 2*2 + 3*2*4 = 35 pixels."""
    sheet = read(RESNET)
    text, count = filled(sheet, RESNET)

    assert all(key.is_right for key in checked(sheet))
    assert count == 2
    assert text == RESNET.replace('"conv1") == ?', '"conv1") == 9_408').replace('"layer1") == ?', '"layer1") == 35')


def test_an_output_that_is_called_like_its_block_counts_the_block():
    """1x1: 3*2 + 2 = 8, then 2*2 + 2 = 6; the last layer alone would be 6."""
    net = "model Net { input x: [3, 8, 8]\n output aux = x -> aux: (Conv2d(2, 1) -> Conv2d(2, 1)) }\n"
    text = net + 'test Net { expect params("aux") == 14 expect shape("aux") == [2, 8, 8] }'

    assert [key.is_right for key in checked(read(text))] == [True, True]


# Blanks.


def test_only_blanks_are_filled_in_and_everything_else_stays():
    text, count = filled(read(SHEET), SHEET)

    assert count == 2
    assert text == SHEET.replace('"conv") == ?', '"conv") == 1_792').replace('"pool") == ?', '"pool") == [64, 4, 4]')


def test_ends_of_lines_and_the_byte_order_mark_stay():
    windows = "\ufeff" + SHEET.replace("\n", "\r\n")

    text, _ = filled(read(windows), windows)
    assert text == "\ufeff" + filled(read(SHEET), SHEET)[0].replace("\n", "\r\n")


def test_chosen_parts_are_filled_in_alone():
    text, count = filled(read(SHEET), SHEET, {"net.2"})

    assert count == 1
    assert text == SHEET.replace('"pool") == ?', '"pool") == [64, 4, 4]')


def test_a_blank_without_an_answer_fills_none():
    open_sizes = NET + "test Net { expect params == ? expect macs == ? }"

    with pytest.raises(SheetError, match="left open"):
        filled(read(open_sizes), open_sizes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(9408, "9_408"), (Fraction(1, 4), "0.25"), ((64, 8, 8), "[64, 8, 8]"), (True, "true"), (Fraction(6, 2), "3")],
)
def test_values_are_written_as_the_language_has_them(value, text):
    assert literal(value) == text


def test_blanks_are_what_a_sheet_asks_and_values_beside_them_are_given():
    asking = read(SHEET).asking
    complete = read(SHEET.replace("?", "1"))

    assert [(part.name, part.after) for _, part in asking.parts] == [("net.1", ()), ("net.2", ("1",))]
    assert complete.asking is complete


# Copies.


def answered(text: str, sheet=None) -> dict[str, str]:
    (student,) = handed_in(text, sheet).students
    return dict(student.answers)


def handed_in(text: str, sheet=None) -> Submissions:
    return read_text(text, "s01.arch", sheet or read(SHEET).asking)


@pytest.mark.parametrize("answer", [
    "1_792", "1,792", "1.79k", "about 1800", "27*64 + 64", "27*64 + 64 = 1792", "?", "", "[64, 8, 8", "64@8x8", "}", "{1", "≈ 1.8k",
])  # fmt: skip
def test_an_answer_need_not_be_in_the_language(answer):
    copy = SHEET.replace('expect params("conv") == ?', f'expect params("conv") == {answer}')

    assert answered(copy) == {"net.1": answer, "net.2": "?"}


@pytest.mark.parametrize("line", [
    'expect params("conv") == 1792',    'expect params( "conv" )==1792',    "expect params(conv) = 1792",
    'expect 1792 == params("conv")',    'expect params("conv") == 1792 within 1%',
    'expect params("conv")\n == # my answer == 3\n 1792',
])  # fmt: skip
def test_an_ask_is_found_however_it_is_spaced(line):
    copy = SHEET.replace('expect params("conv") == ?', line)

    assert answered(copy)["net.1"] == "1792"


def test_answers_are_found_in_another_order_and_among_other_lines():
    tests = 'test Net(H=8, W=8) {\n expect params == 3\n expect shape("pool") == [64, 4, 4]\n expect params("conv") == 5\n}\n'

    assert answered(NET + tests) == {"net.1": "5", "net.2": "[64, 4, 4]"}


def test_several_tests_of_a_model_are_told_apart_by_their_arguments():
    one, other = "test Net(H=8, W=8) { expect shape == %s }\n", "test Net(H=6, W=6) { expect shape == %s }\n"
    sheet = read(NET + one % "?" + other % "?")

    assert answered(NET + other % "b" + one % "a", sheet) == {"net-1.1": "a", "net-2.1": "b"}
    assert answered(NET + one.replace("W=8", "W=9") % "a" + other % "b", sheet) == {"net-1.1": "a", "net-2.1": "b"}


@pytest.mark.parametrize(
    ("copy", "remarks"),
    [
        (SHEET, ()),
        (SHEET.replace("    ", "\t") + "# my work\n", ()),
        (SHEET.replace("width: int = 64", "width: int = 32"), ("the network",)),
        (SHEET.replace("H=8", "H=16"), ("the network",)),
        (SHEET.replace('    expect shape("pool") == ?\n', ""), ("some questions", "no answers to net.2")),
        (SHEET.replace("pool == 4", "pool == 5"), ()),
    ],
)
def test_what_a_copy_changes_is_told(copy, remarks):
    found = handed_in(copy).remarks

    assert len(found) == len(remarks)
    assert all(one.startswith(start) for one, start in zip(found, remarks, strict=True))


def test_the_network_of_the_sheet_counts():
    sheet = read(SHEET).asking
    copy = SHEET.replace("width: int = 64", "width: int = 32").replace('"conv") == ?', '"conv") == 896')
    paper = Judge(sheet).paper(handed_in(copy).students[0])

    assert paper["net.1"].marks == 0  # 27*32 + 32 is right of the student's own network


@pytest.mark.parametrize(("text", "code"), [
    ("model Net { }\n",                                                   "E0754"),
    (SHEET.replace("test Net", "test Other"),                             "E0754"),
    ("(" * 100,                                                           "E0754"),
    ("",                                                                  "E0751"),
    (SHEET + "# " + "a" * 100_000,                                        "E0756"),
])  # fmt: skip
def test_a_copy_of_something_else_is_refused(text, code):
    with pytest.raises(AnswersError) as caught:
        handed_in(text)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_copy_answers_no_sheet_in_yaml():
    sheet = read_any("exam: s\nproblems:\n  - {id: q1, parts: [{id: a, ask: 2 * 3}]}\n", "s.yaml", "yaml")

    with pytest.raises(AnswersError, match="only where the sheet is"):
        handed_in(SHEET, sheet)


def test_the_python_api_takes_a_file_and_its_copies(tmp_path):
    (tmp_path / "quiz.arch").write_text(SHEET)
    (tmp_path / "s01.arch").write_text(SHEET.replace('"conv") == ?', '"conv") == 1,792'))
    exam = api.load(tmp_path / "quiz.arch")

    assert [one.name for one in exam.problems] == ["net.1", "net.2"]
    assert exam.check("net.1", 1792).is_right
    assert "1 / 2" in str(exam.grade(str(tmp_path)))


def test_a_table_answers_a_file_of_the_language_too():
    found = read_text("student,net.1,net.2\ns01,1792,64x4x4\n", "c.csv", read(SHEET).asking)

    assert dict(found.students[0].answers) == {"net.1": "1792", "net.2": "64x4x4"}
    assert found.remarks == ()


def test_the_sheet_among_its_copies_is_nobody(tmp_path):
    for name in ("quiz", "s01", "s02"):
        (tmp_path / f"{name}.arch").write_text(SHEET)
    sheet = read_sheet(tmp_path / "quiz.arch").asking

    assert [one.student for one in read_submissions([str(tmp_path)], sheet).students] == ["s01", "s02"]


def fragments(*words: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), max_size=30).map("".join)


PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='#"'), max_size=40)


@settings(max_examples=200)
@given(PLAIN)
def test_every_line_that_is_written_for_a_blank_is_read_back(answer):
    if "expect" in answer or "within" in answer:
        return
    copy = SHEET.replace('expect params("conv") == ?', f'expect params("conv") == {answer}')

    assert answered(copy)["net.1"] == " ".join(answer.split())


@settings(max_examples=300)
@given(fragments("test Net", "(", ")", "{", "}", "expect ", "params", "==", "?", '"', "#", "\n", " "))
def test_no_copy_raises_anything_else(text):
    try:
        handed_in(text)
    except AnswersError:
        return


@settings(max_examples=300)
@given(fragments("expect ", "params", "(", ")", '"conv"', "==", "?", "<", "1", "within 1%", "[", "]", "\n"))
def test_no_test_raises_anything_else(body):
    try:
        of_net(body)
    except SheetError:
        return
