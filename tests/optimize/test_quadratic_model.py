"""The trust-region subproblems against their definition, the hard case included; modified Cholesky; pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.optimize import DoglegPath, MoreSorensen, Pairs, QuadraticModel, SteihaugToint
from optkit.optimize.newton import modified_cholesky, newton_direction

SEEDS = st.integers(0, 10_000)


def random_model(seed, n=None, *, convex=False, scaled=True):
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(1, 7))
    root = rng.standard_normal((n, n))
    hessian = root @ root.T + 0.1 * np.eye(n) if convex else root + root.T
    scale = 10.0 ** rng.uniform(-2, 2, n) if scaled else np.ones(n)
    return QuadraticModel.of(rng.standard_normal(n), hessian, scale), float(
        10.0 ** rng.uniform(-2, 2)
    )


@given(SEEDS)
def test_more_and_sorensens_conditions_hold(seed):
    """(H̃ + λI) q = −g̃ with λ ≥ 0, H̃ + λI positive semidefinite and λ (Δ − ‖q‖) = 0: the global minimum."""
    model, radius = random_model(seed)
    found = MoreSorensen(tolerance=1e-10).solve(model, radius)
    q = found.step * model.scale
    scaled = model.hessian / np.outer(model.scale, model.scale)
    slopes = model.grad / model.scale
    assert np.linalg.norm(q) <= radius * (1.0 + 1e-8)
    assert found.predicted == pytest.approx(
        -(slopes @ q) - 0.5 * q @ scaled @ q, rel=1e-9, abs=1e-12
    )
    shift = -float(q @ (scaled @ q + slopes)) / float(q @ q)
    size = max(np.abs(np.linalg.eigvalsh(scaled)).max(), 1.0)
    assert shift >= -1e-7 * size
    assert np.linalg.eigvalsh(scaled)[0] + shift >= -1e-6 * size
    residual = scaled @ q + shift * q + slopes
    assert np.linalg.norm(residual) <= 1e-6 * (size * np.linalg.norm(q) + np.linalg.norm(slopes))
    if found.on_boundary:
        assert np.linalg.norm(q) == pytest.approx(radius, rel=1e-8)
    else:
        assert abs(shift) <= 1e-7 * size


@pytest.mark.parametrize("radius", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("grad", [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1e-18, 1.0, -2.0]])
def test_the_hard_case(grad, radius):
    """The gradient has no part along the eigenvector of the least, negative, eigenvalue."""
    hessian = np.diag([-2.0, 1.0, 3.0])
    model = QuadraticModel.of(np.array(grad), hessian, np.ones(3))
    found = MoreSorensen(tolerance=1e-12).solve(model, radius)
    assert found.length == pytest.approx(radius, rel=1e-9)
    angles = np.random.default_rng(0).standard_normal((20_000, 3))
    sphere = radius * angles / np.linalg.norm(angles, axis=1)[:, None]
    values = sphere @ np.array(grad) + 0.5 * np.einsum("ij,jk,ik->i", sphere, hessian, sphere)
    assert -found.predicted <= values.min() + 1e-12
    rest = np.array([0.0, -grad[1] / 3.0, -grad[2] / 5.0])
    if radius > np.linalg.norm(rest):  # truly hard: λ = 2
        np.testing.assert_allclose(found.step[1:], rest[1:], atol=1e-6)


@pytest.mark.parametrize("subproblem", [MoreSorensen(), DoglegPath()])
@given(SEEDS)
def test_every_step_decreases_the_model_as_much_as_the_cauchy_point(subproblem, seed):
    model, radius = random_model(seed)
    found = subproblem.solve(model, radius)
    slopes = model.grad / model.scale
    scaled = model.hessian / np.outer(model.scale, model.scale)
    steepness, bend = np.linalg.norm(slopes), slopes @ scaled @ slopes
    t = radius / steepness if bend <= 0.0 else min(radius / steepness, steepness**2 / bend)
    assert found.predicted >= (t * steepness**2 - 0.5 * t**2 * bend) * (1.0 - 2e-3)
    assert found.length <= radius * (1.0 + 2e-3)


@given(SEEDS)
def test_steihaug_and_toint(seed):
    model, radius = random_model(seed, scaled=False)
    hessian, grad = model.hessian, model.grad
    found = SteihaugToint().solve(grad, lambda v: hessian @ v, radius, 1e-12)
    assert np.linalg.norm(found.step) <= radius * (1.0 + 1e-10)
    assert found.predicted == pytest.approx(
        -grad @ found.step - 0.5 * found.step @ hessian @ found.step, rel=1e-8, abs=1e-12
    )
    exact = MoreSorensen().solve(model, radius)
    assert found.predicted <= exact.predicted * (1.0 + 1e-2) + 1e-12
    if model.factor is not None:  # half of the best, at least (Y. Yuan 2000)
        assert found.predicted >= 0.49 * exact.predicted


@given(SEEDS)
def test_modified_cholesky_is_a_factorisation_of_a_matrix_nearby(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    root = rng.standard_normal((n, n))
    for matrix in (root + root.T, root @ root.T + np.eye(n)):
        lower, pivots, order = modified_cholesky(matrix)
        assert (pivots > 0.0).all()
        change = lower * pivots @ lower.T - matrix[np.ix_(order, order)]
        np.testing.assert_allclose(change, np.diag(np.diag(change)), atol=1e-10)
        assert np.diag(change).min() >= -1e-10
        if np.linalg.eigvalsh(matrix)[0] > 0.5:
            np.testing.assert_allclose(change, 0.0, atol=1e-10)
    grad = rng.standard_normal(n)
    assert grad @ newton_direction(root + root.T, grad) < 0.0


def dense_bfgs(pairs):
    """H made by the update formula, from the identity times γ."""
    n = pairs.s.shape[1]
    inverse = pairs.gamma * np.eye(n)
    for s, y in zip(pairs.s, pairs.y, strict=True):
        rho, eye = 1.0 / (s @ y), np.eye(n)
        inverse = (eye - rho * np.outer(s, y)) @ inverse @ (eye - rho * np.outer(y, s))
        inverse += rho * np.outer(s, s)
    return inverse


@given(SEEDS, st.integers(1, 5), st.integers(0, 30))
def test_the_compact_forms_are_the_bfgs_matrix(seed, memory, count):
    rng = np.random.default_rng(seed)
    n = 6
    root = rng.standard_normal((n, n))
    hessian = root @ root.T + np.eye(n)
    pairs = Pairs.none(memory, n)
    older = []
    for _ in range(count):
        s = rng.standard_normal(n)
        pairs = pairs.with_pair(s, hessian @ s)
        older.append((pairs, pairs.s.copy(), pairs.y.copy()))
    assert len(pairs) == min(memory, count)
    v = rng.standard_normal(n)
    np.testing.assert_allclose(pairs.inverse_times(v), dense_bfgs(pairs) @ v, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(pairs.times(pairs.inverse_times(v)), v, rtol=1e-6, atol=1e-8)
    for state, s, y in older:  # what is written later does not change what was known before
        np.testing.assert_array_equal(state.s, s)
        np.testing.assert_array_equal(state.y, y)


def test_two_futures_of_one_memory_do_not_disturb_each_other():
    eye = np.eye(3)
    past = Pairs.none(3, 3).with_pair(eye[0], eye[0])
    one, other = past.with_pair(eye[1], 2.0 * eye[1]), past.with_pair(eye[2], 3.0 * eye[2])
    np.testing.assert_array_equal(one.s, eye[:2])
    np.testing.assert_array_equal(other.s, eye[[0, 2]])
