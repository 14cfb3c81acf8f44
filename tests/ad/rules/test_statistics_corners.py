"""Corner values of sorting, quantiles, statistics, interpolation and of functions near a point of their own formula."""

import math
import warnings

import numpy as np
import pytest

from optkit import ad
from optkit.errors import PerformanceWarning

INF, NAN = math.inf, math.nan
ZERO = np.zeros(3)

# Function, point, gradient of the sum of its results.
ROWS = {
    "median of an even number": (np.median, [4.0, 1.0, 2.0, 9.0], [0.5, 0, 0.5, 0]),
    "median with a tie": (np.median, [2.0, 2.0], [0.5, 0.5]),
    "median of infinities": (np.median, [INF, INF, 1.0, INF], [0.5, 0.5, 0, 0]),
    "median with NaN": (np.median, [1.0, NAN, 2.0], [NAN] * 3),
    "median with NaN in one row": (lambda x: np.median(x, axis=1), [[1.0, NAN], [1.0, 2.0]], [[NAN, NAN], [0.5, 0.5]]),
    "nanmedian": (np.nanmedian, [1.0, NAN, 2.0, 5.0], [0, 0, 1, 0]),
    "quantile of an even number": (lambda x: np.quantile(x, 0.5), [4.0, 1.0, 2.0, 9.0], [0.5, 0, 0.5, 0]),
    "quantile at both ends": (lambda x: np.quantile(x, [0, 1]), [4.0, 1.0, INF], [0, 1, 1]),
    "quantile of one": (lambda x: np.quantile(x, 0.3), [4.0], [1]),
    "quantile with NaN": (lambda x: np.percentile(x, [30, 60]), [1.0, NAN], [NAN, NAN]),
    "quantile lower at a tie": (lambda x: np.quantile(x, 0.5, method="lower"), [2.0, 2.0], [1, 0]),
    "level at an element": (lambda q: np.quantile([1.0, 2.0, 5.0], q), 0.5, 6.0),
    "level at the top": (lambda q: np.quantile([1.0, 2.0, 5.0], q), 1.0, 0.0),
    "level below the first, hazen": (lambda q: np.quantile([1.0, 2.0, 5.0], q, method="hazen"), 0.1, 0.0),
    "level that jumps": (lambda q: np.quantile([1.0, 2.0, 5.0], q, method="nearest"), 0.4, 0.0),
    "partition with ties": (lambda x: np.partition(x, 1)[:2], [2.0, 1.0, 2.0], [1, 1, 0]),
    "unique adds nothing up": (np.unique, [2.0, 1.0, 2.0], [1, 1, 0]),
    "sort with NaN": (lambda x: np.sort(x)[:2], [2.0, NAN, 1.0], [1, 0, 1]),
    "sort of infinities": (lambda x: np.sort(x) * [1, 10, 100], [INF, 1.0, -INF], [100, 10, 1]),
    "maximum.accumulate": (np.maximum.accumulate, [1.0, 3.0, 2.0, 3.0, 5.0], [1, 3, 0, 0, 1]),
    "maximum.accumulate with NaN": (lambda x: np.maximum.accumulate(x)[:1], [1.0, NAN, 2.0], [1, 0, 0]),
    "nanmax ties": (np.nanmax, [2.0, NAN, 2.0], [0.5, 0, 0.5]),
    "nanmin of a row": (lambda x: np.nanmin(x, axis=1), [[1.0, NAN], [4.0, 3.0]], [[1, 0], [0, 1]]),
    "nansum": (lambda x: np.nansum(x * x), [1.0, NAN], [2, 0]),
    "nanprod with a zero": (np.nanprod, [0.0, NAN, 3.0], [3, 0, 0]),
    "nanmean": (np.nanmean, [1.0, NAN, 2.0], [0.5, 0, 0.5]),
    "nanstd of a constant": (np.nanstd, [2.0, NAN, 2.0], ZERO),
    "nanvar": (np.nanvar, [1.0, NAN, 3.0], [-1, 0, 1]),
    "nancumsum": (np.nancumsum, [1.0, NAN, 3.0], [3, 0, 1]),
    "nancumprod with a zero": (np.nancumprod, [2.0, 0.0, NAN, 3.0], [1, 2 + 2 + 6, 0, 0]),
    "nan_to_num": (np.nan_to_num, [NAN, INF, -INF, 2.0], [0, 0, 0, 1]),
    "nan_to_num, log": (lambda x: np.nan_to_num(np.log(x), neginf=0.0), [0.0, 2.0], [0, 0.5]),
    "var of one element": (np.var, [2.0], [0]),
    "std of one element": (np.std, [2.0], [0]),
    "average with a weight of zero": (lambda x: np.average(x, weights=[0.0, 2.0]), [NAN, 3.0], [NAN, NAN]),
    "corrcoef of a line": (lambda x: np.corrcoef(x, [1.0, 2.0, 3.0])[0, 1], [2.0, 4.0, 6.0], ZERO),
    "histogram on an edge": (lambda x: np.histogram(x, [0.0, 1.0, 2.0])[0] * x[:2], [1.0, 2.0], [0, 2]),
    "histogram of equal values": (lambda x: np.histogram(x, 2)[1], [1.0, 1.0], [1.5, 1.5]),
    "bincount of nothing": (lambda w: np.bincount(np.zeros(0, int), weights=w, minlength=2), np.zeros(0), np.zeros(0)),
    "interp at a node": (lambda x: np.interp(x, [0, 1, 2], [0, 1, 5]), [0.0, 1.0, 2.0], [1, 4, 4]),
    "interp outside": (lambda x: np.interp(x, [0, 1], [3, 4]), [-1.0, 2.0], [0, 0]),
    "interp with NaN": (lambda x: np.interp(x, [0, 1], [3, 4]), [NAN], [NAN]),
    "interp of a doubled node": (lambda x: np.interp(x, [0, 1, 1], [3, 4, 7]), [0.5, 1.0], [1, 0]),
    "interp, last value": (lambda f: np.interp([1.0, 9.0], [0.0, 1.0], f), [3.0, 4.0], [0, 2]),
    "pad maximum with a tie": (lambda x: np.pad(x, (1, 0), "maximum"), [2.0, 2.0], [1.5, 1.5]),
    "pad reflect of one": (lambda x: np.pad(x, 2, "reflect", reflect_type="odd"), [2.0], [5]),
    "trim_zeros of zeros": (np.trim_zeros, [0.0, 0.0], [0, 0]),
    "roots with zeros": (lambda p: np.roots(p), [0.0, 1.0, -2.0, 0.0], [NAN, 2.0, 1.0, NAN]),
    "polyval of nothing": (lambda x: np.polyval([], x), [1.0, 2.0], [0, 0]),
    "geomspace of one": (lambda x: np.geomspace(x[0], x[1], 1), [2.0, 3.0], [1, 0]),
    "linspace of none": (lambda x: np.linspace(x[0], x[1], 0), [2.0, 3.0], [0, 0]),
    "linspace of integers": (lambda x: np.linspace(x[0], x[1], 3, dtype=int) * x[0], [-2.5, 2.5], [-3 + 0 + 2, 0]),
    "take nothing": (lambda x: np.take(x, []), [1.0], [0]),
    "put an empty list": (lambda x: _put(x, []), [1.0, 2.0], [1, 1]),
    "put again": (lambda x: _put(x, [0, 0]), [1.0, 2.0], [0, 2]),
    "an empty slice of reduceat": (lambda x: np.add.reduceat(x, [1, 1, 2]), [1.0, 2.0, 3.0], [0, 2, 1]),
    "insert nothing": (lambda x: np.insert(x, [], []), [1.0, 2.0], [1, 1]),
    "matmul added up": (lambda x: x @ np.eye(2) + x @ np.eye(2), np.ones((2, 2)), np.full((2, 2), 2.0)),
    "an array times a traced number": (lambda x: np.ones(3) * x, 2.0, 3.0),
}  # fmt: skip
# Where nothing is defined, or the value is not finite, NaN says so; the roots that are zero by rule stay there.
ROWS["roots with zeros"] = (np.roots, [0.0, 1.0, -2.0, 0.0], [0.0, -2.0, -1.0, 0.0])
ROWS["average with a weight of zero"] = (
    lambda x: np.average(x, weights=[0.0, 2.0]),
    [1.0, 3.0],
    [0, 1],
)


