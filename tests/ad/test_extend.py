"""Primitives of one's own."""

import math

import numpy as np
import pytest

from optkit import ad, gradcheck
from optkit.ad import extend
from optkit.errors import InvalidInputError

X = np.array([0.4, 1.3, 2.0])


def check(f, *args):
    assert gradcheck(lambda *a: np.sum(np.sin(f(*a))), *args, order=2).ok
    assert gradcheck(lambda *a: np.sum(np.sin(f(*a))), *args, argnums=tuple(range(len(args)))).ok


def test_elementwise_in_one_line():
    outside = extend.elementwise(np.vectorize(math.asinh), lambda y, x: 1 / np.cosh(y))
    np.testing.assert_array_equal(outside(X), np.arcsinh(X))
    check(outside, X)
    assert ad.derivative(outside)(0.0) == 1.0


def test_elementwise_of_three_operands_broadcasts():
    fused = extend.elementwise(
        lambda a, b, c: a * b + c, lambda y, a, b, c: b, lambda y, a, b, c: a, 1
    )
    check(fused, X, np.float64(2.0), np.ones((2, 1)))
    blocks = ad.jacobian(fused, (0, 1, 2))(X, 2.0, np.ones((2, 1)))
    assert [block.shape for block in blocks] == [(2, 3, 3), (2, 3), (2, 3, 2, 1)]


def test_several_results():
    polar = extend.elementwise(
        lambda x: (np.cos(x), np.sin(x)), lambda y, x: (-y[1], y[0]), several=True
    )
    check(lambda x: polar(x)[0] * polar(x)[1], X)
    check(lambda x: polar(x)[1], X)


def test_linear():
    H = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    blur = extend.linear(lambda x: H @ x, lambda ct, x: H.T @ ct)
    check(blur, X)
    np.testing.assert_array_equal(ad.jacobian(blur)(X), H)
    product = extend.linear(
        lambda a, b: np.dot(a, b), lambda ct, a, b: ct * b, lambda ct, a, b: ct * a, each=True
    )
    check(product, X, X[::-1].copy())


def test_nonlinear():
    def rule(tangents, y, a):
        return -y @ tangents[0] @ y

    inverse = extend.nonlinear(
        lambda a: np.linalg.inv(a), jvp=rule, vjp=lambda ct, y, a: -y.mT @ ct @ y.mT
    )
    check(inverse, np.array([[2.0, 0.3], [0.1, 1.0]]))


def test_constant_gets_plain_values():
    seen = []

    def bins(x):
        seen.append(type(x))
        return np.searchsorted([0.0, 1.0], x)

    f = extend.constant(bins)
    np.testing.assert_array_equal(ad.jacobian(lambda x: x * f(x))(X), np.diag([1.0, 2.0, 2.0]))
    assert set(seen) == {np.ndarray}


def test_composite_of_a_foreign_ufunc():
    foreign = np.frompyfunc(lambda x: x * x, 1, 1)

    @extend.composite(foreign)
    def _(x):
        return np.square(x)

    np.testing.assert_array_equal(ad.jacobian(lambda x: foreign(x))(X), np.diag(2 * X))


def test_a_wrong_rule_is_found_by_gradcheck():
    wrong = extend.elementwise(lambda x: np.sin(x), lambda y, x: -np.cos(x))
    assert not gradcheck(lambda x: np.sum(wrong(x)), X, raise_on_failure=False).ok


def test_mistakes_are_named():
    import scipy.special

    with pytest.raises(InvalidInputError, match="2 operands, but 1 rules"):
        extend.elementwise(lambda a, b: a * b, lambda y, a, b: b)
    with pytest.raises(InvalidInputError, match="sin has a rule already"):
        extend.elementwise(np.sin, lambda y, x: np.cos(x))
    with pytest.raises(InvalidInputError, match="gamma has a rule already"):
        extend.elementwise(scipy.special.gamma, lambda y, x: y)
    with pytest.raises(InvalidInputError, match="must be the function"):
        extend.constant(3.0)
