"""The quantities that a sheet asks of a network: their true values, and those that a student's mistakes lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from archdsl.analysis.memory import DTYPES, activation_bytes, peak_activations
from archdsl.exam.mistakes import MISTAKES
from archdsl.exam.seen import Pin, extents, seen
from archdsl.exam.walk import Ask, Count, Kind, Mistake, Number, Sizes, Subject, Value, Walk, owns_storage, whole
from archdsl.tensors import TensorType

COUNTED: Mapping[str, Callable[[Count], Number]] = {
    "params": lambda count: count.params,
    "weights": lambda count: count.weights,
    "biases": lambda count: count.biases,
    "buffers": lambda count: count.buffers,
}

SUMMED = frozenset({*COUNTED, "macs", "flops"})
"""Quantities that are sums over the layers."""

MOST_VISITS = 2**15
"""Layers that are computed anew for one question; where they run out, mistakes in one layer only are left."""

MOST_NAMED = 16
"""Explanations kept for one value."""

TELLING = 1000
"""A number from here up is rarely met by chance, so that it names its mistake."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A wrong value with what leads to it."""

    value: Value
    ids: tuple[str, ...]
    """Of the catalogue, once for each layer in `where`; of a pair both, joined by `+`."""
    where: tuple[str, ...]
    """Per id the layer where it is made, empty where it is made in all of them."""
    did: tuple[str, ...]
    """Per id what was done and where, to be read after "you", with the rule that was used."""
    firm: bool
    """Whether a sentence may say that this is what was done, and not only that it would give this."""


Given = Mapping[Ask, Value]
"""Earlier answers of a student."""


def truth(subject: Subject, ask: Ask, given: Given | None = None) -> Value:
    """Return the true value, or what follows by the true rules from a student's own earlier answers.

    Raises:
        ValueError: the question has no answer: no such layer, several outputs or inputs, a size that is left open, or
            a given answer that the later layers cannot take.
    """
    if not given:
        exact = _exact(subject, ask)
        if exact is not None:
            return exact
    value = _value(Walk(subject, given=_shapes(subject, given)), ask, given)
    if value is None:
        target = f"`{ask.layer}`" if ask.layer else "the network"
        reason = "it depends on a size that is left open" if subject.is_open else "it cannot be computed"
        raise ValueError(f"{ask.quantity} of {target} has no value: {reason}")
    return value


def candidates(
    subject: Subject,
    ask: Ask,
    *,
    kinds: tuple[Kind, ...] = (Kind.RULE,),
    once: bool = False,
    given: Given | None = None,
    only: frozenset[str] | None = None,
) -> tuple[Candidate, ...]:
    """Return the wrong values that one mistake leads to, each with all mistakes that do; never the true value.

    A mistake is made in every layer, or with `once` in one layer. With `given`, it is made after those answers.
    `only` are the ids to look at.
    """
    rows = [m for m in _rows(ask) if m.kind in kinds and (only is None or m.id in only)]
    if once:
        rows.sort(key=lambda m: m.moves)  # what stays in its layer costs least
    right = {_try(subject, ask, None), _try(subject, ask, given)}
    found: dict[Value, list[tuple[Mistake, str]]] = {}
    for mistake, where, value in _values(subject, ask, rows, once, given):
        if value not in right:
            named = found.setdefault(value, [])
            if len(named) < MOST_NAMED and all((m.id, w) != (mistake.id, where) for m, w in named):
                named.append((mistake, where))
    return tuple([_candidate(value, named) for value, named in found.items()])


