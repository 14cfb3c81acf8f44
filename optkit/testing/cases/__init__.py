"""The one table of cases: functions with the points at which their derivatives are to be proven.

A row of the table is a function of arrays; shapes, axes, keywords and layouts in memory are multiplied out from it.
Tests of the rules, of backends and of speed go through the same cases. A case knows how to make its arguments, away
from the points where it has no derivative, and an oracle for its derivative that has nothing to do with the engine.

One file a family; add a row there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from optkit.testing.cases import (
    calculus,
    elementwise,
    fft,
    index,
    linalg,
    placing,
    polynomials,
    products,
    reduce,
    scipy_linalg,
    shape,
    sorting,
    statistics,
)
from optkit.testing.cases.case import Case, Domain, extrapolated_slope

__all__ = ["CASES", "Case", "Domain", "extrapolated_slope"]


# Where a value may differ from NumPy's: families, units in the last place, why.
_ROUNDING = (
    ("float_power", 1, "computed by np.power, whose loops are others"),
    (
        "cumprod nancumprod cumulative_prod squeeze multiply.accumulate",
        4,
        "products by doubling, differentiable at 0",
    ),
    ("norm vector_norm matrix_norm", 4, "composed of sums and powers, without NumPy's shortcuts"),
    (
        "sum prod mean var nansum nanmean nanvar",
        2,
        "initial= and masked elements enter at another place of the sum",
    ),
    ("dot convolve correlate cov", 2, "a matrix product in BLAS where NumPy takes its own loop"),
    (
        "median nanmedian quantile nanquantile percentile nanpercentile level",
        4,
        "read between two sorted elements",
    ),
    (
        "gradient geomspace interp histogram histogram2d polydiv absolute sign corrcoef",
        4,
        "the same sum, in another order",
    ),
    ("polyfit", 16, "the same least squares, of scaled columns"),
    ("pad unwrap", 4, "edges and whole periods are added at once"),
)
FAMILIES = (
    elementwise, reduce, sorting, statistics, shape, index, placing, calculus, products, polynomials, linalg,
    fft, scipy_linalg,
)  # fmt: skip


def _table() -> Iterator[Case]:
    rounding = {
        family: (ulps, why) for families, ulps, why in _ROUNDING for family in families.split()
    }
    for family in FAMILIES:
        for case in family.cases():
            ulps, reason = rounding.get(case.family.split()[0], (case.ulps, case.reason))
            yield replace(case, ulps=ulps, reason=reason)


CASES = tuple(_table())
