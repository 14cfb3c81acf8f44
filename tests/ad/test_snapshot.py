"""Large arrays are watched instead of copied: a change between recording and sweeping is noticed, never missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad.snapshot import Snapshot
from optkit.errors import InvalidInputError

N = 300_007  # More than is copied, and no round number of words.


def test_small_arrays_are_copied() -> None:
    x = np.ones(3)
    kept = Snapshot().keep(x)
    x[:] = 0.0
    np.testing.assert_array_equal(kept, np.ones(3))


def test_large_arrays_are_neither_copied_nor_changed_unnoticed() -> None:
    x = np.ones(N)
    snapshot = Snapshot()
    assert snapshot.keep(x) is x
    snapshot.check()
    x[7] = 2.0
    with pytest.raises(
        InvalidInputError, match=r"shape \(300007,\) .* changed in place .*array.copy"
    ):
        snapshot.check()
    x[7] = 1.0
    snapshot.check()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.complex128, bool])
@pytest.mark.parametrize("where", [0, 1, N // 2, N - 1])
def test_a_change_of_any_element_shows(dtype: Any, where: int) -> None:
    x = np.zeros(8 * N if np.dtype(dtype).itemsize == 1 else N, dtype=dtype)
    snapshot = Snapshot()
    assert snapshot.keep(x) is x
    x[where] = 1
    with pytest.raises(InvalidInputError):
        snapshot.check()


def test_a_rearrangement_shows() -> None:
    x = np.random.default_rng(0).normal(size=N)
    snapshot = Snapshot()
    snapshot.keep(x)
    x[:] = x[::-1].copy()
    with pytest.raises(InvalidInputError):
        snapshot.check()


@pytest.mark.parametrize(
    "make", [lambda: np.ones(2 * N)[::2], lambda: np.ones((N, 2)).T], ids=["strided", "transposed"]
)
def test_what_is_not_contiguous_is_copied(make: Any) -> None:
    x = make()
    kept = Snapshot().keep(x)
    x[...] = 0.0
    np.testing.assert_array_equal(kept, np.ones_like(x))


def test_derivatives_notice_a_changed_constant() -> None:
    weights = np.ones(N)

    def refills(x: Any) -> Any:
        y = x * weights
        weights[:] = 2.0
        return np.sum(y)

    with pytest.raises(InvalidInputError, match="changed in place"):
        ad.grad(refills)(np.ones(N))

    weights[:] = 1.0
    _, pullback = ad.vjp(lambda x: x * weights, np.ones(N))
    _, pushforward = ad.linearize(lambda x: x * weights, np.ones(N))
    np.testing.assert_array_equal(pullback(np.ones(N))[0], weights)
    weights[-1] = 5.0
    for sweep in (pullback, pushforward):
        with pytest.raises(InvalidInputError, match="changed in place"):
            sweep(np.ones(N))
