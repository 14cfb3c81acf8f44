"""Formulas of recorded functions: their values, their derivatives, their source."""

import importlib.util
import math
import sys

import numpy as np
import pytest

from optkit import ad
from optkit.errors import InvalidInputError, NotDifferentiableError
from optkit.testing.cases import elementwise, index, products, reduce, shape

# Of each family the largest that is not too large.
FAMILIES = {
    case.family: case
    for module in (elementwise, reduce, shape, index, products)
    for case in module.cases()
    if all(0 < np.prod(shape) <= 6 or shape in ((2, 2), (3, 3)) for shape in case.shapes)
}
# What is complex on the way, or has no formula in SymPy.
WITHOUT = {
    "absolute complex", "angle", "angle degrees", "angle real", "emath.arccos", "emath.arcsin", "emath.arctanh",
    "emath.log", "emath.log10", "emath.log2", "emath.logn", "emath.power", "emath.sqrt", "imag", "real_if_close",
    "sign complex", "fix", "frexp", "i0", "ldexp", "modf", "nan_to_num", "nan_to_num in place", "nan_to_num values",
    "sign nextafter spacing", "sinc",
}  # fmt: skip

needs_sympy = pytest.mark.skipif(
    importlib.util.find_spec("sympy") is None, reason="SymPy is not installed"
)


def run_source(formulas, *args):
    """What the source of a function and of its derivative give."""
    namespace = {}
    exec(formulas.source(), namespace)
    kind = "gradient" if len(formulas.outputs) == 1 else "jacobian"
    return namespace[formulas.name](*args), namespace[f"{formulas.name}_{kind}"](*args)


def assert_like_the_engine(f, *args):
    value, slopes = run_source(ad.symbolic(f, *args), *args)
    np.testing.assert_allclose(value, f(*args), rtol=1e-10, atol=1e-12)
    single = len(args) == 1
    wanted = ad.jacobian(f, tuple(range(len(args))))(*args)
    for found, slope in zip((slopes,) if single else slopes, wanted, strict=True):
        assert np.shape(found) == np.shape(slope)
        np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-12)


@needs_sympy
def test_the_textbook_example():
    def f(x1, x2):
        return np.log(x1) + x1 * x2 - np.sin(x2)

    import sympy

    formulas = ad.symbolic(f, 2.0, 5.0)
    x1, x2 = formulas.variables
    assert formulas.value == sympy.log(x1) + x1 * x2 - sympy.sin(x2)
    assert formulas.gradient == [x2 + 1 / x1, x1 - sympy.cos(x2)]
    assert formulas.hessian == sympy.Matrix([[-1 / x1**2, 1], [1, sympy.sin(x2)]])
    assert formulas.jacobian.subs({x1: 2.0, x2: 5.0})[1] == pytest.approx(2.0 - np.cos(5.0))
    assert r"\log{\left(x_{1} \right)}" in formulas._repr_latex_()
    assert_like_the_engine(f, 2.0, 5.0)


@needs_sympy
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_of_functions(family):
    case = FAMILIES[family]
    x = case.arguments()
    if family in WITHOUT:
        with pytest.raises(NotDifferentiableError, match="no counterpart"):
            ad.symbolic(case.function, *x)
        return
    if sum(a.size for a in x) > 24:
        with pytest.raises(InvalidInputError, match="variables are more than"):
            ad.symbolic(case.function, *x)
        return
    formulas = ad.symbolic(case.function, *x)
    at = dict(
        zip(formulas.variables, np.concatenate([np.ravel(a) for a in x]).tolist(), strict=True)
    )
    values = [float(y.subs(at)) for y in formulas.outputs]
    np.testing.assert_allclose(values, np.ravel(case.function(*x)), rtol=1e-10, atol=1e-12)
    if len(values) * len(at) <= 60:
        assert_like_the_engine(case.function, *x)


@needs_sympy
def test_case_distinctions_of_numpy_are_formulas():
    def f(x):
        return np.where((x > 1) | (x < -1), np.sqrt(np.abs(x)), x**2) + (x > 0) * x

    formulas = ad.symbolic(f, np.array([2.0, 0.3]))
    assert formulas.conditions == ()
    namespace = {}
    exec(formulas.source(), namespace)
    for x in ([2.0, -0.5], [-3.0, 0.2], [0.5, -2.0]):
        np.testing.assert_allclose(namespace["f"](x), f(np.array(x)), rtol=1e-14)
        np.testing.assert_allclose(
            namespace["f_jacobian"](x), ad.jacobian(f)(np.array(x)), rtol=1e-14
        )


@needs_sympy
def test_branches_of_python_are_conditions():
    def f(x):
        y = x[0] if x[0] > 1.0 else x[0] ** 2
        return y * np.sum(x[x > 0.5]) + np.array([1.0, 2.0])[x < 0.0].sum()

    import sympy

    formulas = ad.symbolic(f, np.array([0.25, 2.0]))
    x0, x1 = formulas.variables
    half = sympy.Rational(1, 2)
    assert formulas.value == x0**2 * x1
    assert dict(formulas.conditions) == {
        x0 > 1: False,
        x0 > half: False,
        x1 > half: True,
        x0 < 0: False,
        x1 < 0: False,
    }
    assert "where not (x_0 > 1)" in str(formulas)


