"""What depends on the input sizes, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import groupby
from math import prod
from typing import Any

from archdsl.analysis.input_sizes import Form, InputSizes
from archdsl.graph import Instance, Node
from archdsl.ops.working import TIMES, grouped
from archdsl.report.columns import aligned
from archdsl.report.functions import Functions, in_variables, members
from archdsl.report.json import text
from archdsl.report.units import mebibytes, short
from archdsl.sizes import Condition
from archdsl.sizes.polynomials import Number, Polynomial, Residue
from archdsl.tensors import dims

ENOUGH = 8
"""Modules are unfolded until there are this many rows."""
DEEPEST = 100
WIDEST = 48
"""How much of an op is shown: a crop may have a table by residue for each side."""
LABEL = 18
"""How wide the column of what lines are about is."""

Row = tuple[str, str, str]


def chosen(found: InputSizes, at: Mapping[str, int]) -> dict[str, int]:
    """Return the sizes to look at more closely: those asked for, else those that the model has as numbers.

    There are none where one of them is not known.
    """
    values = {**found.given, **at}
    return values if values.keys() >= found.symbols.keys() else {}


def render(found: InputSizes, values: Mapping[str, int], *, everything: bool = False) -> str:
    """Return the report as a text, with what holds at some sizes; `everything` gives each layer a row of its own."""
    parts = [_head(found), _validity(found, values), _numbers(found, values), _form(found), _fixed(found, values)]
    parts += [_demands(found), _layers(found, everything)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _line(label: str, said: str) -> str:
    return f"  {label:<{LABEL - 1}} {said}"


def _head(found: InputSizes) -> list[str]:
    inputs = found.graph.inputs.items()
    shapes = ", ".join(f"{name} {dims(found.shapes[node.index].shape)}" for name, node in inputs)
    return [f"  {found.graph.model}    input {shapes}    {found.dtype}, batch {found.batch}"]


def _validity(found: InputSizes, values: Mapping[str, int]) -> list[str]:
    if not found.symbols:
        return [_line("Works where", "the inputs have no sizes that could differ")]
    names = list(found.symbols)
    lines = [_line("Works where", _both([found.requirement(name) for name in names]))]
    if found.in_evaluation:
        lines.append(_line("in evaluation", _both(list(found.in_evaluation.values()))))
    lines.append(_line("Smallest", _sizes(found.smallest)))
    if found.dropping:
        layers = ", ".join(node.id for node in found.dropping[:4])
        more = f" and {len(found.dropping) - 4} more" if len(found.dropping) > 4 else ""
        lines.append(_line("Ends all read", f"at no size: {layers}{more}"))
    else:
        all_of_them = all(found.kept[name] == found.requirement(name) for name in names)
        said = "at every size that works" if all_of_them else f"where {_both([found.kept[name] for name in names])}"
        lines.append(_line("Ends all read", said))
    if stepping := list(found.stepping()):
        more = f" and {len(stepping) - 4} more" if len(stepping) > 4 else ""
        lines.append(
            _line("Stepped over", f"positions by {', '.join(node.id for node in stepping[:4])}{more}, at any size")
        )
    if values:
        lines += _judged(found, values)
    return lines


def _both(conditions: list[Condition]) -> str:
    return " and ".join(dict.fromkeys(map(str, conditions)))


def _sizes(values: Mapping[str, int]) -> str:
    return "×".join(map(str, values.values()))


def _judged(found: InputSizes, values: Mapping[str, int]) -> list[str]:
    """Say whether sizes work, and which do nearby."""
    shown = _sizes({name: values[name] for name in found.symbols})
    if found.works(values):
        dropped = list(found.dropped(values))
        lines = [_line(shown, "works" if not dropped else "works, and leaves some unread:")]
        lines += [_line("", f"{d.node.id}, the last {d.lost} of {d.of} {d.unit}") for d in dropped[:8]]
        return lines + ([_line("", f"and {len(dropped) - 8} more")] if len(dropped) > 8 else [])
    lines = []
    for name in found.symbols:
        requirement = found.requirement(name)
        if not requirement.holds(values[name]):
            near = " or ".join(str(n) for n in requirement.nearest(values[name]) if n is not None)
            lines.append(_line("", f"{name} = {values[name]} is not one with {requirement}; nearest {near}"))
            blamed = [d for d in found.demands if d.condition.domain.name == name]
            failed = [f"{d.node.id} asks for {d.condition}" for d in blamed if not d.condition.holds(values[name])]
            lines += [_line("", said) for said in failed[:4]]
    return [_line(shown, "does not work"), *lines]


def _numbers(found: InputSizes, values: Mapping[str, int]) -> list[str]:
    if not values or not found.works(values):
        return []
    costs, outputs = found.costs, found.graph.outputs.items()
    made = ", ".join(f"{name} {dims(found.shape(node, values))}" for name, node in outputs)
    macs, peak = costs.macs.at(values), costs.peak(values)
    lines = [f"  At {_sizes({name: values[name] for name in found.symbols}) or 'its size'}", _line("Output", made)]
    lines.append(_line("MACs", f"{macs:,}" + (f" = {short(macs)}" if macs >= 10**6 else "")))
    lines.append(_line("Activations", f"{mebibytes(costs.activations.at(values))}, all layers' outputs"))
    if peak is not None:
        lines.append(_line("Peak", f"{mebibytes(peak[0])} at {found.graph.nodes[peak[1]].id}"))
    return lines


def _form(found: InputSizes) -> list[str]:
    form, costs = found.form, found.costs
    if not found.symbols:
        return []
    outputs = ", ".join(f"{name} {dims(found.shapes[node.index].shape)}" for name, node in found.graph.outputs.items())
    lines = ["  At every size that works", _line("Output", outputs)]
    if form is None:
        return [*lines, _line("MACs", str(costs.macs))]
    rows = [f"{domain.name} = {_straight(one)}" for domain, one in form.residues.of.items() if one.period > 1]
    if rows:
        lines += ["", f"  Where {' and '.join(rows)}"]
    if found.fixed:
        lines.append(_line("Parameters", written(form.params)))
    lines.append(_line("MACs", written(form.macs) + _per_pixel(form, form.macs)))
    lines.append(_line("Activations", f"{written(form.activations)} bytes" + _per_pixel(form, form.activations)))
    if form.peak:
        since = form.from_sizes()
        beyond = "" if since == _first_along(found, form) else f", from {_sizes(since)} on"
        said = f"{written(form.peak.bytes)} bytes at {found.graph.nodes[form.peak.node].id}{beyond}"
        lines.append(_line("Peak", said))
    elif costs.schedule is None:
        lines.append(_line("Peak", "no one function: whose memory an output occupies depends on the sizes"))
    else:
        lines.append(_line("Peak", "no one function: which layer has it changes again and again"))
    if rows and not _is_all(found, form):
        lines.append(_line("", "at other sizes the constants differ; --at tells them"))
    return lines


def _straight(one: Residue) -> str:
    return f"{one.period}{TIMES}{one.variable}" + (f" + {one.rest}" if one.rest else "")


def _first_along(found: InputSizes, form: Form) -> dict[str, int]:
    """Return the smallest sizes of the residues that work."""
    first = {}
    for domain, one in form.residues.of.items():
        row = found.requirement(domain.name).row(one.period, one.rest)
        first[domain.name] = one.period * row[0] + one.rest
    return first


def _is_all(found: InputSizes, form: Form) -> bool:
    """Whether every size that works lies on these residues."""
    return all(found.requirement(domain.name).is_of_one_residue(one.period) for domain, one in form.residues.of.items())


def written(polynomial: Polynomial) -> str:
    """Return a polynomial for people: `83,410,944·h·w + 2,048,000`."""
    texts: list[str] = []
    for monomial, factor in sorted(polynomial.terms.items(), key=lambda term: -len(term[0])):
        names = TIMES.join(map(grouped, monomial))
        size = f"{abs(factor):,}"
        term = size if not names else names if abs(factor) == 1 else f"{size}{TIMES}{names}"
        sign = "−" if factor < 0 else "+"
        texts.append(f"{sign} {term}" if texts else f"{'−' * (factor < 0)}{term}")
    return " ".join(texts) or "0"


def _per_pixel(form: Form, polynomial: Polynomial) -> str:
    """Return what a pixel costs in a large image, where all sizes together count pixels."""
    everything = list(form.residues.of.values())
    whole = [(m, f) for m, f in polynomial.terms.items() if {one.variable for one in everything} == set(m)]
    if not whole or len(whole[0][0]) != len(everything):
        return ""
    each = Fraction(whole[0][1], prod(one.period for one in everything))
    shown = f"{each.numerator:,}" if each.denominator == 1 else f"about {float(each):,.1f}"
    return f"    {shown} a pixel" if len(everything) == 2 else ""


def _fixed(found: InputSizes, values: Mapping[str, int]) -> list[str]:
    lines = []
    for fixed in found.fixed:
        lines.append(f"  {fixed.node.id}.{fixed.weight} is {dims(tuple(map(_simplest, fixed.shape)))}")
        if values and found.works(values):
            same = [found.as_built(fixed, name, values) for name in found.symbols]
            if any(condition is None for condition in same):
                continue
            taken = _both([condition for condition in same if condition is not None])
            lines.append(f"  built at {_sizes(values)} the module takes {taken}, where one size changes alone")
    return lines


def _simplest(number: Number) -> Number:
    single = number.single if isinstance(number, Polynomial) else None
    return number if single is None else single


def _demands(found: InputSizes) -> list[str]:
    """Return who asks for what: the model's own requirements, and layers; of bare bounds the highest."""
    highest = {d.condition.domain.name: d for d in found.demands if d.condition.period == 1}
    shown = [d for d in found.demands if d.condition.period > 1 or highest[d.condition.domain.name] is d]
    names = list(found.symbols)
    stated: dict[str, list[str]] = {name: [] for name in names}
    for condition in found.stated:
        stated[condition.domain.name].append(str(condition))
    rows = [["require", *(" and ".join(stated[name]) for name in names)]] if any(stated.values()) else []
    for node, demands in groupby(shown, key=lambda d: d.node):
        asked: dict[str, list[str]] = {name: [] for name in names}
        for demand in demands:
            asked[demand.condition.domain.name].append(str(demand.condition))
        training = " (training)" if node.index in found.graph.training_only else ""
        rows.append([node.id + training, *(" and ".join(asked[name]) for name in names)])
    return ["  Asked for by", *aligned(["Layer", *names], rows, left=1 + len(names))] if rows else []


