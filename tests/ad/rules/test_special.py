"""Special functions against mpmath, in every argument, in the tails and at the corners; and nothing falls through."""

# ruff: noqa: E501 -- rows of tables

import math
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.special as sp

import optkit.ad.rules.special  # noqa: F401 -- declares the rules
from optkit import ad
from optkit.ad.registry import FUNCTIONS
from optkit.ad.rules.special_rows import ROWS, page, undeclared
from optkit.errors import NotDifferentiableError

ROOT = Path(__file__).resolve().parents[3]
mp = mpmath.mp.clone()
mp.dps = 60


def normal(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


# name: the same function of mpmath, points, relative accuracy
ORACLE = {
    "gamma": (mp.gamma, [(0.3,), (4.7,), (-1.4,), (1e-5,), (120.0,)], 1e-13),
    "gammaln": (mp.loggamma, [(0.3,), (4.7,), (1e-5,), (1e6,)], 1e-13),
    "rgamma": (mp.rgamma, [(0.3,), (4.7,), (-1.4,), (-2.0,), (0.0,)], 1e-12),
    "digamma": (mp.digamma, [(0.3,), (4.7,), (-1.4,), (1e4,)], 1e-12),
    "beta": (mp.beta, [(0.3, 4.0), (2.5, 0.1)], 1e-12),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), [(0.3, 4.0), (25.0, 30.0)], 1e-12),
    "binom": (mp.binomial, [(4.3, 2.1), (5.0, 7.0), (5.0, 2.0), (-0.5, 2.5)], 1e-11),
    "poch": (mp.rf, [(0.3, 2.1), (3.0, 2.0), (0.0, 2.5)], 1e-12),
    "zetac": (lambda s: mp.zeta(s) - 1, [(1.5,), (0.4,), (-2.5,), (-6.0,), (30.0,)], 1e-10),
    "gammainc": (
        lambda a, x: mp.gammainc(a, 0, x, regularized=True),
        [(0.01, 0.01), (0.5, 2.0), (3.0, 1e-3), (19.9, 25.0), (20.1, 15.0), (300.0, 310.0), (2.0, 40.0)],
        1e-11,
    ),
    "gammaincc": (
        lambda a, x: mp.gammainc(a, x, regularized=True), [(0.5, 2.0), (40.0, 30.0), (5.0, 80.0)], 1e-11,
    ),
    "betainc": (
        lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
        [(0.02, 0.5, 0.3), (2.0, 3.0, 0.4), (30.0, 50.0, 0.4), (0.5, 200.0, 0.01), (5.0, 2.0, 0.999)],
        1e-10,
    ),
    "erf": (mp.erf, [(0.3,), (-4.0,)], 1e-13),
    "erfc": (mp.erfc, [(0.3,), (10.0,)], 1e-13),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), [(-1.0,), (3.0,), (6.9,), (7.1,), (1e5,)], 1e-12),
    "erfi": (mp.erfi, [(0.3,), (-3.0,)], 1e-13),
    "erfinv": (mp.erfinv, [(0.3,), (-0.999,)], 1e-11),
    "dawsn": (
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), [(0.3,), (6.9,), (-7.1,), (1e3,)], 1e-11,
    ),
    "ndtr": (mp.ncdf, [(0.3,), (-20.0,)], 1e-13),
    "log_ndtr": (lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), [(0.3,), (-30.0,), (-1e4,), (8.0,)], 1e-12),
    "ndtri": (lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), [(0.3,), (1e-3,)], 1e-12),
    "owens_t": (
        lambda h, a: mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi),
        [(0.5, 1.3), (0.0, 2.0)], 1e-12,
    ),
    "exp1": (mp.e1, [(0.3,), (20.0,)], 1e-13),
    "expi": (mp.ei, [(0.3,), (-2.0,)], 1e-13),
    "spence": (lambda z: mp.polylog(2, 1 - z), [(0.3,), (1.0,), (1.001,), (1.5,)], 1e-13),
    "exprel": (lambda x: mp.expm1(x) / x if x else mp.mpf(1), [(1e-9,), (0.5,), (0.7,), (-20.0,)], 1e-13),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), [(0.3,), (40.0,), (-40.0,)], 1e-13),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), [(0.3,), (40.0,), (-700.0,)], 1e-13),
    "j0": (mp.j0, [(0.3,), (12.0,)], 1e-12),
    "j1": (mp.j1, [(0.3,), (12.0,), (0.0,)], 1e-12),
    "i0e": (lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), [(0.3,), (12.0,)], 1e-11),
    "k1": (lambda x: mp.besselk(1, x), [(0.3,), (12.0,)], 1e-12),
    "kv": (mp.besselk, [(0.5, 1.2), (2.3, 0.1), (40.3, 0.1), (1.5, 30.0)], 1e-11),
    "kve": (lambda v, z: mp.exp(z) * mp.besselk(v, z), [(0.5, 100.0)], 1e-11),
    "iv": (mp.besseli, [(0.5, 1.2), (2.3, 0.1), (5.5, 20.0)], 1e-10),
    "jv": (mp.besselj, [(0.5, 1.2), (2.3, 9.5), (30.3, 5.0), (1.5, 100.0)], 1e-10),
    "yv": (mp.bessely, [(0.5, 1.2), (2.3, 9.5), (30.3, 5.0), (1.5, 100.0)], 1e-10),
    "hyp0f1": (lambda v, z: mp.hyp0f1(v, z), [(1.5, 2.0), (0.7, -20.0), (2.0, 300.0)], 1e-9),
    "hyp1f1": (mp.hyp1f1, [(0.7, 1.5, 2.0), (0.7, 1.5, -30.0), (-2.0, 1.5, 3.0), (3.0, 2.0, 80.0)], 1e-10),
    "hyp2f1": (mp.hyp2f1, [(0.7, 0.3, 1.5, 0.5), (1.2, 2.0, 3.5, -6.0), (-2.0, 1.0, 2.0, 0.3), (1.0, 1.0, 2.5, 0.89)], 1e-10),
    "ellipk": (mp.ellipk, [(0.0,), (0.3,), (-5.0,), (0.9999,), (1e-9,)], 1e-12),
    "ellipe": (mp.ellipe, [(0.0,), (0.3,), (-5.0,), (0.9999,)], 1e-12),
    "ellipkinc": (mp.ellipf, [(0.7, 0.3), (1.2, 0.0), (5.0, 0.4), (-2.0, -1.0)], 1e-11),
    "ellipeinc": (mp.ellipe, [(0.7, 0.3), (5.0, 0.4), (-2.0, -1.0)], 1e-11),
    "elliprf": (mp.elliprf, [(1.0, 2.0, 3.0), (0.0, 1.0, 2.0), (1.0, 1.0, 1.0), (1e-4, 1.0, 1e4)], 1e-11),
    "elliprd": (mp.elliprd, [(1.0, 2.0, 3.0), (2.0, 2.0, 2.0)], 1e-11),
    "elliprg": (mp.elliprg, [(1.0, 2.0, 3.0), (2.0, 2.0, 2.0)], 1e-11),
    "elliprj": (mp.elliprj, [(1.0, 2.0, 3.0, 1.5), (2.0, 2.0, 2.0, 2.0)], 1e-11),
    "elliprc": (mp.elliprc, [(1.0, 2.0), (2.0, 2.0), (3.0, 0.5)], 1e-11),
    "agm": (mp.agm, [(1.0, 2.0), (2.0, 2.0), (1.0, 1e-3)], 1e-11),
    "stdtr": (
        lambda n, t: mp.mpf(1) / 2 + mp.sign(t) / 2 * mp.betainc(mp.mpf(1) / 2, n / 2, 0, t * t / (n + t * t), regularized=True),
        [(3.3, 1.2), (1.0, -0.4), (40.0, 3.0)], 1e-10,
    ),
    "boxcox": (lambda x, a: mp.powm1(x, a) / a if a else mp.log(x), [(2.0, 0.5), (3.0, 1e-8), (0.5, -1.5)], 1e-12),
}  # fmt: skip


