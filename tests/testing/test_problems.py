"""The test problems are what their names say: values, minima, residuals."""

import numpy as np
import pytest

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.testing import problems

CASES = [*problems.all_cases(), problems.rosenbrock(10), problems.quadratic(3, 1e6)]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


def test_the_minimum_is_one(case):
    assert case.fun(case.x_min) == pytest.approx(case.f_min, rel=1e-12, abs=1e-25)
    gradient, hessian = ad.grad(case.fun)(case.x_min), ad.hessian(case.fun)(case.x_min)
    # Scaled by the curvature, a gradient is a distance to the minimum.
    curvature = np.sqrt(np.diag(hessian))
    assert np.all(np.abs(gradient) <= 1e-6 * curvature)
    scaled = hessian / np.outer(curvature + 1e-300, curvature + 1e-300)
    assert np.min(np.linalg.eigvalsh(scaled)) >= -1e-10


def test_the_start_is_above_the_minimum(case):
    assert case.x0.shape == case.x_min.shape
    assert case.fun(case.x0) > case.f_min


def test_the_function_is_the_sum_of_squares_of_the_residuals(case):
    if case.residuals is None:
        assert case.name.startswith("quadratic")
    else:
        assert np.sum(case.residuals(case.x0) ** 2) == pytest.approx(case.fun(case.x0), rel=1e-13)


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (problems.rosenbrock, 24.2),
        (problems.brown_badly_scaled, 999998000002.999996),
        (problems.beale, 14.203125),
        (problems.helical_valley, 2500.0),
        (problems.powell_singular, 215.0),
        (problems.wood, 19192.0),
    ],
)
def test_the_values_at_the_start_are_the_published_ones(build, value):
    case = build()
    assert case.fun(case.x0) == pytest.approx(value, rel=1e-12)


def test_the_helical_valley_has_one_angle_all_around():
    """The angle of the definition is atan2, in turns, on −¼ … ¾."""
    residuals = problems.helical_valley().residuals
    for angle in (-0.2, 0.0, 0.2, 0.3, 0.5, 0.7):
        x = np.array([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle), 10.0 * angle])
        assert np.allclose(residuals(x), [0.0, 0.0, 10.0 * angle], atol=1e-12)


def test_rosenbrock_needs_two_variables():
    with pytest.raises(InvalidInputError, match="at least 2, got 1"):
        problems.rosenbrock(1)
