"""The 35 problems of Moré, Garbow and Hillstrom in residual form, from 1, 10 and 100 times the usual start.

    python benchmarks/mgh_least_squares.py [--verbose]

All solvers get the same exact Jacobians at default options. *best*: the sum of squares is the least that any of them
found, to 10⁻⁶ relative or 10⁻¹⁰; *global*: it is the known minimum, in the same sense; *false*: a success was claimed
although J and r at the point say that it is no minimum (a decrease of more than 10⁻⁴ of the value is predicted by
the linear model, and a step along the gradient lowers it). Starts at which residuals or Jacobian are not finite are
left out.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

import optkit
from optkit import ad
from optkit.testing import problems

SOLVERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "optkit": lambda r, jac, x0: optkit.least_squares(r, x0, jac=jac),
    "optkit dogleg": lambda r, jac, x0: optkit.least_squares(r, x0, jac=jac, method="dogleg"),
    "trf": lambda r, jac, x0: scipy.optimize.least_squares(r, x0, jac),
    "dogbox": lambda r, jac, x0: scipy.optimize.least_squares(r, x0, jac, method="dogbox"),
    "lm": lambda r, jac, x0: scipy.optimize.least_squares(r, x0, jac, method="lm"),
}


def least(value: float, reference: float) -> bool:
    return value <= reference + 1e-6 * abs(reference) + 1e-10


def is_false(residuals: Any, fit: Any) -> bool:
    """Whether success was claimed where a short step downhill gains something that is no rounding."""
    if not fit.success:
        return False
    r, jac = np.asarray(fit.fun), np.asarray(fit.jac)
    scale = np.linalg.norm(jac, axis=0)
    scale[scale == 0.0] = 1.0
    step = -np.linalg.lstsq(jac / scale, r)[0] / scale
    predicted = float(r @ r - np.sum((r + jac @ step) ** 2))
    if predicted <= 1e-4 * float(r @ r) or float(r @ r) <= 1e-10:
        return False
    values = [np.sum(residuals(fit.x + t * step) ** 2) for t in np.geomspace(1e-6, 1.0, 7)]
    return bool(np.nanmin(values) < (1.0 - 1e-6) * float(r @ r))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--verbose", action="store_true", help="a line for every problem")
    verbose = parser.parse_args().verbose
    counts: dict[str, Counter[str]] = {name: Counter() for name in SOLVERS}
    starts = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in problems.more_garbow_hillstrom():
            residuals = case.residuals
            jac = ad.jacobian(residuals)
            for factor in (1.0, 10.0, 100.0):
                x0 = factor * case.x0 if case.x0.any() else np.full_like(case.x0, factor - 1.0)
                if not (np.isfinite(residuals(x0)).all() and np.isfinite(jac(x0)).all()):
                    continue
                starts += 1
                found = {}
                for name, solver in SOLVERS.items():
                    try:
                        fit = solver(residuals, jac, x0)
                    except Exception:
                        continue
                    found[name] = 2.0 * float(fit.cost)
                    counts[name]["false"] += is_false(residuals, fit)
                    counts[name]["evaluations"] += int(fit.nfev)
                reference = min(found.values(), default=np.inf)
                for name, value in found.items():
                    counts[name]["best"] += least(value, reference)
                    counts[name]["global"] += least(value, case.f_min)
                if verbose:
                    row = "".join(f"{name:>16} {value:<12.6g}" for name, value in found.items())
                    print(f"{case.name[:28]:28}{factor:>5.0f} {row}")
    print(f"\n{starts} starts{'best':>14}{'global':>10}{'false':>10}{'evaluations':>14}")
    for name, row in counts.items():
        print(
            f"{name:14}{row['best']:>9}{row['global']:>10}{row['false']:>10}{row['evaluations']:>14}"
        )


if __name__ == "__main__":
    main()
