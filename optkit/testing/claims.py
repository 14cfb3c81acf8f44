"""What the derivative under test says, whoever says it: a backend, or a function written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError
from optkit.testing.coordinates import real_copy
from optkit.testing.subject import Subject, in_single_precision

Array = NDArray[np.float64]
Derivative = Callable[..., Any]


class MisshapenError(Exception):
    """A derivative written by hand has another shape than it must have; the message says which and why."""


@dataclass(frozen=True)
class Claim:
    """A derivative under test: ``along(v)`` is J v, shape (m,), and how many digits it was computed with."""

    along: Callable[[Array], Array]
    single_precision: bool = False


def jacobian_by_hand(subject: Subject, jac: Derivative) -> Claim:
    """The claim of ``jac``, called like the function itself."""
    coordinates = subject.coordinates
    leaves = coordinates.leaves_of(jac(*coordinates.arguments(coordinates.start)), "jac")
    columns = [
        _shaped(leaf, subject.shape, array.shape, f"jac returned{_of(name, len(leaves))}")
        for leaf, array, name in zip(leaves, coordinates.arrays, coordinates.names, strict=True)
    ]
    empty = np.zeros((_size(subject.shape), 0))
    matrix = np.concatenate([empty, *(_matrix(c, subject.shape) for c in columns)], axis=1)
    return Claim(_product(matrix), any(map(in_single_precision, leaves)))


def hessian_by_hand(subject: Subject, hess: Derivative) -> Claim:
    """The claim of ``hess``, called like the function itself."""
    coordinates = subject.coordinates
    if len(coordinates.arrays) != 1:
        raise InvalidInputError(
            "gradcheck(hess=...) needs one array argument; check one argument at a time"
        )
    (array,) = coordinates.arrays
    returned = hess(*coordinates.arguments(coordinates.start))
    matrix = _shaped(returned, array.shape, array.shape, "hess returned")
    return Claim(_product(_matrix(matrix, array.shape)), in_single_precision(returned))


def jacobian_by_backend(subject: Subject, backend: Backend, wide: bool) -> Claim:
    """The claim of a backend; by single directions where the Jacobian of a vector would be ``wide``."""
    x = subject.coordinates.start
    if wide and subject.shape:
        return Claim(lambda v: _flat(backend.value_and_jvp(subject.traceable, x, v)[1]))
    jacobian = backend.jacobian(subject.traceable, x)
    return Claim(_product(np.reshape(jacobian, (_size(subject.shape), x.size))))


def hessian_by_backend(subject: Subject, backend: Backend, wide: bool) -> Claim:
    """The claim of a backend; by products with directions where the Hessian would be ``wide``."""
    x = subject.coordinates.start
    if wide:
        return Claim(lambda v: _flat(backend.hvp(subject.traceable, x, v)))
    return Claim(_product(backend.hessian(subject.traceable, x)))


def gradient_function(
    subject: Subject, jac: Derivative | None, backend: Backend
) -> Callable[[Array], Array]:
    """The gradient as a function of a vector, whose differences a Hessian is compared with."""
    coordinates = subject.coordinates
    if jac is None:
        return lambda x: _flat(backend.grad(subject.traceable, x))

    def gradient(x: Array) -> Array:
        leaves = coordinates.leaves_of(jac(*coordinates.arguments(x.copy())), "jac")
        return np.concatenate(
            [real_copy(_dense(leaf), "the value of jac").reshape(-1) for leaf in leaves]
        )

    return gradient


def _shaped(returned: Any, outer: tuple[int, ...], inner: tuple[int, ...], what: str) -> Array:
    array = real_copy(_dense(returned), f"what {what.removesuffix(' returned')} returns")
    expected = outer + inner
    if array.shape == expected:
        return array
    hint = ""
    if array.shape == inner + outer:
        hint = " (looks transposed)"
    elif array.shape == outer == inner:
        hint = " (looks like its diagonal; np.diag makes the matrix)"
    raise MisshapenError(
        f"{what} shape {array.shape}, expected {expected}: "
        f"the shape {outer} of the value, then the shape {inner} of the argument{hint}"
    )


def _of(name: str, count: int) -> str:
    return f", for {name}," if count > 1 else ""


def _dense(returned: Any) -> Any:
    # Every SciPy sparse container has it; no need to import scipy.sparse.
    return returned.toarray() if hasattr(returned, "toarray") else returned


def _matrix(array: Array, outer: tuple[int, ...]) -> Array:
    return array.reshape(_size(outer), _size(array.shape[len(outer) :]))


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _product(matrix: Array) -> Callable[[Array], Array]:
    def along(v: Array) -> Array:
        # Only the columns that count: 0 × inf elsewhere in a row is not its business.
        counts = v != 0.0
        product: Array = matrix[:, counts] @ v[counts]
        return product

    return along


def _flat(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64).reshape(-1)
