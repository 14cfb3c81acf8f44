"""Rules on complex numbers, holomorphic or not: values, tangents in complex directions, and their transposes.

A map J of complex numbers that is linear over the reals has the transpose p ↦ uᵀJ with Re Σ u Jv = Re Σ p v, in which
nothing is conjugated.
"""

import numpy as np
import pytest

from optkit import ad

H = np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])

# Function, shapes of its operands.
ROWS = {
    "cov": (lambda x: np.cov(x), ((2, 4),)),
    "corrcoef": (lambda x: np.corrcoef(x), ((2, 4),)),
    "vecdot": (np.vecdot, ((2, 3), (3,))),
    "vecmat": (np.vecmat, ((3,), (3, 2))),
    "correlate": (lambda a, v: np.correlate(a, v, "full"), ((3,), (2,))),
    "correlate s": (lambda a, v: np.correlate(a, v, "same"), ((2,), (3,))),
    "var": (lambda x: np.var(x, axis=1), ((2, 3),)),
    "std": (np.std, ((3,),)),
    "nanvar": (lambda x: np.nanvar(x + H, axis=1), ((2, 3),)),
    "nanmean": (lambda x: np.nanmean(x + H, axis=0), ((2, 3),)),
    "nansum": (lambda x: np.nansum(x + H, axis=0), ((2, 3),)),
    "nanprod": (lambda x: np.nanprod(x + H), ((2, 3),)),
    "nancumprod": (lambda x: np.nancumprod(x + H), ((2, 3),)),
    "sort": (np.sort, ((4,),)),
    "sort_complex": (np.sort_complex, ((4,),)),
    "unique": (np.unique, ((4,),)),
    "interp": (lambda f: np.interp([0.2, 1.4, 2.0, 5], [0, 1, 2], f), ((3,),)),
    "average": (lambda x, w: np.average(x, weights=w * 1), ((3,), (3,))),
    "angle": (np.angle, ((3,),)),
    "abs": (np.abs, ((3,),)),
    "sign": (np.sign, ((3,),)),
    "nan_to_num": (np.nan_to_num, ((3,),)),
    "real_if_close": (np.real_if_close, ((3,),)),
    "ptp": (np.ptp, ((3,),)),
    "prod": (np.prod, ((3,),)),
    "cumprod": (np.cumprod, ((3,),)),
    "median c": (np.median, ((3,),)),
    "median c4": (np.median, ((4,),)),
    "pad": (lambda x: np.pad(x, 2, "reflect", reflect_type="odd"), ((4,),)),
    "pad mean": (lambda x: np.pad(x, 2, "mean"), ((4,),)),
    "pad ramp": (lambda x: np.pad(x, 2, "linear_ramp"), ((4,),)),
    "pad max": (lambda x: np.pad(x, 2, "maximum"), ((4,),)),
    "roots": (np.roots, ((4,),)),
    "poly": (np.poly, ((3,),)),
    "polyval": (np.polyval, ((3,), (2,))),
    "polydiv": (lambda u, v: np.polydiv(u, v)[0], ((4,), (2,))),
    "vander": (np.vander, ((3,),)),
    "geomspace": (lambda a, b: np.geomspace(a, b, 4), ((), ())),
    "logspace": (lambda a, b: np.logspace(a, b, 4), ((), ())),
    "gradient": (np.gradient, ((4,),)),
    "trapz": (np.trapezoid, ((4,),)),
    "unwrap of angle": (lambda x: np.unwrap(np.angle(x)), ((4,),)),
    "histogram w": (lambda w: np.histogram([0.1, 0.2, 0.6], 2, weights=w)[0], ((3,),)),
    "bincount real": (lambda w: np.bincount([0, 1, 1], np.real(w)), ((3,),)),
    "insert": (lambda x: np.insert(x, 1, x[0] * 2), ((3,),)),
    "put": (lambda x: (lambda y: (np.put(y, [0], x[1]), y)[1])(x * 1), ((3,),)),
    "max acc": (lambda x: np.maximum.accumulate(x), ((4,),)),
    "norm": (np.linalg.norm, ((3,),)),
    "sinc": (np.sinc, ((3,),)),
    "convolve": (np.convolve, ((3,), (2,))),
    "inner": (np.inner, ((3,), (3,))),
    "vdot": (np.vdot, ((3,), (3,))),
    "kron": (np.kron, ((2,), (2,))),
    "cross": (np.cross, ((3,), (3,))),
    "mean": (np.mean, ((3,),)),
    "logaddexp": (lambda x: np.log(np.exp(x) + 1), ((3,),)),
    "float_power": (lambda x: np.float_power(x, 1.5), ((3,),)),
    "power": (lambda x, p: x**p, ((3,), (3,))),
    "rint": (np.rint, ((3,),)),
    "round": (lambda x: x * np.round(x, 1), ((3,),)),
    "diag": (np.diag, ((3,),)),
    "where": (lambda x: np.where(x.real > 0, x, x.conj()), ((4,),)),
    "minimum": (lambda x, y: np.minimum(x, y), ((3,), (3,))),
    "clip": (lambda x: np.clip(x, -1, 1), ((3,),)),
    "emath": (lambda x: np.emath.sqrt(x), ((3,),)),
    "sum": (lambda x: np.sum(x * x.conj()).real, ((3,),)),
    "hypot": (lambda x: np.hypot(x.real, x.imag), ((3,),)),
}


def sample(random, shape):
    parts = random.uniform(0.3, 1.5, (2, *shape)) * random.choice([-1.0, 1.0], (2, *shape))
    return (parts[0] + 1j * parts[1])[()]


@pytest.mark.parametrize("name", ROWS)
def test_complex_numbers(name):
    function, shapes = ROWS[name]
    random = np.random.default_rng(sum(map(ord, name)))
    x, v = (tuple(sample(random, shape) for shape in shapes) for _ in range(2))
    wanted = np.asarray(function(*x))

    value, slope = ad.jvp(function, x, v)
    _, pullback = ad.vjp(function, *x)
    u = sample(random, wanted.shape)
    u = u if np.iscomplexobj(wanted) else np.real(u)
    pulled = pullback(u)

    assert value.dtype == wanted.dtype
    np.testing.assert_allclose(value, wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(
        np.real(np.sum(u * slope)),
        np.real(sum(np.sum(p * d) for p, d in zip(pulled, v, strict=True))),
        rtol=1e-12,
        atol=1e-12,
    )
    along = [
        np.asarray(function(*(a + h * d for a, d in zip(x, v, strict=True))))
        for h in (1e-5, -1e-5, 2e-5, -2e-5)
    ]
    difference = (8 * (along[0] - along[1]) - (along[2] - along[3])) / 12e-5
    np.testing.assert_allclose(slope, difference, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "function",
    [np.arcsin, np.arccos, np.arcsinh, np.arccosh, np.arctanh, np.arctan, np.sqrt, np.log],
)
@pytest.mark.parametrize("z", [2 + 0j, -2 + 0j, 2j, -2j, complex(2, -0.0), complex(-2, -0.0)])
def test_on_a_branch_cut_the_slope_is_that_of_the_side_of_the_value(function, z):
    slope = ad.jvp(function, (np.array([z]),), (np.array([1.0 + 0j]),))[1][0]
    sides = []
    for direction in (1, -1, 1j, -1j):
        h = 1e-6 * direction
        value, near, far = function(np.array([z, z + h, z + 2 * h]))
        sides.append((4 * (near - value) - (far - value)) / (2 * h))
    assert min(abs(slope - side) for side in sides) < 1e-6 * (1 + abs(slope))
