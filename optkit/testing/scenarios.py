"""What the conformance suite asks of a backend, first part: every operator on every sample, prepared and not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends import Backend
from optkit.testing.samples import SAMPLES, Sample

Array = NDArray[np.float64]


class MismatchError(AssertionError):
    """A backend did not do what a scenario asks; the message says what it did instead."""


class MisshapenError(MismatchError):
    """The result is of another shape or kind than it must be, whatever its numbers are."""


@dataclass(frozen=True)
class Scenario:
    """One thing to ask of a backend.

    Attributes
    ----------
    name : str
        A sentence for the report.
    run : callable
        Takes the backend; raises where it fails.
    group : str
        What a backend may declare as unsupported; empty for what every backend must do.
    """

    name: str
    run: Callable[[Backend], None]
    group: str = ""


def require(found: Any, expected: Any, what: str, tolerance: float) -> None:
    """Raise unless ``found`` is a float64 array or number of the shape of ``expected``, and as accurate as promised."""
    expected = np.asarray(expected, dtype=np.float64)
    kind = np.ndarray if expected.ndim else np.float64
    if not isinstance(found, kind) or found.dtype != np.float64:
        dtype = f" of {found.dtype}" if hasattr(found, "dtype") else ""
        raise MisshapenError(
            f"{what} is a {type(found).__module__}.{type(found).__name__}{dtype}; "
            f"expected a numpy.{kind.__name__} of float64"
        )
    if found.shape != expected.shape:
        raise MisshapenError(f"{what} has shape {found.shape}, expected {expected.shape}")
    scale = float(np.max(np.abs(expected), initial=0.0)) or 1.0
    error = float(np.max(np.abs(found - expected), initial=0.0)) / scale
    if not error <= tolerance:
        raise MismatchError(
            f"{what} is off by {error:.1e} of its size, where {tolerance:.0e} is promised"
            f"{_looks_like(found, expected, tolerance * scale)}:\n"
            f"found {_shown(found)}\nexpected {_shown(expected)}"
        )


def _looks_like(found: Any, expected: Array, tolerance: float) -> str:
    if np.all(np.abs(found + expected) <= tolerance):
        return " (looks like −1 × the right one)"
    square = found.ndim == 2 and found.shape == found.T.shape
    if square and np.all(np.abs(found.T - expected) <= tolerance):
        return " (looks transposed)"
    if np.all(np.abs(found - expected) <= 1e-6 * max(1.0, float(np.max(np.abs(expected))))):
        return " (the digits of float32?)"
    return ""


def _shown(array: Any) -> str:
    return np.array2string(np.asarray(array), precision=9, threshold=20).replace("\n", " ")


COTANGENT = np.array([0.7, -1.3, 0.4, 1.9, -0.6, 0.2])
DIRECTION = np.array([1.1, 0.5, -2.2, 0.3])


class _Face:
    """The operators of a backend for one function, prepared or not."""

    def __init__(self, backend: Backend, sample: Sample, prepared: bool) -> None:
        self._backend = backend
        self._f = sample.write(backend.namespace)
        self._prepared = backend.prepare(self._f, sample.points[0].copy()) if prepared else None

    def __call__(self, operator: str, *vectors: Any) -> Any:
        if self._prepared is not None:
            return getattr(self._prepared, operator)(*vectors)
        return getattr(self._backend, operator)(self._f, *vectors)


def _check_value(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    require(face("value", x), sample.value(x), "the value", first)


def _check_jvp(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    v = DIRECTION[: x.size]
    y, slope = face("value_and_jvp", x, v)
    require(y, sample.value(x), "the value of value_and_jvp", first)
    require(slope, sample.jacobian(x) @ v, "J v of value_and_jvp", first)
    require(face("value_and_jvp", x, 0.0 * v)[1], sample.jacobian(x) @ v * 0.0, "J 0", first)


def _check_vjp(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    y, pullback = face("value_and_vjp", x)
    require(y, sample.value(x), "the value of value_and_vjp", first)
    jacobian = sample.jacobian(x)
    for u in (COTANGENT[: np.size(y)], COTANGENT[::-1][: np.size(y)]):
        u = u if np.ndim(y) else u[0]
        require(pullback(u), np.dot(u, jacobian), "uᵀJ of value_and_vjp", first)


def _check_jacobian(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    y, jacobian = face("value_and_jacobian", x)
    require(y, sample.value(x), "the value of value_and_jacobian", first)
    require(jacobian, sample.jacobian(x), "the Jacobian of value_and_jacobian", first)
    require(face("jacobian", x), sample.jacobian(x), "the Jacobian", first)


def _check_gradient(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    y, gradient = face("value_and_grad", x)
    require(y, sample.value(x), "the value of value_and_grad", first)
    require(gradient, sample.jacobian(x), "the gradient of value_and_grad", first)
    require(face("grad", x), sample.jacobian(x), "the gradient", first)


def _check_hessian(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    assert sample.hessian is not None
    require(face("hessian", x), sample.hessian(x), "the Hessian", second)


def _check_hvp(face: _Face, sample: Sample, x: Array, first: float, second: float) -> None:
    assert sample.hessian is not None
    v = DIRECTION[: x.size]
    require(face("hvp", x, v), sample.hessian(x) @ v, "H v", second)
    require(face("hvp", x, 0.0 * v), 0.0 * v, "H 0", second)


_CHECKS = {
    "value": _check_value,
    "value_and_jvp": _check_jvp,
    "value_and_vjp": _check_vjp,
    "jacobian": _check_jacobian,
}
_SCALAR_CHECKS = {"gradient": _check_gradient, "hessian": _check_hessian, "hvp": _check_hvp}


def operator_scenarios() -> Iterator[Scenario]:
    """Every operator on every sample, prepared and not."""
    for sample in SAMPLES:
        checks = _CHECKS | (_SCALAR_CHECKS if sample.hessian is not None else {})
        for operator, check in checks.items():
            for prepared in (False, True):

                def run(
                    backend: Backend, s: Any = sample, c: Any = check, p: Any = prepared
                ) -> None:
                    face = _Face(backend, s, p)
                    for x in (
                        *s.points,
                        *s.points,
                    ):  # again: what was prepared must not have changed
                        c(face, s, x.copy(), *backend.accuracy)

                how = ", prepared" if prepared else ""
                yield Scenario(f"{operator} of {sample.name}{how}", run, sample.group)
