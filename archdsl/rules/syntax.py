"""Text that the grammar cannot read."""

from archdsl.diagnostics import Rule

UNEXPECTED = Rule(
    code="E0101",
    name="unexpected",
    summary="something stands where the grammar wants something else",
    why="The text cannot be read as a program, so nothing can be said about the network yet.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> Conv2d(8, 3) -> -> ReLU\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3) -> ReLU\n}\n",
)
UNPAIRED_BRACKET = Rule(
    code="E0102",
    name="unpaired-bracket",
    summary="a bracket has no partner",
    why="Everything up to the partner belongs to the bracket, so a missing one swallows what follows.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3)\n}\n",
)
KEYWORD_AS_NAME = Rule(
    code="E0103",
    name="keyword-as-name",
    summary="a word of the language is used as a name",
    why="Such words start statements, so a reader could not tell the two apart. As labels they are allowed.",
    bad="model M {\n  input x: [3, 8, 8]\n  share = x -> ReLU\n  output share\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  shared = x -> ReLU\n  output shared\n}\n",
)
NO_TARGET = Rule(
    code="E0104",
    name="no-target",
    summary="a flow has no target, or an arrow is missing before it",
    why="There is no implicit current tensor: each statement names what it makes.",
    bad="model M {\n  input x: [3, 8, 8]\n  x -> ReLU\n  output x\n}\n",
    good="model M {\n  input x: [3, 8, 8]\n  x = x -> ReLU\n  output x\n}\n",
)
LABEL_TEMPLATE = Rule(
    code="E0105",
    name="label-template",
    summary="the braces of a computed label do not pair",
    why='A label such as `"layer{i+1}"` is a text with expressions in braces.',
    bad='model M {\n  input x: [3, 8, 8]\n  output x -> for i in range(2) { "a{i": Conv2d(8, 3) }\n}\n',
    good='model M {\n  input x: [3, 8, 8]\n  output x -> for i in range(2) { "a{i}": Conv2d(8, 3) }\n}\n',
)
