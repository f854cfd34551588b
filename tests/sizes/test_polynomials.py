"""Polynomials in sizes agree with plain arithmetic, also along residues, moved, and as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.sizes import ShapeError, ceildiv, symbol
from archdsl.sizes.polynomials import Polynomial, moved, residues, total, value

H, W = symbol("H"), symbol("W")
SIZES = [H, W, H + 3, H // 2, ceildiv(W, 4), 2 * ((H + 1) // 3), (W - 1) // 2 + 1, 5]
PLAIN = [
    lambda h, w: h,
    lambda h, w: w,
    lambda h, w: h + 3,
    lambda h, w: h // 2,
    lambda h, w: -(-w // 4),
    lambda h, w: 2 * ((h + 1) // 3),
    lambda h, w: (w - 1) // 2 + 1,
    lambda h, w: 5,
]
TERMS = st.lists(
    st.tuples(st.integers(-9, 9), st.lists(st.integers(0, len(SIZES) - 1), max_size=3)), min_size=1, max_size=5
)
PLACES = st.tuples(st.integers(1, 99), st.integers(1, 99))


def made(terms: list[tuple[int, list[int]]]) -> Polynomial:
    """Return a sum of products, put together with the operators."""
    whole = Polynomial.of(0)
    for factor, sizes in terms:
        product = Polynomial.of(factor)
        for i in sizes:
            product = product * SIZES[i] if i % 2 else Polynomial.of(SIZES[i]) * product
        whole = whole + product
    return whole


def counted(terms: list[tuple[int, list[int]]], h: int, w: int) -> int:
    result = 0
    for factor, sizes in terms:
        for i in sizes:
            factor *= PLAIN[i](h, w)
        result += factor
    return result


@given(TERMS, PLACES)
def test_a_polynomial_is_the_sum_it_was_made_of(terms, place):
    assert made(terms).at(dict(zip("HW", place, strict=True))) == counted(terms, *place)


@given(TERMS, TERMS, PLACES)
def test_operators_are_those_of_numbers(first, second, place):
    a, b, x, y = made(first), made(second), counted(first, *place), counted(second, *place)
    at = dict(zip("HW", place, strict=True))

    for ours, theirs in (
        (a + b, x + y),
        (a - b, x - y),
        (a * b, x * y),
        (3 - a, 3 - x),
        (2 * a + 1, 2 * x + 1),
        (-a, -x),
    ):
        assert value(ours, at) == theirs


@given(TERMS, PLACES)
def test_the_text_computes_it(terms, place):
    text = str(made(terms))

    assert eval(text, dict(zip("HW", place, strict=True))) == counted(terms, *place)


@given(TERMS, PLACES, st.integers(0, 40))
def test_along_residues_it_is_the_same_function(terms, place, steps):
    polynomial = made(terms)
    rows = residues([s for s in SIZES if not isinstance(s, int)], {H.domain: place[0], W.domain: place[1]})
    line = rows.along(polynomial)
    h, w = (rows.of[size.domain] for size in (H, W))

    assert (h.period, w.period) == (6, 4)
    at = counted(terms, h.period * steps + h.rest, w.period * 2 * steps + w.rest)
    assert line.at({"h": steps, "w": 2 * steps}) == at
    assert moved(line, 7).at({"h": steps, "w": 2 * steps}) == line.at({"h": steps + 7, "w": 2 * steps + 7})


def test_what_is_equal_is_one_polynomial():
    assert Polynomial.of(H) * W == Polynomial.of(W) * H
    assert hash(Polynomial.of(H) * W) == hash(Polynomial.of(W) * H)
    assert Polynomial.of(H) - H == Polynomial.of(0)
    assert total([H, W, -1]) != total([H, W])


def test_one_size_alone_is_known_as_such():
    assert Polynomial.of(H).single == H
    assert (Polynomial.of(H) - H + 3).single == 3
    assert (2 * Polynomial.of(H)).single is None
    assert (Polynomial.of(H) * W).single is None


@pytest.mark.parametrize("operation", [lambda p: p // 2, lambda p: p % 2, lambda p: p >= 1, lambda p: 7 // p])
def test_what_has_no_exact_form_asks_for_a_number(operation):
    with pytest.raises(ShapeError, match="no exact form"):
        operation(Polynomial.of(H) * W)


def test_a_form_of_too_many_residues_is_refused():
    with pytest.raises(ShapeError, match="residues"):
        residues([H // 65_521, H // 65_519], {H.domain: 0})