def pairs(subject: Subject, ask: Ask, ids: frozenset[str] | None = None) -> tuple[Candidate, ...]:
    """Return the values that two mistakes together lead to, made in every layer, and neither alone."""
    rows = [m for m in _rows(ask) if m.kind is Kind.RULE and m.everywhere]
    rows = [m for m in rows if not m.is_layered or subject.sites(m)]
    alone = {c.value for c in candidates(subject, ask)} | {_try(subject, ask, None)}
    found: dict[Value, list[tuple[Mistake, Mistake]]] = {}
    room = MOST_VISITS
    for one, two in combinations(rows, 2):
        if one.id == two.id or (ids is not None and not ids & {one.id, two.id}):
            continue
        walk = Walk(subject, (one, two))
        room -= 1 + _visits(subject, ask, walk)
        if room < 0:
            break
        for value in _answers(walk, ask, None, (one, two)):
            if value not in alone:
                found.setdefault(value, []).append((one, two))
    return tuple(
        Candidate(
            value,
            tuple(f"{a.id}+{b.id}" for a, b in named),
            ("",) * len(named),
            tuple(f"{_did(a)} and {_did(b)}" for a, b in named),
            _is_telling(value),
        )
        for value, named in found.items()
    )


def _rows(ask: Ask) -> list[Mistake]:
    """Return the rows that may show in an answer; what is alive at once is not computed with wrong sizes."""
    whole_memory = ask.quantity == "memory" and ask.layer is None
    return [m for m in MISTAKES if ask.quantity in m.asks and not (whole_memory and m.is_layered)]


def _candidate(value: Value, named: list[tuple[Mistake, str]]) -> Candidate:
    firm = _is_telling(value) and any(mistake.firm for mistake, _ in named)
    ids, where, did = tuple(m.id for m, _ in named), tuple(w for _, w in named), tuple(_did(m, w) for m, w in named)
    return Candidate(value, ids, where, did, firm)


def _did(mistake: Mistake, where: str = "") -> str:
    return f"{mistake.did} in `{where}`: {mistake.formula}" if where else f"{mistake.did}: {mistake.formula}"


def _is_telling(value: Value) -> bool:
    return isinstance(value, int | Fraction) and value >= TELLING


def _values(
    subject: Subject, ask: Ask, rows: list[Mistake], once: bool, given: Given | None
) -> Iterator[tuple[Mistake, str, Value]]:
    shapes = _shapes(subject, given)
    until = subject.end(ask.layer) if ask.quantity == "shape" else None
    behind = _behind(subject, ask, shapes) if once else None
    base = Walk(subject, given=shapes, until=until)
    room = MOST_VISITS
    for mistake in rows:
        places: list[int | None] = [None] if mistake.everywhere else []
        if once:
            places = list(subject.sites(mistake)) if mistake.once and mistake.is_layered else []
            if behind is not None and (until is not None or mistake.moves):
                places = [place for place in places if place in behind]
            if given and mistake.moves and ask.quantity in SUMMED:
                continue  # the student's own shapes are known: a sum is not computed with yet others in one layer
        elif mistake.is_layered and not subject.sites(mistake):
            continue
        if once and not mistake.moves and not mistake.answer and ask.quantity in SUMMED:
            room -= len(places)
            for index, value in _each_once(subject, ask, mistake, places, given, base):
                yield mistake, subject.nodes[index].id, value
            continue
        for place in places:
            walk = Walk(subject, (mistake,), place, shapes, until, base)
            room -= 1 + _visits(subject, ask, walk)
            if room < 0 and once:
                return
            where = "" if place is None else subject.nodes[place].id
            for value in _answers(walk, ask, given, (mistake,)):
                yield mistake, where, value


def _each_once(
    subject: Subject, ask: Ask, mistake: Mistake, places: Iterable[int | None], given: Given | None, base: Walk
) -> Iterator[tuple[int, Value]]:
    """Yield the sum with a mistake in one node, node by node; it moves no shape, so that one walk serves for all."""
    shapes = _shapes(subject, given)
    plain, walk = base, Walk(subject, (mistake,), None, shapes, base=base)
    total = _try(subject, ask, given)
    if total is None or isinstance(total, str | tuple):
        return
    counted = Walk.work if ask.quantity in ("macs", "flops") else _counted(ask.quantity)
    inside = set(subject.scope(ask.layer)) if ask.quantity in COUNTED else set(_evaluated(subject, ask.layer))
    for one in given or {}:
        if one.quantity == ask.quantity and one != ask:
            inside.difference_update(subject.scope(one.layer))
    for place in places:
        if place is not None and place in inside:
            before, after = counted(plain, place), counted(walk, place)
            if before is not None and after is not None and before != after:
                yield place, whole(total + (after - before) * (2 if ask.quantity == "flops" else 1))


