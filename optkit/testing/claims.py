"""What the derivative under test says, whoever says it: a backend, or a function written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import tree
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
    """A derivative under test.

    Attributes
    ----------
    along : callable
        v ↦ J v, shape (m,).
    single_precision : bool
        Whether it was computed with fewer digits than float64.
    remarks : tuple of str
        What was odd about getting it.
    """

    along: Callable[[Array], Array]
    single_precision: bool = False
    remarks: tuple[str, ...] = ()


def jacobian_by_hand(subject: Subject, jac: Derivative) -> Claim:
    """The claim of ``jac``, called like the function itself."""
    coordinates = subject.coordinates
    returned, remarks = _watched(subject, jac, "jac")
    leaves = coordinates.leaves_of(returned, "jac")
    columns = [
        _matrix(leaf, subject.shape, array.shape, f"jac returned{_of(name, len(leaves))}")
        for leaf, array, name in zip(leaves, coordinates.arrays, coordinates.names, strict=True)
    ]
    products = [_product(matrix) for matrix in columns]
    ends = np.cumsum([0, *(array.size for array in coordinates.arrays)]).tolist()

    def along(v: Array) -> Array:
        parts = [p(v[a:b]) for p, a, b in zip(products, ends, ends[1:], strict=False)]
        return np.asarray(np.sum([np.zeros(_size(subject.shape)), *parts], axis=0))

    return Claim(along, any(map(in_single_precision, leaves)), remarks)


def hessian_by_hand(subject: Subject, hess: Derivative) -> Claim:
    """The claim of ``hess``, called like the function itself."""
    array = _only_array(subject, "hess")
    returned, remarks = _watched(subject, hess, "hess")
    matrix = _matrix(returned, array.shape, array.shape, "hess returned")
    return Claim(_product(matrix), in_single_precision(returned), remarks)


def hessian_by_products(subject: Subject, hessp: Derivative) -> Claim:
    """The claim of ``hessp(x, v, *args)``, called as `scipy.optimize.minimize` does."""
    array, coordinates = _only_array(subject, "hessp"), subject.coordinates

    def product(v: Array) -> Any:
        x, *rest = coordinates.arguments(coordinates.start)
        return hessp(x, v.reshape(array.shape), *rest)

    def along(v: Array) -> Array:
        returned = real_copy(_dense(product(v.copy())), "what hessp returns")
        if returned.shape != array.shape:
            raise MisshapenError(
                f"hessp returned shape {returned.shape}, expected {array.shape}: the shape of the argument"
            )
        return returned.reshape(-1)

    return Claim(along, in_single_precision(product(coordinates.sizes())))


def _only_array(subject: Subject, name: str) -> Array:
    if len(subject.coordinates.arrays) != 1:
        raise InvalidInputError(
            f"gradcheck({name}=...) needs one array argument; check one argument at a time"
        )
    return subject.coordinates.arrays[0]


def _watched(subject: Subject, derivative: Derivative, name: str) -> tuple[Any, tuple[str, ...]]:
    """What a derivative by hand returns, and what is odd about it: it is called twice and watched."""
    coordinates, x = subject.coordinates, subject.coordinates.start
    mine = x.copy()
    returned = derivative(*coordinates.arguments(mine))
    # Copied: it may fill the same buffer at the next call.
    first = tree.tree_map(lambda leaf: leaf.copy() if hasattr(leaf, "copy") else leaf, returned)
    again = derivative(*coordinates.arguments(x.copy()))
    remarks = []
    if not np.array_equal(mine, x, equal_nan=True):
        remarks.append(f"{name} changes its argument in place")
    leaves = tree.flatten(first)[0]
    if not _same_numbers(leaves, tree.flatten(again)[0]):
        remarks.append(f"{name} is not deterministic: two calls at the same point differ")
    kinds = {np.dtype(leaf.dtype) for leaf in leaves if hasattr(leaf, "dtype")}
    remarks += [
        f"{name} returned {kind}: integers have no place for the fractions of a derivative"
        for kind in kinds
        if kind.kind in "iu"
    ]
    if any(map(in_single_precision, leaves)) and not subject.single_precision:
        remarks.append(
            f"{name} returned float32, but {subject.name} float64: it has half the digits"
        )
    return first, tuple(remarks)


def _same_numbers(first: list[Any], second: list[Any]) -> bool:
    if len(first) != len(second):
        return False
    for one, other in zip(first, second, strict=True):
        if np.shape(one) != np.shape(other):
            return False
        if hasattr(one, "tocsr"):
            if (one != other).nnz:
                return False
        elif not hasattr(one, "matvec") and not np.array_equal(
            np.asarray(one), np.asarray(other), equal_nan=np.asarray(one).dtype.kind in "fc"
        ):
            return False
    return True


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


def _matrix(returned: Any, outer: tuple[int, ...], inner: tuple[int, ...], what: str) -> Any:
    """What a derivative by hand returned, as a matrix of a row for each output; sparse ones stay sparse."""
    expected, by = outer + inner, what.removesuffix(" returned")
    if hasattr(returned, "tocsr") or hasattr(returned, "matvec"):
        array = returned.tocsc() if hasattr(returned, "tocsr") else returned
        if array.dtype.kind not in "fiu":
            raise MisshapenError(f"{what} a matrix of {array.dtype}, expected real numbers")
        flat = (_size(outer), _size(inner))
        if array.shape in (expected, flat):
            return array
    else:
        array = real_copy(returned, f"what {by} returns")
        if array.shape == expected:
            return array.reshape(_size(outer), _size(inner))
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


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _product(matrix: Any) -> Callable[[Array], Array]:
    def along(v: Array) -> Array:
        if hasattr(matrix, "matvec"):
            return _flat(matrix.matvec(v))
        # Only the columns that count: 0 × inf elsewhere in a row is not its business.
        counts = v != 0.0
        return _flat(matrix[:, counts] @ v[counts])

    return along


def _flat(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64).reshape(-1)
