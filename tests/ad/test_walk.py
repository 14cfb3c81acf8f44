"""Ways into NumPy that are easily forgotten: other spellings, odd operands, assignments to attributes, wrong calls."""

import copy

import numpy as np
import pytest

from optkit import ad
from optkit.errors import LostDerivativeError, NotDifferentiableError
from optkit.testing import cases

X = np.array([0.3, 1.2, 0.7])
MODES = ("forward", "reverse")


def assigned(change):
    """A function that copies its argument and changes the copy."""

    def f(x):
        y = x * 1
        change(y, x)
        return y

    return f


def set_real(y, x):
    y.real = x.imag**2


def set_imag(y, x):
    y.imag *= x.real


def set_flat(y, x):
    y.flat = x[:2] ** 2


# fmt: off
# Functions whose derivative is known by extrapolated differences.
FUNCTIONS = {
    "flat": assigned(set_flat),
    "out= of a function": assigned(lambda y, x: np.cumsum(x**2, out=y)),
    "out= of a reduction": assigned(lambda y, x: np.sum(np.outer(x, x), axis=1, out=y)),
    "out= into a view": assigned(lambda y, x: np.mean(np.outer(x, x[:2]), axis=0, out=y[1:])),
    "out= of a choice": assigned(lambda y, x: np.take(x**3, [0, 0, 2], out=y)),
    "cross in the plane": lambda x: np.cross(x[:2], x[1:] ** 2),
    "cross with a plane vector": lambda x: np.cross(x**2, x[:2]),
    "trapezoid of points with more axes": lambda x: np.trapezoid([1.0, 4.0, 2.0], np.outer(x, x) + x[::-1]),
    "trapezoid of points with a length of 1": lambda x: np.trapezoid(x, np.outer([1.0, 2.0], x**2)[:, :, None][..., 0]),
    "a number as a vector": lambda x: np.cumsum(x[0], axis=-1) * np.sum(x[1] ** 2, axis=0) * np.max(x[2], axis=-1),
    "a number, taken": lambda x: np.take(x[1] ** 2, [0, 0], axis=0) + np.cumulative_sum(x[0]) + np.ptp(x[1], axis=0),
    "quantile of no rows": lambda x: np.quantile(np.outer(x, x)[:0], [[0.1, 0.5]], axis=-1),
    "copies": lambda x: copy.deepcopy(x) ** 2 + copy.copy(x),
    "vectorize with a signature": lambda x: np.vectorize(lambda r: np.sum(r**2), signature="(n)->()")(np.outer(x, x)),
    "a polynomial of its own class": lambda x: np.polynomial.Polynomial(x)(1.5) * np.polynomial.Legendre([1, 2])(x),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, np.outer(x, x), [0]),
    "clip by bounds that cross": lambda x: np.clip(x, 1.0, 0.5) * x,
}
COMPLEX = {"real": assigned(set_real), "imag": assigned(set_imag)}
# fmt: on


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [*FUNCTIONS, *COMPLEX])
def test_other_spellings(name, mode):
    def parts(x):
        z = COMPLEX[name](x * (1 + 2j))
        return np.stack([z.real, z.imag])

    f = FUNCTIONS.get(name, parts)
    v = np.array([0.9, -0.2, -0.7])
    wanted = cases.extrapolated_slope(lambda t: np.asarray(f(X + t * v)))
    np.testing.assert_allclose(ad.jacobian(f, mode=mode)(X) @ v, wanted, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ad.vjp(f, X)[0], f(X), rtol=1e-14)


@pytest.mark.parametrize("zero", [0, 0.0, False])
def test_division_by_pythons_own_zero_has_a_pole_and_no_exception(zero):
    with np.errstate(all="ignore"):
        for x in (1.0, np.array([1.0, -2.0])):
            assert np.all(ad.grad(lambda x: np.sum(x / zero))(x) == np.inf)
            assert np.all(ad.jvp(lambda x: x / zero, (x,), (np.ones_like(x),))[1] == np.inf)
        assert ad.grad(lambda x: x / -0.0)(1.0) == -np.inf


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.histogram([0.1, 0.5, 0.9], weights=x[:1]), ValueError),
        (lambda x: np.histogramdd(np.ones((3, 2)), weights=x[:1]), ValueError),
        (lambda x: np.bincount([0, 1, 1], weights=x[:1]), ValueError),
        (lambda x: np.bincount([[0, 1, 1]], weights=x[None]), ValueError),
        (lambda x: np.convolve(np.outer(x, x), x), ValueError),
        (lambda x: np.correlate(x, x[0]), ValueError),
        (lambda x: np.matvec(x, x), ValueError),
        (lambda x: np.vecmat(x, x), ValueError),
        (lambda x: np.linalg.solve(x, x), np.linalg.LinAlgError),
        (lambda x: np.linalg.cross(x[:2], x[:2]), ValueError),
        (lambda x: np.cross(x[:1], x), ValueError),
        (lambda x: np.cumsum(x[0], axis=1), ValueError),
        (lambda x: np.mean(x[0], axis=0), ValueError),
        (lambda x: np.cumsum(x, out=np.zeros_like(x[:2])), ValueError),
    ],
)  # fmt: skip
def test_a_call_that_numpy_refuses_is_refused(call, error):
    with pytest.raises(error):
        call(X)
    with pytest.raises(error):
        ad.jvp(call, (X,), (X,))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: np.stack(list(np.nditer(x))), NotDifferentiableError, "np.nditer"),
        (lambda x: np.testing.assert_allclose(x, x), NotDifferentiableError, "stop_gradient"),
        (lambda x: np.ma.log(x), NotDifferentiableError, "stop_gradient"),
        (lambda x: np.random.default_rng(0).normal(x), LostDerivativeError, "plain number"),
        (lambda x: np.sum(x, out=np.zeros(())), LostDerivativeError, "plain array"),
        (lambda x: setattr(x, "shape", (3, 1)), AttributeError, r"x\.reshape"),
        (lambda x: setattr(x, "imag", x), TypeError, "imaginary"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_with_what_to_write(call, error, message):
    for mode in MODES:
        with pytest.raises(error, match=message):
            ad.jacobian(call, mode=mode)(X)


def test_the_median_of_nothing_is_nan_with_numpys_warning():
    with pytest.warns(RuntimeWarning):
        assert np.isnan(ad.vjp(np.median, np.zeros(0))[0])
