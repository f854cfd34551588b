"""Symbolic sizes agree with plain numbers, conditions with counting, and texts with what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.sizes import (
    LONGEST_PERIOD,
    Condition,
    ShapeError,
    Size,
    Symbolic,
    at,
    ceildiv,
    equal,
    floordiv,
    known,
    maximum,
    minimum,
    modulo,
    require,
    symbol,
    where,
)
from archdsl.sizes.flips import refined


class UnfitError(Exception):
    """The plain chain cannot take this number."""


class Step(NamedTuple):
    """One operation twice: with the functions under test, and by the definition on a number."""

    text: str
    symbolic: Callable[[Size, list[Size]], Size]
    plain: Callable[[int, list[int]], int]

    def __repr__(self) -> str:
        return self.text


def demand(holds: bool) -> None:
    if not holds:
        raise UnfitError


def convolution(kernel: int, stride: int, padding: int) -> Step:
    def symbolic(size: Size, _: list[Size]) -> Size:
        require(size + 2 * padding >= kernel, "too large", rule="kernel-too-large")
        return floordiv(size + 2 * padding - kernel, stride) + 1

    def plain(size: int, _: list[int]) -> int:
        starts = range(-padding, size + padding - kernel + 1, stride)
        demand(len(starts) > 0)
        return len(starts)

    return Step(f"conv({kernel}, {stride}, {padding})", symbolic, plain)


def pool_up(kernel: int, stride: int, padding: int) -> Step:
    """PyTorch's `ceil_mode`: a window may end outside, but it starts inside the input or its left padding."""

    def symbolic(size: Size, _: list[Size]) -> Size:
        require(size + 2 * padding >= kernel, "too large")
        windows = ceildiv(size + 2 * padding - kernel, stride) + 1
        return where((windows - 1) * stride >= size + padding, windows - 1, windows)

    def plain(size: int, _: list[int]) -> int:
        demand(size + 2 * padding >= kernel)
        windows = 1
        while (windows - 1) * stride + kernel < size + 2 * padding and windows * stride < size + padding:
            windows += 1
        return windows

    return Step(f"pool_up({kernel}, {stride}, {padding})", symbolic, plain)


def transposed(kernel: int, stride: int, padding: int) -> Step:
    def symbolic(size: Size, _: list[Size]) -> Size:
        require(size > 0, "nothing to grow")
        grown = (size - 1) * stride - 2 * padding + kernel
        require(grown >= 1, "nothing is left")
        return grown

    def plain(size: int, _: list[int]) -> int:
        reached = [i * stride + k for i in range(size) for k in range(kernel)]
        demand(size > 0)
        grown = max(reached) + 1 - 2 * padding
        demand(grown >= 1)
        return grown

    return Step(f"transposed({kernel}, {stride}, {padding})", symbolic, plain)


def join(back: int) -> Step:
    def symbolic(size: Size, earlier: list[Size]) -> Size:
        require(equal(size, earlier[-1 - back % len(earlier)]), "branches differ")
        return size

    def plain(size: int, earlier: list[int]) -> int:
        demand(size == earlier[-1 - back % len(earlier)])
        return size

    return Step(f"join({back})", symbolic, plain)


def crop(back: int) -> Step:
    def symbolic(size: Size, earlier: list[Size]) -> Size:
        require(size <= earlier[-1 - back % len(earlier)], "nothing to crop from")
        return size + earlier[-1 - back % len(earlier)]

    def plain(size: int, earlier: list[int]) -> int:
        demand(size <= earlier[-1 - back % len(earlier)])
        return size + earlier[-1 - back % len(earlier)]

    return Step(f"crop({back})", symbolic, plain)