def _behind(subject: Subject, ask: Ask, shapes: Mapping[int, Sizes]) -> frozenset[int] | None:
    """Return the nodes where a wrong shape may change the answer; what was answered hides what is before it.

    Nothing is returned where that may be anywhere.
    """
    if ask.quantity == "shape":
        seen, pending = set[int](), [subject.end(ask.layer)]
    elif ask.quantity in COUNTED:
        seen = {i for i in subject.scope(ask.layer) if subject.nodes[i].op.stateful}
        pending = [source for i in seen for source in subject.nodes[i].inputs]
    else:
        return None
    looked = set[int]()
    while pending:
        index = pending.pop()
        if index not in looked and index not in shapes:
            looked.add(index)
            pending.extend(subject.nodes[index].inputs)
    return frozenset(seen | looked)


def _visits(subject: Subject, ask: Ask, walk: Walk) -> int:
    return len(subject.nodes) if ask.quantity in ("receptive_field", "jump") else len(walk.touched)


def _answers(walk: Walk, ask: Ask, given: Given | None, mistakes: tuple[Mistake, ...]) -> list[Value]:
    try:
        value = _value(walk, ask, given)
        answers: list[Value] = [] if value is None else [value]
        for mistake in mistakes:
            if mistake.answer:
                answers = [v for a in answers for v in mistake.answer(walk, ask, a)]
    except ValueError:
        return []  # another quantity has no value here, as the size of several outputs
    return [_plain(answer) for answer in answers]


def value_in(walk: Walk, ask: Ask) -> Value | None:
    """Return what a question comes to in a walk; nothing where it has no value there."""
    try:
        value = _value(walk, ask, None)
    except ValueError:
        return None
    return None if value is None else _plain(value)


def relevant(subject: Subject, ask: Ask, given: Given | None) -> Given | None:
    """Return the earlier answers that the answer to a question can depend on; nothing where none can.

    A shape that was answered hides those before it. What is counted depends on shapes through the inputs of the layers
    that are counted.
    """
    if not given:
        return None
    if ask.quantity in ("receptive_field", "jump"):
        return {one: value for one, value in given.items() if one.quantity in ("receptive_field", "jump")} or None
    pinned = {subject.end(one.layer): one for one, value in given.items() if one.quantity == "shape" and one != ask}
    scope = subject.scope(ask.layer)
    found: dict[Ask, Value] = {}
    ends = list(scope)
    if ask.quantity == "shape":
        ends = [subject.end(ask.layer)]
    elif ask.quantity in COUNTED:
        walk = Walk(subject, given=_shapes(subject, given))
        found = {one: value for one, value in given.items() if one.quantity == ask.quantity}
        differ = [i for i in scope if subject.nodes[i].op.stateful and walk.count(i) != subject.counts[i]]
        ends = [source for i in differ for source in subject.nodes[i].inputs]
    elif ask.quantity in ("macs", "flops"):
        found = {one: value for one, value in given.items() if one.quantity == ask.quantity}
        ends += [source for i in scope for source in subject.nodes[i].inputs]
    seen = set[int]()
    while ends:
        index = ends.pop()
        if index in pinned:
            found[pinned[index]] = given[pinned[index]]
        elif index not in seen:
            seen.add(index)
            ends.extend(subject.nodes[index].inputs)
    return (_by_channels(subject, ask, found) if ask.quantity in COUNTED else found) or None


def _by_channels(subject: Subject, ask: Ask, given: Given) -> Given:
    """Return answers with the true sizes of maps where a count comes out the same: most weights see channels alone."""
    plain = dict(given)
    for one, value in given.items():
        if one.quantity == "shape" and isinstance(value, tuple):
            plain[one] = (value[0], *subject.shapes[subject.end(one.layer)][1:])
    if plain == given:
        return given
    before, after = Walk(subject, given=_shapes(subject, given)), Walk(subject, given=_shapes(subject, plain))
    stateful = [i for i in subject.scope(ask.layer) if subject.nodes[i].op.stateful]
    return plain if all(before.count(i) == after.count(i) for i in stateful) else given