@needs_sympy
@pytest.mark.parametrize(
    ("f", "x", "value", "fixed"),
    [
        (lambda x: x ** int(x), 2.5, "x**2", ("int x = 2",)),
        (lambda x: x * math.floor(x) + x * round(x), 2.5, "4*x", ("floor x = 2", "round x = 2")),
        (
            lambda x: np.sort(x)[0],
            np.array([2.0, 1.0]),
            "x_1",
            ("argsort(x, −1, stable) = [1, 0]",),
        ),
        (lambda x: x[np.argmax(x)], np.array([1.0, 2.0]), "x_1", ("argmax x = 1",)),
        (
            lambda x: np.count_nonzero(x > 1) * x[0],
            np.array([1.0, 2.0]),
            "x_0",
            ("count_nonzero(x > 1) = 1",),
        ),
        (
            lambda x: x.astype(int)[0] * x[0],
            np.array([2.5]),
            "2*x_0",
            ("astype(x, dtype=int64) = [2]",),
        ),
    ],
)
def test_integers_that_are_built_in_are_named(f, x, value, fixed):
    """Else a formula would be taken for the function where it is one of its pieces."""
    formulas = ad.symbolic(f, x)
    assert str(formulas.value) == value
    assert formulas.fixed == fixed
    assert all(f"where {text}" in str(formulas) for text in fixed)


@needs_sympy
def test_a_number_that_is_asked_whether_it_is_zero_and_conditions_of_many():
    formulas = ad.symbolic(lambda x: 1.0 if x else 2.0 * x, 3.0)
    assert [(str(c), holds) for c, holds in formulas.conditions] == [("Ne(x, 0)", True)]
    formulas = ad.symbolic(
        lambda x: x[0] if np.all(x > 1.0) or np.any(x < 0.0) else x[1], np.array([0.5, 2.0])
    )
    assert str(formulas.value) == "x_1"
    assert [str(c) for c, _ in formulas.conditions] == [
        "(x_0 > 1) & (x_1 > 1)",
        "(x_0 < 0) | (x_1 < 0)",
    ]
    inner = ad.symbolic(lambda x: ad.grad(lambda t: t**3 if t > 1.0 else t)(x), 2.0)
    assert str(inner.value) == "3*x**2"
    assert [str(c) for c, _ in inner.conditions] == ["x > 1"]


@needs_sympy
def test_the_slope_of_a_step_is_zero_and_ties_share():
    def f(x):
        return np.sign(x) * x**2 + np.floor(x) * x + x % 3.0 + np.maximum(x, 1.0) + np.abs(x) ** 3

    for x in (1.7, -2.2, 1.0):
        assert_like_the_engine(f, x)
    assert ad.symbolic(np.floor, 0.5).gradient == [0]
    assert ad.symbolic(lambda x: abs(x) * x, 0.5).hessian[0] == 2 * np.sign(0.5) or "sign" in str(
        ad.symbolic(lambda x: abs(x) * x, 0.5).hessian[0]
    )


@needs_sympy
def test_constants_are_exact_or_to_the_last_digit():
    assert str(ad.symbolic(lambda x: 0.25 * x * np.pi + 3.0, 1.0).value) == "pi*x/4 + 3"
    x = 1.2345
    third = 1.0 / 3.0
    value, slope = run_source(ad.symbolic(lambda x: third * x, x), x)
    assert (value, slope) == (third * x, third)


@needs_sympy
def test_containers_constants_and_names():
    def model(p, scale):
        return p["a"] * np.exp(-p["b"][0]) * scale

    p = {"a": 2.0, "b": [1.0]}
    formulas = ad.symbolic(model, p, 3.0, argnums=0)
    assert [str(x) for x in formulas.variables] == ["p_a", "p_b_0"]
    assert str(formulas.value) == "3*p_a*exp(-p_b_0)"
    two = ad.symbolic(lambda x: {"u": x, "v": x**2}, 1.0)
    assert [str(y) for y in two.value] == ["x", "x**2"]
    assert two.jacobian.tolist() == [[1], [2 * two.variables[0]]]


@needs_sympy
@pytest.mark.parametrize(
    ("f", "args", "error", "says"),
    [
        (np.linalg.cholesky, (np.eye(2),), NotDifferentiableError, "cholesky has no counterpart"),
        (np.sum, (np.ones(30),), InvalidInputError, "30 variables are more than 24"),
        (np.sum, (np.ones(0),), InvalidInputError, "no variables"),
        (np.sin, (1.0 + 2.0j,), InvalidInputError, "must be real"),
    ],
)
def test_what_has_no_formula_is_refused(f, args, error, says):
    with pytest.raises(error, match=says):
        ad.symbolic(f, *args)


@needs_sympy
def test_a_formula_that_explodes_is_refused_before_it_does():
    def f(x):
        for _ in range(20):
            x = np.sin(x) * x
        return x

    with pytest.raises(InvalidInputError, match="written out, the formula has 2.1e"):
        ad.symbolic(f, 1.0)


@needs_sympy
def test_several_values_have_no_gradient():
    formulas = ad.symbolic(np.sin, np.ones(2))
    with pytest.raises(InvalidInputError, match="2 values; see jacobian"):
        _ = formulas.gradient


def test_without_sympy_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match="pip install sympy"):
        ad.symbolic(np.sin, 1.0)
