"""Counts and bytes as people read them."""

from __future__ import annotations

import pytest

from archdsl.report.units import mebibytes, short

# fmt: off
COUNTS = [
    (None, "–"), (0, "0"), (850, "850"), (999_999, "999,999"), (1_000_000, "1.00 M"), (118_000_000, "118.0 M"),
    (4_089_184_256, "4.09 G"), (999_960_000, "1.00 G"),  # which is not 1000.0 M
    (99_000_000_000_000, "99.00 T"), (232 * 10**18, "232.0 E"), (631_590_157_611_433_984, "631.6 P"),
    (10**30, "1.00 Q"), (12_345 * 10**30, "12,345 Q"), (10**400, f"{10**370:,} Q"),
]
BYTES = [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (10 * 1024, "10.0 KiB"), (1024**2 - 1, "1.00 MiB"),
    (1024**3 - 5, "1.00 GiB"), (24 * 1024**3, "24.0 GiB"), (3 * 1024**5 // 2, "1.50 PiB"), (7 * 1024**8, "7.00 YiB"),
    (5000 * 1024**8, "5,000 YiB"),
]
# fmt: on


@pytest.mark.parametrize(("count", "written"), COUNTS, ids=[text[:20] for _, text in COUNTS])
def test_a_count_has_the_prefix_that_leaves_three_digits(count, written):
    assert short(count) == written


@pytest.mark.parametrize(("count", "written"), BYTES, ids=[text for _, text in BYTES])
def test_bytes_are_in_units_of_1024(count, written):
    assert mebibytes(count) == written
