"""Sheets of exam problems. Their programs are sheets in YAML, so they stand apart from the rules of the language."""

from archdsl.diagnostics import Rule

_NET = "    net: |\n      input x: [3, 32, 32]\n      output y = x -> conv: Conv2d(64, 3)\n"
_PART = "    parts:\n      - {id: a, ask: params(conv), marks: 2, key: 1792}\n"
_GOOD = f"exam: sheet\nproblems:\n  - id: q1\n{_NET}{_PART}"

_DATA = """\
exam: sheet
problems:
  - id: q1
    net: |
      input x: [1, 2, 2]
      output y = x -> up: ConvTranspose2d(1, 2, stride=2, bias=false)
    data:
      x: [[1, 2], [3, 4]]
      up.weight: [[1, 0], [0, 1]]
    parts:
      - {id: a, ask: values(up)}
"""

SHEET_SYNTAX = Rule(
    code="E0711",
    name="sheet-syntax",
    summary="the file cannot be read as YAML, TOML or JSON",
    why="Nothing of a sheet is known before its keys and values are.",
    bad="exam: sheet\nproblems:\n  - {id: q1, parts: [{id: a, ask: 2 * 3, text: What, or: else: why}]}\n",
    good=_GOOD,
    causes=(
        "in YAML, a text with `: `, `#` or, inside brackets, a comma needs quotes",
        "in YAML, a tab is no indentation",
    ),
    python=("mapping values are not allowed here", "while parsing a block mapping"),
)
SHEET_TOO_LARGE = Rule(
    code="E0712",
    name="sheet-too-large",
    summary="the sheet is larger, or nested deeper, than is read",
    why="A sheet is written by people; its size is bounded so that no file can exhaust the machine that reads it.",
    bad="exam: " + "[" * 40 + "]" * 40 + "\n",
    good=_GOOD,
    causes=("aliases of YAML (`*name`) that hold aliases, each several times",),
)
DUPLICATE_KEY = Rule(
    code="E0713",
    name="duplicate-key",
    summary="a key stands twice in one place",
    why="One of the two values would be dropped without a word.",
    bad=_GOOD.replace("marks: 2", "marks: 2, marks: 3"),
    good=_GOOD,
)
UNKNOWN_KEY = Rule(
    code="E0714",
    name="unknown-key",
    summary="a sheet has a key that means nothing there",
    why="A misspelt key would otherwise be an instruction that is not followed.",
    bad=_GOOD.replace("marks: 2", "mark: 2"),
    good=_GOOD,
)
MISSING_KEY = Rule(
    code="E0715",
    name="missing-key",
    summary="a key that is needed is not there",
    why="A part without an ask, or a problem without an id, can be neither solved nor marked.",
    bad=_GOOD.replace("ask: params(conv), ", ""),
    good=_GOOD,
)
WRONG_VALUE = Rule(
    code="E0716",
    name="wrong-value",
    summary="a key has a value that it cannot have",
    why="A text where a number belongs, or a convention that does not exist, has no meaning to go by.",
    bad=_GOOD.replace("marks: 2", "marks: two"),
    good=_GOOD,
)
DUPLICATE_ID = Rule(
    code="E0717",
    name="duplicate-id",
    summary="two problems of a sheet, or two parts of a problem, have one id",
    why="Answers name the part that they are for, as `q1.a`.",
    bad=_GOOD + "      - {id: a, ask: macs}\n",
    good=_GOOD + "      - {id: b, ask: macs}\n",
)
UNKNOWN_PART = Rule(
    code="E0718",
    name="unknown-part",
    summary="`after` or `hints` names a part that is not there, or comes later",
    why="Marks follow through from earlier parts of the same problem only.",
    bad=_GOOD + "      - {id: b, ask: macs, after: [c]}\n",
    good=_GOOD + "      - {id: b, ask: macs, after: [a]}\n",
)
BAD_ASK = Rule(
    code="E0719",
    name="bad-ask",
    summary="an ask is no quantity and no arithmetic of quantities",
    why="`ask` wants something like `params`, `shape(conv1)` or `params(a) / params(b)`.",
    bad=_GOOD.replace("params(conv)", "parms(conv)"),
    good=_GOOD,
)
UNKNOWN_PLACEHOLDER = Rule(
    code="E0720",
    name="unknown-placeholder",
    summary="`{{ }}` holds a name that the problem does not draw",
    why="Students would read the braces.",
    bad=_GOOD.replace("Conv2d(64", "Conv2d({{ c }}"),
    good=_GOOD.replace("Conv2d(64", "Conv2d({{ c }}").replace("    net:", "    draw: {c: [16, 64]}\n    net:"),
)
BAD_NOTES = Rule(
    code="E0721",
    name="bad-notes",
    summary="an expectation in notes is no ask with its value",
    why="In a block of notes, `expect ask == value` is a key that is checked.",
    bad="```arch\ninput x: [3, 32, 32]\noutput y = x -> conv: Conv2d(64, 3)\nexpect params > 1000\n```\n",
    good="```arch\ninput x: [3, 32, 32]\noutput y = x -> conv: Conv2d(64, 3)\nexpect params == 1792\n```\n",
    in_words="a block of notes whose `expect` compares with something else than `==`",
)
UNKNOWN_FORMAT = Rule(
    code="E0722",
    name="unknown-format",
    summary="the name of the file does not say what it is written in",
    why="The ending decides how a sheet is read.",
    bad="",
    good=_GOOD,
    in_words="a sheet called `sheet.txt`",
)

