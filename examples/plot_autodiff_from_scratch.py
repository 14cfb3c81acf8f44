"""
Automatic differentiation from scratch
======================================

Four ways to a derivative, on the same functions: by hand, symbolically, numerically, automatically. Then forward mode
in thirty lines, reverse mode in forty, and what each way costs and how wrong it is, measured.

Run it with a folder as argument, or none for ``build``: the picture goes there. The exit code is 0 only when all ways
agree as well as they should.
"""

import itertools
import math
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sympy

from optkit import ad

# %%
# Three functions
# ---------------
# The example of the textbooks, y = ln(x₁) + x₁x₂ − sin(x₂) (A. G. Baydin et al., "Automatic differentiation in
# machine learning: a survey", JMLR 18, 2018); the logistic map, iterated, to see formulas grow; and Rosenbrock's
# function of any number of variables, written with plain numbers, for the costs. ``lib`` is where ``log`` and
# ``sin`` come from: what we write below will bring its own.


def textbook(x1, x2, lib=math):
    return lib.log(x1) + x1 * x2 - lib.sin(x2)


def logistic(x, steps=4):
    for _ in range(steps):
        x = 4.0 * x * (1.0 - x)
    return x


def rosenbrock(x):
    total = 0.0
    for a, b in itertools.pairwise(x):
        total = total + 100.0 * (b - a * a) * (b - a * a) + (1.0 - a) * (1.0 - a)
    return total


# %%
# By hand
# -------
# Exact and fast, and wrong as soon as somebody changes the function and forgets the derivative. The product rule
# over four steps of the logistic map is no pleasure already; a chain rule, written as a loop, is: in fact it is
# forward mode.


def textbook_by_hand(x1, x2):
    return 1.0 / x1 + x2, x1 - math.cos(x2)


def logistic_by_hand(x, steps=4):
    slope = 1.0
    for _ in range(steps):
        slope = slope * 4.0 * (1.0 - 2.0 * x)
        x = 4.0 * x * (1.0 - x)
    return slope


def rosenbrock_by_hand(x):
    x = np.asarray(x)
    gradient = np.zeros(len(x))
    gradient[:-1] = -400.0 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2.0 * (1.0 - x[:-1])
    gradient[1:] += 200.0 * (x[1:] - x[:-1] ** 2)
    return gradient


# %%
# Symbolically
# ------------
# A computer algebra system gives formulas. They are exact, and they grow: each step of the logistic map uses x
# twice, so the formula doubles, while the program only gets one line longer. ``ad.symbolic`` traces a plain NumPy
# function and hands it to SymPy.

print("the logistic map\n")
print(f"{'steps':>7}{'operations of':>18}{'of the formula':>18}{'of its derivative':>20}")
print(f"{'':>7}{'the program':>18}")
symbol = sympy.Symbol("x")
for steps in range(1, 7):
    formula = logistic(symbol, steps)
    sizes = formula.count_ops(), sympy.diff(formula, symbol).count_ops()
    print(f"{steps:>7}{3 * steps:>18}{sizes[0]:>18}{sizes[1]:>20}")

print("\nthe example of the textbooks\n")
print(ad.symbolic(lambda x1, x2: textbook(x1, x2, np), 2.0, 5.0))

# %%
# Numerically
# -----------
# A difference quotient needs nothing but values, and has two errors that pull at the step from both sides: what the
# Taylor series leaves out (smaller steps!) and the rounding of values that are nearly equal (larger steps!). At the
# best step half of the digits are lost, with central differences a third. And it costs one or two evaluations for
# every variable.


def forward_difference(f, x, h):
    return (f(x + h) - f(x)) / h


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2.0 * h)


def numerical_gradient(f, x):
    f0, gradient = f(x), []
    for i in range(len(x)):
        h = math.sqrt(np.finfo(float).eps) * max(1.0, abs(x[i]))
        gradient.append((f([*x[:i], x[i] + h, *x[i + 1 :]]) - f0) / h)
    return gradient


# %%
# Forward mode in thirty lines
# ----------------------------
# Every number carries its derivative along: a *dual number* v + v̇ε with ε² = 0. Each operation knows how to
# differentiate itself, and the chain rule is what happens when they are strung together. Nothing is approximated,
# no formula is built.


class Dual:
    def __init__(self, value, tangent=0.0):
        self.value, self.tangent = value, tangent

    @staticmethod
    def of(x):
        return x if isinstance(x, Dual) else Dual(x)

    def __add__(self, other):
        other = Dual.of(other)
        return Dual(self.value + other.value, self.tangent + other.tangent)

    def __sub__(self, other):
        other = Dual.of(other)
        return Dual(self.value - other.value, self.tangent - other.tangent)

    def __mul__(self, other):
        other = Dual.of(other)
        tangent = self.tangent * other.value + self.value * other.tangent
        return Dual(self.value * other.value, tangent)

    def __rsub__(self, other):
        return Dual.of(other) - self

    __radd__, __rmul__ = __add__, __mul__


