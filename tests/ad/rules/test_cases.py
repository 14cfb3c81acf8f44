"""What must hold of every rule, over the table of cases: one function per claim."""

from functools import partial

import numpy as np
import pytest

from optkit import ad
from optkit.ad import arguments, core, dispatch, ufuncs
from optkit.ad import numpy as drop_in
from optkit.ad.rules import shape
from optkit.testing.cases import CASES, FAMILIES, extrapolated_slope, making

# Forward and reverse mode go through the same formulas in another order.
SAME = 1e-13
UNPACK = core.unpack_objects
EPSILON = np.finfo(np.float64).eps
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def assert_close(found, wanted, tolerance, what):
    """Equal shapes, and entries that differ by no more than ``tolerance`` times the largest (or 1)."""
    assert np.shape(found) == np.shape(wanted), (
        f"{what}: shape {np.shape(found)} for {np.shape(wanted)}"
    )
    scale = 1.0 + np.max(np.abs(wanted), initial=0.0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale, err_msg=what)


def jacobians(case, mode, dtype=np.float64):
    """The Jacobian with respect to each operand, as matrices side by side."""
    x = case.arguments(dtype)
    blocks = ad.jacobian(case.function, tuple(range(len(x))), mode=mode)(*x)
    size = np.size(case.function(*x))
    return np.concatenate(
        [np.reshape(block, (size, a.size)) for block, a in zip(blocks, x, strict=True)], axis=1
    )


def flat(arrays):
    return np.concatenate([np.reshape(a, -1) for a in arrays])


def wave(case):
    """A scalar function through the case that bends even where the case is linear; and a weight for each output."""
    y = case.function(*case.arguments())
    weights = np.random.default_rng(7).uniform(0.5, 1.0, np.shape(y))
    return (lambda *x: np.sum(weights * np.sin(case.function(*x)))), weights


@every_case
def test_value_is_numpys_and_inputs_stay_as_they_were(case):
    x, before = case.arguments(), case.arguments()
    wanted = np.asarray(case.function(*x))
    for value in (ad.jvp(case.function, x, case.directions())[0], ad.vjp(case.function, *x)[0]):
        assert value.shape == wanted.shape
        assert value.dtype == wanted.dtype
        scale = max(
            1.0, np.max(np.abs(wanted), initial=0.0), *(np.max(np.abs(a), initial=0.0) for a in x)
        )
        np.testing.assert_allclose(value, wanted, rtol=0, atol=case.ulps * EPSILON * scale)
    for a, b in zip(x, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_object_array_is_made_on_the_way_but_where_numpy_makes_it(monkeypatch):
    found = set()
    for module in (core, dispatch, arguments, ufuncs, shape):
        monkeypatch.setattr(
            module, "unpack_objects", lambda array: found.add(name) or UNPACK(array)
        )
    for case in CASES:
        name = case.name
        ad.jvp(case.function, case.arguments(), case.directions())
        ad.vjp(case.function, *case.arguments())
    assert found == {case.name for case in CASES if case.objects}


def dropped_in(function):
    """The same function of the drop-in namespace, where it has one of its own."""
    if isinstance(function, partial):
        return partial(dropped_in(function.func), *function.args, **function.keywords)
    name = getattr(function, "__name__", "")
    return getattr(drop_in, name) if getattr(np, name, None) is function else function


def filled(x):
    """An array of the drop-in namespace that is filled with a traced one."""
    made = drop_in.zeros(np.shape(x), np.result_type(x))
    made[...] = x
    return made


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.rpartition(".")[2])
def test_drop_in_namespace_and_arrays_filled_there(family, monkeypatch):
    for module in (family, making):
        if hasattr(module, "np"):
            monkeypatch.setattr(module, "np", drop_in)
    for case in family.cases():
        x, f = case.arguments(), dropped_in(case.function)
        wanted, pullback = ad.vjp(case.function, *x)
        u = np.random.default_rng(5).uniform(-1.0, 1.0, np.shape(wanted))
        pulled, slope = flat(pullback(u)), ad.jvp(case.function, x, case.directions())[1]
        for g in (f, lambda *x, f=f: f(*map(filled, x))):
            value, pullback = ad.vjp(g, *x)
            np.testing.assert_array_equal(value, wanted, case.name)
            assert_close(flat(pullback(u)), pulled, SAME, case.name)
            assert_close(ad.jvp(g, x, case.directions())[1], slope, SAME, case.name)


