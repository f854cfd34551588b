"""The program of every question for PrairieLearn; it reads its numbers and texts from `variants.json`."""

SERVER = '''"""Chooses a variant, and tells what is behind a wrong answer. Numbers and texts are in variants.json."""

import json
import os


def variants(data):
    path = os.path.join(data["options"]["question_path"], "variants.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def generate(data):
    found = variants(data)
    chosen = int(data.get("variant_seed", 0)) % len(found)
    data["params"].update(found[chosen]["params"])
    data["params"]["variant"] = chosen
    data["correct_answers"].update(found[chosen]["correct_answers"])


def number(submitted):
    if isinstance(submitted, dict):
        submitted = submitted.get("_value")
    try:
        return float(submitted)
    except (TypeError, ValueError):
        return None


def submitted(data, names):
    return [number(data["submitted_answers"].get(name)) for name in names]


def same(answers, values, room=None):
    room = room or [0] * len(values)
    return None not in answers and all(abs(a - v) <= r for a, v, r in zip(answers, values, room))


def grade(data):
    variant = variants(data)[data["params"]["variant"]]
    for part in variant["parts"]:
        answers = submitted(data, part["names"])
        if None in answers or same(answers, part["right"], part["room"]):
            continue
        share, said = judged(data, part, answers)
        for name in part["names"]:
            data["partial_scores"].setdefault(name, {})["score"] = share
        if said:
            data["partial_scores"][part["names"][0]]["feedback"] = said
    weighted(data)


def judged(data, part, answers):
    for row in part["follows"]:
        if same(submitted(data, row["names"]), row["given"]) and same(answers, row["values"]):
            return row["share"], row["said"]
    for row in part["wrong"]:
        if same(answers, row["values"]):
            return row["share"], row["said"]
    return 0, ""


def weighted(data):
    scores = data["partial_scores"].values()
    total = sum(one.get("weight", 1) for one in scores)
    if total:
        data["score"] = sum(one.get("weight", 1) * (one.get("score") or 0) for one in scores) / total
'''
"""Fixed, with nothing to fill in."""