def arguments():
    for name, (function, points, accuracy) in ORACLE.items():
        for point in points:
            for i in range(len(point)):
                if point[i] == 0.0 and name.startswith("ellipr"):
                    continue  # The slope at 0 is infinite.
                yield pytest.param(name, function, point, i, accuracy, id=f"{name}{point} by {i}")


def true_slope(function, point, i):
    """A central difference of a step far below the precision of float64, with 60 digits."""
    h = mp.mpf(10) ** -14 * max(abs(mp.mpf(point[i])), mp.mpf(10) ** -3)
    up, down = list(map(mp.mpf, point)), list(map(mp.mpf, point))
    up[i] += h
    down[i] -= h
    return float(mp.re((function(*up) - function(*down)) / (2 * h)))


@pytest.mark.parametrize(("name", "function", "point", "i", "accuracy"), list(arguments()))
def test_slopes_agree_with_mpmath(name, function, point, i, accuracy):
    wanted = true_slope(function, point, i)
    ufunc = getattr(sp, name)
    found = [
        ad.grad(ufunc, i)(*point),
        ad.jvp(lambda t: ufunc(*point[:i], t, *point[i + 1 :]), (point[i],), (1.0,))[1],
    ]
    for slope in found:
        assert slope == pytest.approx(wanted, rel=accuracy, abs=1e-300)


