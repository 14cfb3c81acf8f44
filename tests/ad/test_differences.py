"""The slope of a function from its values: right, with an error bar that holds, and kinks found where they are."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optkit.ad.differences import FIRST_STEP, noise_level, slope_at_zero


def slope(f, x, wider=True):
    """The slope of f at x, in the units of x."""
    size = 2.0 ** math.floor(math.log2(abs(x))) if x else 1.0

    def phi(t):
        with np.errstate(all="ignore"):
            return np.atleast_1d(np.asarray(f(np.float64(x + t * size)), dtype=float))

    larger = [FIRST_STEP / size] if wider and size < 1.0 else []
    found = slope_at_zero(phi, phi(0.0), noise_level(phi), larger)
    names = ("estimate", "error_bar", "left", "right", "nearby")
    return {name: float(getattr(found, name)[0]) / size for name in names} | {
        "kink": bool(found.kink[0])
    }


# name, function, point, derivative, and how well it is known: an error bar of at most this part of it.
SMOOTH = [
    ("exp", np.exp, 1.0, math.e, 1e-11),
    ("at zero", np.sin, 0.0, 1.0, 1e-11),
    ("tiny units", lambda x: np.sin(x / 1e-8), 3e-8, 1e8 * math.cos(3.0), 1e-11),
    ("huge units", lambda x: np.sin(x / 1e8), 3e8, 1e-8 * math.cos(3.0), 1e-11),
    ("near a pole", np.log, 1e-8, 1e8, 1e-9),
    ("small by chance", lambda x: (x - 1.0) ** 2, 1e-12, 2e-12 - 2.0, 1e-11),
    ("fast", lambda x: np.sin(1e3 * x), 1.0, 1e3 * math.cos(1e3), 1e-9),
    ("very fast", lambda x: np.sin(1e6 * x), 1.0, 1e6 * math.cos(1e6), 1e-6),
    ("a step that hides in a point", lambda x: np.tanh((x - 1.0) / 1e-6), 1.0, 1e6, 1e-6),
    ("periodic in 1/64", lambda x: np.sin(128 * np.pi * x), 1.0, 128 * np.pi, 1e-9),
    ("periodic in 1/4096", lambda x: np.sin(8192 * np.pi * x), 1.0, 8192 * np.pi, 1e-8),
    ("large offset", lambda x: 1e10 + x**2, 1.0, 2.0, 1e-3),
    ("kink nearby", lambda x: np.abs(x - 1.001), 1.0, -1.0, 1e-9),
    ("kink very near", lambda x: np.abs(x - 1.00001), 1.0, -1.0, 1e-6),
    ("edge of the domain", lambda x: np.where(x < 0.0, np.nan, np.exp(x)), 0.0, 1.0, 1e-6),
    ("once differentiable at the edge", lambda x: x**1.5, 0.0, 0.0, None),
    ("once differentiable", lambda x: np.abs(x) ** (4 / 3), 0.0, 0.0, None),
    ("at a minimum", lambda x: (3.0 * x - 3.3) ** 2, 1.1, 0.0, None),
    ("float32 inside", lambda x: float(np.exp(np.float32(x))), 1.0, math.e, 1e-3),
]


@pytest.mark.parametrize(
    ("f", "x", "truth", "precision"), [row[1:] for row in SMOOTH], ids=[row[0] for row in SMOOTH]
)
def test_the_slope_is_right_within_its_error_bar(f, x, truth, precision):
    found = slope(f, x)
    # The truth is rounded itself.
    assert abs(found["estimate"] - truth) <= found["error_bar"] + 1e-11 * abs(truth)
    assert not found["kink"]
    if precision is not None:
        assert found["error_bar"] <= precision * abs(truth)
    else:
        assert found["error_bar"] <= 1e-3


# name, function, point, slope on the left, slope on the right
KINKS = [
    ("abs", np.abs, 0.0, -1.0, 1.0),
    ("relu", lambda x: np.maximum(x, 0.0), 0.0, 0.0, 1.0),
    (
        "max of two",
        lambda x: np.maximum(np.sin(x), 2.0 * np.sin(x) - np.sin(2.0)),
        2.0,
        2 * math.cos(2),
        math.cos(2),
    ),
    ("small kink on a steep slope", lambda x: 1e3 * x + np.abs(x - 1.0), 1.0, 999.0, 1001.0),
    ("tiny units", lambda x: np.abs(x - 1e-8), 1e-8, -1.0, 1.0),
    ("jump", np.floor, 2.0, math.inf, 0.0),
    ("cusp", lambda x: np.sqrt(np.abs(x)), 0.0, -math.inf, math.inf),
]


@pytest.mark.parametrize(
    ("f", "x", "left", "right"), [row[1:] for row in KINKS], ids=[row[0] for row in KINKS]
)
def test_a_kink_is_found_with_the_slopes_of_both_sides(f, x, left, right):
    found = slope(f, x)
    assert found["kink"]
    assert found["left"] == pytest.approx(left, rel=1e-5, abs=1e-6)
    assert found["right"] == pytest.approx(right, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("f", "x"), [(np.cbrt, 0.0), (np.sqrt, 0.0), (np.arcsin, 1.0)])
def test_an_infinite_slope_is_infinite(f, x):
    found = slope(f, x)
    assert found["estimate"] == math.inf
    assert not found["kink"]


def test_nothing_finite_gives_no_estimate():
    found = slope(np.log, -1.0)
    assert math.isnan(found["estimate"])
    assert found["error_bar"] == math.inf


UNARY = [
    np.sin,
    np.tanh,
    np.arctan,
    np.exp,
    lambda z: z * z,
    lambda z: z**3 - z,
    lambda z: 1.0 / (1.0 + z * z),
    lambda z: np.sqrt(1.0 + z * z),
]


@st.composite
def compositions(draw):
    """A random composition of smooth functions, which also takes complex arguments."""
    tenths = st.integers(-20, 20).map(lambda k: k / 10)
    layer = st.tuples(st.integers(0, len(UNARY) - 1), tenths, tenths)
    layers = draw(st.lists(layer, min_size=1, max_size=3))
    scale = 10.0 ** draw(st.integers(-8, 8))
    offset = draw(st.sampled_from([0.0, 1.0, 1e4]))

    def f(x):
        for index, a, b in layers:
            x = UNARY[index](a * x + b)
        return scale * (x + offset)

    return f


def _varies_slowly(f, x, truth, amplitude):
    """Whether some step shows 30 times the noise while the slope, known from complex steps, stays near ``truth``."""
    size = abs(x) or 1.0
    with np.errstate(all="ignore"):
        for h in size * FIRST_STEP * 0.5 ** np.arange(28):
            around = [(f(complex(x + u * h, 1e-30)) / 1e-30).imag for u in np.linspace(-1, 1, 9)]
            if np.all(np.abs(np.array(around) - truth) <= 0.3 * abs(truth)):
                return bool(abs(truth) * h > 30.0 * amplitude)
    return False


@settings(max_examples=150, deadline=None)
@given(
    f=compositions(),
    x=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-3, 5.0), st.floats(-5.0, -1e-3)),
    noise=st.sampled_from([0.0, 0.0, 1e-10, 1e-6]),
    seed=st.integers(0, 1000),
)
def test_error_bars_are_honest(f, x, noise, seed):
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        amplitude = noise * abs(f(x))
        truth = (f(complex(x, 1e-30)) / 1e-30).imag
    assume(np.isfinite(truth))
    found = slope(lambda z: f(z) + amplitude * rng.uniform(-1.0, 1.0), x)
    # Differences see nothing of what happens within a step too short for its changes to stand out of the noise: a
    # spike there is invisible, and the slope of what is left, with its error bar, is right for what can be seen.
    if noise:
        assume(_varies_slowly(f, x, truth, amplitude))
    # Where the function looks like mere noise from where we stand, the error bar must say that it does.
    assume(found["error_bar"] < 0.1 * found["nearby"])
    slack = 1e-9 * abs(truth) + 1e-12 * abs(f(x))
    assert abs(found["estimate"] - truth) <= 1.5 * found["error_bar"] + slack


def test_error_bars_of_noise_shrink_with_the_noise():
    def bar(noise):
        rng = np.random.default_rng(0)
        return slope(lambda x: x**2 + noise * rng.standard_normal(), 1.0)["error_bar"]

    bars = [bar(noise) for noise in (1e-2, 1e-4, 1e-6, 1e-8)]
    assert all(larger > 10.0 * smaller for larger, smaller in pairwise(bars))


def test_noise_is_measured_to_within_a_small_factor():
    rng = np.random.default_rng(1)

    def phi(t):
        return np.array([np.exp(t) + 1e-5 * rng.standard_normal(), np.exp(t), np.abs(t), 7.0])

    noisy, clean, kinked, constant = noise_level(phi)
    assert 1e-6 < noisy < 1e-4
    assert clean < 1e-14
    assert kinked < 1e-14
    assert constant == 0.0


def test_a_function_that_stands_still_is_as_noisy_as_it_was_at_larger_steps():
    def phi(t):
        return np.array([np.float64(np.float32(np.exp(t))), np.exp(t)])

    coarse = noise_level(phi)
    assert 1e-9 < coarse[0] < 1e-6
    fine = noise_level(phi, FIRST_STEP * 2.0**-18, coarse)
    assert fine[0] == coarse[0]
    assert fine[1] < 1e-14