small = st.integers(1, 4)
padding = st.integers(0, 2)
STEPS = st.one_of(
    st.integers(-5, 5).map(lambda k: Step(f"{k:+}", lambda x, _: x + k, lambda x, _: x + k)),
    st.integers(-5, 5).map(lambda k: Step(f"{k}-", lambda x, _: k - x, lambda x, _: k - x)),
    small.map(lambda k: Step(f"*{k}", lambda x, _: k * x, lambda x, _: k * x)),
    small.map(lambda s: Step(f"//{s}", lambda x, _: floordiv(x, s), lambda x, _: (x - x % s) // s)),
    small.map(lambda s: Step(f"ceil {s}", lambda x, _: ceildiv(x, s), lambda x, _: (x + (s - x % s) % s) // s)),
    st.integers(2, 4).map(lambda s: Step(f"%{s}", lambda x, _: x - modulo(x, s), lambda x, _: x // s * s)),
    st.builds(convolution, st.integers(1, 7), small, padding),
    st.builds(pool_up, st.integers(4, 5), small, padding),
    st.builds(transposed, small, small, st.integers(0, 1)),
    st.builds(join, st.integers(0, 4)),
    st.builds(crop, st.integers(0, 4)),
)


def run(steps: Iterable[Step], size: int) -> int | None:
    """Return what the plain chain makes of a number, or `None` if it cannot take it."""
    sizes = [size]
    try:
        for step in steps:
            sizes.append(step.plain(sizes[-1], sizes))
    except UnfitError:
        return None
    return sizes[-1]


def run_on_symbol(steps: Iterable[Step]) -> tuple[Symbolic, Size | None]:
    """Return a new symbol and what the chain makes of it, or `None` if no number can take it."""
    h = symbol("H")
    sizes: list[Size] = [h]
    for step in steps:
        try:
            sizes.append(step.symbolic(sizes[-1], sizes))
        except ShapeError as error:
            if error.rule == "size-needed":
                raise
            return h, None
    return h, sizes[-1]


@given(st.lists(STEPS, min_size=1, max_size=6))
def test_a_chain_on_a_symbol_is_the_chain_on_every_number(steps: list[Step]) -> None:
    """Its value agrees wherever the plain chain has one, and the requirement holds just there."""
    expected = {n: value for n in range(1, 150) if (value := run(steps, n)) is not None}

    h, size = run_on_symbol(steps)

    valid = [n for n in range(1, 150) if size is not None and h.domain.requirement.holds(n)]
    assert {n: at(size, {"H": n}) for n in valid if size is not None} == expected


CASE = re.compile(r"(?:^|, )([^,]+?) \(((?:\d+ <= )?H % \d+ [^()]*(?:\([^()]*\))?)\)")


@given(st.lists(STEPS, min_size=1, max_size=5))
def test_the_text_of_a_size_computes_it(steps: list[Step]) -> None:
    h, size = run_on_symbol(steps)
    if size is None:
        return
    text = str(size)

    assert len(text) < 250
    for value, residues in CASE.findall(text) or [(text, "True")]:
        for n in range(1, 100):
            if h.domain.requirement.holds(n) and "…" not in residues and eval(residues, {"H": n}):
                assert eval(value, {"H": n}) == at(size, {"H": n})


class Fact(NamedTuple):
    """A condition and what it says of a number."""

    build: Callable[[Symbolic], bool | Condition]
    says: Callable[[int], bool]
    text: str

    def __repr__(self) -> str:
        return self.text


def modulus(m: int, r: int) -> Fact:
    return Fact(lambda h: equal(h % m, r), lambda n: n % m == r, f"H % {m} == {r}")


bound = st.integers(-3, 60)
FACTS = st.recursive(
    st.one_of(
        st.builds(modulus, st.integers(1, 8), st.integers(0, 7)),
        bound.map(lambda k: Fact(lambda h: h >= k, lambda n: n >= k, f"H >= {k}")),
        bound.map(lambda k: Fact(lambda h: k > h, lambda n: n < k, f"H < {k}")),
        bound.map(lambda k: Fact(lambda h: equal(k, h), lambda n: n == k, f"H == {k}")),
        bound.map(lambda k: Fact(lambda h: h // 3 * 2 <= k, lambda n: n // 3 * 2 <= k, f"H//3*2 <= {k}")),
        bound.map(lambda k: Fact(lambda h: equal(2 * h, k - h), lambda n: 3 * n == k, f"3*H == {k}")),
    ),
    lambda facts: st.one_of(
        facts.map(lambda a: Fact(lambda h: negated(a.build(h)), lambda n: not a.says(n), f"~({a.text})")),
        st.tuples(facts, facts).map(
            lambda ab: Fact(
                lambda h: ab[0].build(h) & ab[1].build(h),
                lambda n: ab[0].says(n) and ab[1].says(n),
                f"({ab[0].text}) & ({ab[1].text})",
            )
        ),
        st.tuples(facts, facts).map(
            lambda ab: Fact(
                lambda h: ab[0].build(h) | ab[1].build(h),
                lambda n: ab[0].says(n) or ab[1].says(n),
                f"({ab[0].text}) | ({ab[1].text})",
            )
        ),
    ),
    max_leaves=6,
)


def negated(condition: bool | Condition) -> bool | Condition:
    return ~condition if isinstance(condition, Condition) else not condition


def built(fact: Fact, h: Symbolic) -> Condition:
    condition = fact.build(h)
    return condition if isinstance(condition, Condition) else (h >= 0) & condition  # type: ignore[return-value]


@given(FACTS)
def test_a_condition_holds_for_the_numbers_it_says(fact: Fact) -> None:
    condition = built(fact, symbol("H"))
    members = [n for n in range(1, 500) if fact.says(n)]

    assert [n for n in range(1, 500) if condition.holds(n)] == members
    assert condition.smallest() == min(members, default=None)
    assert condition.never == (not members)
    assert condition.always == (len(members) == 499)
    assert ~~condition == condition


@given(FACTS)
def test_the_text_of_a_condition_says_the_same(fact: Fact) -> None:
    text = str(built(fact, symbol("H")))

    if "…" not in text:
        code = text.replace("any H", "True").replace("no H", "False")
        assert [n for n in range(1, 200) if eval(code, {"H": n})] == [n for n in range(1, 200) if fact.says(n)]


@given(FACTS, st.integers(1, 120))
def test_the_nearest_sizes_are_the_next_valid_ones(fact: Fact, n: int) -> None:
    members = [m for m in range(1, 500) if fact.says(m)]

    below, above = built(fact, symbol("H")).nearest(n)

    assert below == max((m for m in members if m <= n), default=None)
    assert above == min((m for m in members if m >= n), default=None)


@given(FACTS, FACTS)
def test_a_condition_is_one_however_it_was_put_together(first: Fact, second: Fact) -> None:
    h = symbol("H")
    whole, other = built(first, h), built(second, h)

    assert (whole & other) | (whole & ~other) == whole
    assert ~(~whole | ~other) == whole & other
    assert ((whole & other) == (whole | other)) == all(first.says(n) == second.says(n) for n in range(1500))


@given(FACTS, FACTS)
def test_what_is_assumed_decides_what_always_holds(known_fact: Fact, asked: Fact) -> None:
    h = symbol("H")
    left = [n for n in range(1, 1500) if known_fact.says(n)]
    if not left:
        with pytest.raises(ShapeError):
            h.domain.assume(built(known_fact, h))
        return
    h.domain.assume(built(known_fact, h))
    condition = built(asked, h)

    assert condition.always == all(asked.says(n) for n in left)
    assert condition.never == (not any(asked.says(n) for n in left))


@given(FACTS, FACTS)
def test_a_recorded_fact_adds_what_was_assumed(first: Fact, second: Fact) -> None:
    """It may be said by a shorter period, which does not change what all facts mean together."""
    h = symbol("H")
    domain = h.domain
    try:
        domain.assume(built(first, h))
        domain.assume(built(second, h))
    except ShapeError:
        return

    expected = [n for n in range(1, 300) if first.says(n) and second.says(n)]
    assert [n for n in range(1, 300) if domain.requirement.holds(n)] == expected
    assert [n for n in range(1, 300) if all(fact.holds(n) for fact in domain.facts)] == expected


def test_a_unet_of_depth_4_takes_multiples_of_16() -> None:
    h = symbol("H")
    size: Size = h
    skips = []
    for _ in range(4):
        skips.append(size)
        size = size // 2
    for skip in reversed(skips):
        size = size * 2
        require(equal(size, skip), "the skip has {skip} rows, the decoder {size}", skip=skip, size=size)

    assert list(map(str, h.domain.facts)) == ["H % 16 < 8", "H % 8 < 4", "H % 4 < 2", "H % 2 == 0"]
    assert str(h.domain.requirement) == "H % 16 == 0"
    assert str(size) == "H"
    assert h.domain.nearest(684) == (672, 688)
    assert h.domain.nearest(688) == (688, 688)
    assert h.domain.nearest(7) == (None, 16)


def test_the_valid_unet_of_the_paper_maps_572_to_388() -> None:
    h = symbol("H")

    def two_convolutions(size: Size) -> Size:
        require(size >= 5, "two 3×3 kernels need 5", rule="kernel-too-large")
        return size - 4

    size: Size = h
    skips = []
    for _ in range(4):
        size = two_convolutions(size)
        skips.append(size)
        size = size // 2
    size = two_convolutions(size)
    for skip in reversed(skips):
        size = size * 2
        require(size <= skip, "the skip is smaller")
        size = two_convolutions(size)

    assert at(size, {"H": 572}) == 388
    assert {n - at(size, {"H": n}) for n in range(572, 588)} == set(range(184, 200))
    assert [n for n in range(572, 588) if n - at(size, {"H": n}) == 184] == [572]
    assert str(h.domain.requirement) == "H >= 188"

    h.domain.assume(equal(h % 16, 12))
    assert str(size) == "H - 184"


# fmt: off
SIZE_TEXTS = [
    (lambda h: h,                            "H"),
    (lambda h: h - 184,                      "H - 184"),
    (lambda h: 3 * h,                        "3*H"),
    (lambda h: 5 - h,                        "-H + 5"),
    (lambda h: h // 2,                       "H//2"),
    (lambda h: ceildiv(h, 2),                "(H + 1)//2"),
    (lambda h: (h - 3) // 2 + 1,             "(H - 1)//2"),
    (lambda h: ((h - 1) // 2 - 1) // 2 + 1,  "(H + 1)//4"),
    (lambda h: (h // 2) // 3,                "H//6"),
    (lambda h: h // 16 * 16,                 "16*(H//16)"),
    (lambda h: h // 2 * 2 - 4,               "2*(H//2) - 4"),
    (lambda h: -(h // 2),                    "-(H//2)"),
    (lambda h: h % 2,                        "0 (H % 2 == 0), 1 (H % 2 == 1)"),
    (lambda h: (ceildiv(h, 2) * 3 + 1) // 2,
     "3*H/4 (H % 4 == 0), (3*H + 5)/4 (H % 4 == 1), (3*H + 2)/4 (H % 4 == 2), …"),
]

CONDITION_TEXTS = [
    (lambda h: h >= 1,                                     "any H"),
    (lambda h: h <= 0,                                     "no H"),
    (lambda h: h >= 23,                                    "H >= 23"),
    (lambda h: h < 10,                                     "H <= 9"),
    (lambda h: (h >= 3) & (h <= 9),                        "3 <= H <= 9"),
    (lambda h: equal(h, 7),                                "H == 7"),
    (lambda h: ~equal(h, 7),                               "H != 7"),
    (lambda h: equal(h, 3) | equal(h, 9),                  "H in (3, 9)"),
    (lambda h: equal(h, 3) | (h >= 9),                     "H == 3 or H >= 9"),
    (lambda h: equal(h % 16, 0),                           "H % 16 == 0"),
    (lambda h: equal(h % 16, 0) | equal(h % 16, 12),       "H % 16 in (0, 12)"),
    (lambda h: equal(h % 5, 0) | equal(h % 5, 2),          "H % 5 in (0, 2)"),
    (lambda h: ~equal(h % 16, 3),                          "H % 16 != 3"),
    (lambda h: h % 16 < 8,                                 "H % 16 < 8"),
    (lambda h: h % 16 > 8,                                 "H % 16 >= 9"),
    (lambda h: (h % 16 > 2) & (h % 16 < 8),                "3 <= H % 16 <= 7"),
    (lambda h: ~(equal(h % 16, 3) | equal(h % 16, 5)),     "H % 16 not in (3, 5)"),
    (lambda h: (h >= 31) & equal(h % 2, 0),                "H >= 32 and H % 2 == 0"),
    (lambda h: equal(h % 2, 0) & (h <= 999) | (h >= 1001), "H <= 998 and H % 2 == 0 or H >= 1001"),
    (lambda h: equal(h % 64, 3) | (h % 64 >= 40),          "H % 64 in (3, 40, 41, 42, 43, 44, 45, 46, …)"),
]
# fmt: on


@pytest.mark.parametrize(("make", "text"), SIZE_TEXTS, ids=[text for _, text in SIZE_TEXTS])
def test_a_size_is_written_at_its_shortest(make: Callable[[Symbolic], Size], text: str) -> None:
    assert str(make(symbol("H"))) == text


@pytest.mark.parametrize(("make", "text"), CONDITION_TEXTS, ids=[text for _, text in CONDITION_TEXTS])
def test_a_condition_is_written_as_people_say_it(make: Callable[[Symbolic], Condition], text: str) -> None:
    assert str(make(symbol("H"))) == text


def test_equal_formulas_are_one_key_of_a_dictionary() -> None:
    h, w = symbol("H"), symbol("W")

    assert {(h - 1) // 2 + 1: "half"}[(h + 1) // 2] == "half"
    assert h // 2 * 2 != h
    assert h != w
    assert h + 1 - 1 == h
    assert symbol("H") != h


def test_a_symbol_that_cancels_leaves_a_number() -> None:
    h = symbol("H")

    assert (h + 3) - h == 3
    assert (2 * h) % 2 == 0
    assert h * 0 == 0
    assert known(h - h + 5) == 5


def test_narrowing_a_domain_changes_no_value_made_before() -> None:
    h = symbol("H")
    even = h // 2 * 2
    before = [at(even, {"H": n}) for n in range(50)]
    values = {even: "even"}

    h.domain.assume(equal(even, h))

    assert [at(even, {"H": n}) for n in range(50)] == before
    assert values[h // 2 * 2] == "even"
    assert str(even) == "H"


def test_a_requirement_that_follows_from_earlier_ones_adds_no_fact() -> None:
    h = symbol("H")
    require(equal(h % 4, 0), "")
    require(equal(h % 2, 0), "")
    require(h >= 1, "")

    assert list(map(str, h.domain.facts)) == ["H % 4 == 0"]


def test_a_failed_requirement_quotes_its_values_and_leaves_the_domain() -> None:
    h = symbol("H")
    require(equal(h % 2, 0), "")

    with pytest.raises(ShapeError, match=r"^`cat` joins H with H \+ 1$") as caught:
        require(
            equal(h, h // 2 * 2 + 1),
            "`cat` joins {a} with {b}",
            a=h,
            b=h // 2 * 2 + 1,
            argument="input",
            rule="wrong-rank",
        )

    assert (caught.value.rule, caught.value.argument) == ("wrong-rank", "input")
    assert caught.value.help == "this needs H % 2 == 1, but what precedes leaves H % 2 == 0"
    assert str(h.domain.requirement) == "H % 2 == 0"


def test_a_requirement_of_numbers_is_decided_at_once() -> None:
    require(5 >= 3, "never seen: {0}")

    with pytest.raises(ShapeError, match=r"^7 is larger than 3$") as caught:
        require(3 >= 7, "{kernel} is larger than {size}", kernel=7, size=3, rule="kernel-too-large", help="pad")
    assert (caught.value.rule, caught.value.help) == ("kernel-too-large", "pad")


def test_braces_in_a_message_without_values_are_kept() -> None:
    with pytest.raises(ShapeError, match=r"^`a\{b\}`$"):
        require(False, "`a{b}`")


@pytest.mark.parametrize(
    "mix",
    [
        lambda h, w: h + w,
        lambda h, w: h - w,
        lambda h, w: h * w,
        lambda h, w: h // w,
        lambda h, w: h >= w,
        lambda h, w: equal(h, w),
        lambda h, w: minimum(h, w),
        lambda h, w: (h >= 3) & (w >= 3),
        lambda h, w: where(equal(h % 2, 0), w, w + 1),
    ],
    ids="sum difference product quotient order equality minimum conjunction choice".split(),
)
def test_height_and_width_do_not_mix(mix: Callable[[Symbolic, Symbolic], object]) -> None:
    with pytest.raises(ShapeError) as caught:
        mix(symbol("H"), symbol("W"))

    assert caught.value.rule == "size-needed"
    assert caught.value.help is not None
    assert "H and W" in caught.value.help


@pytest.mark.parametrize(
    "operation",
    [
        lambda h: h * h,
        lambda h: 7 // h,
        lambda h: minimum(h, 7),
        lambda h: where(h >= 7, h, h + 1),
        lambda h: where(equal(h % 2, 0), h, 7),
        known,
    ],
    ids=["square", "reciprocal", "minimum", "choice by bound", "choice of slopes", "known"],
)
def test_what_has_no_exact_form_asks_for_a_number(operation: Callable[[Symbolic], object]) -> None:
    with pytest.raises(ShapeError) as caught:
        operation(symbol("H"))

    assert caught.value.rule == "size-needed"
    assert caught.value.help == "give H as a number"


def test_a_choice_becomes_exact_once_the_domain_decides_it() -> None:
    h = symbol("H")
    h.domain.assume(h >= 7)

    assert minimum(h, 7) == 7
    assert maximum(h, 7) == h
    assert minimum(h // 2, h) == h // 2
    assert where(h < 7, 1, h) == h


def test_a_choice_may_depend_on_a_bound_where_both_sides_agree() -> None:
    h = symbol("H")
    third = where(equal(h % 3, 1), h, h + 1)

    chosen = where(equal(h % 3, 0) | (equal(h % 3, 1) & (h >= 7)), third, h)

    assert [at(chosen, {"H": n}) for n in range(1, 13)] == [1, 2, 4, 4, 5, 7, 7, 8, 10, 10, 11, 13]


def test_numbers_take_the_same_functions() -> None:
    assert (floordiv(7, 2), ceildiv(7, 2), ceildiv(-7, 2), modulo(7, 4)) == (3, 4, -3, 3)
    assert (minimum(3, 5), maximum(3, 5), where(True, 1, 2), where(False, 1, 2)) == (3, 5, 1, 2)
    assert (equal(3, 3), equal(3, 4), at(3, {}), known(3)) == (True, False, 3, 3)


def test_a_condition_that_depends_is_no_truth_value() -> None:
    h = symbol("H")

    with pytest.raises(TypeError, match="a rule cannot branch on `H >= 7`: use `require` or `where`"):
        bool(h >= 7)
    assert h >= 1
    assert not h < 1


def test_a_period_beyond_the_bound_is_refused() -> None:
    h = symbol("H")
    assert str(h // LONGEST_PERIOD) == "H//65536"
    assert h // LONGEST_PERIOD * 2 // 2 == h // LONGEST_PERIOD

    with pytest.raises(ShapeError, match="131072 residues") as caught:
        h // (2 * LONGEST_PERIOD)
    assert caught.value.rule == "size-needed"


def test_a_set_of_one_number_has_members_in_one_row_only() -> None:
    assert refined([(7, 8)], 4) == [(), (), (), (1, 2)]
    assert refined([(6,)], 4) == [(2,), (2,), (1,), (1,)]


@given(st.lists(st.lists(st.integers(0, 40), unique=True, max_size=4), min_size=1, max_size=3), st.integers(1, 7))
def test_more_rows_are_the_same_set(flips: list[list[int]], times: int) -> None:
    """A number is in a row where an odd count of its flips lies at or below it."""
    condition = Condition(symbol("H").domain, [tuple(sorted(row)) for row in flips])
    rows, period = condition.over(condition.period * times), condition.period * times
    members = {n for n in range(400) if condition.holds(n)}

    assert {n for n in range(400) if sum(q <= n // period for q in rows[n % period]) % 2} == members
    assert [condition.row(period, rest) for rest in range(period)] == rows
    assert condition.is_of_one_residue(period) == (sum(map(bool, rows)) == 1)


flips = st.lists(st.integers(0, 9), unique=True, max_size=4).map(lambda row: tuple(sorted(row)))
few = st.dictionaries(st.integers(0, 23), flips, max_size=3).map(lambda rows: [rows.get(r, ()) for r in range(24)])
SETS = st.one_of(st.lists(flips, min_size=1, max_size=12), few)
FAR = 300
"""All flips lie below it: from there on a set repeats itself."""


def members(condition: Condition) -> set[int]:
    return {
        n for n in range(1, FAR) if sum(q <= n // condition.period for q in condition.rows[n % condition.period]) % 2
    }


@given(SETS, st.integers(-30, 250))
def test_the_nearest_sizes_of_any_set_are_counted(rows: list[tuple[int, ...]], n: int) -> None:
    condition = Condition(symbol("H").domain, rows)
    sizes = members(condition)

    below, above = condition.nearest(n)
    assert below == max((m for m in sizes if m <= n), default=None)
    assert above == min((m for m in sizes if m >= n), default=None)
    assert condition.smallest() == min(sizes, default=None)
    assert condition.is_empty == (not sizes)
    assert set(condition.residues) == {r for r, row in enumerate(condition.rows) if row}


@given(SETS, SETS)
def test_sets_that_are_sparse_or_not_are_combined_alike(
    first: list[tuple[int, ...]], second: list[tuple[int, ...]]
) -> None:
    domain = symbol("H").domain
    a, b = Condition(domain, first), Condition(domain, second)

    assert members(a & b) == members(b & a) == members(a) & members(b)
    assert members(a | b) == members(b | a) == members(a) | members(b)
    assert members(a & True) == members(a | False) == members(a)
    assert members(a & False) == set()
    assert members(a | True) == set(range(1, FAR))


@given(st.lists(SETS, min_size=1, max_size=4))
def test_facts_say_together_what_was_assumed(sets: list[list[tuple[int, ...]]]) -> None:
    """Each is written shorter where what precedes allows it, and no size is lost or gained by that."""
    domain = symbol("H").domain
    left, said = set(range(1, FAR)), set(range(1, FAR))
    for rows in sets:
        condition = Condition(domain, rows)
        try:
            domain.assume(condition)
        except ShapeError:
            assert not left & members(condition)
        else:
            left &= members(condition)
    for fact in domain.facts:
        said &= members(fact)

    assert members(domain.requirement) == said == left


@pytest.mark.parametrize("depth", [3, 10, 16])
def test_a_map_that_is_halved_and_doubled_loses_one_bit_each_time(depth: int) -> None:
    """Each level is told by its own bit, whatever the period; nothing else is left than multiples."""
    h = symbol("H")
    sizes: list[Size] = [h]
    for _ in range(depth):
        sizes.append(sizes[-1] // 2)
    require(sizes[-1] >= 1, "too small")
    grown = sizes.pop()
    while sizes:
        require(equal(2 * grown, sizes[-1]), "branches differ")
        grown = sizes.pop()
    asked = [f"H % {2 * half} {f'< {half}' if half > 1 else '== 0'}" for half in (2**i for i in reversed(range(depth)))]

    assert str(h.domain.requirement) == f"H % {2**depth} == 0"
    assert list(map(str, h.domain.facts)) == [f"H >= {2**depth}", *asked]
    assert h.domain.nearest(3 * 2**depth + 1) == (3 * 2**depth, 4 * 2**depth)


@given(st.integers(-6, 6), st.lists(st.integers(-40, 40), min_size=1, max_size=8))
def test_where_a_size_is_not_negative_is_counted(slope: int, offsets: list[int]) -> None:
    """Rising, falling and jagged ones alike: each number is asked."""
    size = Symbolic(symbol("H").domain, slope, offsets)
    found, below = size >= 0, size <= -1
    period = len(offsets)
    members = [n for n in range(300) if slope * (n // period) + offsets[n % period] >= 0]

    assert isinstance(found, Condition)
    assert isinstance(below, Condition)
    assert [n for n in range(300) if found.holds(n)] == members
    assert [n for n in range(300) if not below.holds(n)] == members


def test_a_divisor_is_positive() -> None:
    with pytest.raises(ValueError, match="divided by 0"):
        symbol("H") // 0