def has_work(subject: Subject, ask: Ask, given: Given) -> bool:
    """Tell whether earlier answers leave the layers after them their work: no window is larger than its map by them."""
    walk = Walk(subject, given=_shapes(subject, given))
    for index in walk.touched:
        node = subject.nodes[index]
        kernel, mistaken = getattr(node.op, "kernel_size", None), walk.inputs(index)
        if index > subject.end(ask.layer):
            continue
        if mistaken is None or walk.output(index) is None:
            return False
        if kernel is None:
            continue
        true = subject.inputs(node)[0][1:]
        if any(small < k <= n for small, k, n in zip(mistaken[0][1:], kernel, true, strict=False)):
            return False
    return True


def _try(subject: Subject, ask: Ask, given: Given | None) -> Value | None:
    try:
        return truth(subject, ask, given)
    except ValueError:
        return None


def _exact(subject: Subject, ask: Ask) -> Value | None:
    """Return what the analysis itself says where a walk asks it piece by piece."""
    graph = subject.graph
    if ask.quantity in ("receptive_field", "jump"):
        field = subject.fields[subject.end(ask.layer)].get(_fed(subject))
        if field is None:
            return None
        if ask.quantity == "receptive_field":
            sizes = field.size
            return None if None in sizes else _plain(_alike(tuple([s for s in sizes if s is not None])))
        strides = field.stride
        known = tuple([s for s in strides or () if s is not None])
        return _plain(_alike(known)) if known and len(known) == len(strides or ()) else None
    if ask.quantity == "memory" and not subject.is_open:
        if ask.layer is not None:
            return activation_bytes(subject.nodes[subject.end(ask.layer)], ask.batch, ask.dtype)
        peak = peak_activations(graph, ask.batch, ask.dtype)
        return peak.bytes if peak else None
    return None


def _fed(subject: Subject) -> str:
    inputs = list(subject.graph.inputs)
    if len(inputs) != 1:
        raise ValueError(f"the network has {len(inputs)} inputs, and a field is of one of them")
    return inputs[0]


def _value(walk: Walk, ask: Ask, given: Given | None) -> Value | None:
    """Return what a walk gives for a question; nothing where it cannot tell."""
    subject, quantity = walk.subject, ask.quantity
    if quantity in COUNTED:
        return _sum(walk, ask, subject.scope(ask.layer), _counted(quantity), given)
    if quantity in ("macs", "flops"):
        if subject.is_open:
            return None
        macs = _sum(walk, ask, _evaluated(subject, ask.layer), Walk.work, given)
        return macs if macs is None or quantity == "macs" else 2 * macs
    if quantity == "shape":
        shape = walk.output(subject.end(ask.layer))
        return None if shape is None or subject.is_open else _plain(shape)
    if quantity in ("receptive_field", "jump"):
        return _field(walk, ask, given)
    if subject.is_open:
        return None
    if quantity == "memory":
        if ask.layer is None:
            return _peak(walk, ask) if walk.given and not walk.mistakes else _exact(subject, ask)
        held = walk.elements(subject.end(ask.layer))
        return None if held is None else held * ask.batch * DTYPES[ask.dtype]
    if len(subject.scope(ask.layer)) == 1:
        return walk.elements(subject.end(ask.layer))
    made = [i for i in _evaluated(subject, ask.layer) if owns_storage(subject.nodes[i])]
    return _sum(walk, ask, tuple(made), Walk.elements, given)


