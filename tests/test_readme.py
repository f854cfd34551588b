"""README cannot go stale: what it shows of files and commands is made anew and compared."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from archdsl.cli import run

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_BLOCK = re.compile(r"<!-- (run|file|class|text): (.+?) -->\n```(|python)\n(.*?)```\n", re.DOTALL)


def shown(kind, what, capsys, monkeypatch):
    """Return what a block of README should hold: a file, one class or one text of a file, or what a command prints."""
    if kind != "run":
        file, _, name = what.partition(" ")
        text = (ROOT / file).read_text(encoding="utf-8")
        for node in ast.parse(text).body if name else ():
            if kind == "class" and isinstance(node, ast.ClassDef) and node.name == name:
                return f"{ast.get_source_segment(text, node)}\n"
            if kind == "text" and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                return ast.literal_eval(node.value)
        assert not name, f"there is no {name} in {file}"
        return text
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    run(shlex.split(what)[1:])
    captured = capsys.readouterr()
    return "".join(part for part in (captured.err, captured.out) if part)


def test_every_block_that_shows_a_file_or_a_command_is_as_it_is_now(request, capsys, monkeypatch):
    text = README.read_text(encoding="utf-8")
    blocks = _BLOCK.findall(text)
    fresh = _BLOCK.sub(
        lambda m: f"<!-- {m[1]}: {m[2]} -->\n```{m[3]}\n{shown(m[1], m[2], capsys, monkeypatch)}```\n", text
    )
    if request.config.getoption("--update"):
        README.write_text(fresh, encoding="utf-8")

    assert len(blocks) >= 8
    assert README.read_text(encoding="utf-8") == fresh, "README.md is stale: run `pytest --update`, read the diff"


def test_the_mistake_shown_is_the_one_that_is_run():
    program = (ROOT / "tests" / "readme" / "mistake.arch").read_text(encoding="utf-8")

    assert f"```\n{program}```" in README.read_text(encoding="utf-8")


def test_the_bundled_specs_are_listed():
    listed = re.search(r"<!-- specs -->(.*?)<!-- /specs -->", README.read_text(encoding="utf-8"))
    files = sorted(path.name for path in (ROOT / "specs").glob("*.arch"))

    assert listed is not None
    assert listed[1] == ", ".join(f"`{name}`" for name in files)


@pytest.mark.parametrize(
    "code", re.findall(r"```\n((?:defaults|model|block|seq).*?)```", README.read_text(), re.DOTALL)
)
def test_every_program_in_it_parses(code, tmp_path):
    path = tmp_path / "program.arch"
    path.write_text(code, encoding="utf-8")
    from archdsl.pipeline import check, read

    assert not [d for d in check(read(path)).diagnostics if d.code.startswith(("E01", "E02"))]
