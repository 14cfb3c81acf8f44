"""Multivariate distributions with SciPy's names and parameters, for traced values too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.rules.parameters import fixed
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.distributions import Distribution, original
from optkit.ad.scipy.replacement import is_any_traced
from optkit.errors import InvalidInputError


class MultivariateNormal(Distribution):
    """`scipy.stats.multivariate_normal`; the covariance must be positive definite."""

    def __init__(self) -> None:
        super().__init__("multivariate_normal", "mean cov")

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The logarithm of the density at points along the last axis of ``x``."""
        if not is_any_traced((x, mean, cov)):
            return original(self.name).logpdf(x, mean, cov, allow_singular)
        mean, cov, dim = _shape(mean, cov, allow_singular)
        x = traced(x)
        if x.ndim == 0:
            x = np.reshape(x, (1,))
        elif x.ndim == 1 and dim == 1:
            x = np.reshape(x, (-1, 1))
        factor = np.linalg.cholesky(cov)
        apart = np.reshape(x - mean, (-1, dim))
        white = np.linalg.solve(factor, np.transpose(apart))
        squares = np.reshape(np.sum(np.square(white), axis=0), np.shape(x)[:-1])
        log_det = 2.0 * np.sum(np.log(np.diagonal(factor)))
        return -0.5 * (dim * math.log(2.0 * math.pi) + log_det + squares)

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, mean, cov, allow_singular))

    def entropy(self, mean: Any = None, cov: Any = 1) -> Any:
        """The differential entropy."""
        if not is_any_traced((mean, cov)):
            return original(self.name).entropy(mean, cov)
        _, cov, dim = _shape(mean, cov, False)
        factor = np.linalg.cholesky(cov)
        return 0.5 * dim * (1.0 + math.log(2.0 * math.pi)) + np.sum(np.log(np.diagonal(factor)))


def _shape(mean: Any, cov: Any, allow_singular: bool) -> tuple[Any, Any, int]:
    """Mean and covariance as vector and matrix, as SciPy reads them."""
    if allow_singular:
        raise InvalidInputError(
            "multivariate_normal of traced values with allow_singular=True: a singular covariance has no density "
            "that could be differentiated; use its factor, or add a small multiple of the identity"
        )
    cov = traced(cov)
    given = None if mean is None else np.reshape(traced(mean), (-1,))
    dim = (cov.shape[0] if cov.ndim else 1) if given is None else given.shape[0]
    if cov.ndim == 0:
        cov = cov * np.eye(dim)
    elif cov.ndim == 1:
        cov = np.diag(cov)
    if cov.shape != (dim, dim):
        raise InvalidInputError(
            f"multivariate_normal: the covariance has shape {cov.shape} for a mean of length {dim}"
        )
    return (np.zeros(dim) if given is None else given), cov, dim


class Dirichlet(Distribution):
    """`scipy.stats.dirichlet`."""

    def __init__(self) -> None:
        super().__init__("dirichlet", "alpha")

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density; the components of ``x`` stand along its first axis."""
        if not is_any_traced((x, alpha)):
            return original(self.name).logpdf(x, alpha)
        x, alpha = traced(x), traced(alpha)
        if x.shape[0] == alpha.shape[0] - 1:  # SciPy lets the last component be left out.
            x = np.concatenate([x, np.reshape(1.0 - np.sum(x, axis=0), (1, *x.shape[1:]))])
        plain, exponents = fixed(x), fixed(alpha)
        if np.any(exponents <= 0):
            raise ValueError("All parameters must be greater than 0")
        if x.shape[0] != alpha.shape[0] or np.any(np.abs(np.sum(plain, axis=0) - 1.0) > 1e-9):
            raise ValueError("The input vector 'x' must lie within the normal simplex")
        if np.any(plain < 0):
            raise ValueError("Each entry in 'x' must be greater than or equal to zero")
        column = np.reshape(alpha, (-1, *(1,) * (x.ndim - 1)))
        norm = np.sum(sp.gammaln(alpha)) - sp.gammaln(np.sum(alpha))
        return np.sum(sp.xlogy(column - 1.0, x), axis=0) - norm

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, alpha))


class Multinomial(Distribution):
    """`scipy.stats.multinomial`; the last probability is what the others leave, as in SciPy."""

    def __init__(self) -> None:
        super().__init__("multinomial", "n p")

    def logpmf(self, x: Any, n: Any, p: Any) -> Any:
        """The logarithm of the probability of the counts along the last axis of ``x``."""
        if not is_any_traced((x, n, p)):
            return original(self.name).logpmf(x, n, p)
        p, x, n = traced(p), fixed(traced(x)), fixed(traced(n))
        p = np.concatenate(
            [p[..., :-1], 1.0 - np.sum(p[..., :-1], axis=-1, keepdims=True)], axis=-1
        )
        allowed = np.all(fixed(p) >= 0, axis=-1) & (n >= 0)
        counted = np.all((x >= 0) & (x == np.floor(x)), axis=-1) & (np.sum(x, axis=-1) == n)
        terms = np.sum(sp.xlogy(x, p) - sp.gammaln(x + 1.0), axis=-1)
        y = sp.gammaln(n + 1.0) + terms
        return np.where(counted, y, np.where(allowed, -math.inf, math.nan))

    def pmf(self, x: Any, n: Any, p: Any) -> Any:
        """The probability."""
        return np.exp(self.logpmf(x, n, p))


multivariate_normal = MultivariateNormal()
dirichlet = Dirichlet()
multinomial = Multinomial()
