"""The NIST nonlinear regression sets, both starts: optkit and its peers at default options.

    python benchmarks/nist.py [--data ../shared/data/nist] [--repeat 5]

A fit counts as solved when the worst parameter agrees with the certified value to more than four digits. LRE is the
number of digits that agree, capped at eleven. "s.e." is the LRE of the standard errors where the certified sum of
squares is above the noise of float64. Verdicts are right when success is claimed for the certified minimum and for
nothing else. All solvers of the first group get the same exact Jacobian (complex steps), so that times compare what
they do with it; SciPy's curve_fit and lmfit differentiate by finite differences, as they do by default, and optkit's
curve_fit by its own engine. Times are medians, each solver in its turn; ratios are those of neighbours in time.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize

import optkit
from optkit.testing import nist

NOISE = 1e-20  # certified sums of squares below this are rounding of the data


class Fit(NamedTuple):
    lre: float
    errors: float
    claimed: bool
    seconds: float


Solver = Callable[[nist.DataSet, Any], tuple[Any, Any, bool]]


def with_optkit(data: nist.DataSet, start: Any) -> tuple[Any, Any, bool]:
    fit = optkit.least_squares(data.residuals, start, jac=data.jacobian)
    return fit.x, fit.standard_errors, fit.success


def with_curve_fit(data: nist.DataSet, start: Any) -> tuple[Any, Any, bool]:
    fit = optkit.curve_fit(data.model, data.x, data.y, start)
    return fit.popt, np.sqrt(np.diag(fit.pcov)), fit.success


def with_scipy(method: str) -> Solver:
    def solve(data: nist.DataSet, start: Any) -> tuple[Any, Any, bool]:
        fit = scipy.optimize.least_squares(data.residuals, start, jac=data.jacobian, method=method)
        freedom = data.y.size - fit.x.size
        inverse = np.linalg.pinv(fit.jac.T @ fit.jac)
        return fit.x, np.sqrt(np.diag(inverse) * 2.0 * fit.cost / freedom), fit.success

    return solve


def with_scipy_curve_fit(data: nist.DataSet, start: Any) -> tuple[Any, Any, bool]:
    popt, pcov = scipy.optimize.curve_fit(lambda x, *b: data.model(x, b), data.x, data.y, start)
    return popt, np.sqrt(np.diag(pcov)), True


def with_lmfit() -> Solver | None:
    try:
        import lmfit
    except ImportError:
        return None

    def solve(data: nist.DataSet, start: Any) -> tuple[Any, Any, bool]:
        parameters = lmfit.Parameters()
        for i, value in enumerate(start):
            parameters.add(f"b{i + 1}", value=value)
        fit = lmfit.minimize(lambda p: data.residuals([q.value for q in p.values()]), parameters)
        errors = [q.stderr or np.inf for q in fit.params.values()]
        return [q.value for q in fit.params.values()], errors, fit.success

    return solve


def run(solver: Solver, data: nist.DataSet, start: Any, repeat: int) -> Fit:
    times, found = [], None
    for _ in range(repeat):
        begin = time.perf_counter()
        try:
            found = solver(data, start.copy())
        except Exception:
            found = None
        times.append(time.perf_counter() - begin)
    seconds = statistics.median(times)
    if found is None:
        return Fit(0.0, 0.0, False, seconds)
    x, errors, claimed = found
    return Fit(
        nist.digits(x, data.certified), nist.digits(errors, data.deviations), claimed, seconds
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--data", type=Path, default=here.parent / "shared" / "data" / "nist")
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the median is taken")
    arguments = parser.parse_args()
    files = sorted(arguments.data.glob("*.dat"))
    if not files:
        raise SystemExit(f"no data in {arguments.data}; get the .dat files from NIST")
    solvers: dict[str, Solver] = {
        "optkit": with_optkit, "trf": with_scipy("trf"), "lm": with_scipy("lm"),
        "optkit.curve_fit": with_curve_fit, "scipy curve_fit": with_scipy_curve_fit,
    }  # fmt: skip
    lmfit = with_lmfit()
    if lmfit is None:
        print("lmfit is not installed, and left out")
    else:
        solvers["lmfit"] = lmfit
    fits: dict[str, list[Fit]] = {name: [] for name in solvers}
    sums = []
    print(f"{'':12}" + "".join(f"{name:>26}" for name in solvers))
    print(f"{'':12}" + f"{'LRE   s.e. ok     ms':>26}" * len(solvers))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for path in files:
            data = nist.read(path)
            for which, start in enumerate(data.starts):
                sums.append(data.sum_of_squares)
                row = f"{data.name:9}{which + 1:2} "
                for name, solver in solvers.items():
                    fit = run(solver, data, start, arguments.repeat)
                    fits[name].append(fit)
                    right = "yes" if fit.claimed == (fit.lre > 4.0) else "NO"
                    row += f"{fit.lre:>10.2f}{fit.errors:>6.2f}{right:>4}{1e3 * fit.seconds:>6.1f}"
                print(row)
    summary(fits, sums)


def summary(fits: dict[str, list[Fit]], sums: list[float]) -> None:
    count = len(sums)
    print(
        f"\n{'':18}{'solved':>10}{'mean LRE':>10}{'s.e. LRE':>10}{'verdicts right':>16}{'median ms':>11}"
        f"{'× trf':>8}{'× lm':>8}"
    )
    for name, rows in fits.items():
        solved = sum(fit.lre > 4.0 for fit in rows)
        right = sum(fit.claimed == (fit.lre > 4.0) for fit in rows)
        errors = [fit.errors for fit, total in zip(rows, sums, strict=True) if total > NOISE]
        ratios = [
            statistics.median(a.seconds / b.seconds for a, b in zip(rows, fits[peer], strict=True))
            for peer in ("trf", "lm")
        ]
        print(
            f"{name:18}{f'{solved}/{count}':>10}{statistics.mean(f.lre for f in rows):>10.2f}"
            f"{statistics.mean(errors):>10.2f}{f'{right}/{count}':>16}"
            f"{1e3 * statistics.median(f.seconds for f in rows):>11.2f}{ratios[0]:>8.2f}{ratios[1]:>8.2f}"
        )


if __name__ == "__main__":
    main()