WRONG_DATA = Rule(
    code="E0781",
    name="wrong-data",
    summary="numbers in `data` are none, or do not fit the net",
    why="The values of a net are computed from its inputs and weights, number by number.",
    bad=_DATA.replace("[3, 4]", "[3, 4, 5]"),
    good=_DATA,
    causes=(
        "rows of different lengths",
        "a weight in another order: it is [out, in, height, width], and of a transposed convolution [in, out, ...]",
        "a bias that is not given: write `bias=false`, or give it",
    ),
)

SHEET_RULES: dict[str, Rule] = {rule.code: rule for rule in vars().copy().values() if isinstance(rule, Rule)}
"""Every rule of sheets by its code."""

# Files of answers. Their programs are answers to the sheet above, which has one part, `q1.a`.

_ANSWERS = "student,q1.a\ns01,1792\n"

ANSWERS_SYNTAX = Rule(
    code="E0751",
    name="answers-syntax",
    summary="a file of answers cannot be read",
    why="Marks are given for all that was handed in, or for nothing: a file that is half read is graded wrong.",
    bad='student,q1.a\ns01,"1792\n',
    good=_ANSWERS,
    causes=(
        "a quote that is opened and never closed; inside a quoted cell, a quote is written twice",
        "a spreadsheet itself (.xlsx): save it as CSV in UTF-8",
        "an empty file",
    ),
)
GIVEN_TWICE = Rule(
    code="E0752",
    name="given-twice",
    summary="two students have one id, or one student answers a part twice",
    why="Nobody but the grader can say which of the two counts.",
    bad=_ANSWERS + "s01,1728\n",
    good=_ANSWERS + "s02,1728\n",
)
NO_STUDENT = Rule(
    code="E0753",
    name="no-student",
    summary="nothing says whose answers these are",
    why="A table of answers has a column of students, with one id in each row.",
    bad="who,q1.a\ns01,1792\ns02,1728\n",
    good=_ANSWERS,
    causes=('the column has another name: `--map "who=student"`',),
)
UNKNOWN_ANSWER = Rule(
    code="E0754",
    name="unknown-answer",
    summary="answers are to a part that the sheet does not have",
    why="They would not be graded, and the part that was meant would count as blank for everybody.",
    bad="student,q2.a\ns01,1792\n",
    good=_ANSWERS,
    causes=('the column has another name: `--map "Question 1=q1.a"`; with `=-` it is left out',),
)
TOO_MANY_CELLS = Rule(
    code="E0755",
    name="too-many-cells",
    summary="a row of answers has more cells than the table has columns",
    why="Behind the cell that was split, every answer would be read as the answer to another part.",
    bad="student,q1.a\ns01,1,792\n",
    good='student,q1.a\ns01,"1,792"\n',
    causes=("a cell with the separator in it, as 1,792, stands in double quotes",),
)
ANSWERS_TOO_LARGE = Rule(
    code="E0756",
    name="answers-too-large",
    summary="there are more answers, or longer ones, than are read",
    why="Files of answers come from many hands; their size is bounded so that none can exhaust the machine.",
    bad="student,q1.a\ns01," + "1" * 200_001 + "\n",
    good=_ANSWERS,
    in_words="a cell of 200,001 digits",
)
BAD_PREVIOUS = Rule(
    code="E0757",
    name="bad-previous",
    summary="the earlier grades are not those of `archdsl exam grade --to json`",
    why="What changed, and why, can be told only from all that was known when the grades were given.",
    bad='{"schema": "archdsl/analysis@1"}',
    good='{"schema": "archdsl/grades@1", "release": "full", "students": []}',
    causes=("grades released as `marks` or `hints` lack the reasons; keep those of `--release full` too",),
)

