"""Probability distributions as plain NumPy: what `optkit.ad.scipy.stats` is made of.

A distribution is given by its standard form: the logarithm of its density, its distribution function and its survival
function, on its support. `Continuous` and `Discrete` add location and scale, and answer outside the support and for
parameters that are not allowed as SciPy does; there the derivative is zero. Calls with plain values go to SciPy itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from optkit.ad.quiet import quiet
from optkit.ad.rules.parameters import fixed
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import is_any_traced
from optkit.errors import InvalidInputError, NotDifferentiableError

Formula = Callable[..., Any]


def original(name: str) -> Any:
    """SciPy's own distribution; `scipy.stats` is slow to import, so it is imported when it is needed."""
    import scipy.stats

    return getattr(scipy.stats, name)


class Distribution:
    """What all distributions share: the names of the arguments, and the way to SciPy for plain values."""

    def __init__(self, name: str, parameters: str) -> None:
        self.name = name
        self._parameters = parameters.split()
        self.__doc__ = f"`scipy.stats.{name}`: density and distribution functions with derivatives."

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The parameters in their order, then location and scale."""
        names = [*self._parameters, "loc", "scale"]
        given = dict(zip(names, args, strict=False)) | kwargs
        wrong = [name for name in given if name not in names]
        missing = [name for name in self._parameters if name not in given]
        if wrong or missing or len(args) > len(names):
            got = ", ".join(map(str, given)) or "none of them"
            raise InvalidInputError(f"scipy.stats.{self.name} takes {', '.join(names)}; got {got}")
        return [traced(given.get(name, 1.0 if name == "scale" else 0.0)) for name in names]

    def _call(self, method: str, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not is_any_traced((x, *args, *kwargs.values())):
            return getattr(original(self.name), method)(x, *args, **kwargs)
        *shapes, loc, scale = self._arguments(args, kwargs)
        with quiet():  # As in SciPy: the logarithm of a probability of 0 is −∞, nothing to warn of.
            return getattr(self, f"_{method}")(traced(x), shapes, loc, scale)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        theirs = getattr(original(self.name), name)
        if not callable(theirs):
            return theirs

        def function(*args: Any, **kwargs: Any) -> Any:
            if is_any_traced(args) or is_any_traced(kwargs.values()):
                _refuse(self.name, name)
            return theirs(*args, **kwargs)

        return function

    def __repr__(self) -> str:
        return f"<optkit's {self.name}>"


def _refuse(distribution: str, method: str) -> NoReturn:
    raise NotDifferentiableError(
        f"optkit has no derivative rule for scipy.stats.{distribution}.{method}: logpdf (logpmf), pdf (pmf), cdf, "
        "logcdf, sf and logsf have one; where the derivative is meant to be zero, call it on ad.stop_gradient(x)"
    )


class Continuous(Distribution):
    """A distribution with a density on an interval.

    Parameters
    ----------
    name, parameters : str
        The name in `scipy.stats`, and those of its parameters.
    logpdf, cdf, sf : callable
        Of the standard form, as ``(z, *parameters)``.
    logcdf, logsf : callable, optional
        Where they are known more precisely than as logarithms.
    support : callable
        ``(*parameters) → (lowest, highest, some point inside)``.
    valid : callable
        Whether parameters are allowed.
    """

    def __init__(
        self,
        name: str,
        parameters: str,
        *,
        logpdf: Formula,
        cdf: Formula,
        sf: Formula | None = None,
        logcdf: Formula | None = None,
        logsf: Formula | None = None,
        support: Formula = lambda *_: (-math.inf, math.inf, 0.0),
        valid: Formula = lambda *_: True,
    ) -> None:
        super().__init__(name, parameters)
        self._log_density = logpdf
        self._below = cdf
        self._above = sf or (lambda z, *shapes: 1.0 - cdf(z, *shapes))
        self._log_below = logcdf or (lambda z, *shapes: np.log(self._below(z, *shapes)))
        self._log_above = logsf or (lambda z, *shapes: np.log(self._above(z, *shapes)))
        self._support = support
        self._valid = valid

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density, −∞ outside the support."""
        return self._call("logpdf", x, args, kwargs)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density."""
        return self._call("pdf", x, args, kwargs)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values up to ``x``."""
        return self._call("cdf", x, args, kwargs)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `cdf`."""
        return self._call("logcdf", x, args, kwargs)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values above ``x``."""
        return self._call("sf", x, args, kwargs)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `sf`."""
        return self._call("logsf", x, args, kwargs)

    def _on_support(
        self, f: Formula, below: float, above: float, x: Any, shapes: Any, loc: Any, scale: Any
    ) -> Any:
        """``f(z, scale, *shapes)`` inside; constants below and above; NaN where parameters are not allowed."""
        plain = [fixed(s) for s in shapes]
        allowed = (fixed(scale) > 0) & self._valid(*plain)
        low, high, inner = self._support(*plain)
        z = (x - loc) / np.where(allowed, scale, 1.0)
        at = fixed(z)
        inside = allowed & (at >= low) & (at <= high)
        if np.all(inside):  # As always in a fit.
            return f(z, scale, *shapes)
        safe = [np.where(allowed, s, i) for s, i in zip(shapes, self._safe, strict=True)]
        inner = np.where(allowed, inner, self._support(*self._safe)[2])
        y = f(np.where(inside, z, inner), np.where(allowed, scale, 1.0), *safe)
        outside = np.where(at < low, below, np.where(at > high, above, math.nan))
        return np.where(inside, y, np.where(allowed, outside, math.nan))

    @property
    def _safe(self) -> tuple[float, ...]:
        """Parameters that are always allowed, for the elements of which the result is not used."""
        return (2.0,) * len(self._parameters)

    def _logpdf(self, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
        return self._on_support(
            lambda z, scale, *shapes: self._log_density(z, *shapes) - np.log(scale),
            -math.inf, -math.inf, x, shapes, loc, scale,
        )  # fmt: skip

    def _pdf(self, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
        return self._on_support(
            lambda z, scale, *shapes: np.exp(self._log_density(z, *shapes)) / scale,
            0.0, 0.0, x, shapes, loc, scale,
        )  # fmt: skip

    def _cdf(self, *given: Any) -> Any:
        return self._on_support(lambda z, _, *shapes: self._below(z, *shapes), 0.0, 1.0, *given)

    def _sf(self, *given: Any) -> Any:
        return self._on_support(lambda z, _, *shapes: self._above(z, *shapes), 1.0, 0.0, *given)

    def _logcdf(self, *given: Any) -> Any:
        return self._on_support(
            lambda z, _, *shapes: self._log_below(z, *shapes), -math.inf, 0.0, *given
        )

    def _logsf(self, *given: Any) -> Any:
        return self._on_support(
            lambda z, _, *shapes: self._log_above(z, *shapes), 0.0, -math.inf, *given
        )


class Discrete(Distribution):
    """A distribution on the integers of an interval; it is not differentiable in its data, but in its parameters.

    The formulas are those of `Continuous`, with ``logpmf`` for the density. There is no scale.
    """

    def __init__(
        self,
        name: str,
        parameters: str,
        *,
        logpmf: Formula,
        cdf: Formula,
        sf: Formula,
        support: Formula,
        valid: Formula,
    ) -> None:
        super().__init__(name, parameters)
        self._log_mass = logpmf
        self._below = cdf
        self._above = sf
        self._support = support
        self._valid = valid

    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the probability of ``k``, −∞ outside the support."""
        return self._call("logpmf", k, args, kwargs)

    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of ``k``."""
        return self._call("pmf", k, args, kwargs)

    def cdf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values up to ``k``."""
        return self._call("cdf", k, args, kwargs)

    def logcdf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `cdf`."""
        return self._call("logcdf", k, args, kwargs)

    def sf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values above ``k``."""
        return self._call("sf", k, args, kwargs)

    def logsf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `sf`."""
        return self._call("logsf", k, args, kwargs)

    def _on_support(
        self, f: Formula, exact: bool, below: float, above: float, k: Any, shapes: Any, loc: Any
    ) -> Any:
        plain = [fixed(s) for s in shapes]
        allowed = np.asarray(self._valid(*plain))
        low, high = self._support(*plain)
        # A step function of k, so its derivative is zero.
        at = fixed(k) - fixed(loc)
        inside = allowed & (at >= low) & (at <= high)
        if exact:
            inside = inside & (at == np.floor(at))
        y = f(np.where(inside, np.floor(at), low), *(np.where(allowed, s, 0.5) for s in shapes))
        outside = np.where(
            np.isnan(at), math.nan, np.where((at < low) | (exact & (at <= high)), below, above)
        )
        return np.where(inside, y, np.where(allowed, outside, math.nan))

    def _logpmf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(self._log_mass, True, -math.inf, -math.inf, k, shapes, loc)

    def _pmf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(
            lambda at, *shapes: np.exp(self._log_mass(at, *shapes)),
            True, 0.0, 0.0, k, shapes, loc,
        )  # fmt: skip

    def _cdf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(self._below, False, 0.0, 1.0, k, shapes, loc)

    def _sf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(self._above, False, 1.0, 0.0, k, shapes, loc)

    def _logcdf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(
            lambda at, *s: np.log(self._below(at, *s)), False, -math.inf, 0.0, k, shapes, loc
        )

    def _logsf(self, k: Any, shapes: Any, loc: Any, _: Any) -> Any:
        return self._on_support(
            lambda at, *s: np.log(self._above(at, *s)), False, 0.0, -math.inf, k, shapes, loc
        )
