"""What a fit returns: estimates, how far to trust them, and what the model predicts.

The covariance of the free parameters is s² (JᵀJ)⁻¹ (`optkit.optimize.uncertainty`), with s² = 1 when the standard
deviations of the data are absolute. What depends on them, v = v(z), parameters given by expressions and the curve
itself, has to first order the covariance G C Gᵀ with G = ∂v/∂z (G. A. F. Seber & C. J. Wild, Nonlinear Regression,
1989, §5.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
import scipy.special

from optkit.ad.backends import get_backend
from optkit.errors import InvalidInputError, RankDeficientError
from optkit.optimize.fit_report import as_html, as_text
from optkit.optimize.profile_likelihood import Profile, profile_interval
from optkit.optimize.regression import Regression
from optkit.optimize.result import LeastSquaresResult
from optkit.optimize.uncertainty import inverse_gram, variance
from optkit.optimize.validation import Matrix, Vector, unknown

Intervals = dict[str, tuple[float, float]]


class FitResult:
    """What `optkit.curve_fit` returns.

    ``popt, pcov = fit`` works as with SciPy, ``fit["name"]`` is an estimate, ``print(fit)`` the report; in a notebook
    it shows as a table.

    Attributes
    ----------
    values, standard_errors : dict
        By name, of all parameters; the standard error of a fixed one is 0, that of one that the data do not
        determine is inf.
    popt, pcov : ndarray of shape (n,) and (n, n)
        The same as arrays, and the covariance; as for SciPy, the latter is inf when it does not exist.
    covariance, correlation : ndarray of shape (n, n)
        These raise `RankDeficientError` when the data do not determine every parameter.
    success : bool
        Whether a minimum was found; ``message`` says how it ended.
    solution : LeastSquaresResult
        The solve: history, verdict, Jacobian, counts.
    residuals : ndarray
        model − data, weighted by 1/σ, of shape (m,).
    m, n_free, dof : int
        Data, free parameters, and their difference.
    chi_square, reduced_chi_square, r_squared, aic, bic : float
        The sum of squares of the residuals; the same over ``dof``; the part of the variance that the model
        explains; the criteria of Akaike and Schwarz for normal errors of unknown variance.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> t = np.linspace(0.0, 4.0, 30)
    >>> y = 2.5 * np.exp(-1.3 * t) + 0.01 * np.cos(40.0 * t)
    >>> fit = optkit.curve_fit(lambda t, a, rate: a * np.exp(-rate * t), t, y)
    >>> round(fit["rate"], 3), round(fit.standard_errors["rate"], 4)
    (1.304, 0.0042)
    >>> low, high = fit.confidence_intervals(0.95)["rate"]
    >>> round(low, 3), round(high, 3)
    (1.295, 1.313)
    """

    def __init__(
        self, regression: Regression, solution: LeastSquaresResult, absolute_sigma: bool
    ) -> None:
        self.regression, self.solution = regression, solution
        self.absolute_sigma = absolute_sigma
        self.success, self.message = bool(solution.success), str(solution.message)
        parameters = regression.parameters
        self.names = parameters.names
        self.popt: Vector = np.array([float(v) for v in parameters.values(solution.x)])
        self.residuals: Vector = solution.fun
        self.m, self.n_free = self.residuals.size, len(parameters.free)
        self.dof = self.m - self.n_free

    @property
    def values(self) -> dict[str, float]:
        return dict(zip(self.names, self.popt.tolist(), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        return dict(zip(self.names, np.sqrt(np.diag(self.pcov)).tolist(), strict=True))

    def __getitem__(self, name: str) -> float:
        if name not in self.values:
            raise KeyError(unknown(f"parameter {name!r}", name, list(self.names)))
        return self.values[name]

    def __iter__(self) -> Iterator[Any]:
        yield self.popt
        yield self.pcov

    # -------------------------------------------------------------------------------------------------- uncertainty

    @cached_property
    def _variance(self) -> float:
        if self.absolute_sigma:
            return 1.0
        return variance(self.residuals, self.n_free, self.regression.loss)

    @cached_property
    def _free_covariance(self) -> Matrix:
        names = list(self.regression.parameters.free)
        if not names:
            return np.zeros((0, 0))
        product: Matrix = inverse_gram(self.solution.jac, names) * self._variance
        return product

    @cached_property
    def covariance(self) -> Matrix:
        slopes = self.regression.slopes(self.solution.x)
        product: Matrix = slopes @ self._free_covariance @ slopes.T
        return product

    @property
    def pcov(self) -> Matrix:
        try:
            return self.covariance.copy()
        except RankDeficientError:
            return np.full((len(self.names),) * 2, math.inf)

    @property
    def correlation(self) -> Matrix:
        errors = np.sqrt(np.diag(self.covariance))
        scale = np.where(errors > 0.0, errors, 1.0)
        matrix: Matrix = self.covariance / np.outer(scale, scale)
        return matrix

    def quantile(self, level: float) -> float:
        """How many standard errors reach to the ends of an interval of this level: Student's t, or the normal."""
        if not 0.0 < level < 1.0:
            raise InvalidInputError(
                f"level must lie between 0 and 1, got {level!r}; write 0.95 for 95 %"
            )
        p = 0.5 + 0.5 * level
        if self.absolute_sigma:
            return float(scipy.special.ndtri(p))
        return float(scipy.special.stdtrit(self.dof, p))

    def confidence_intervals(
        self,
        level: float = 0.95,
        *,
        method: Literal["profile", "wald"] = "profile",
        names: Any = None,
    ) -> Intervals:
        """Confidence intervals of the free parameters.

        Parameters
        ----------
        level : float
            The probability with which such intervals hold the true values.
        method : {"profile", "wald"}
            By profile likelihood, which follows the curvature of the model and needs some fits for each end, or
            symmetric, estimate ± t · standard error. An end is infinite, or the bound, where the data set no limit.
        names : sequence of str, optional
            Of which parameters; by default all free ones (with "wald", expressions too).

        Returns
        -------
        dict
            (low, high) by name.
        """
        if method not in ("profile", "wald"):
            raise InvalidInputError(unknown(f"method {method!r}", str(method), ["profile", "wald"]))
        t, errors = self.quantile(level), self.standard_errors
        free = self.regression.parameters.free
        chosen = self._chosen(names, free if method == "profile" else self.names)
        if method == "wald":
            return {n: (self[n] - t * errors[n], self[n] + t * errors[n]) for n in chosen}
        if self.regression.loss is not None:
            raise InvalidInputError(
                "a fit with a loss has no likelihood to profile; write confidence_intervals(method='wald')"
            )
        scale, best, cost = math.sqrt(self._variance), self.solution.x, float(self.solution.cost)
        return {
            name: profile_interval(
                Profile(self.regression, name, best, cost, scale), t, errors[name]
            )
            for name in chosen
        }

    def _chosen(self, names: Any, known: tuple[str, ...]) -> list[str]:
        chosen = (
            list(known) if names is None else [names] if isinstance(names, str) else list(names)
        )
        for name in chosen:
            if name not in known:
                raise InvalidInputError(unknown(f"free parameter {name!r}", str(name), list(known)))
        return chosen

    # --------------------------------------------------------------------------------------------------- predictions

    def predict(self, x: Any = None) -> Any:
        """The fitted curve at x, by default at the data."""
        return self.regression.curve(self.solution.x, self.regression.x if x is None else x)

    def band(
        self, x: Any = None, level: float = 0.95, *, kind: Literal["confidence", "prediction"] = "confidence",
        sigma: Any = None,
    ) -> tuple[Vector, Vector]:  # fmt: skip
        """The band, low and high, around the fitted curve at x, to first order and pointwise.

        Parameters
        ----------
        x : optional
            By default the data's.
        level : float
            The probability.
        kind : {"confidence", "prediction"}
            Of the curve, or of new observations.
        sigma : array_like, optional
            The standard deviations of new observations where the fit was given ``sigma``; by default the data's,
            when x is.
        """
        if kind not in ("confidence", "prediction"):
            raise InvalidInputError(
                unknown(f"kind {kind!r}", str(kind), ["confidence", "prediction"])
            )
        z, at = self.solution.x, self.regression.x if x is None else x
        curve = np.asarray(self.predict(x), dtype=np.float64)
        backend = get_backend(self.regression.backend)
        rows = backend.jacobian(
            lambda v: np.reshape(1.0 * self.regression.curve(v, at), (-1,)), z.copy()
        )
        square = np.einsum("ij,jk,ik->i", rows, self._free_covariance, rows).reshape(curve.shape)
        if kind == "prediction":
            square = square + self._noise(sigma, x is None)
        reach = self.quantile(level) * np.sqrt(np.maximum(square, 0.0))
        return curve - reach, curve + reach

    def _noise(self, sigma: Any, at_data: bool) -> Any:
        """The variance of new observations."""
        weights = self.regression.weights
        if sigma is not None:
            return self._variance * np.asarray(sigma, dtype=np.float64) ** 2
        if weights is None:
            return self._variance
        if at_data and not self.regression.correlated:
            return self._variance / weights**2
        raise InvalidInputError(
            "a prediction band of a fit with sigma needs that of the new observations: band(x, kind='prediction', "
            "sigma=...)"
        )

    # ---------------------------------------------------------------------------------------------------- statistics

    @property
    def chi_square(self) -> float:
        return float(np.dot(self.residuals, self.residuals))

    @property
    def reduced_chi_square(self) -> float:
        return self.chi_square / self.dof if self.dof > 0 else math.nan

    @property
    def r_squared(self) -> float:
        weights, y = self.regression.weights, self.regression.y.reshape(-1)
        if self.regression.correlated:
            return math.nan
        w = np.ones_like(y) if weights is None else weights.reshape(-1) ** 2
        spread = float(w @ (y - np.average(y, weights=w)) ** 2)
        return 1.0 - self.chi_square / spread if spread > 0.0 else math.nan

    @property
    def aic(self) -> float:
        return self._likelihood() + 2.0 * self.n_free

    @property
    def bic(self) -> float:
        return self._likelihood() + math.log(self.m) * self.n_free

    def _likelihood(self) -> float:
        """−2 ln L of normal errors with the variance that makes it least, without its constants."""
        if not self.m or not self.chi_square > 0.0:
            return -math.inf
        return float(self.m * math.log(self.chi_square / self.m))

    # -------------------------------------------------------------------------------------------------------- report

    def report(self, *, min_correlation: float = 0.1, level: float = 0.95) -> str:
        """The report as text: how it ended, statistics, parameters, correlations above ``min_correlation``."""
        return as_text(self, min_correlation, level)

    def __str__(self) -> str:
        return self.report()

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value:.6g}" for name, value in self.values.items())
        return f"<fit {listed}; {self.solution.verdict.value}>"

    def _repr_html_(self) -> str:
        return as_html(self, 0.1, 0.95)