@every_case
def test_first_derivative(case):
    x, v = case.arguments(), case.directions()
    forward, reverse = jacobians(case, "forward"), jacobians(case, "reverse")
    y, slope = ad.jvp(case.function, x, v)
    _, pullback = ad.vjp(case.function, *x)
    u = np.random.default_rng(5).uniform(-1.0, 1.0, np.shape(y))
    pulled = pullback(u)

    assert_close(slope, case.slope(), case.accuracy, "tangent against the oracle")
    assert_close(reverse, forward, SAME, "reverse against forward Jacobian")
    assert_close(np.reshape(slope, -1), forward @ flat(v), SAME, "one direction against several")
    assert_close(flat(pulled), np.reshape(u, -1) @ reverse, SAME, "one sweep against the Jacobian")
    assert_close(np.sum(u * slope), np.sum(flat(pulled) * flat(v)), SAME * 10, "⟨u, Jv⟩ = ⟨Jᵀu, v⟩")
    assert [np.shape(p) for p in pulled] == [a.shape for a in x]
    twice = ad.jvp(case.function, x, tuple(2 * d for d in v))[1]
    np.testing.assert_array_equal(twice, 2 * slope, "the tangent is linear in the direction")
    np.testing.assert_array_equal(
        flat(pullback(2 * u)), 2 * flat(pulled), "so is the cotangent, and it can be repeated"
    )
    np.testing.assert_array_equal(
        ad.linearize(case.function, *x)[1](*v), slope, "linearize against jvp"
    )


# An axis counted from the end is another name for one counted from the front, which the first derivative has proven.
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "axis=-" not in case.name and "axis=(-" not in case.name],
    ids=lambda case: case.name,
)
def test_second_derivative_in_every_nesting(case):
    f, _ = wave(case)
    x, v = case.arguments(), case.directions()
    every = tuple(range(len(x)))
    gradient = ad.grad(f, every)

    def directional(*x):
        return ad.jvp(f, x, v)[1]

    forward_over_reverse = flat(ad.jvp(gradient, x, v)[1])
    reverse_over_reverse = ad.grad(
        lambda *x: sum(np.sum(g * d) for g, d in zip(gradient(*x), v, strict=True)), every
    )(*x)
    reverse_over_forward = ad.grad(directional, every)(*x)
    forward_over_forward = ad.jvp(directional, x, v)[1]
    difference = extrapolated_slope(
        lambda t: flat(gradient(*(a + t * d for a, d in zip(x, v, strict=True))))
    )

    assert_close(
        flat(gradient(*x)) @ flat(v),
        directional(*x),
        SAME * 10,
        "gradient against directional derivative",
    )
    assert_close(
        forward_over_reverse,
        difference,
        1e-8 * case.slack,
        "forward over reverse against differences of the gradient",
    )
    assert_close(
        flat(reverse_over_reverse), forward_over_reverse, SAME * 10, "reverse over reverse"
    )
    assert_close(
        flat(reverse_over_forward), forward_over_reverse, SAME * 10, "reverse over forward"
    )
    assert_close(
        forward_over_forward, flat(v) @ forward_over_reverse, SAME * 10, "forward over forward"
    )


@pytest.mark.parametrize(
    "case", [case for case in CASES if len(case.shapes) > 1], ids=lambda case: case.name
)
def test_one_operand_at_a_time(case):
    x = case.arguments()
    both = ad.jacobian(case.function, tuple(range(len(x))), mode="forward")(*x)
    for i, whole in enumerate(both):
        for mode in ("forward", "reverse"):
            alone = ad.jacobian(case.function, i, mode=mode)(*x)
            assert_close(alone, whole, SAME, f"{mode} with respect to operand {i} alone")


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.single and not case.objects],
    ids=lambda case: case.name,
)
def test_float32_stays_float32(case):
    x, v = case.arguments(np.float32), case.directions(np.float32)
    wanted = case.function(*x)
    value, slope = ad.jvp(case.function, x, v)
    assert value.dtype == slope.dtype == wanted.dtype
    traced = []

    def f(*x):
        y = case.function(*x)
        traced.append(y.dtype)
        return y

    _, pullback = ad.vjp(f, *x)
    pulled = pullback(np.ones_like(wanted))
    assert traced == [wanted.dtype]
    assert all(p.dtype == np.float32 for p in pulled)
    exact, exact_slope = ad.jvp(
        case.function, tuple(a.astype(float) for a in x), tuple(d.astype(float) for d in v)
    )
    assert_close(value, exact, 1e-5, "value")
    assert_close(slope, exact_slope, 1e-4, "tangent")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.analytic], ids=lambda case: case.name
)
def test_holomorphic_derivative(case):
    real, x = case.directions(), case.arguments()
    x = tuple(a + 0.1j * d for a, d in zip(x, real, strict=True))
    v = tuple(d[::-1] + 1j * d if d.ndim else d * (1 + 1j) for d in real)
    slope = ad.jvp(case.function, x, v)[1]
    along = extrapolated_slope(
        lambda t: np.asarray(case.function(*(a + t * d for a, d in zip(x, v, strict=True))))
    )
    assert_close(slope, along, 1e-8, "tangent against differences")
    value, pullback = ad.vjp(case.function, *x)
    u = np.random.default_rng(5).uniform(-1.0, 1.0, np.shape(value)) * (1 - 2j)
    assert_close(
        np.sum(flat(pullback(u)) * flat(v)),
        np.sum(u * slope),
        SAME * 10,
        "the transpose, without conjugation",
    )
