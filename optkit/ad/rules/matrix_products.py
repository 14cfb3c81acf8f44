"""Powers, chains and products of matrices, under numpy.linalg's names and with its stricter signatures."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant
from optkit.ad.registry import FUNCTIONS, answers, composite
from optkit.ad.rules.axes import by_position, without_out
from optkit.ad.rules.linalg import conjugate
from optkit.ad.rules.shape import traced

# --- powers and products ----------------------------------------------------------------------------------------------


@composite(np.linalg.matrix_power)
def _matrix_power(a: Any, n: Any) -> Any:
    a, n = traced(a), operator.index(n)
    if n == 0 or a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return np.linalg.matrix_power(reveal(a), n)  # The identity; or NumPy says what is wrong.
    square = np.linalg.inv(a) if n < 0 else a
    if abs(n) == 3:  # In NumPy's order, here and below, so that the values agree to the last bit.
        return np.matmul(np.matmul(square, square), square)
    power = None
    for i, bit in enumerate(reversed(f"{abs(n):b}")):
        square = np.matmul(square, square) if i else square
        if bit == "1":
            power = square if power is None else np.matmul(power, square)
    return power


@composite(np.linalg.multi_dot)
def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    without_out(out, "linalg.multi_dot")
    parts = [traced(a) for a in arrays]
    if len(parts) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(parts) == 2:
        return np.dot(*parts)
    first, last = parts[0].ndim, parts[-1].ndim
    parts[0] = parts[0][None, :] if first == 1 else parts[0]
    parts[-1] = parts[-1][:, None] if last == 1 else parts[-1]
    if any(part.ndim != 2 for part in parts):
        raise np.linalg.LinAlgError("multi_dot: the arrays between the first and last must be 2-D")
    product = _chain(parts)
    return product[(0,) * (first == 1) + (..., *(0,) * (last == 1))]


def _chain(parts: list[Any]) -> Any:
    """The product of a chain of matrices in the cheapest order (Cormen et al., Introduction to Algorithms, §15.2)."""
    sizes = [part.shape[0] for part in parts] + [parts[-1].shape[1]]
    best: dict[tuple[int, int], tuple[float, int]] = {(i, i): (0.0, i) for i in range(len(parts))}
    for length in range(1, len(parts)):
        for i in range(len(parts) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        k = best[i, j][1]
        return parts[i] if i == j else np.matmul(product(i, k), product(k + 1, j))

    return product(0, len(parts) - 1)


@composite(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = traced(a), traced(b)
    if axes is not None:
        last = list(range(a.ndim))
        for k in axes:  # One after the other, to the end, as NumPy does.
            last.remove(k)
            last.insert(a.ndim, k)
        a = np.transpose(a, last)
    shape = a.shape[b.ndim - a.ndim :] if a.ndim > b.ndim else ()
    size = math.prod(shape)
    if a.size != size**2:
        raise np.linalg.LinAlgError(
            f"tensorsolve: the axes of a beyond those of b, {shape}, must make up a square matrix"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (size, size)), np.ravel(b)), shape)


@composite(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    a = traced(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    inverse = np.linalg.inv(np.reshape(a, (math.prod(a.shape[ind:]), -1)))
    return np.reshape(inverse, a.shape[ind:] + a.shape[:ind])


@composite(np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    a, b = np.moveaxis(traced(x1), axis, -1), np.moveaxis(traced(x2), axis, -1)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"vecdot: the vectors have {a.shape[-1]} and {b.shape[-1]} components")
    return np.matmul(conjugate(a)[..., None, :], b[..., None])[..., 0, 0]


@composite(np.linalg.outer)
def _outer(x1: Any, x2: Any, /) -> Any:
    a, b = traced(x1), traced(x2)
    if a.ndim != 1 or b.ndim != 1:
        raise ValueError(f"Input arrays must be one-dimensional, but they are {a.ndim=} {b.ndim=}.")
    return np.outer(a, b)


@composite(np.linalg.cross)
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    a, b = traced(x1), traced(x2)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ValueError(
            f"np.linalg.cross takes vectors of three components, these have {a.shape[axis]} and {b.shape[axis]}"
        )
    return np.cross(a, b, axis=axis)


# The functions of the array API, with their stricter signatures.
FUNCTIONS[np.linalg.matmul] = lambda x1, x2, /: np.matmul(x1, x2)
FUNCTIONS[np.linalg.tensordot] = lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes)
FUNCTIONS[np.linalg.matrix_transpose] = lambda x, /: np.matrix_transpose(x)
FUNCTIONS[np.linalg.diagonal] = lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1)
FUNCTIONS[np.linalg.trace] = lambda x, /, *, offset=0, dtype=None: np.trace(
    x, offset, -2, -1, dtype=dtype
)
answers(np.linalg.matrix_rank)(
    by_position(np.linalg.matrix_rank, Constant("matrix_rank", np.linalg.matrix_rank))
)
