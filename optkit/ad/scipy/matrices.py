"""Functions of matrices, and special matrices, of `optkit.ad.scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from optkit.ad.core import Tracer, reveal
from optkit.ad.rules.linalg import conjugate, from_triangle
from optkit.ad.rules.matrix_functions import FUNCTIONS_OF_MATRICES
from optkit.ad.rules.shape import traced
from optkit.ad.rules.systems import toeplitz_places
from optkit.ad.scipy.replacement import checked, replaces
from optkit.errors import NotDifferentiableError

# --- functions --------------------------------------------------------------------------------------------------------


def _function(name: str) -> Any:
    """A function of a square matrix (or a stack of them); of the options of SciPy only the default has a derivative."""
    primitive = FUNCTIONS_OF_MATRICES[name]

    def function(A: Any) -> Any:
        return primitive(_square(traced(A), name))

    function.__name__ = name
    function.__doc__ = f"`scipy.linalg.{name}`."
    return replaces(getattr(scipy.linalg, name))(function)


def _square(a: Any, name: str) -> Any:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"{name} needs square matrices, not an array of shape {a.shape}")
    return a


expm, logm, sqrtm = _function("expm"), _function("logm"), _function("sqrtm")
sinm, cosm, tanm = _function("sinm"), _function("cosm"), _function("tanm")


@replaces(scipy.linalg.sinhm)
def sinhm(A: Any) -> Any:
    """The hyperbolic sine of a square matrix."""
    return 0.5 * (expm(A) - expm(-traced(A)))


@replaces(scipy.linalg.coshm)
def coshm(A: Any) -> Any:
    """The hyperbolic cosine of a square matrix."""
    return 0.5 * (expm(A) + expm(-traced(A)))


@replaces(scipy.linalg.tanhm)
def tanhm(A: Any) -> Any:
    """The hyperbolic tangent of a square matrix."""
    return np.linalg.solve(coshm(A), sinhm(A))


@replaces(scipy.linalg.fractional_matrix_power)
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """A power of a square matrix; the exponent is constant."""
    if isinstance(t, Tracer):
        raise NotDifferentiableError(
            "fractional_matrix_power with a traced exponent t: write linalg.expm(t * linalg.logm(A))"
        )
    if float(t) == int(t):
        return np.linalg.matrix_power(_square(traced(A), "the power"), int(t))
    return FUNCTIONS_OF_MATRICES["fractional_matrix_power"](_square(traced(A), "the power"), t=t)


@replaces(scipy.linalg.inv)
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: Any = None,
    lower: bool = False,
) -> Any:
    """The inverse."""
    a = checked(traced(a), check_finite)
    if assume_a not in (None, "gen", "general"):
        raise NotDifferentiableError(
            f"scipy.linalg.inv of a traced matrix with assume_a={assume_a!r}: leave it out"
        )
    return np.linalg.inv(a)


@replaces(scipy.linalg.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant, in double precision as SciPy has it."""
    a = checked(traced(a), check_finite)
    return np.linalg.det(a.astype(np.result_type(a, np.float64)))


@replaces(scipy.linalg.pinv)
def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudoinverse, with the derivative that it has where the rank is constant."""
    a = checked(traced(a), check_finite)
    cutoff, rank = _cutoff(a, np.linalg.svdvals(reveal(a)), atol, rtol)
    result = np.linalg.pinv(a, rtol=cutoff)
    return (result, rank) if return_rank else result


@replaces(scipy.linalg.pinvh)
def pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudoinverse of a Hermitian matrix of which one triangle is read."""
    a = from_triangle(checked(traced(a), check_finite), lower)
    cutoff, rank = _cutoff(a, np.abs(np.linalg.eigvalsh(reveal(a))), atol, rtol)
    result = np.linalg.pinv(a, rtol=cutoff, hermitian=True)
    return (result, rank) if return_rank else result


def _cutoff(a: Any, sizes: Any, atol: Any, rtol: Any) -> tuple[float, int]:
    """SciPy's two tolerances as a relative one, and the rank that they leave."""
    if a.ndim != 2:
        raise NotDifferentiableError("pinv of a traced stack of matrices: use np.linalg.pinv")
    largest = float(np.max(sizes, initial=0.0))
    relative = max(a.shape) * float(np.finfo(sizes.dtype).eps) if rtol is None else float(rtol)
    bound = (0.0 if atol is None else float(atol)) + relative * largest
    return (bound / largest if largest else relative), int(np.sum(sizes > bound))


@replaces(scipy.linalg.norm)
def norm(
    a: Any,
    ord: Any = None,  # noqa: A002 -- SciPy's name
    axis: Any = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> Any:
    """A norm of vectors or matrices."""
    return np.linalg.norm(checked(traced(a), check_finite), ord, axis, keepdims)


# --- special matrices -------------------------------------------------------------------------------------------------


@replaces(scipy.linalg.block_diag)
def block_diag(*arrs: Any) -> Any:
    """A matrix with the arrays on its diagonal."""
    blocks = [np.atleast_2d(traced(block)) for block in arrs]
    if any(block.ndim != 2 for block in blocks):
        raise NotDifferentiableError(
            "block_diag of traced stacks of matrices: join them one by one"
        )
    width = sum(block.shape[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        m, n = block.shape
        before = np.zeros((m, start), dtype=block.dtype)
        after = np.zeros((m, width - start - n), dtype=block.dtype)
        rows.append(np.concatenate([before, block, after], axis=1))
        start += n
    return np.concatenate(rows)


def _vector(x: Any, name: str) -> Any:
    x = traced(x)
    if x.ndim != 1:
        raise NotDifferentiableError(
            f"scipy.linalg.{name} of a traced array of shape {x.shape}: give it vectors"
        )
    return x


@replaces(scipy.linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """A Toeplitz matrix, given by its first column (and first row)."""
    c = _vector(c, "toeplitz")
    r = conjugate(c) if r is None else _vector(r, "toeplitz")
    return np.concatenate([r[:0:-1], c])[toeplitz_places(len(c), len(r))]


@replaces(scipy.linalg.circulant)
def circulant(c: Any) -> Any:
    """A circulant matrix, given by its first column."""
    c = _vector(c, "circulant")
    n = len(c)
    return c[(np.arange(n)[:, None] - np.arange(n)) % n]


@replaces(scipy.linalg.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """A Hankel matrix, given by its first column (and last row)."""
    c = _vector(c, "hankel")
    r = np.zeros_like(c) if r is None else _vector(r, "hankel")
    return np.concatenate([c, r[1:]])[np.arange(len(c))[:, None] + np.arange(len(r))]


@replaces(scipy.linalg.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """The Kronecker products of the columns."""
    a, b = traced(a), traced(b)
    products = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(products, (*products.shape[:-3], -1, products.shape[-1]))