@pytest.mark.parametrize(
    ("f", "g", "point", "accuracy"),
    [
        (sp.gammainc, lambda a, x: mp.gammainc(a, 0, x, regularized=True), (1.7, 2.2), 1e-10),
        (sp.betainc, lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), (1.7, 2.2, 0.3), 1e-9),
        (sp.elliprd, mp.elliprd, (1.0, 2.0, 1.5), 1e-10),
        (sp.ellipkinc, mp.ellipf, (0.7, 0.3), 1e-10),
        (sp.xlogy, lambda x, y: x * mp.log(y), (1.5, 2.0), 1e-12),
    ],
)  # fmt: skip
def test_second_derivatives_agree_with_mpmath(f, g, point, accuracy):
    orders = [
        tuple((i == k) + (j == k) for k in range(len(point)))
        for i in range(len(point))
        for j in range(len(point))
    ]
    wanted = [float(mp.diff(g, point, order)) for order in orders]
    found = np.ravel(ad.hessian(lambda p: f(*p))(np.array(point)))
    np.testing.assert_allclose(found, wanted, rtol=accuracy)


def test_the_derivative_of_zeta_by_both_arguments():
    for s, q in ((1.5, 1.0), (2.0, 0.1), (20.0, 0.7), (3.3, 40.0)):
        by_s, by_q = ad.grad(sp.zeta, (0, 1))(s, q)
        assert by_s == pytest.approx(float(mp.diff(lambda t, q=q: mp.zeta(t, q), s)), rel=1e-12)
        assert by_q == pytest.approx(float(mp.diff(lambda t, s=s: mp.zeta(s, t), q)), rel=1e-12)
    for s in (2.5, 0.3, -1.5, -4.0):
        assert ad.derivative(sp.zeta)(s) == pytest.approx(float(mp.diff(mp.zeta, s)), rel=1e-10)


