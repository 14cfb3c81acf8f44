"""The distributions of `optkit.ad.scipy.stats`, with respect to data, parameters, location and scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from optkit.ad.scipy import stats
from optkit.testing.cases.case import Case, Domain
from optkit.testing.cases.making import row

# fmt: off
# ruff: noqa: E501 -- rows of a table
# name: the domain of the data, and the parameters about which theirs are.
_CONTINUOUS: tuple[tuple[str, tuple[float, float], tuple[float, ...]], ...] = (
    ("norm", (-2, 3), ()), ("t", (-2, 3), (4.3,)), ("gamma", (0.5, 3), (1.7,)), ("invgamma", (0.5, 3), (1.7,)),
    ("beta", (0.3, 1.0), (1.7, 2.4)), ("chi2", (0.5, 3), (4.3,)), ("chi", (0.5, 3), (4.3,)), ("f", (0.5, 3), (3.0, 5.0)),
    ("expon", (0.5, 3), ()), ("lognorm", (0.5, 3), (0.6,)), ("weibull_min", (0.5, 3), (1.6,)),
    ("weibull_max", (-3, -0.5), (1.6,)), ("uniform", (0.3, 1.0), ()), ("cauchy", (-2, 3), ()), ("halfcauchy", (0.5, 3), ()),
    ("laplace", (0.3, 3), ()), ("logistic", (-2, 3), ()), ("halfnorm", (0.5, 3), ()), ("rayleigh", (0.5, 3), ()),
    ("maxwell", (0.5, 3), ()), ("gumbel_r", (-1, 3), ()), ("gumbel_l", (-3, 1), ()), ("genextreme", (-1, 2), (0.3,)),
    ("genpareto", (0.5, 3), (0.3,)), ("pareto", (2.0, 4.0), (2.4,)), ("lomax", (0.5, 3), (1.6,)), ("powerlaw", (0.3, 1.0), (1.7,)),
    ("gennorm", (0.3, 2), (1.7,)), ("skewnorm", (-1, 2), (1.7,)), ("truncnorm", (-0.3, 1.5), (-0.5, 1.4)),
    ("fisk", (0.5, 3), (1.6,)), ("invgauss", (0.5, 3), (1.3,)),
)
# name: the count, the parameters (integers are constants)
_DISCRETE: tuple[tuple[str, float, tuple[float, ...]], ...] = (
    ("poisson", 2.0, (1.3,)), ("binom", 3.0, (7, 0.4)), ("bernoulli", 0.0, (0.4,)), ("nbinom", 2.0, (3.5, 0.4)), ("geom", 3.0, (0.4,)),
)
# fmt: on


def _around(value: float) -> Domain:
    return Domain(((value - 0.05, value + 0.05),))


def _method(name: str, method: str, count: float, fixed: tuple[Any, ...]) -> Any:
    distribution = getattr(stats, name)

    def call(*moving: Any) -> Any:
        rest = iter(moving)
        shapes = [p if isinstance(p, int) else next(rest) for p in fixed]
        return getattr(distribution, method)(count, *shapes)

    return call


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, data, shapes in _CONTINUOUS:
        domains = (Domain((data,)), *map(_around, (*shapes, 0.1, 1.3)))
        for method in ("logpdf", "cdf", "logsf"):
            function = getattr(getattr(stats, name), method)
            yield row(
                f"{name}.{method}", function, (3,), *((),) * (len(domains) - 1),
                domains=domains, analytic=False, single=False, ulps=64, slack=10.0,
            )  # fmt: skip
    for name, count, shapes in _DISCRETE:
        moving = tuple(_around(p) for p in shapes if not isinstance(p, int))
        for method in ("logpmf", "cdf", "logsf"):
            yield row(
                f"{name}.{method}", _method(name, method, count, shapes), *((3,),) * len(moving),
                domains=moving, analytic=False, single=False, ulps=64, slack=10.0,
            )  # fmt: skip