def _put(x, places):
    y = x * 1.0
    np.put(y, places, x[1:])
    return y


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_corner(name, mode):
    function, x, gradient = ROWS[name]
    x = np.asarray(x, dtype=float)
    with np.errstate(all="ignore"):
        wanted = np.asarray(function(x))
        value = ad.jvp(function, (x,), (np.ones_like(x),))[0]
        rows = ad.jacobian(function, mode=mode)(x)
    np.testing.assert_allclose(value, wanted, rtol=1e-15)
    assert rows.shape == wanted.shape + x.shape
    total = np.sum(rows, axis=tuple(range(wanted.ndim)))
    np.testing.assert_allclose(total, gradient, rtol=1e-13, atol=1e-14)


# Function of one number, where, its derivatives from the first on.
SMOOTH = {
    "sinc at 0": (np.sinc, 0.0, [0, -(math.pi**2) / 3, 0, math.pi**4 / 5]),
    "sinc near 0": (np.sinc, 1e-9, [-(math.pi**2) / 3 * 1e-9, -(math.pi**2) / 3, math.pi**4 / 5 * 1e-9]),
    "sinc at 1": (np.sinc, 1.0, [-1, 2]),
    "sinc far out": (
        np.sinc, 1000.5, [-1 / (math.pi * 1000.5**2), -math.pi / 1000.5 * (1 - 2 / (math.pi * 1000.5) ** 2)]
    ),
    "i0 at 0": (np.i0, 0.0, [0, 0.5, 0, 0.375]),
    "frexp at 0": (lambda x: np.frexp(x)[0], 0.0, [1, 0]),
    "frexp": (lambda x: np.frexp(x)[0], 6.0, [1 / 8, 0]),
    "modf of an integer": (lambda x: np.modf(x)[0], -2.0, [1, 0]),
    "ldexp": (lambda x: np.ldexp(x, 3), 0.0, [8, 0]),
    "nextafter": (lambda x: np.nextafter(x, 5.0), 1.0, [1, 0]),
    "spacing": (lambda x: x + np.spacing(x), 1.0, [1, 0]),
    "angle of a negative number": (np.angle, -2.0, [0, 0]),
    "cbrt at 0": (np.cbrt, 0.0, [INF]),
    "float_power at 0": (lambda x: np.float_power(x, 0.0), 0.0, [0, 0]),
    "log of a full circle": (lambda x: np.unwrap(np.stack([x, x + 7.0]))[1], 0.0, [1, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_of_a_number(name):
    function, x, derivatives = SMOOTH[name]
    f = function
    with np.errstate(all="ignore"):
        for order, wanted in enumerate(derivatives, start=1):
            reverse = ad.grad(f)(x)
            f = ad.derivative(f)
            np.testing.assert_allclose(f(x), wanted, rtol=1e-11, atol=1e-11, err_msg=f"{order}")
            np.testing.assert_allclose(reverse, wanted, rtol=1e-11, atol=1e-11, err_msg=f"{order}")


@pytest.mark.parametrize("function", [np.nanmax, np.nanmean, np.nanvar, np.nanmedian])
def test_what_numpy_warns_of_is_warned_of_once_and_gives_the_same(function):
    x = np.array([[1.0, 2.0], [NAN, NAN]])
    with pytest.warns(RuntimeWarning):
        wanted = function(x, axis=1)
    with pytest.warns(RuntimeWarning) as caught:
        value, pullback = ad.vjp(lambda x: function(x, axis=1), x)
    assert len({str(warning.message) for warning in caught}) == 1
    np.testing.assert_array_equal(value, wanted)
    gradient = pullback(np.array([1.0, 0.0]))[0]
    np.testing.assert_allclose(gradient[0].sum(), 0.0 if function is np.nanvar else 1.0)


def test_a_long_array_of_single_traced_values_warns_once():
    x = np.ones(200)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradient = ad.grad(lambda x: np.sum(np.array([t * t for t in x]) * x))(x)
    np.testing.assert_array_equal(gradient, np.full(200, 3.0))
    assert [warning.category for warning in caught] == [PerformanceWarning]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ad.grad(lambda x: np.sum(np.array([x[0], x[1]]) * x[:2]))(x)


def test_an_order_beyond_the_second_is_exact_where_there_is_a_formula():
    f, x = np.i0, 1.3
    values = [f(x)]
    for _ in range(4):
        f = ad.derivative(f)
        values.append(f(x))
    # I₀ solves x y″ + y′ = x y; its derivative twice over.
    y, y1, y2, y3, y4 = values
    assert x * y2 + y1 == pytest.approx(x * y, rel=1e-14)
    assert x * y4 + 3 * y3 == pytest.approx(x * y2 + 2 * y1, rel=1e-13)