class DualMath:
    log = staticmethod(lambda x: Dual(math.log(x.value), x.tangent / x.value))
    sin = staticmethod(lambda x: Dual(math.sin(x.value), x.tangent * math.cos(x.value)))


def forward_gradient(f, x):
    """One run for each variable: its tangent is 1, those of all others are 0."""
    return [
        Dual.of(f([Dual(v, float(i == j)) for j, v in enumerate(x)])).tangent for i in range(len(x))
    ]


# %%
# The tangents of our textbook function, step by step, as optkit's own forward mode goes through them:

print("\n" + str(ad.trace_table(lambda x1, x2: textbook(x1, x2, np), 2.0, 5.0)))

# %%
# Reverse mode in forty lines
# ---------------------------
# A function of n variables needs n runs in forward mode. Reverse mode needs one, and a walk back: the run writes
# each operation to a *tape*, with its operands and the partial derivatives; the walk carries the sensitivity of the
# result, the *adjoint* v̄ = ∂y/∂v, from the last entry to the first. An entry passes v̄ · ∂v/∂u on to each of its
# operands u, and what arrives there adds up. All partial derivatives come out of one walk: that is why neural
# networks can be trained.


class Variable:
    def __init__(self, tape, value, parents=()):
        self.tape, self.value, self.place = tape, value, len(tape)
        tape.append(parents)  # pairs of (place of the operand, partial derivative)

    def of(self, x):
        return x if isinstance(x, Variable) else Variable(self.tape, x)

    def __add__(self, other):
        other = self.of(other)
        parents = (self.place, 1.0), (other.place, 1.0)
        return Variable(self.tape, self.value + other.value, parents)

    def __sub__(self, other):
        other = self.of(other)
        parents = (self.place, 1.0), (other.place, -1.0)
        return Variable(self.tape, self.value - other.value, parents)

    def __mul__(self, other):
        other = self.of(other)
        parents = (self.place, other.value), (other.place, self.value)
        return Variable(self.tape, self.value * other.value, parents)

    def __rsub__(self, other):
        return self.of(other) - self

    __radd__, __rmul__ = __add__, __mul__


class VariableMath:
    @staticmethod
    def log(x):
        return Variable(x.tape, math.log(x.value), ((x.place, 1.0 / x.value),))

    @staticmethod
    def sin(x):
        return Variable(x.tape, math.sin(x.value), ((x.place, math.cos(x.value)),))


def reverse_gradient(f, x):
    tape = []
    variables = [Variable(tape, v) for v in x]
    y = f(variables)
    adjoints = [0.0] * len(tape)
    adjoints[y.place] = 1.0
    for place in reversed(range(len(tape))):
        for parent, partial in tape[place]:
            adjoints[parent] += adjoints[place] * partial
    return adjoints[: len(x)]


# %%
# Where the textbook's example goes through the same walk, the right column is read upwards:

print("\n" + str(ad.trace_table(lambda x1, x2: textbook(x1, x2, np), 2.0, 5.0, mode="reverse")))

# %%
# How wrong are they?
# -------------------
# The exact value is computed with 40 digits.

x1, x2 = sympy.symbols("x1 x2")
exact = {
    "∂/∂x₁ of the textbook's": sympy.diff(textbook(x1, x2, sympy), x1).evalf(40, {x1: 2, x2: 5}),
    "∂/∂x₂ of the textbook's": sympy.diff(textbook(x1, x2, sympy), x2).evalf(40, {x1: 2, x2: 5}),
    "the logistic map's": sympy.diff(logistic(symbol), symbol).evalf(
        40, {symbol: sympy.Rational(1, 5)}
    ),
}
h = math.sqrt(np.finfo(float).eps)
first = [Dual(2.0, 1.0), Dual(5.0)]
second = [Dual(2.0), Dual(5.0, 1.0)]
ways = {
    "by hand": [*textbook_by_hand(2.0, 5.0), logistic_by_hand(0.2)],
    "symbolic": [
        *(float(e.subs(dict(zip((x1, x2), (2.0, 5.0), strict=True)))) for e in (1 / x1 + x2, x1 - sympy.cos(x2))),
        float(sympy.lambdify(symbol, sympy.diff(logistic(symbol), symbol))(0.2)),
    ],
    "forward differences": [
        forward_difference(lambda x: textbook(x, 5.0), 2.0, h),
        forward_difference(lambda x: textbook(2.0, x), 5.0, h),
        forward_difference(logistic, 0.2, h),
    ],
    "our dual numbers": [
        textbook(*first, DualMath).tangent,
        textbook(*second, DualMath).tangent,
        logistic(Dual(0.2, 1.0)).tangent,
    ],
    "our tape": [
        *reverse_gradient(lambda v: textbook(*v, VariableMath), [2.0, 5.0]),
        *reverse_gradient(lambda v: logistic(v[0]), [0.2]),
    ],
    "optkit": [
        *ad.grad(lambda a, b: textbook(a, b, np), argnums=(0, 1))(2.0, 5.0),
        ad.grad(logistic)(0.2),
    ],
}  # fmt: skip
print(f"\nrelative errors\n\n{'':22}" + "".join(f"{name:>26}" for name in exact))
for way, values in ways.items():
    errors = [abs((v - e) / e) for v, e in zip(values, exact.values(), strict=True)]
    print(f"{way:22}" + "".join(f"{float(error):>26.1e}" for error in errors))
    assert max(errors) < (1e-6 if "differences" in way else 1e-14), way

