"""
The main job
============

Fit a model to real data, minimise a function, prove the derivatives, and look at how it went. All derivatives come from
optkit; the functions are plain NumPy.

Run it with a folder as argument, or none for ``build``: the picture goes there. The exit code is 0 only when every
result agrees with what is published or known.
"""

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.optimize

import optkit
from optkit import ad

failures = []


def check(holds, what):
    """Remember what does not hold; the exit code depends on it."""
    if not holds:
        failures.append(what)


def heading(text):
    print(f"\n{text}\n{'─' * len(text)}\n")


def timed(solve):
    """The result of ``solve()`` and its time in ms: the best of five, as everything else on a computer only adds."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        result = solve()
        seconds.append(time.perf_counter() - start)
    return result, 1e3 * min(seconds)


# %%
# (a) A fit to real data
# ----------------------
# The velocity of an enzymatic reaction against the concentration of the substrate, in cells treated with Puromycin: 12
# observations, two at each concentration. D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its
# Applications, Wiley 1988, table A1.3. The Michaelis–Menten model says v = Vmax · c / (Km + c).

concentration = np.array(
    [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10]
)  # ppm
velocity = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])  # counts/min²

published = {"Vmax": (212.7, 6.95), "Km": (0.0641, 0.00828)}
poor_start = np.array([300.0, 0.5])


def residuals(p):
    v_max, k_m = p
    return v_max * concentration / (k_m + concentration) - velocity


fits = {
    "Gauss-Newton": optkit.least_squares(residuals, poor_start, method="gauss-newton"),
    "Levenberg-Marquardt": optkit.least_squares(residuals, poor_start, method="lm"),
}

heading("(a) Puromycin: velocity = Vmax · c / (Km + c), 12 observations, from Vmax = 300, Km = 0.5")
row = "{:22}{:>8} ± {:<8}{:>10} ± {:<10}{:>12}{:>13}"
print(f"{'':22}{'Vmax (counts/min²)':<19}{'Km (ppm)':>17}{'iterations':>18}{'evaluations':>13}")
print(row.format("published", 212.7, 6.95, 0.0641, 0.00828, "", "").rstrip())
for name, fit in fits.items():
    (v_max, k_m), (v_error, k_error) = np.round(fit.x, 5), np.round(fit.standard_errors, 6)
    estimates = f"{v_max:.2f}", f"{v_error:.3f}", f"{k_m:.5f}", f"{k_error:.6f}"
    print(row.format(name, *estimates, fit.nit, fit.nfev))
    check(fit.success, f"{name}: {fit.message}")
    for value, error, (book_value, book_error) in zip(
        fit.x, fit.standard_errors, published.values(), strict=True
    ):
        # To the digits that are printed in the book.
        check(abs(value - book_value) <= 1e-3 * book_value, f"{name}: {value} is not {book_value}")
        check(
            abs(error - book_error) <= 1e-3 * book_error, f"{name}: ± {error} is not {book_error}"
        )

# %%
# (b) A minimum
# -------------
# Rosenbrock's valley, from the usual start. SciPy's own BFGS takes our gradient as it stands.


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


x0 = np.array([-1.2, 1.0])

solves = {
    "gradient descent": lambda: optkit.minimize(rosenbrock, x0, method="gradient-descent"),
    "BFGS": lambda: optkit.minimize(rosenbrock, x0, method="bfgs"),
    "SciPy's BFGS": lambda: optkit.minimize(rosenbrock, x0, method="scipy:BFGS"),
}
runs = {name: timed(solve) for name, solve in solves.items()}

heading("(b) Rosenbrock: f(x) = 100 (x₁ − x₀²)² + (1 − x₀)², from (−1.2, 1), minimum 0 at (1, 1)")
print(
    f"{'':22}{'iterations':>11}{'values':>9}{'gradients':>11}{'time (ms)':>11}{'f(x)':>11}{'‖x − x*‖':>11}"
)
for name, (run, milliseconds) in runs.items():
    error = np.linalg.norm(run.x - 1.0)
    print(
        f"{name:22}{run.nit:>11}{run.nfev:>9}{run.njev:>11}{milliseconds:>11.2f}{run.fun:>11.1e}{error:>11.1e}"
    )
    check(run.success, f"{name}: {run.message}")
    check(error <= 1e-5, f"{name}: {error:.1e} away from the minimum")

# %%
# The last row is the same as calling SciPy oneself, ``jac=ad.grad(f)``; going through optkit adds the history.

by_scipy = scipy.optimize.minimize(rosenbrock, x0, method="BFGS", jac=ad.grad(rosenbrock))
by_us = runs["SciPy's BFGS"][0]
check(by_scipy.success, f"SciPy: {by_scipy.message}")
check(
    np.array_equal(by_scipy.x, by_us.x),
    "SciPy called directly and through optkit went different ways",
)
print(
    f"\nscipy.optimize.minimize(f, x0, jac=ad.grad(f)): x = {by_scipy.x}, {by_scipy.nit} iterations"
)

# %%
# (c) The proof of the derivatives
# --------------------------------
# ``gradcheck`` compares them with finite differences that know their own error; the second one includes the Hessian.

reports = [
    optkit.gradcheck(residuals, poor_start, raise_on_failure=False),
    optkit.gradcheck(rosenbrock, x0, order=2, raise_on_failure=False),
]

heading("(c) Are the derivatives right?")
for report in reports:
    print(report)
    check(report.ok, f"gradcheck of {report.function} failed")

# %%
# (d) The picture
# ---------------

ink, grey = "0.15", "0.4"
figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5.2), layout="constrained")
figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
optkit.plot_convergence(fits, ax=left)
optkit.plot_convergence({name: run for name, (run, _) in runs.items()}, f_min=0.0, ax=right)
right.get_legend().set_loc("center")
left.set_ylabel(r"$\|r\|^2/\,2$ above its minimum  (counts$^2$/min$^4$)")
for axes, title, subtitle in (
    (left, "Least squares", "Michaelis–Menten fit to 12 Puromycin observations, from a poor start"),
    (right, "Minimisation", "Rosenbrock function in two variables, from (−1.2, 1)"),
):
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=ink, pad=24)
    axes.text(0.0, 1.025, subtitle, transform=axes.transAxes, fontsize=10, color=grey)

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)
picture = folder / "main_job.png"
figure.savefig(picture, dpi=150)

heading("(d) How it went")
print(f"convergence of all of them: {picture}")

# %%
# The verdict.

if failures:
    raise SystemExit("\n".join(["", "NOT ALL IS WELL", *(f"  {failure}" for failure in failures)]))
print(
    "\nEstimates and standard errors agree with the published ones, all minima are found, all derivatives are right."
)
