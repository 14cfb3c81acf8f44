"""How many problems the minimizers solve, ours and SciPy's, all given the same exact derivatives at default options.

    python benchmarks/minimizers.py [--sets mgh more landscapes] [--methods bfgs trust-exact …] [--figure profile.png]

*solved*: at the point that is returned, value and derivatives in exact arithmetic would call it a minimum. That is,
the value is within 10⁻⁸ of the way from the start to the least value that anybody found or the literature knows, or a
Newton step with the exact Hessian is 10⁻⁴ of x or less, and no direction curves downwards (a local minimum is a
minimum). *false*: a success was reported, but the point is not solved in this sense. *worse*: the value returned is
above one that the method had seen. *best*: solved, and to the least value that anybody found.

Work is counted, not timed: evaluations of the function, the gradient and n times those of the Hessian.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

import optkit
from optkit import ad
from optkit.optimize import Curvature
from optkit.testing import problems
from optkit.testing.problems import Case
from optkit.testing.profiles import performance_profile

OURS = ["auto", "bfgs", "lbfgs", "sr1", "trust-exact", "trust-ncg", "newton", "newton-cg", "cg"]
SECOND = {"Newton-CG", "trust-exact", "trust-ncg", "trust-krylov"}
SCIPY = ["BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-exact", "trust-ncg"]


@dataclass
class Run:
    """What one method made of one problem."""

    x: np.ndarray[Any, Any]
    fun: float
    success: bool
    seen: float
    work: float


class Counted:
    """A problem whose evaluations are counted and whose values are watched."""

    def __init__(self, case: Case, gradient: Any, hessian: Any) -> None:
        self.case, self._gradient, self._hessian = case, gradient, hessian
        self.seen, self.work = math.inf, 0.0

    def fun(self, x: Any) -> Any:
        self.work += 1.0
        value = self.case.fun(x)
        if value < self.seen:
            self.seen = float(value)
        return value

    def gradient(self, x: Any) -> Any:
        self.work += 1.0
        return self._gradient(x)

    def hessian(self, x: Any) -> Any:
        self.work += x.size
        return self._hessian(x)


def run(case: Case, x0: Any, method: str, gradient: Any, hessian: Any) -> Run:
    counted = Counted(case, gradient, hessian)
    try:
        if method.startswith("scipy:"):
            name = method.partition(":")[2]
            extra = {"hess": counted.hessian} if name in SECOND else {}
            found = scipy.optimize.minimize(
                counted.fun, x0, jac=counted.gradient, method=name, **extra
            )
        else:
            found = optkit.minimize(
                counted.fun, x0, jac=counted.gradient, hess=counted.hessian, method=method,
                options={"check_derivatives": False},
            )  # fmt: skip
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return Run(x0, math.inf, False, counted.seen, math.inf)
    return Run(found.x, float(found.fun), bool(found.success), counted.seen, counted.work)


def is_minimum(x: Any, gradient: Any, hessian: Any) -> bool:
    """Whether exact derivatives take x for a minimum."""
    g, h = gradient(x), hessian(x)
    if not (np.isfinite(g).all() and np.isfinite(h).all()):
        return False
    if not g.any() and not h.any():
        return True
    curvature = Curvature.of((h + h.T) / 2.0, g)
    scale = np.maximum(np.abs(x), 1e-4 * np.max(np.abs(x), initial=1e-300))
    return not curvature.negative and bool(np.all(np.abs(curvature.newton_step) <= 1e-4 * scale))


def starts(names: list[str]) -> list[tuple[str, Case, Any]]:
    """Every problem with every start from which it is finite."""
    found = []
    if "mgh" in names:
        for case in problems.more_garbow_hillstrom():
            for factor in (1.0, 10.0, 100.0):
                # Watson's start is zero; it is moved as far as others are.
                x0 = case.x0 * factor if case.x0.any() else np.full_like(case.x0, factor - 1.0)
                found.append((f"{case.name} ×{factor:g}", case, x0))
    if "more" in names:
        for n in (12, 48):
            found += [(case.name, case, case.x0) for case in problems.unconstrained(n)]
    if "landscapes" in names:
        found += [(case.name, case, case.x0) for case in problems.landscapes()]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="*", default=["mgh", "more", "landscapes"])
    parser.add_argument(
        "--methods", nargs="*", default=[*OURS, *(f"scipy:{name}" for name in SCIPY)]
    )
    parser.add_argument("--figure", help="where to draw the performance profile")
    parser.add_argument("--verbose", action="store_true", help="name what is not solved")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    work: dict[str, list[float]] = defaultdict(list)
    total = 0
    for name, case, x0 in starts(options.sets):
        gradient, hessian = ad.grad(case.fun), ad.hessian(case.fun)
        first = float(case.fun(x0))
        finite = (
            np.isfinite(first)
            and np.isfinite(gradient(x0)).all()
            and np.isfinite(hessian(x0)).all()
        )
        if not finite:
            continue
        total += 1
        runs = {m: run(case, x0, m, gradient, hessian) for m in options.methods}
        known = [case.f_min] if math.isfinite(case.f_min) else []
        least = min([*known, *(r.seen for r in runs.values())])
        for method, r in runs.items():
            best = r.fun - least <= 1e-8 * (first - least)
            solved = best or (math.isfinite(r.fun) and is_minimum(r.x, gradient, hessian))
            worse = r.fun > r.seen + 1e-12 * abs(r.seen)
            marks = {
                "solved": solved, "best": best, "success": r.success, "worse": worse,
                "false": r.success and not solved, "missed": solved and not r.success,
            }  # fmt: skip
            tally[method].update({mark for mark, holds in marks.items() if holds})
            work[method].append(r.work if solved else math.nan)
            if options.verbose and (not solved or worse):
                print(
                    f"{name}: {method} {'worse' if worse else ''} {r.fun:.6g} > {least:.6g} {r.success}"
                )
    columns = ["solved", "best", "success", "false", "missed", "worse"]
    print(f"{total} problems\n{'':24}" + "".join(f"{c:>9}" for c in columns))
    for method, counts in tally.items():
        print(f"{method:24}" + "".join(f"{counts[c]:>9}" for c in columns))
    profile = performance_profile(work)
    print("\nsolved within τ times the work of the best")
    for tau in (1.0, 2.0, 4.0, 10.0):
        row = "".join(f"{100 * v:>6.0f} %" for v in profile.at(tau).values())
        print(f"τ = {tau:<5g}{row}")
    print("         " + "".join(f"{m[-8:]:>8}" for m in profile.solvers))
    if options.figure:
        draw(profile, options.figure)


def draw(profile: Any, path: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name in profile.solvers:
        steps, fraction = profile.curve(name)
        style = "--" if name.startswith("scipy:") else "-"
        axes.step(
            np.append(steps, 1e3),
            np.append(fraction, fraction[-1:]),
            style,
            where="post",
            label=name,
        )
    axes.set(
        xscale="log", xlim=(1, 100), ylim=(0, 1), xlabel="work, relative to the best method τ",
        ylabel="fraction of the problems solved",
    )  # fmt: skip
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
