"""The complex step: f′(x) v = Im f(x + i h v) / h with h so small that nothing is left of its square.

There is no difference and so no cancellation: the derivative has all the digits of f. It holds where f is analytic and
computed by operations that take complex numbers. Elsewhere it is wrong without a sign of it (``abs``, ``np.conj``,
``.real`` drop or turn the imaginary part), so each call compares it, along one direction, with a difference of real
values, and refuses where they disagree.

References
----------
W. Squire, G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998) 110–112.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import Backend, Function, Prepared, Vector, as_numbers, direction
from optkit.ad.backends.steps import EPS, balanced, natural_sizes
from optkit.ad.differences import noise_level
from optkit.errors import BackendError, OptkitError

# Relative to the size of x; its square is lost beside 1 by 200 powers of ten.
_STEP = 1e-100
# Derivatives that differ by more than this part of the slopes around, and by more than the error of the difference, are
# different.
_TOLERANCE = 1e-5
_CENTRAL = EPS ** (1.0 / 3.0)


class ComplexStepBackend(Backend):
    """Derivatives of analytic functions by one complex evaluation for each direction, exact to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.grad(lambda x: x[0] * np.exp(x[1]), backend="complex-step")(np.array([2.0, 0.0]))
    array([1., 2.])
    >>> ad.grad(lambda x: np.sum(np.abs(x) + x), backend="complex-step")(np.array([2.0, 1.0]))
    Traceback (most recent call last):
    optkit.errors.BackendError: backend 'complex-step' refuses ...
    """

    accuracy = (1e-12, 1e-6)

    @property
    def name(self) -> str:
        return "complex-step"

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """``f``, thoroughly compared with differences once, at its first use; then at two evaluations a call."""
        return Prepared(self, _Trusted(f))

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        v = direction(x, v)
        y = self.value(f, x)
        if not np.any(v):
            return y, np.zeros_like(y)[()]
        (slope,) = self._slopes(f, x, y, [v])
        self._compare(f, x, y, v, slope)
        return y, slope

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        y = self.value(f, x)
        if not x.size or not np.size(y):
            return y, np.zeros((*np.shape(y), x.size))
        units = natural_sizes(x)
        slopes = self._slopes(f, x, y, list(np.diag(units)))
        jacobian = np.stack(slopes, axis=-1) / units
        along = units * _signs(x.size)
        with np.errstate(all="ignore"):
            self._compare(f, x, y, along, jacobian @ along)
        return y, jacobian

    def _slopes(self, f: Function, x: Vector, y: Any, directions: Sequence[Vector]) -> list[Any]:
        results = []
        for v in directions:
            h = _STEP / float(np.max(np.abs(v) / natural_sizes(x)))
            try:
                with np.errstate(all="ignore"):
                    moved = f(x + 1j * h * v)
            except OptkitError:
                raise
            except (TypeError, ValueError) as error:
                self._refuse(f"it does not accept complex numbers ({error})", error)
            if np.shape(moved) != np.shape(y):
                self._refuse(f"for complex x it returns shape {np.shape(moved)}, not {np.shape(y)}")
            if not np.iscomplexobj(moved):
                # A constant is real too; the comparison with real values tells it from a lost imaginary part.
                results.append(np.zeros_like(y)[()])
                continue
            if not np.allclose(np.real(moved), y, rtol=1e-6, atol=1e-6 * _size(y), equal_nan=True):
                self._refuse("it takes another branch for complex numbers: even its value differs")
            results.append(as_numbers(np.imag(moved) / h))
        return results

    def _compare(self, f: Function, x: Vector, y: Any, v: Vector, slope: Any) -> None:
        """Refuse unless ``slope`` is the derivative along ``v`` that real values show."""
        flat, scale = np.reshape(slope, (-1,)), float(np.max(np.abs(v) / natural_sizes(x)))
        center = np.reshape(y, (-1,))

        def phi(t: float) -> Vector:
            return np.reshape(as_numbers(f(x + (t / scale) * v)), (-1,))

        with np.errstate(all="ignore"):
            if isinstance(f, _Trusted) and f.found_analytic:
                ahead, behind = phi(_CENTRAL), phi(-_CENTRAL)
                estimate = (ahead - behind) / (2.0 * _CENTRAL)
                error = 100.0 * _CENTRAL * np.maximum(np.abs(estimate), np.abs(center))
            else:
                noise = np.fmax(noise_level(phi), 2.0 * EPS * np.abs(center))
                quotient = balanced(phi, center, noise, order=2)
                estimate, error = quotient.slope, quotient.error
            size = np.maximum(np.abs(estimate), np.abs(flat / scale))
            off = np.abs(flat / scale - estimate) > 10.0 * error + _TOLERANCE * size
        if np.any(off & np.isfinite(estimate)):
            k = int(np.argmax(off))
            self._refuse(
                f"the complex step gives the slope {flat[k]:.6g} along a test direction, real values show "
                f"{estimate[k] * scale:.6g}: the function is not analytic (abs, conj, real, or a cast that drops the "
                "imaginary part), or has a kink here"
            )
        if isinstance(f, _Trusted):
            f.found_analytic = True

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        raise BackendError(
            f"backend {self.name!r} refuses this function: {reason}; use the native engine or 'finite-difference'"
        ) from cause


@dataclass
class _Trusted:
    """A function that need not be examined thoroughly again once it was found analytic."""

    f: Function
    found_analytic: bool = False

    def __call__(self, x: Any) -> Any:
        return self.f(x)


def _signs(n: int) -> Vector:
    """Weights without zeros or equal components, so that errors of different variables do not cancel."""
    golden = (np.arange(1, n + 1) * 0.6180339887498949) % 1.0
    return np.asarray((0.5 + golden) * np.where(golden < 0.5, 1.0, -1.0))


def _size(y: Any) -> float:
    finite = np.abs(np.reshape(y, (-1,)))
    return float(np.max(finite[np.isfinite(finite)], initial=0.0))
