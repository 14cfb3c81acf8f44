"""Linear algebra."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    REAL,
    REGULAR,
    UNEVEN,
    Case,
    Domain,
    Shape,
)
from optkit.testing.cases.making import (
    parts,
    row,
    text,
)


def _spread(x: Any) -> Any:
    """A matrix, tall, wide or square, with singular values and eigenvalues far apart."""
    m, n = x.shape[-2:]
    return x + np.diag(np.arange(1.0, max(m, n) + 1))[:m, :n]


# Another routine of LAPACK than NumPy's, or a formula: the last digits differ.
_OTHER_WAY: dict[str, Any] = {
    "ulps": 32,
    "reason": "computed with the vectors, or composed of other functions",
}
SPREAD = Domain(((-0.4, 0.4),), _spread)

# fmt: off
_SYSTEMS: tuple[tuple[Shape, Shape], ...] = (
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (3, 3)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
    ((2, 3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((1, 1), (1,)), ((2, 3, 3), (3, 3)), ((3, 3), (4, 3, 3)),
)
_OF_MATRICES: tuple[tuple[str, Callable[..., Any], bool], ...] = (
    ("inv", np.linalg.inv, True), ("det", np.linalg.det, True),
    ("slogdet", lambda a: np.linalg.slogdet(a).logabsdet, False),
    ("slogdet negative", lambda a: np.linalg.slogdet(-a)[1], False),
    ("cholesky", lambda a: np.linalg.cholesky(a @ a.mT), False),
    ("cholesky upper", lambda a: np.linalg.cholesky(a @ a.mT, upper=True), False),
    ("eigh values", lambda a: np.linalg.eigh(a + a.mT)[0], False),
    ("eigh vectors", lambda a: np.linalg.eigh(a + a.mT)[1], False),
    ("eigh U", lambda a: np.linalg.eigh(a * a.mT, "U")[1], False),
    ("eigvalsh", lambda a: np.linalg.eigvalsh(a @ a.mT), False),
    ("eig values", lambda a: parts(np.linalg.eig(a)[0]), False),
    ("eig vectors", lambda a: parts(np.linalg.eig(a)[1]), False),
    ("eig of rotations", lambda a: parts(np.concatenate(np.linalg.eig(a @ _turn(a.shape[-1])), None)), False),
    ("eigvals", lambda a: parts(np.linalg.eigvals(a - a.mT)), False),
    ("svd hermitian", lambda a: np.linalg.svd(a + a.mT, hermitian=True)[2], False),
    ("svd hermitian values", lambda a: np.linalg.svd(a + a.mT - 5.0 * np.eye(a.shape[-1]), False, False, True), False),
    ("pinv hermitian", lambda a: np.linalg.pinv(a + a.mT, hermitian=True), False),
    ("matrix_power 0", lambda a: a * np.linalg.matrix_power(a, 0), True),
    *((f"matrix_power {n}", lambda a, n=n: np.linalg.matrix_power(a / 2.0, n), True)
      for n in (1, 2, 3, 6, 7, -1, -2, -5)),
    *((f"cond {p}", partial(np.linalg.cond, p=p), False) for p in (None, 2, -2, 1, -1, math.inf, -math.inf, "fro")),
)
_OF_RECTANGLES: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("pinv", np.linalg.pinv), ("pinv rtol", partial(np.linalg.pinv, rtol=1e-3)), ("svdvals", np.linalg.svdvals),
    ("svd values", lambda a: np.linalg.svd(a)[1]),
    ("svd left", lambda a: np.linalg.svd(a, full_matrices=False)[0]),
    ("svd right", lambda a: np.linalg.svd(a, full_matrices=False)[2]),
    ("svd product", lambda a: _with_squares(*np.linalg.svd(a, full_matrices=False))),
    ("svd left projector", lambda a: (lambda n: n @ n.mT)(np.linalg.svd(a)[0][..., min(a.shape[-2:]):])),
    ("svd right projector", lambda a: (lambda n: n.mT @ n)(np.linalg.svd(a)[2][..., min(a.shape[-2:]):, :])),
    ("qr r", partial(np.linalg.qr, mode="r")),
    *((f"qr {mode} {i}", partial(lambda a, mode, i: np.linalg.qr(a, mode)[i], mode=mode, i=i))
      for mode in ("reduced", "complete") for i in (0, 1)),
)
# Of a + ib for two real matrices: what depends on conjugates and phases.
_OF_COMPLEX: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("slogdet", lambda z: np.linalg.slogdet(z)[0] * np.linalg.slogdet(z)[1]),
    ("cholesky", lambda z: np.linalg.cholesky(z @ z.mT.conj())),
    ("cholesky upper", lambda z: np.linalg.cholesky(z @ z.mT.conj(), upper=True)),
    ("eigh values", lambda z: np.linalg.eigh(z + z.mT.conj())[0]),
    ("eigh vectors", lambda z: np.linalg.eigh(z + z.mT.conj())[1]),
    ("eigh U", lambda z: np.linalg.eigh(z + z.mT.conj(), "U")[1]),
    ("eig values", lambda z: np.linalg.eig(z)[0]),
    ("eig vectors", lambda z: np.linalg.eig(z)[1]),
    ("svd left", lambda z: np.linalg.svd(z, full_matrices=False)[0]),
    ("svd right", lambda z: np.linalg.svd(z, full_matrices=False)[2]),
    ("svd wide", lambda z: np.linalg.svd(z[..., :2, :])[0]),
    ("svd values", lambda z: np.linalg.svd(z)[1]),
    ("qr complete", lambda z: np.linalg.qr(z[..., :2], "complete")[0]),
    ("qr r", lambda z: np.linalg.qr(z, "r")),
    ("pinv", lambda z: np.linalg.pinv(z[..., :2])),
    ("lstsq", lambda z: np.linalg.lstsq(z[:, :2], z[:, 2])[0]),
    ("vecdot", lambda z: np.linalg.vecdot(z, z[0])),
    ("norm", lambda z: np.linalg.norm(z, axis=-1)), ("norm 1.5", lambda z: np.linalg.norm(z, 1.5, axis=0)),
    ("norm 2", lambda z: np.linalg.norm(z, 2)), ("norm nuc", lambda z: np.linalg.norm(z, "nuc")),
)
_PRODUCTS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...], bool], ...] = (
    ("lstsq x", lambda a, b: np.linalg.lstsq(a, b)[0], ((4, 2), (4,)), False),
    ("lstsq x", lambda a, b: np.linalg.lstsq(a, b)[0], ((4, 2), (4, 3)), False),
    ("lstsq x", lambda a, b: np.linalg.lstsq(a, b, rcond=-1)[0], ((2, 4), (2,)), False),
    ("lstsq residuals", lambda a, b: np.linalg.lstsq(a, b)[1], ((4, 2), (4, 3)), False),
    ("lstsq singular values", lambda a, b: np.linalg.lstsq(a, b)[3] * b[0], ((4, 2), (4,)), False),
    ("lstsq of deficient rank", lambda a, b: np.linalg.lstsq(a @ a[:2], b, 1e-6)[0], ((4, 2), (4,)), False),
    ("multi_dot", lambda *a: np.linalg.multi_dot(a), ((2, 3), (3, 2)), True),
    ("multi_dot", lambda *a: np.linalg.multi_dot(a), ((3,), (3, 4), (4, 2), (2,)), True),
    ("multi_dot", lambda *a: np.linalg.multi_dot(a), ((2, 4), (4, 3), (3, 3), (3,)), True),
    ("tensorsolve", np.linalg.tensorsolve, ((2, 2, 4), (2, 2)), True),
    ("tensorsolve axes", partial(np.linalg.tensorsolve, axes=(0, 2)), ((2, 4, 2), (4,)), True),
    ("tensorinv", partial(np.linalg.tensorinv, ind=1), ((4, 2, 2),), True),
    ("tensorinv", np.linalg.tensorinv, ((2, 2, 2, 2),), True),
    ("vecdot", np.linalg.vecdot, ((2, 3), (3,)), False),
    ("vecdot axis", partial(np.linalg.vecdot, axis=0), ((3, 2), (3, 1)), False),
    ("linalg.outer", np.linalg.outer, ((2,), (3,)), True),
    ("linalg.cross", np.linalg.cross, ((2, 3), (3,)), True),
    ("linalg.matmul", np.linalg.matmul, ((2, 3), (3,)), True),
    ("linalg.tensordot", partial(np.linalg.tensordot, axes=1), ((2, 3), (3, 2)), True),
    ("linalg.trace", partial(np.linalg.trace, offset=1), ((2, 3, 3),), True),
    ("linalg.diagonal", partial(np.linalg.diagonal, offset=-1), ((2, 3, 3),), True),
    ("linalg.matrix_transpose", lambda a: np.linalg.matrix_transpose(a) @ a, ((2, 3, 3),), True),
)
# fmt: on


def _with_squares(u: Any, s: Any, vh: Any) -> Any:
    return (u * s[..., None, :] ** 2) @ vh


def _turn(n: int) -> Any:
    """A rotation by a quarter of the first two axes."""
    turn = np.eye(n)
    if n > 1:
        turn[:2, :2] = [[0.0, -2.0], [2.0, 0.0]]
    return turn


def _of_complex(function: Callable[..., Any], a: Any, b: Any) -> Any:
    return parts(function(a + 1j * b))


def _decompositions() -> Iterator[Case]:
    for name, rectangle in _OF_RECTANGLES:
        for shape in ((1, 1), (3, 3), (4, 2), (2, 4), (3, 1), (2, 3, 2), (2, 1, 2, 3)):
            yield row(name, rectangle, shape, domains=SPREAD, analytic=False, **_OTHER_WAY)
    for name, function in _OF_COMPLEX:
        yield row(
            f"complex {name}",
            partial(_of_complex, function),
            (3, 3),
            (3, 3),
            domains=(SPREAD, REAL),
            analytic=False,
            **_OTHER_WAY,
        )
    for name, function, shapes, analytic in _PRODUCTS:
        domains = tuple(SPREAD if len(shape) > 1 else REAL for shape in shapes)
        yield row(name, function, *shapes, domains=domains, analytic=analytic, **_OTHER_WAY)


def _linear_algebra() -> Iterator[Case]:
    for shapes in _SYSTEMS:
        yield row("solve", np.linalg.solve, *shapes, domains=(REGULAR, REAL))
    for name, function, analytic in _OF_MATRICES:
        for shape in ((1, 1), (2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2)):
            yield row(name, function, shape, domains=SPREAD, analytic=analytic, **_OTHER_WAY)
    yield row(
        "b @ solve", lambda A, b: b @ np.linalg.solve(A, b), (3, 3), (3,), domains=(REGULAR, REAL)
    )


def _norms() -> Iterator[Case]:
    vector = (None, 2, 1, 0, 3, 1.5, 0.5, -1, -2.5, math.inf, -math.inf)
    matrix = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    pairs = ((0, 1), (1, 0), (-1, 0), (-2, -1))
    kinds: tuple[tuple[Shape, tuple[Any, ...], tuple[Any, ...]], ...] = (
        ((3,), vector, (None, 0, -1, (0,))),
        ((2, 3), vector, (0, 1, -1, (1,))),
        ((2, 3), matrix, (None, *pairs)),
        ((2, 3, 2), matrix, (*pairs, (2, 0))),
        ((2, 3, 2), (None,), (None, 1)),
        ((), (None,), (None,)),
    )
    for shape, orders, axes in kinds:
        for order, axis, keepdims in itertools.product(orders, axes, (False, True)):
            given: dict[str, Any] = {"ord": order, "axis": axis, "keepdims": keepdims}
            name = f"norm[{text((shape,), **given)}]"
            yield Case(name, partial(np.linalg.norm, **given), (shape,), (UNEVEN,), analytic=False)
    for order, keepdims in itertools.product((2, 1, 0, 3, math.inf, -math.inf), (False, True)):
        for axis in (None, 1, (0, 2), (-1, 0, 1)):
            named: dict[str, Any] = {"ord": order, "axis": axis, "keepdims": keepdims}
            name = f"vector_norm[{text(((2, 3, 2),), **named)}]"
            function = partial(np.linalg.vector_norm, **named)
            yield Case(name, function, ((2, 3, 2),), (UNEVEN,), analytic=False)
        if order in (1, math.inf, 2):
            of_matrix = partial(np.linalg.matrix_norm, ord=order, keepdims=keepdims)
            name = f"matrix_norm[2x3x2, ord={order}, keepdims={keepdims}]"
            yield Case(name, of_matrix, ((2, 3, 2),), (UNEVEN,), analytic=False)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    yield from _linear_algebra()
    yield from _decompositions()
    yield from _norms()