ANSWER_RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        ANSWERS_SYNTAX, GIVEN_TWICE, NO_STUDENT, UNKNOWN_ANSWER, TOO_MANY_CELLS, ANSWERS_TOO_LARGE, BAD_PREVIOUS,
    )
}  # fmt: skip
"""Every rule of files of answers by its code."""

_DRAWN = (
    "exam: sheet\nproblems:\n  - id: q1\n    draw: {n: [16, 32], p: [1, 2]}\n    require: ['p < n']\n"
    "    net: |\n      input x: [3, n, n]\n      output y = x -> conv: Conv2d(8, 3, padding=p)\n"
    "    parts:\n      - {id: a, ask: shape(conv), choices: 4}\n"
)

BAD_REQUIREMENT = Rule(
    code="E0741",
    name="bad-requirement",
    summary="a line of `require` says nothing about the drawn values",
    why="`require` compares drawn names and quantities, or says `apart`, `exact`, `fits` or `digits`.",
    bad=_DRAWN.replace("p < n", "p = n"),
    good=_DRAWN,
    causes=("a name that `draw` does not have", "an id in `apart` that the catalogue does not have"),
)
NO_VARIANT = Rule(
    code="E0742",
    name="no-variant",
    summary="200 draws in a row break a requirement",
    why="A problem whose values are rejected nearly always would give all students the same few variants, or none.",
    bad=_DRAWN.replace("p < n", "p > n"),
    good=_DRAWN,
    causes=("`apart` with mistakes that give the same value for whatever is drawn, as T03 and T05 where s = 2p",),
)
BAD_OPTIONS = Rule(
    code="E0743",
    name="bad-options",
    summary="a question of choice has no right option, several, or too few",
    why="Exactly one of the options is right, and the others are what known mistakes lead to.",
    bad=_DRAWN.replace("choices: 4", "choices: [3x16x16, 3x32x32]"),
    good=_DRAWN,
    causes=(
        "the options are of other drawn values; let `choices` be a number, and they are made",
        "an option says the right answer in another form, or is right under another convention",
    ),
)

DRAW_RULES: dict[str, Rule] = {rule.code: rule for rule in (BAD_REQUIREMENT, NO_VARIANT, BAD_OPTIONS)}
"""Every rule of what sheets draw by its code."""

EXAM_RULES: dict[str, Rule] = {rule.code: rule for rule in vars().copy().values() if isinstance(rule, Rule)}
"""Every rule of exams by its code; keep this the last of the file."""
