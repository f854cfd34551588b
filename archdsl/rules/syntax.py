"""Text that the grammar cannot read."""

from archdsl.diagnostics import Rule

UNEXPECTED = Rule(
    code="E0101",
    name="unexpected",
    summary="something stands where the grammar wants something else",
    why="The text cannot be read as a program, so nothing can be said about the network yet.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> Conv2d(8, 3) -> -> ReLU\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3) -> ReLU\n}\n",
    causes=(
        "an arrow, comma or bracket is missing just before the place that is shown",
        'habits of Python: here bodies stand in `{ }`, texts in `"`, and it is `true`, not `True`',
    ),
    see=("language statements", "language stages"),
    python=(
        "invalid syntax",
        "invalid syntax. Perhaps you forgot a comma?",
        "unexpected indent",
        "expected ':'",
        "unterminated string literal (detected at line ...)",
    ),
)
UNPAIRED_BRACKET = Rule(
    code="E0102",
    name="unpaired-bracket",
    summary="a bracket has no partner",
    why="Everything up to the partner belongs to the bracket, so a missing one swallows what follows.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3)\n}\n",
    see=("E0101",),
    python=(
        "'(' was never closed",
        "'[' was never closed",
        "'{' was never closed",
        "unmatched ')'",
        "unmatched '}'",
        "closing parenthesis '...' does not match opening parenthesis '...'",
    ),
)
KEYWORD_AS_NAME = Rule(
    code="E0103",
    name="keyword-as-name",
    summary="a word of the language is used as a name",
    why="Such words start statements, so a reader could not tell the two apart. As labels they are allowed.",
    bad="model M {\n  input x: [3, 8, 8]\n  share = x -> ReLU\n  output share\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  shared = x -> ReLU\n  output shared\n}\n",
    see=("language names",),
    python=("cannot assign to True",),
)
NO_TARGET = Rule(
    code="E0104",
    name="no-target",
    summary="a flow has no target, or an arrow is missing before it",
    why="There is no implicit current tensor: each statement names what it makes.",
    bad="model M {\n  input x: [3, 8, 8]\n  x -> ReLU\n  output x\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  x = x -> ReLU\n  output x\n}\n",
    causes=("the tensor has no name yet: write `y = x -> ...`", "it is the result: write `output x -> ...`"),
    see=("language statements",),
)
LABEL_TEMPLATE = Rule(
    code="E0105",
    name="label-template",
    summary="the braces of a computed label do not pair",
    why='A label such as `"layer{i+1}"` is a text with expressions in braces.',
    bad='model M {\n  input x: [3, 8, 8]\n  output x -> for i in range(2) { "a{i": Conv2d(8, 3) }\n}\n',
    good='model M {\n  input x: [3, 8, 8]\n  output x -> for i in range(2) { "a{i}": Conv2d(8, 3) }\n}\n',
    see=("language stages",),
    python=("f-string: expecting '}'", "f-string: single '}' is not allowed"),
)
