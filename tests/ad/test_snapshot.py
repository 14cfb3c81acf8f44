"""What a rule has read stays as it was read, whatever the function does to its arrays afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad.snapshot import Copies, keep

SMALL, LARGE = 3, 300_007  # Less and more than is compared before it is copied again.


@pytest.mark.parametrize("n", [SMALL, LARGE])
def test_what_was_kept_does_not_change(n: int) -> None:
    x = np.arange(n, dtype=float)
    kept = keep(x, Copies())
    x[:] = -1.0
    np.testing.assert_array_equal(kept, np.arange(n))


def test_a_large_array_is_copied_once_while_it_stays_the_same() -> None:
    x = np.zeros(LARGE)
    copies = Copies()
    first = keep(x, copies)
    assert keep(x, copies) is first
    x[7] = 1.0
    second = keep(x, copies)
    assert second is not first
    assert (first[7], second[7]) == (0.0, 1.0)


def test_a_view_made_anew_is_not_copied_anew() -> None:
    x = np.ones((LARGE, 2))
    copies = Copies()
    assert keep(x.T, copies) is keep(x.T, copies)


@pytest.mark.parametrize(
    "make",
    [lambda: np.ones(2 * LARGE)[::2], lambda: np.ones((LARGE, 2)).T, lambda: np.ones(LARGE)],
    ids=["strided", "transposed", "contiguous"],
)
def test_a_buffer_that_is_refilled_gives_the_right_gradient(make: Any) -> None:
    buffer = make()

    def f(x: Any) -> Any:
        total = 0.0
        for k in range(3):
            buffer[...] = k + 1.0
            total = total + np.sum(x[0] * buffer)
        return total

    np.testing.assert_allclose(ad.grad(f)(np.ones(1)), [6.0 * buffer.size])


def test_a_pullback_does_not_see_what_happens_later() -> None:
    data = np.ones(LARGE)
    _, pullback = ad.vjp(lambda x: np.sum(x * data), 2.0)
    data[:] = 5.0
    assert pullback(1.0) == (LARGE,)