@pytest.mark.parametrize(
    ("f", "z"),
    [
        (sp.gamma, 1.2 + 0.3j), (sp.loggamma, -1.2 + 0.3j), (sp.digamma, -3.2 + 0.3j), (sp.erf, 0.5 - 1j),
        (sp.wofz, 1.0 + 0.5j), (sp.wofz, 9.0 + 3j), (sp.wofz, 1.0 - 0.5j), (sp.dawsn, 0.4 + 0.2j), (sp.erfcx, 9.0 + 1j),
        (lambda z: sp.jv(1.5, z), 1.2 + 0.3j), (lambda z: sp.kve(0.5, z), 1.2 + 0.3j), (lambda z: sp.hankel1e(2, z), 1.2 + 0.3j),
        (lambda z: sp.airy(z)[2], 1.2 + 0.3j), (lambda z: sp.hyp2f1(0.5, 0.7, 1.5, z), 0.3 + 0.3j), (sp.expi, 1.2 + 0.3j),
        (lambda z: sp.sici(z)[1], 1.2 + 0.3j), (lambda z: sp.lambertw(z, 1), 1.2 + 0.3j), (sp.wrightomega, 1.2 + 0.3j),
        (lambda z: sp.elliprf(1.0, 2.0, z), 1.2 + 0.3j), (lambda z: sp.xlogy(z, z), 1.2 + 0.3j), (sp.log_ndtr, 0.4 + 0.2j),
    ],
)  # fmt: skip
def test_complex_derivatives(f, z):
    h = 1e-3
    # Two directions, four points each: errors of the order h⁶ in a complex differentiable function.
    ring = [np.exp(2j * np.pi * k / 8) for k in range(8)]
    wanted = sum(f(z + h * r) / r for r in ring) / (8 * h)
    assert ad.jvp(f, (z,), (1.0 + 0j,))[1] == pytest.approx(wanted, rel=1e-10)
    assert ad.vjp(f, z)[1](1.0 + 0j)[0] == pytest.approx(wanted, rel=1e-10)


def test_scaled_functions_of_complex_numbers_are_refused():
    for f in (lambda z: sp.ive(1.0, z), lambda z: sp.jve(1.0, z), lambda z: sp.airye(z)[0]):
        with pytest.raises(NotDifferentiableError, match="use the unscaled ones"):
            ad.jvp(f, (1.0 + 1j,), (1.0 + 0j,))


# --- corners ----------------------------------------------------------------------------------------------------------

