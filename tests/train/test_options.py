"""Options: what is given beats a recipe, a recipe beats a default, and what is wrong is named."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest

pytest.importorskip("torch")

from archdsl.train.parts.options import (
    RECIPES,
    Options,
    as_record,
    changed_options,
    make_parser,
    parse,
    resolve,
)
from archdsl.train.parts.problems import RunError


def read(*arguments, automatic="classify", **defaults):
    return resolve(parse(make_parser("", defaults), arguments), defaults, automatic)


def test_a_recipe_stands_between_the_defaults_and_what_is_given(tmp_path):
    recipe = tmp_path / "mine.json"
    recipe.write_text(json.dumps({"lr": 0.3, "weight-decay": 0.1, "flip": True}))
    options = read("--recipe", str(recipe), "--lr", "0.4", batch=7)

    assert (options.lr, options.weight_decay, options.flip, options.batch) == (0.4, 0.1, True, 7)
    assert read("--no-flip").flip is False
    assert read(automatic="segment").loss == "ce+dice"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_used(name):
    begin = ["--init", "weights.pt"] if name == "finetune" else []
    assert read("--recipe", name, *begin).recipe == name


# fmt: off
WRONG = [
    (["--optimiser", "sgd"],                 "no option --optimiser; did you mean --optimizer?"),
    (["--optimizer", "nestrov"],             "did you mean nesterov?"),
    (["--schedule", "x"],                    "is one of constant, step, cosine"),
    (["--epochs", "0"],                      "is at least 1"),
    (["--epochs", "2.5"],                    "whole number"),
    (["--smoothing", "2"],                   "is at most 1"),
    (["--lr", "nan"],                        "is at least 0"),
    (["--lr"],                               "expected one argument"),
    (["--recipe", "clasify"],                "did you mean classify?"),
    (["--recipe", "absent.json"],            "cannot be read"),
    (["--new-head"],                         "--new-head is for a run that begins with weights"),
    (["--partial"],                          "--partial is for a run that begins with weights"),
    (["--patience", "3"],                    "not stopped early"),
    (["--patience", "3", "--schedule", "step", "--validation", "0"], "leaves none"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_what_is_wrong_is_said(arguments, said):
    with pytest.raises(RunError) as caught:
        read(*arguments)
    assert said in str(caught.value)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", "no JSON object"),
        ("{", "cannot be read"),
        ('{"epohs": 3}', "did you mean epochs?"),
        ('{"epochs": "x"}', "whole number"),
        ('{"flip": 1}', "true or false"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_said(tmp_path, content, said):
    (tmp_path / "r.json").write_text(content)

    with pytest.raises(RunError, match=r"r\.json") as caught:
        read("--recipe", str(tmp_path / "r.json"))
    assert said in str(caught.value)


def test_a_resumed_run_may_not_learn_otherwise():
    then, now = as_record(Options(lr=0.1)), as_record(Options(lr=0.2, output="elsewhere", save_every=5))

    assert changed_options(now, then) == ["--lr was 0.1, is 0.2"]


def test_every_option_is_explained():
    text = make_parser("", {}).format_help()
    for name in as_record(Options()):
        assert f"--{name.replace('_', '-')}" in text


def test_the_help_names_every_recipe():
    (recipe,) = (one for one in fields(Options) if one.name == "recipe")

    assert set(RECIPES) <= set(re.split(r"[ ,:]+", recipe.metadata["help"]))
