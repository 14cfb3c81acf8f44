"""Finite differences: derivatives from values alone, for functions that nothing else can differentiate.

Three kinds, from cheap to exact. *forward*, (f(x + h v) − f(x)) / h, about eight digits at one more evaluation for each
variable; *central*, (f(x + h v) − f(x − h v)) / 2h, about ten digits at two; *high-order*, central differences
extrapolated over a ladder of steps (Ridders 1982, see `optkit.ad.differences`), twelve digits and more at about twenty.
The first two find the step of each variable by balancing the noise of f against its curvature (see
`optkit.ad.backends.steps`), which takes some evaluations more; `Backend.prepare` finds the steps once and keeps them.
Each quotient comes with an estimate of its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import (
    Backend,
    Function,
    Prepared,
    Vector,
    as_numbers,
    direction,
    require_scalar,
)
from optkit.ad.backends.steps import (
    EPS,
    Quotient,
    balanced,
    natural_sizes,
    usual_noise,
    wider_length,
)
from optkit.ad.differences import noise_level, slope_at_zero
from optkit.errors import InvalidInputError

_ACCURACY = {"forward": (1e-6, 1e-4), "central": (1e-8, 1e-5), "high-order": (1e-10, 1e-5)}
# Values are rounded to about so many ulps, whatever the measured noise says.
_ULPS = 2.0


class FiniteDifferenceBackend(Backend):
    """Finite differences, the step of each variable chosen from noise and curvature.

    Parameters
    ----------
    kind : {"central", "forward", "high-order"}
        What to trade evaluations for digits.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> backend = ad.get_backend("finite-difference")
    >>> value, gradient, error = backend.jacobian_and_error(lambda x: np.sum(np.exp(x)), np.zeros(2))
    >>> np.abs(gradient - 1.0) <= error
    array([ True,  True])
    """

    def __init__(self, kind: str = "central") -> None:
        if kind not in _ACCURACY:
            raise InvalidInputError(
                f"kind must be 'central', 'forward' or 'high-order', got {kind!r}"
            )
        self.kind = kind
        self.accuracy = _ACCURACY[kind]

    @property
    def name(self) -> str:
        return "finite-difference" + ("" if self.kind == "central" else f":{self.kind}")

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """``f`` with the steps that are best at ``x``, found at its first use; then an evaluation or two a variable."""
        return Prepared(self, f if self.kind == "high-order" else _Stepped(f, x.copy()))

    def value(self, f: Function, x: Vector) -> Any:
        return _value(f, x)

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        v, y = direction(x, v), _value(f, x)
        moved = v != 0.0
        if not moved.any():
            return y, np.zeros_like(y)[()]
        scale = float(np.max(np.abs(v[moved]) / natural_sizes(x)[moved]))
        center, noise = self._look_around(f, x, y)
        slope = self._along(f, x, v / scale, center, noise).slope * scale
        return y, slope.reshape(y.shape)[()]

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        if isinstance(f, _Stepped):
            return self._fixed_steps(f, self._kept_steps(f, x), x)
        y, jacobian, _ = self.jacobian_and_error(f, x)
        return y, jacobian

    def jacobian_and_error(
        self, f: Function, x: Vector
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.float64]]:
        """The value, the Jacobian, shape (m, n), (n,) for a scalar value, and bounds on the errors of its entries."""
        y = _value(f, x)
        shape = (*np.shape(y), x.size)
        if not x.size or not np.size(y):
            return y, np.zeros(shape), np.zeros(shape)
        center, noise = self._look_around(f, x, y)
        quotients = self._quotients(f, x, center, noise)
        slopes = np.stack([q.slope for q in quotients], axis=-1)
        errors = np.stack([q.error for q in quotients], axis=-1)
        return y, slopes.reshape(shape), errors.reshape(shape)

    def _look_around(self, f: Function, x: Vector, y: Any = None) -> tuple[Vector, Vector]:
        """The value and its noise, both of shape (m,)."""
        center = np.reshape(_value(f, x) if y is None else y, (-1,))
        along = natural_sizes(x) * np.where(np.arange(x.size) % 2, -1.0, 1.0)
        noise = noise_level(lambda t: np.reshape(_value(f, x + t * along), (-1,)))
        return center, np.fmax(noise, _ULPS * EPS * np.abs(center))

    def _quotients(self, f: Function, x: Vector, center: Vector, noise: Vector) -> list[Quotient]:
        sizes = natural_sizes(x)
        return [
            _in_units(self._along(f, x, size * unit, center, noise), float(size))
            for size, unit in zip(sizes, np.eye(x.size), strict=True)
        ]

    def _along(self, f: Function, x: Vector, v: Vector, center: Vector, noise: Vector) -> Quotient:
        """The quotient along v, whose natural length is 1."""

        def phi(t: float) -> Vector:
            return np.reshape(_value(f, x + t * v), (-1,))

        if self.kind == "high-order":
            found = slope_at_zero(phi, center, noise)
            return Quotient(found.estimate, found.error_bar, np.nan)
        order = 1 if self.kind == "forward" else 2
        return balanced(phi, center, noise, order=order, wider=wider_length(x, v))

    def _kept_steps(self, f: _Stepped, x: Vector) -> Vector:
        """The steps, longer where variables have grown, so that they do not drown in the rounding of x."""
        if f.steps is None:
            center, noise = self._look_around(f, f.at)
            f.steps = np.array([q.step for q in self._quotients(f, f.at, center, noise)])
        growth = np.maximum(1.0, np.abs(x) / natural_sizes(f.at))
        return np.asarray(f.steps * np.where(np.isfinite(growth), growth, 1.0))

    def _fixed_steps(
        self, f: Function, steps: Vector, x: Vector
    ) -> tuple[Any, NDArray[np.float64]]:
        y = _value(f, x)
        jacobian = np.empty((*np.shape(y), x.size))
        for j, h in enumerate(steps):
            ahead, behind = x.copy(), x.copy()
            ahead[j] += h
            below = y
            if self.kind == "central":
                behind[j] -= h
                below = _value(f, behind)
            # What was really stepped, not h: x + h is rounded.
            jacobian[..., j] = (_value(f, ahead) - below) / (ahead[j] - behind[j])
        return y, jacobian

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        n = x.size
        y = _value(f, x)
        require_scalar(y)
        steps = self._curvature_steps(f, x, y)
        center = float(np.reshape(y, ()))
        hessian = np.empty((n, n))

        def moved(*moves: tuple[int, float]) -> float:
            z = x.copy()
            for index, by in moves:
                z[index] += by
            return float(np.reshape(_value(f, z), ()))

        for i, h in enumerate(steps):
            hessian[i, i] = (moved((i, h)) - 2.0 * center + moved((i, -h))) / h**2
            for j in range(i):
                k = steps[j]
                same = moved((i, h), (j, k)) + moved((i, -h), (j, -k))
                opposite = moved((i, h), (j, -k)) + moved((i, -h), (j, k))
                hessian[i, j] = hessian[j, i] = (same - opposite) / (4.0 * h * k)
        return hessian

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        v = direction(x, v)
        moved = v != 0.0
        if not moved.any():
            return np.zeros_like(x)
        y = _value(f, x)
        require_scalar(y)
        steps = self._curvature_steps(f, x, y)
        h = 1.0 / float(np.max(np.abs(v[moved]) / steps[moved]))

        def slope(z: Vector, j: int) -> float:
            ahead, behind = z.copy(), z.copy()
            ahead[j] += steps[j]
            behind[j] -= steps[j]
            change = np.reshape(_value(f, ahead) - _value(f, behind), ())
            return float(change) / float(ahead[j] - behind[j])

        ahead, behind = x + h * v, x - h * v
        change = [slope(ahead, j) - slope(behind, j) for j in range(x.size)]
        product: Vector = np.array(change, dtype=np.float64) / (2.0 * h)
        return product

    def _curvature_steps(self, f: Function, x: Vector, y: Any) -> Vector:
        """Steps for second differences, whose errors are h² and ε / h², from the lengths that first ones have found."""
        if not x.size:
            return np.zeros(0)
        center, noise = self._look_around(f, x, y)
        central = FiniteDifferenceBackend("central")
        found = central._quotients(f, x, center, noise)
        usual = usual_noise(center, noise)
        steps: Vector = np.abs([q.step for q in found]) * usual ** (1.0 / 4.0 - 1.0 / 3.0)
        return steps


@dataclass
class _Stepped:
    """A function with the step of each variable that is best at one point, once they have been asked for."""

    f: Function
    at: Vector
    steps: Vector | None = None

    def __call__(self, x: Any) -> Any:
        return self.f(x)


def _in_units(quotient: Quotient, size: float) -> Quotient:
    return Quotient(quotient.slope / size, quotient.error / size, quotient.step * size)


def _value(f: Function, x: Vector) -> Any:
    """``f(x)`` as a float64 array or scalar; ``f`` may change its argument, or return the same buffer every time."""
    return as_numbers(f(x.copy()))
