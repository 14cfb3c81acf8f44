"""Derivatives against differences, entry by entry: the numbers, and the verdict that they allow.

The unit of comparison is a direction v: J v as the derivative under test says it, and the slope of t ↦ f(x + t v) as
differences estimate it. A column of the Jacobian is the direction of one variable, scaled to the size of that variable,
so that t is of the order of 1 whatever the units of x are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.differences import noise_level, slope_at_zero

Array = NDArray[np.float64]

# The derivative under test may itself be rounded: by this many ulps of the largest entry of its row, scales considered.
_ULPS = 16.0 * float(np.finfo(np.float64).eps)
# Differences whose error bar is a larger part of the steepness of the function cannot convict a derivative,
_CONVICTS = 0.1
# and those whose error bar is a larger part of it than this cannot acquit one.
_ACQUITS = 1e-3


# Differences whose error bar is a smaller part of it than this can confirm a complex step.
_CONFIRMS = 1e-5


class EntryVerdict(StrEnum):
    """What a comparison of one entry says; its value is how a report says it."""

    OK = "ok"
    NOISY = "too noisy to tell"
    KINK = "kink here"
    NOT_FINITE = "not finite"
    WRONG = "wrong"


# From good to bad.
_SEVERITY = {verdict: rank for rank, verdict in enumerate(EntryVerdict)}


@dataclass(frozen=True)
class Tolerance:
    """An entry passes when ``|given − estimate| ≤ error bar + atol + rtol · max(|given|, |estimate|)``."""

    rtol: float
    atol: float


@dataclass(frozen=True)
class Direction:
    """A direction in the space of the variables.

    Attributes
    ----------
    vector
        The direction v, shape (n,), scaled so that steps t of the order of 1 are natural.
    unit
        Its length in the units of the report: J v / unit is the entry shown.
    label
        What the entry is a derivative with respect to, for instance ``"∂x[2]"``.
    wider
        Larger first steps to try when the natural ones do not settle.
    """

    vector: Array
    unit: float
    label: str
    wider: tuple[float, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """All entries of a derivative of m outputs along q directions; each array has shape (m, q).

    ``left`` and ``right`` are the slopes of the two sides, ``badness`` is the difference in units of what is allowed,
    and ``sharpened`` says where the estimate is by the complex step, which the differences confirm.
    """

    given: Array
    estimate: Array
    error_bar: Array
    left: Array
    right: Array
    verdicts: NDArray[np.str_]
    badness: Array
    sharpened: NDArray[np.bool_]
    labels: tuple[str, ...]

    def worst_first(self) -> list[tuple[int, int]]:
        """The indices of all entries: wrong ones first, then by how far off they are."""
        severity = np.vectorize(_SEVERITY.__getitem__, otypes=[int])(self.verdicts)
        order = np.lexsort((-self.badness.ravel(), -severity.ravel()))
        return [(int(k) // severity.shape[1], int(k) % severity.shape[1]) for k in order]

    def beside(self, other: Comparison) -> Comparison:
        """The entries of both."""

        def join(name: str) -> Any:
            return np.concatenate([getattr(self, name), getattr(other, name)], axis=1)

        arrays = (field.name for field in fields(self) if field.name != "labels")
        return Comparison(
            **{name: join(name) for name in arrays}, labels=self.labels + other.labels
        )


@dataclass(frozen=True)
class Examiner:
    """Compares a derivative of ``function`` at ``x`` with differences of its values.

    Attributes
    ----------
    function : callable
        From shape (n,) to shape (m,).
    x : array of shape (n,)
        The point.
    center : array of shape (m,)
        The value there.
    noise : array of shape (m,)
        The noise of the values, from `noise_level`.
    tolerance : Tolerance
        What may differ.
    complex_slope : callable or None
        The slope along a direction by a complex step, where the function may be analytic; None where it is not.
    """

    function: Callable[[Array], Array]
    x: Array
    center: Array
    noise: Array
    tolerance: Tolerance
    complex_slope: Callable[[Array], Array | None] | None = None

    @classmethod
    def at(
        cls,
        function: Callable[[Array], Array],
        x: Array,
        along: Array,
        tolerance: Tolerance,
        complex_slope: Callable[[Array], Array | None] | None = None,
    ) -> Examiner:
        """Prepare to examine ``function`` at ``x``: its value and, in the direction ``along``, its noise."""
        noise = noise_level(lambda t: function(x + t * along))
        return cls(function, x, function(x), noise, tolerance, complex_slope)

    def of_output(self, i: int) -> Examiner:
        """The same for one output alone."""
        return Examiner(
            lambda x: self.function(x)[[i]],
            self.x,
            self.center[[i]],
            self.noise[[i]],
            self.tolerance,
        )

    def compare(
        self, claimed: Callable[[Array], Array], directions: Sequence[Direction]
    ) -> Comparison:
        """Judge the ``claimed`` derivative v ↦ J v by the differences along each of the q directions."""
        slopes = [
            slope_at_zero(
                lambda t, v=direction.vector: self.function(self.x + t * v),  # type: ignore[misc]
                self.center,
                self.noise,
                direction.wider,
            )
            for direction in directions
        ]

        def columns(name: str) -> Array:
            return self._side_by_side([getattr(slope, name) for slope in slopes])

        given = self._side_by_side([claimed(direction.vector) for direction in directions])
        found = {name: columns(name) for name in ("estimate", "error_bar", "nearby")}
        kink = columns("kink").astype(bool)
        sharpened = self._sharpen(found, kink, directions)
        units = np.array([direction.unit for direction in directions])
        with np.errstate(all="ignore"):
            verdicts, badness, error_bar = self._judge(
                given, kink, found, self.tolerance.atol * units
            )
        return Comparison(
            given=given / units,
            estimate=found["estimate"] / units,
            error_bar=error_bar / units,
            left=columns("left") / units,
            right=columns("right") / units,
            verdicts=verdicts,
            badness=badness,
            sharpened=sharpened,
            labels=tuple(direction.label for direction in directions),
        )

    def _sharpen(
        self, found: dict[str, Array], kink: NDArray[np.bool_], directions: Sequence[Direction]
    ) -> NDArray[np.bool_]:
        """Take the complex step for the estimate wherever differences that are good themselves confirm it."""
        sharpened = np.zeros_like(kink)
        for j, direction in enumerate(directions if self.complex_slope is not None else ()):
            slope = self.complex_slope(direction.vector)  # type: ignore[misc]  # not None here
            if slope is None:
                break
            estimate, bar = found["estimate"][:, j], found["error_bar"][:, j]
            good = np.isfinite(bar) & np.isfinite(slope)
            good &= bar <= _CONFIRMS * np.fmax(found["nearby"][:, j], np.abs(estimate))
            takes = good & (np.abs(slope - estimate) <= bar) & ~kink[:, j]
            sharpened[:, j] = takes
            found["estimate"][:, j] = np.where(takes, slope, estimate)
            found["error_bar"][:, j] = np.where(takes, 0.0, bar)
        return sharpened

    def _side_by_side(self, columns: Sequence[Array]) -> Array:
        return np.stack(columns, axis=1) if columns else np.zeros((len(self.center), 0))

    def _judge(
        self, given: Array, kink: NDArray[np.bool_], found: dict[str, Array], atol: Array
    ) -> tuple[NDArray[np.str_], Array, Array]:
        """The verdicts, how bad each entry is (the difference in units of what is allowed), and the error bars."""
        estimate, nearby = found["estimate"], found["nearby"]
        # How steep each output is in the direction in which it is steepest.
        steepness = _row_maximum(np.fmax(nearby, np.abs(estimate)))
        error_bar = found["error_bar"] + _ULPS * steepness
        allowed = error_bar + atol + self.tolerance.rtol * np.fmax(np.abs(given), np.abs(estimate))
        excess = np.abs(given - estimate) / np.maximum(allowed, np.finfo(np.float64).tiny)
        # Where nothing moves and nothing is claimed to move, no error bar is too wide.
        nothing_moves = (steepness == 0.0) & (given == 0.0)
        acquits = (error_bar <= np.maximum(_ACQUITS * steepness, atol)) | nothing_moves
        convicts = error_bar <= np.maximum(_CONVICTS * steepness, atol)
        unknown = ~(np.isfinite(given) & np.isfinite(estimate) & np.isfinite(self.center)[:, None])
        verdicts = np.select(
            [kink, unknown, (excess <= 1.0) & acquits, (excess > 1.0) & convicts],
            [EntryVerdict.KINK, EntryVerdict.NOT_FINITE, EntryVerdict.OK, EntryVerdict.WRONG],
            EntryVerdict.NOISY,
        )
        return verdicts, np.where(np.isfinite(excess), excess, np.inf), error_bar


def _row_maximum(values: Array) -> Array:
    """The largest finite entry of each row, shape (m, 1); 0 for a row without one."""
    maximum: Array = np.max(
        np.where(np.isfinite(values), values, 0.0), axis=1, initial=0.0, keepdims=True
    )
    return maximum