def _layers(found: InputSizes, everything: bool) -> list[str]:
    rows = list(_unfolded(found, found.graph.root, DEEPEST)) if everything else _folded_rows(found)
    return aligned(["Layer", "Op", "Output"], rows, left=3) if rows else []


def _folded_rows(found: InputSizes) -> list[Row]:
    """Return rows as shallow as gives a table worth reading; neighbours that are numbered on are one."""
    rows: list[Row] = []
    for depth in range(1, DEEPEST):
        deeper = []
        for _, alike in groupby(_unfolded(found, found.graph.root, depth), key=_kind):
            first, *rest = alike
            last = f" … {rest[-1][0].rpartition('.')[2]} ×{len(rest) + 1}" if rest else ""
            deeper.append((first[0] + last, first[1], first[2]))
        if len(deeper) == len(rows):
            break
        rows = deeper
        if len(rows) >= ENOUGH:
            break
    return rows


def _kind(row: Row) -> Row:
    """Return what neighbours share that are folded: all but the number at the end of the path."""
    return row[0].rstrip("0123456789"), row[1], row[2]


def _unfolded(found: InputSizes, instance: Instance, depth: int) -> Iterator[Row]:
    """Yield the rows below a module, in order of running."""
    for _, row in sorted(_numbered(found, instance, depth), key=lambda pair: pair[0]):
        yield row