# %%
# What do they cost?
# ------------------
# The gradient of Rosenbrock's function, written as a loop over plain numbers, in units of one evaluation of it. By
# differences and in forward mode it grows with n; on a tape it does not.


def seconds(call, least=0.01):
    """The time of one call: the best of five, each long enough to be measured."""
    best, repeats = math.inf, 1
    for _ in range(5):
        while True:
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            elapsed = time.perf_counter() - start
            if elapsed >= least:
                break
            repeats *= 2
        best = min(best, elapsed / repeats)
    return best


def rosenbrock_numpy(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


sizes = [2, 8, 32, 128]
gradients = {
    "forward differences": lambda x: numerical_gradient(rosenbrock, x),
    "our dual numbers": lambda x: forward_gradient(rosenbrock, x),
    "our tape": lambda x: reverse_gradient(rosenbrock, x),
    "optkit, the loop": lambda x: ad.grad(rosenbrock)(np.array(x)),
    "optkit, in NumPy": lambda x: ad.grad(rosenbrock_numpy)(np.array(x)),
}
costs = {way: [] for way in gradients}
for n in sizes:
    x = list(1.0 + 0.5 * np.sin(np.arange(float(n))))
    wanted = rosenbrock_by_hand(x)
    for way, gradient in gradients.items():
        tolerance = 1e-4 if "differences" in way else 1e-12
        np.testing.assert_allclose(gradient(x), wanted, rtol=tolerance, atol=100.0 * tolerance)
        unit = seconds(lambda x=x: rosenbrock(x))
        costs[way].append(seconds(lambda x=x, gradient=gradient: gradient(x)) / unit)

print(
    f"\na gradient costs so many evaluations\n\n{'variables':22}"
    + "".join(f"{n:>9}" for n in sizes)
)
for way, row in costs.items():
    print(f"{way:22}" + "".join(f"{cost:>9.1f}" for cost in row))

# %%
# The picture
# -----------
# Left, the two errors of a difference quotient; no step gives what automatic differentiation gives without any.
# Right, the costs: what grows with n and what does not.

colors = {
    "forward differences": "#D55E00",
    "our dual numbers": "#E69F00",
    "our tape": "#0072B2",
    "optkit, the loop": "#009E73",
    "optkit, in NumPy": "#CC79A7",
}
figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5.0), layout="constrained")
steps = np.geomspace(1e-16, 1.0, 129)
slope = float(exact["∂/∂x₁ of the textbook's"])
for label, quotient, color, dash in (
    ("forward differences", forward_difference, "#D55E00", "-"),
    ("central differences", central_difference, "#56B4E9", (0, (5, 2))),
):
    errors = [
        abs(quotient(lambda x: textbook(x, 5.0), 2.0, h) - slope) / slope for h in steps if h < 1
    ]
    left.loglog(
        steps[steps < 1], np.maximum(errors, 1e-17), color=color, linestyle=dash, label=label
    )
error = max(abs(ways["optkit"][0] - slope) / slope, 1e-17)
left.axhline(error, color="#009E73", linewidth=2.0, label="automatic differentiation")
left.set_xlabel("step h")
left.set_ylabel("relative error of ∂f/∂x₁")
left.set_title("Accuracy", loc="left", fontweight="bold")
for (way, row), marker in zip(costs.items(), "soD^v", strict=True):
    right.loglog(sizes, row, color=colors[way], marker=marker, label=way)
right.set_xlabel("number of variables")
right.set_ylabel("cost of a gradient, in evaluations")
right.set_title("Cost", loc="left", fontweight="bold")
right.set_xticks(sizes, labels=map(str, sizes))
right.minorticks_off()
for axes in (left, right):
    axes.grid(True, which="major", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)
picture = folder / "autodiff_from_scratch.png"
figure.savefig(picture, dpi=150)
print(f"\npicture: {picture}")