MODES = (lambda f: ad.grad(f), lambda f: lambda x: ad.jvp(f, (x,), (1.0,))[1])
CORNERS = {
    "xlogy(0, 0) by y": (lambda y: sp.xlogy(0.0, y), 0.0, 0.0),
    "xlogy(x, x) at 1": (lambda x: sp.xlogy(x, x), 1.0, 1.0),
    "xlogy(0, 2) by x": (lambda x: sp.xlogy(x, 2.0), 0.0, math.log(2.0)),
    "xlog1py(0, -1) by y": (lambda y: sp.xlog1py(0.0, y), -1.0, 0.0),
    "entr at 0": (sp.entr, 0.0, math.inf),
    "rel_entr(0, 1) by y": (lambda y: sp.rel_entr(0.0, y), 1.0, 0.0),
    "kl_div(0, 1) by y": (lambda y: sp.kl_div(0.0, y), 1.0, 1.0),
    "i0e at 0": (sp.i0e, 0.0, 0.0),
    "exprel at 0": (sp.exprel, 0.0, 0.5),
    "spence at 1": (sp.spence, 1.0, -1.0),
    "expit far": (sp.expit, 1000.0, 0.0),
    "log_expit far": (sp.log_expit, -1000.0, 1.0),
    "log_ndtr far": (sp.log_ndtr, 1000.0, 0.0),
    "gammainc at 0 by a": (lambda a: sp.gammainc(a, 0.0), 2.0, 0.0),
    "gammainc at infinity": (lambda a: sp.gammainc(a, math.inf), 2.0, 0.0),
    "gammainc(1, 0) by x": (lambda x: sp.gammainc(1.0, x), 0.0, 1.0),
    "gammainc(2, 0) by x": (lambda x: sp.gammainc(2.0, x), 0.0, 0.0),
    "betainc at 1 by a": (lambda a: sp.betainc(a, 2.0, 1.0), 2.0, 0.0),
    "sici at 0": (lambda x: sp.sici(x)[0], 0.0, 1.0),
    "ellipk at 0": (sp.ellipk, 0.0, math.pi / 8),
    "huber at its edge": (lambda r: sp.huber(1.0, r), 1.0, 1.0),
    "huber by delta": (lambda d: sp.huber(d, 3.0), 1.0, 2.0),
    "pseudo_huber at 0": (lambda r: sp.pseudo_huber(1.0, r), 0.0, 0.0),
    "boxcox at lambda 0": (lambda a: sp.boxcox(2.0, a), 0.0, 0.5 * math.log(2.0) ** 2),
    "voigt without sigma": (lambda x: sp.voigt_profile(x, 0.0, 1.0), 1.0, -2.0 / (math.pi * 4.0)),
    "voigt without gamma": (lambda x: sp.voigt_profile(x, 1.0, 0.0), 1.0, -math.exp(-0.5) / math.sqrt(2 * math.pi)),
    "jv of order 0 at 0": (lambda x: sp.jv(0, x), 0.0, 0.0),
    "jv of order 1 at 0": (lambda x: sp.jv(1, x), 0.0, 0.5),
    "eval_chebyt of degree 0": (lambda x: sp.eval_chebyt(0, x), 0.3, 0.0),
    "eval_chebyu at 1": (lambda x: sp.eval_chebyu(3, x), 1.0, 20.0),
    "stdtr at 0 by df": (lambda n: sp.stdtr(n, 0.0), 3.0, 0.0),
    "a step": (lambda x: x * sp.round(x), 1.3, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES, ids=("reverse", "forward"))
@pytest.mark.parametrize("corner", CORNERS)
def test_corners(corner, mode):
    f, x, wanted = CORNERS[corner]
    assert mode(f)(x) == pytest.approx(wanted, rel=1e-12)


def test_a_branch_that_is_not_taken_leaks_nothing():
    x = np.array([0.0, 1.0])
    f = lambda x: np.sum(np.where(x > 0, sp.kv(0.5, x) + sp.exp1(x), 0.0))  # noqa: E731
    for slopes in (ad.grad(f)(x), ad.jacobian(f, mode="forward")(x)):
        assert slopes[0] == 0.0
        assert np.isfinite(slopes[1])


def test_nan_goes_in_and_comes_out():
    for f in (
        sp.gamma,
        sp.erf,
        lambda x: sp.gammainc(x, 1.0),
        lambda x: sp.betainc(1.0, x, 0.5),
        sp.ellipk,
    ):
        assert np.isnan(ad.jvp(f, (math.nan,), (1.0,))[1])


# --- nothing falls through --------------------------------------------------------------------------------------------


def test_every_ufunc_is_declared():
    assert undeclared() == []


def test_most_of_them_have_derivatives():
    whole = [name for name, row in ROWS.items() if not row.refused and not row.constant]
    refused = [name for name, row in ROWS.items() if "every argument" in row.refused]
    assert len(whole) > 140
    assert sorted(refused) == sorted(
        "chndtr chndtridf chndtrinc chndtrix ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc "
        "nctdtrit pro_rad2 pro_rad2_cv obl_rad2 obl_rad2_cv".split()
    )


REFUSED = [
    (name, i)
    for name, row in ROWS.items()
    for i, argument in enumerate(row.arguments)
    if argument in row.refused and hasattr(sp, name) and isinstance(getattr(sp, name), np.ufunc)
]


@pytest.mark.parametrize(("name", "i"), REFUSED)
def test_an_argument_without_derivative_is_refused_by_name_and_only_if_traced(name, i):
    function, row = getattr(sp, name), ROWS[name]
    handler = FUNCTIONS[function]
    reason = row.refused[row.arguments[i]]
    with pytest.raises(NotDifferentiableError) as raised:
        ad.jvp(
            lambda t: handler(*[t if j == i else 1.5 for j in range(len(row.arguments))]),
            (1.5,),
            (1.0,),
        )
    text = str(raised.value)
    assert f"scipy.special.{name} " in text
    assert f"argument {row.arguments[i]}:" in text
    assert reason in text
    assert f"ad.stop_gradient({row.arguments[i]})" in text


def test_orders_of_bessel_functions_where_their_derivative_is_not_known():
    for f, message in (
        (lambda v: sp.jv(v, 1.0 + 1j), "complex arguments"),
        (lambda v: sp.iv(v, 1.0), "orders up to −1"),
    ):
        with pytest.raises(NotDifferentiableError, match=message):
            ad.jvp(f, (-1.5,), (1.0,))
    assert np.isnan(ad.jvp(lambda v: sp.jv(v, -1.0), (0.5,), (1.0,))[1])


def test_hypergeometric_series_are_refused_where_they_do_not_serve():
    with pytest.raises(NotDifferentiableError, match="z < −25"):
        ad.grad(lambda v: sp.hyp0f1(v, -40.0))(1.5)
    with pytest.raises(NotDifferentiableError, match="−9 ≤ z ≤ 0.9"):
        ad.grad(lambda a: sp.hyp2f1(a, 1.0, 2.0, 0.95))(1.5)
    assert np.isfinite(ad.grad(lambda z: sp.hyp2f1(1.5, 1.0, 2.0, z))(0.95))


def test_the_smoothness_of_a_matern_kernel_is_differentiable():
    def kernel(nu, r):
        z = np.sqrt(2.0 * nu) * r
        return 2.0 ** (1.0 - nu) / sp.gamma(nu) * z**nu * sp.kv(nu, z)

    def exact(nu, r):
        z = mp.sqrt(2 * nu) * r
        return 2 ** (1 - nu) / mp.gamma(nu) * z**nu * mp.besselk(nu, z)

    slopes = ad.grad(kernel, (0, 1))(1.5, 0.7)
    wanted = float(mp.diff(exact, (1.5, 0.7), (1, 0))), float(mp.diff(exact, (1.5, 0.7), (0, 1)))
    assert slopes == pytest.approx(wanted, rel=1e-11)


def test_the_other_argument_may_be_traced():
    assert ad.grad(lambda x: sp.jv(2.0, x))(1.5) == pytest.approx(
        float(mp.diff(lambda t: mp.besselj(2, t), 1.5))
    )
    assert ad.grad(lambda x: sp.jv(ad.stop_gradient(x), x))(2.0) == pytest.approx(
        float(mp.diff(lambda t: mp.besselj(2, t), 2.0))
    )


def test_several_results_and_directions_at_once():
    x = np.array([[0.3, 0.7], [1.2, -0.4]])
    whole = ad.jacobian(lambda x: np.stack(sp.airy(x)), mode="forward")(x)
    rows = ad.jacobian(lambda x: np.stack(sp.airy(x)), mode="reverse")(x)
    np.testing.assert_allclose(whole, rows, rtol=1e-14)
    diagonal = np.einsum("kijij->kij", whole)
    ai, aip, bi, bip = sp.airy(x)
    np.testing.assert_allclose(diagonal, [aip, x * ai, bip, x * bi], rtol=1e-14)
    sn, cn, dn, _ = sp.ellipj(0.7, 0.3)
    by_u = ad.grad(lambda u: sum(part * (k + 1.0) for k, part in enumerate(sp.ellipj(u, 0.3))))(0.7)
    assert by_u == pytest.approx(cn * dn - 2 * sn * dn - 0.9 * sn * cn + 4 * dn)


def test_the_page_of_the_documentation_says_what_the_table_says():
    """If it does not: python -c "from optkit.ad.rules import special, special_rows as r; print(r.page(), end='')"."""
    written = (ROOT / "docs" / "special.md").read_text(encoding="utf-8").splitlines()
    # Another SciPy may have fewer functions, or more.
    assert set(page().splitlines()) <= set(written)


def slope_by(ufunc, point, i):
    return ad.jvp(lambda t: ufunc(*point[:i], t, *point[i + 1 :]), (point[i],), (1.0,))[1]


@pytest.mark.parametrize(
    ("name", "point", "whole"),
    [
        ("expn", (0.7, 0.8), (0, 0.8)), ("kn", (1.9, 0.7), (1, 0.7)), ("yn", (2.5, 4.0), (2, 4.0)),
        ("bdtr", (1.3, 4.9, 0.6), (1.3, 4, 0.6)), ("bdtrc", (1.3, 4.9, 0.6), (1.3, 4, 0.6)),
        ("nbdtr", (6.0, 9.2, 0.5), (6, 9, 0.5)), ("pdtri", (-0.3, 0.25), (0, 0.25)),
    ],
)  # fmt: skip
def test_arguments_that_scipy_truncates_are_truncated_in_slopes(name, point, whole):
    ufunc = getattr(sp, name)
    i = len(point) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's, of what it truncates
        warnings.simplefilter("ignore", DeprecationWarning)
        assert ufunc(*point) == ufunc(*whole)
        assert slope_by(ufunc, point, i) == pytest.approx(slope_by(ufunc, whole, i), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("bdtrik", (0.24, 0.9, 0.6)), ("nbdtrik", (0.01, 0.34, 0.12)), ("pdtrik", (0.1, 0.08)),
        ("fdtridfd", (0.96, 0.66, 0.22)), ("stdtridf", (0.18, 10.0)), ("stdtridf", (0.875, 0.721)),
    ],
)  # fmt: skip
def test_a_bound_that_scipy_gives_for_want_of_a_solution_does_not_move(name, point):
    ufunc = getattr(sp, name)
    for i in range(len(point)):
        for moved in (0.999 * point[i], 1.001 * point[i]):
            assert ufunc(*point[:i], moved, *point[i + 1 :]) == ufunc(*point)
        assert slope_by(ufunc, point, i) == 0.0