def _numbered(found: InputSizes, instance: Instance, depth: int) -> Iterator[tuple[int, Row]]:
    fed = {node.index for node in found.graph.inputs.values()}
    for child in instance.children:
        if isinstance(child, Node):
            if child.index not in fed:
                yield child.index, (child.id, _short(str(child.op)), dims(found.shapes[child.index].shape))
        elif child.kind == "list" or depth > 1:
            yield from _numbered(found, child, depth if child.kind == "list" else depth - 1)
        elif (first := next(child.nodes(), None)) is not None:
            made = ", ".join(dims(found.shapes[result.index].shape) for result in child.results)
            yield first.index, (child.path, child.definition.name if child.definition else "Sequential", made)


def _short(op: str) -> str:
    return op if len(op) <= WIDEST else f"{op[: WIDEST - 1]}…"


def as_json(found: InputSizes, values: Mapping[str, int]) -> str:
    """Return the report as JSON, `archdsl/sizes@1`.

    Texts are expressions of Python in the names of the sizes. A size without a short one is a table by residue, and its
    text is cut where it is long: `functions` has all of each, and `terms` what is made of them. `nothing_dropped` is of
    the far end of each map, and not of what strides step over.
    """
    functions = Functions()
    works = bool(values) and found.works(values)
    peak = found.costs.peak(values) if works else None
    document: dict[str, Any] = {
        "schema": "archdsl/sizes@1",
        "model": found.graph.model,
        "source": found.source,
        "batch": found.batch,
        "dtype": found.dtype,
        "inputs": {name: _shape(found, node) for name, node in found.graph.inputs.items()},
        "outputs": {name: _shape(found, node) for name, node in found.graph.outputs.items()},
        "sizes": {name: _symbol(found, name, values.get(name)) for name in found.symbols},
        "always_dropping": [node.id for node in found.dropping],
        "stated": [{"size": one.domain.name, "condition": str(one), "holds": members(one)} for one in found.stated],
        "demands": [
            {
                "layer": demand.node.id,
                "size": demand.condition.domain.name,
                "condition": str(demand.condition),
                "holds": members(demand.condition),
                "training_only": demand.node.index in found.graph.training_only,
            }
            for demand in found.demands
        ],
        "fixed": [
            {
                "layer": one.node.id,
                "weight": one.weight,
                "shape": [n if isinstance(n, int) else str(n) for n in one.shape],
                "terms": functions.shape(one.shape),
            }
            for one in found.fixed
        ],
        "params": str(found.costs.params),
        "macs": str(found.costs.macs),
        "activation_bytes": str(found.costs.activations),
        "terms": {
            "params": functions.terms(found.costs.params),
            "macs": functions.terms(found.costs.macs),
            "activation_bytes": functions.terms(found.costs.activations),
        },
        "form": _form_as_dict(found),
        "at": {
            "sizes": {name: values[name] for name in found.symbols},
            "works": works,
            "params": found.costs.params.at(values) if works else None,
            "macs": found.costs.macs.at(values) if works else None,
            "activation_bytes": found.costs.activations.at(values) if works else None,
            "peak_activation_bytes": peak[0] if peak else None,
            "peak_layer": found.graph.nodes[peak[1]].id if peak else None,
            "dropped": [
                {"layer": one.node.id, "unit": one.unit, "lost": one.lost, "of": one.of}
                for one in (found.dropped(values) if works else ())
            ],
        }
        if values
        else None,
        "layers": [
            {
                "path": node.path,
                "call": node.call,
                "output": _shape(found, node),
                "terms": functions.shape(found.shapes[node.index].shape),
            }
            for node in found.graph.layers
        ],
    }
    document["functions"] = functions.as_list()
    return text(document)