def _peak(walk: Walk, ask: Ask) -> Value | None:
    """Return the most bytes alive at once with the shapes that a student has; nothing where a layer has none."""
    graph = walk.subject.graph
    shapes = [walk.output(node.index) for node in graph.nodes]
    if any(shape is None or any(type(size) is not int or size < 1 for size in shape) for shape in shapes):
        return None
    nodes = [replace(n, output=TensorType(s)) for n, s in zip(graph.nodes, shapes, strict=True) if s is not None]
    outputs = {name: nodes[node.index] for name, node in graph.outputs.items()}
    inputs = {name: nodes[node.index] for name, node in graph.inputs.items()}
    peak = peak_activations(replace(graph, nodes=nodes, inputs=inputs, outputs=outputs), ask.batch, ask.dtype)
    return peak.bytes if peak else None


def _field(walk: Walk, ask: Ask, given: Given | None) -> Value | None:
    subject = walk.subject
    _fed(subject)
    end = subject.end(ask.layer)
    axes = len(next(iter(subject.graph.inputs.values())).output.shape) - 1
    pins: dict[int, Pin] = {}
    for earlier, value in (given or {}).items():
        if earlier.quantity in ("receptive_field", "jump") and earlier != ask and not isinstance(value, str | Fraction):
            each = (value,) * axes if isinstance(value, int) else value
            pin = pins.get(subject.end(earlier.layer), Pin())
            pin = pin._replace(sizes=each) if earlier.quantity == "receptive_field" else pin._replace(strides=each)
            pins[subject.end(earlier.layer)] = pin
    found = seen(walk, end, pins)
    if found is None:
        return None if any(m.slide or m.narrow for m in walk.mistakes) else _exact(subject, ask)
    if ask.quantity == "receptive_field":
        sizes = extents(walk, end, found)
        return None if sizes is None else _alike(sizes)
    if any(len(tracks) != 1 for tracks in found):
        return None
    return _plain(_alike(tuple(tracks[0].stride for tracks in found)))


def _counted(quantity: str) -> Callable[[Walk, int], Number | None]:
    pick: Callable[[Count], Number] = COUNTED[quantity]

    def count(walk: Walk, index: int) -> Number | None:
        found = walk.count(index)
        return None if found is None else pick(found)

    return count


def _evaluated(subject: Subject, layer: str | None) -> tuple[int, ...]:
    """Return the nodes of a layer, or all those that run in evaluation."""
    only = subject.graph.training_only
    scope = subject.scope(layer)
    return scope if layer is not None or not only else tuple([i for i in scope if i not in only])


def _sum(
    walk: Walk, ask: Ask, scope: tuple[int, ...], of: Callable[[Walk, int], Number | None], given: Given | None
) -> Number | None:
    """Return a sum over nodes: the true one, with what the student has for the nodes that differ."""
    subject = walk.subject
    plain = subject.sums.get((ask.quantity, ask.layer))
    if plain is None:
        truly = Walk(subject)
        each = {i: counted for i in scope if (counted := of(truly, i)) is not None}
        plain = subject.sums[ask.quantity, ask.layer] = sum(each.values()), each
    total, each = plain
    stated: set[int] = set()
    for earlier, value in (given or {}).items():
        if earlier.quantity == ask.quantity and earlier.layer is not None and earlier != ask:
            inside = [i for i in subject.scope(earlier.layer) if i in each]
            if inside and isinstance(value, int | Fraction):
                there = Fraction(value) / 2 if ask.quantity == "flops" else value
                total += there - sum([each[i] for i in inside])
                stated.update(inside)
    for index in walk.touched:
        if index in each and index not in stated:
            mistaken = of(walk, index)
            if mistaken is None:
                return None
            total += mistaken - each[index]
    summed: Number = whole(total)
    return summed


def _shapes(subject: Subject, given: Given | None) -> dict[int, Sizes]:
    shapes = {}
    for ask, value in (given or {}).items():
        if ask.quantity == "shape" and isinstance(value, tuple):
            shapes[subject.end(ask.layer)] = value
    return shapes


def _alike(values: tuple[Number, ...]) -> Value:
    return values[0] if values and len(set(values)) == 1 else values


def _plain(value: Value) -> Value:
    return tuple([whole(v) for v in value]) if isinstance(value, tuple) else whole(value)
