"""
Pictures of problems and solves
===============================

What the plots of optkit show: the way of several methods through a valley, how they converged, how solvers compare over
many problems, a fit with its band of confidence, and the Jacobian behind it.

Run it with a folder as argument, or none for ``build``: the pictures and a report go there.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse

import optkit

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)


def save(figure, name):
    picture = folder / f"pictures_{name}.png"
    figure.savefig(picture, dpi=130)
    print(f"picture: {picture}")


# %%
# The way through a valley
# ------------------------
# The history keeps the points when it is asked to. Contours are at equal ratios above the lowest value; each path
# begins at a ring.


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


start = np.array([-1.2, 1.0])
methods = {
    "BFGS": "bfgs",
    "gradient descent": "gradient-descent",
    "SciPy's Nelder-Mead": "scipy:Nelder-Mead",
}
runs = {
    name: optkit.minimize(rosenbrock, start, method=method, options={"keep_x": True})
    for name, method in methods.items()
}

figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5.2), layout="constrained")
optkit.plot_path(rosenbrock, runs, bounds=((-1.7, 1.5), (-0.6, 1.8)), minimum=[1.0, 1.0], ax=left)
left.set_title("Three ways through Rosenbrock's valley", loc="left", fontweight="bold")
optkit.plot_convergence(runs, x="evaluations", f_min=0.0, ax=right)
right.set_title("How soon they are down", loc="left", fontweight="bold")
save(figure, "path")

# %%
# While it runs
# -------------
# ``live=True`` gives a callback: in a window or a notebook the picture follows the solve.

live = optkit.plot_convergence({"BFGS, two variables": runs["BFGS"]}, live=True, f_min=0.0)
result = optkit.minimize(rosenbrock, np.zeros(30), callback=live)
save(live.draw().figure, "live")

# %%
# A report
# --------
# All of a solve in one file of HTML, which needs nothing else.

report = folder / "report.html"
result.to_html(report, title="Rosenbrock's function in 30 variables")
print(f"report: {report}")

# %%
# Many problems
# -------------
# Quadratic functions with curvatures that spread over up to four orders of magnitude, from random starts. Which
# part of them does a method solve to six digits, within which multiple of the fewest evaluations (Dolan and Moré
# 2002)?

random = np.random.default_rng(7)
contenders = ["bfgs", "gradient-descent", "scipy:CG", "scipy:Nelder-Mead"]
costs = {name: [] for name in contenders}
for _ in range(20):
    curvatures = 10.0 ** random.uniform(0.0, random.uniform(0.5, 4.0), 3)
    x0 = random.standard_normal(3)
    for name in contenders:
        run = optkit.minimize(
            lambda x, c: 0.5 * np.sum(c * x**2), x0, args=(curvatures,), method=name, max_iter=300
        )
        solved = run.history.fun <= 1e-6 * run.history.fun[0]
        costs[name].append(run.history.evaluations[np.argmax(solved)] if np.any(solved) else np.inf)
table = np.array(list(costs.values()))
ratios = table / np.min(table, axis=0)
profiles = {}
for name, row in zip(contenders, ratios, strict=True):
    reached = np.sort(row[np.isfinite(row)])
    profiles[name] = reached, np.arange(1, len(reached) + 1) / len(row)

ax = optkit.plot_profile(profiles)
ax.set_title("20 quadratic functions of three variables", loc="left", fontweight="bold")
save(ax.figure, "profile")

# %%
# A fit
# -----
# A damped oscillation in noise: the band is that of the curve, the residuals are measured in standard deviations.

time = np.linspace(0.0, 6.0, 45)
sigma = 0.12


def oscillation(t, amplitude, damping, frequency, phase):
    return amplitude * np.exp(-damping * t) * np.cos(frequency * t + phase)


measured = oscillation(time, 2.0, 0.4, 4.0, 0.5) + sigma * random.standard_normal(len(time))
fit = optkit.least_squares(
    lambda p: (oscillation(time, *p) - measured) / sigma, [1.5, 0.3, 3.8, 0.0]
)
ax = optkit.plot_fit(oscillation, time, measured, fit, sigma=sigma)
ax.set_title("A damped oscillation", loc="left", fontweight="bold")
save(ax.figure, "fit")

# %%
# Its Jacobian
# ------------
# Where entries are and how large, and whether the data determine every parameter; beside it the pattern of a chain of
# masses, as a sparse array.

figure, axes = plt.subplots(1, 3, figsize=(15.0, 4.6), layout="constrained")
optkit.plot_jacobian(fit, names=["amplitude", "damping", "frequency", "phase"], ax=axes[0])
optkit.plot_jacobian(fit, what="singular values", ax=axes[1])
n = 60
chain = scipy.sparse.diags_array(
    [np.full(n - 1, -1.0), np.full(n, 2.5), np.full(n - 1, -1.0)], offsets=[-1, 0, 1]
)
optkit.plot_jacobian(chain, ax=axes[2])
save(figure, "jacobian")
