"""`scipy.linalg`, `scipy.sparse` and `scipy.fft`, through `optkit.ad.scipy`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from optkit.ad.scipy import fft, linalg, sparse
from optkit.testing.cases.case import REAL, Case, Shape
from optkit.testing.cases.linalg import SPREAD
from optkit.testing.cases.making import parts, row

# Composed of other functions, or computed by NumPy's own LAPACK: the last digits differ.
_OTHER_WAY: dict[str, Any] = {"ulps": 64, "reason": "composed, or another build of LAPACK"}
_PLACES = (np.array([0, 2, 1, 1, 2, 0, 1]), np.array([0, 1, 1, 2, 2, 2, 1]))  # one of them twice
_CONSTANT = scipy.sparse.csr_array(np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 4.0]]))
_WIDE = scipy.sparse.coo_array(np.array([[0.0, 2.0, 0.0], [1.0, 0.0, -1.0]]))

_BAND = np.array([[0.0], [9.0], [0.0]])
_FIRST = np.array([9.0, 0.0, 0.0, 0.0])

# fmt: off
_OF_A_MATRIX: tuple[tuple[str, Callable[..., Any]], ...] = (
    *((f"{name}", getattr(linalg, name)) for name in
      ("expm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "sqrtm", "inv", "det", "pinv", "norm")),
    ("logm", lambda a: linalg.logm(a.astype(np.float64))),
    ("expm batch", lambda a: linalg.expm(np.stack([a, a / 2.0]))),
    ("power", lambda a: linalg.fractional_matrix_power(a, 0.3)),
    ("pinvh", lambda a: linalg.pinvh(a + a.T)), ("eigvals", lambda a: parts(linalg.eigvals(a))),
    ("eig", lambda a: parts(linalg.eig(a)[1])), ("svdvals", linalg.svdvals),
    ("svd", lambda a: linalg.svd(a)[0]), ("polar", lambda a: linalg.polar(a[:, :2])[0]),
    ("polar left", lambda a: linalg.polar(a, "left")[1]), ("lu", lambda a: linalg.lu(a, permute_l=True)[0]),
    ("lu wide", lambda a: linalg.lu(a[:2])[2]), ("lu tall", lambda a: linalg.lu(a[:, :2])[1]),
    ("lu_factor", lambda a: linalg.lu_factor(a[::-1])[0]), ("qr", lambda a: linalg.qr(a[:, :2])[0]),
    ("qr pivoting", lambda a: linalg.qr(a, mode="economic", pivoting=True)[1]),
    ("qr r", lambda a: linalg.qr(a[:2], mode="r")[0]),
    ("eigh", lambda a: linalg.eigh(a + a.T, driver="evd")[1]),
    ("eigh some", lambda a: linalg.eigh(a + a.T, subset_by_index=(1, 2))[1] ** 2),
    ("eigvalsh", lambda a: linalg.eigvalsh(a + a.T, subset_by_value=(3.0, 99.0))),
    ("cholesky", lambda a: linalg.cholesky(a @ a.T)),
    ("cho_factor", lambda a: np.tril(linalg.cho_factor(a @ a.T, lower=True)[0])),
)
_SYSTEMS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("solve", linalg.solve, ((3, 3), (3,))),
    ("solve transposed", partial(linalg.solve, transposed=True), ((3, 3), (3, 2))),
    *((f"solve {kind}", partial(linalg.solve, assume_a=kind), ((3, 3), (3, 2)))
      for kind in ("gen", "upper triangular", "lower triangular")),
    ("solve pos", lambda a, b: linalg.solve(a @ a.T, b, assume_a="pos"), ((3, 3), (3,))),
    ("solve sym", lambda a, b: linalg.solve(a + a.T, b, assume_a="sym", lower=True), ((3, 3), (3,))),
    *((f"solve_triangular {trans} {lower} {unit}",
       partial(linalg.solve_triangular, trans=trans, lower=lower, unit_diagonal=unit), ((3, 3), (3, 2)))
      for trans, lower, unit in itertools.product((0, 1), (False, True), (False, True))),
    ("cho_solve", lambda a, b: linalg.cho_solve(linalg.cho_factor(a @ a.T), b), ((3, 3), (3,))),
    ("cho_solve lower", lambda a, b: linalg.cho_solve((a, True), b), ((3, 3), (3, 2))),
    *((f"lu_solve {trans}", lambda a, b, trans=trans: linalg.lu_solve(linalg.lu_factor(a), b, trans), ((3, 3), (3,)))
      for trans in (0, 1, 2)),
    ("solve_banded", lambda a, b: linalg.solve_banded((1, 1), a + _BAND, b), ((3, 4), (4,))),
    ("solve_banded wide", lambda a, b: linalg.solve_banded((0, 2), a[::-1] + 1.0, b), ((3, 4), (4, 2))),
    ("solveh_banded", lambda a, b: linalg.solveh_banded(a + _FIRST[1::-1, None], b), ((2, 4), (4,))),
    ("solveh_banded lower", lambda a, b: linalg.solveh_banded(a + _FIRST[:2, None], b, lower=True), ((2, 4), (4, 2))),
    ("solve_toeplitz", lambda c, b: linalg.solve_toeplitz(c + _FIRST, b), ((4,), (4, 2))),
    ("solve_toeplitz row", lambda c, r, b: linalg.solve_toeplitz((c + _FIRST, r), b), ((4,), (4,), (4,))),
    ("solve_circulant", lambda c, b: linalg.solve_circulant(c + _FIRST, b), ((4,), (4, 2))),
    ("solve_sylvester", linalg.solve_sylvester, ((3, 3), (2, 2), (3, 2))),
    ("solve_continuous_lyapunov", linalg.solve_continuous_lyapunov, ((3, 3), (3, 3))),
    ("solve_discrete_lyapunov", lambda a, q: linalg.solve_discrete_lyapunov(a / 9.0, q), ((3, 3), (3, 3))),
    ("lstsq", lambda a, b: linalg.lstsq(a, b)[0], ((4, 2), (4,))),
    ("lstsq residual", lambda a, b: linalg.lstsq(a, b)[1], ((4, 2), (4,))),
    *((f"eigh of a pair {kind}", lambda a, b, kind=kind: linalg.eigh(a + a.T, b @ b.T, type=kind)[1],
       ((3, 3), (3, 3))) for kind in (1, 2, 3)),
    ("block_diag", linalg.block_diag, ((2, 3), (2,), (1, 1))), ("toeplitz", linalg.toeplitz, ((3,), (4,))),
    ("circulant", linalg.circulant, ((3,),)), ("hankel", linalg.hankel, ((3,), (2,))),
    ("khatri_rao", linalg.khatri_rao, ((2, 3), (4, 3))),
    ("list of lists", lambda x: linalg.expm(np.stack([np.stack([x[0], 1.0]), np.stack([0.0, x[1]])])), ((2,),)),
)
_SPARSE: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("A @ x", lambda x: sparse.matmul(_CONSTANT, x), ((3,),)),
    ("A @ X", lambda x: sparse.matmul(_WIDE, x), ((3, 2),)),
    ("x @ A", lambda x: sparse.matmul(x, _WIDE), ((4, 2),)),
    ("values @ x", lambda v, x: _sparse(v) @ x, ((7,), (3,))),
    ("values.T @ X", lambda v, x: _sparse(v).T @ x, ((7,), (3, 2))),
    ("x @ values", lambda v, x: x @ _sparse(v), ((7,), (2, 3))),
    ("toarray", lambda v: (_sparse(v) / 2.0 - _CONSTANT).toarray(), ((7,),)),
    ("sparse @ sparse", lambda v: (_sparse(v) @ _sparse(v).T).toarray(), ((7,),)),
    ("spsolve b", lambda b: sparse.spsolve(_CONSTANT, b), ((3, 2),)),
    ("spsolve", lambda v, b: sparse.spsolve(_sparse(v) + 5.0 * _CONSTANT, b), ((7,), (3,))),
    ("spsolve transposed", lambda v, b: sparse.spsolve((_sparse(v) + 5.0 * _CONSTANT).T, b), ((7,), (3, 2))),
)
# fmt: on


def _sparse(values: Any) -> Any:
    return sparse.coo_array((values, _PLACES), shape=(3, 3))


def _transforms() -> Iterator[Case]:
    for name, kind, norm in itertools.product(
        ("dct", "idct", "dst", "idst"), (1, 2, 3, 4), (None, "ortho", "forward")
    ):
        function = partial(getattr(fft, name), type=kind, norm=norm, axis=0)
        label = f"{name} {kind} {norm}"
        yield row(label, function, (4,), analytic=norm == "ortho", **_OTHER_WAY)
        yield row(f"{label} n", partial(function, n=5, orthogonalize=True), (3, 2), analytic=False)
    for name in ("dctn", "idctn", "dstn", "idstn"):
        function = partial(getattr(fft, name), s=(3, 4), axes=(0, 2))
        yield row(name, function, (2, 2, 3), analytic=False)
    for name in ("fft", "rfft", "ihfft", "ifft2", "rfft2", "ihfft2", "fftn", "rfftn", "ihfftn"):
        of_real = partial(_parts_of, getattr(fft, name))
        yield row(f"scipy {name}", of_real, (3, 4), analytic=False, **_OTHER_WAY)
    for name in ("ifft", "irfft", "hfft", "irfft2", "hfft2", "ifftn", "irfftn", "hfftn"):
        of_complex = partial(_parts_of_complex, getattr(fft, name))
        yield row(f"scipy {name}", of_complex, (3, 4), (3, 4), analytic=False, **_OTHER_WAY)


def _parts_of(function: Callable[..., Any], x: Any) -> Any:
    return parts(function(x))


def _parts_of_complex(function: Callable[..., Any], x: Any, y: Any) -> Any:
    return parts(function(x + 1j * y))


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, function in _OF_A_MATRIX:
        yield row(f"scipy {name}", function, (3, 3), domains=SPREAD, analytic=False, **_OTHER_WAY)
    for name, function, shapes in (*_SYSTEMS, *_SPARSE):
        square = [len(shape) == 2 and shape[0] == shape[1] for shape in shapes]
        domains = tuple(SPREAD if is_square else REAL for is_square in square)
        yield row(f"scipy {name}", function, *shapes, domains=domains, analytic=False, **_OTHER_WAY)
    yield from _transforms()
