"""`scipy.linalg` with derivatives: SciPy's functions, names and arguments, for traced values too.

Conventions at the places where factors are not unique are those of `optkit.ad.rules.decompositions`; a matrix of which
SciPy reads one triangle only (``cholesky``, ``eigh``, ``solve(assume_a="pos")``) has a symmetrised derivative. What
has no derivative here is SciPy's own function and refuses traced values by name.

Examples
--------
>>> import numpy as np
>>> from optkit import ad
>>> from optkit.ad.scipy import linalg
>>> ad.derivative(lambda t: linalg.expm(t * np.array([[0.0, 1.0], [-1.0, 0.0]]))[0, 1])(0.0)
np.float64(1.0)
"""

from __future__ import annotations

from typing import Any

import scipy.linalg

from optkit.ad.scipy.factors import (
    cho_factor,
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lu,
    lu_factor,
    polar,
    qr,
    svd,
    svdvals,
)
from optkit.ad.scipy.matrices import (
    block_diag,
    circulant,
    coshm,
    cosm,
    det,
    expm,
    fractional_matrix_power,
    hankel,
    inv,
    khatri_rao,
    logm,
    norm,
    pinv,
    pinvh,
    sinhm,
    sinm,
    sqrtm,
    tanhm,
    tanm,
    toeplitz,
)
from optkit.ad.scipy.replacement import refused
from optkit.ad.scipy.systems import (
    cho_solve,
    lstsq,
    lu_solve,
    solve,
    solve_banded,
    solve_circulant,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    solve_toeplitz,
    solve_triangular,
    solveh_banded,
)

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "coshm",
    "cosm",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "fractional_matrix_power",
    "hankel",
    "inv",
    "khatri_rao",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "norm",
    "pinv",
    "pinvh",
    "polar",
    "qr",
    "sinhm",
    "sinm",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]


def __getattr__(name: str) -> Any:
    """What is not replaced here: SciPy's own, which refuses traced values."""
    original = getattr(scipy.linalg, name)
    if callable(original) and not isinstance(original, type):
        return refused(original, "scipy.linalg")
    return original