def _shape(found: InputSizes, node: Node) -> list[int | str]:
    return [size if isinstance(size, int) else str(size) for size in found.shapes[node.index].shape]


def _symbol(found: InputSizes, name: str, size: int | None) -> dict[str, Any]:
    requirement = found.requirement(name)
    in_evaluation = found.in_evaluation.get(name, requirement)
    below, above = (None, None) if size is None else requirement.nearest(size)
    return {
        "requirement": str(requirement),
        "works": members(requirement),
        "in_evaluation": str(in_evaluation),
        "works_in_evaluation": members(in_evaluation),
        "smallest": found.smallest.get(name),
        "nothing_dropped": None if found.dropping else str(found.kept[name]),
        "drops_nothing": None if found.dropping else members(found.kept[name]),
        "given": found.given.get(name),
        "at": size,
        "at_most": below,
        "at_least": above,
    }


def _form_as_dict(found: InputSizes) -> dict[str, Any] | None:
    form = found.form
    if form is None:
        return None
    rows = {
        domain.name: {"period": one.period, "rest": one.rest, "variable": str(one.variable)}
        for domain, one in form.residues.of.items()
    }
    peak = form.peak and {
        "bytes": str(form.peak.bytes),
        "terms": in_variables(form.peak.bytes),
        "layer": found.graph.nodes[form.peak.node].id,
        "from": form.from_sizes(),
    }
    return {
        "sizes": rows,
        "params": str(form.params),
        "macs": str(form.macs),
        "activation_bytes": str(form.activations),
        "terms": {
            "params": in_variables(form.params),
            "macs": in_variables(form.macs),
            "activation_bytes": in_variables(form.activations),
        },
        "peak_activation_bytes": peak,
    }