def test_corners_of_several_arguments():
    assert ad.grad(sp.agm, (0, 1))(-1.5, -2.5) == pytest.approx(ad.grad(sp.agm, (0, 1))(1.5, 2.5))
    assert ad.grad(sp.agm, 1)(0.0, 0.5) == 0.0
    assert ad.grad(sp.gdtr, 2)(0.0, 0.3, 2.5) == 0.0
    assert ad.grad(sp.powm1, 1)(0.0, 2.0) == 0.0
    assert ad.grad(sp.hyp2f1, 3)(0.0, 24.8, 12.4, 29.2) == 0.0
    assert ad.grad(sp.elliprc, 1)(0.0, -2.7) == 0.0
    assert ad.grad(sp.bdtrc, 2)(-1, 3, 0.3) == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_parameters_of_hypergeometric_series_are_right_or_refused(seed):
    random = np.random.default_rng(seed)
    a, b, c = random.normal(size=3) * (1.0, 5.0, 20.0, 60.0)[seed % 4]
    z = random.uniform(-5.0, 0.9)
    for name, point in (("hyp1f1", (a, b, c)), ("hyp2f1", (a, b, c, z))):
        ufunc, function = getattr(sp, name), getattr(mp, name)
        for i in range(len(point) - 1):
            try:
                found = slope_by(ufunc, point, i)
            except NotDifferentiableError:
                continue
            wanted, value = true_slope(function, point, i), float(function(*point))
            assert abs(found - wanted) <= 1e-7 * (abs(wanted) + abs(value))


def test_a_series_that_cancels_is_refused():
    with pytest.raises(NotDifferentiableError, match="cancel"):
        ad.grad(sp.hyp1f1)(48.96, -6.19, -15.1)
    with pytest.raises(NotDifferentiableError, match="cancel"):
        ad.grad(sp.hyp2f1, 2)(40.0, 60.0, -20.5, 0.8)
