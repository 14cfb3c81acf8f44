"""Rules under random shapes, axes, index expressions, subscripts and programs."""

import string

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optkit import ad

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
SEEDS = st.integers(0, 2**16)


def sample(seed, *shapes):
    """Numbers between 0.5 and 2, with a random sign."""
    random = np.random.default_rng(seed)
    return tuple(
        random.uniform(0.5, 2.0, shape) * random.choice([-1.0, 1.0], shape) for shape in shapes
    )


def assert_proven(function, x, seed=0, tolerance=1e-12):
    """Tangent = complex step, ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, and forward = reverse Jacobian."""
    value = function(*x)
    u, *v = sample(seed + 1, np.shape(value), *(a.shape for a in x))
    step = np.imag(function(*(a + 1e-30j * d for a, d in zip(x, v, strict=True)))) / 1e-30
    found, slope = ad.jvp(function, x, tuple(v))
    _, pullback = ad.vjp(function, *x)
    scale = 1.0 + np.max(np.abs(step), initial=0.0)
    np.testing.assert_allclose(found, value, rtol=1e-13, atol=1e-13 * scale)
    np.testing.assert_allclose(slope, step, rtol=0, atol=tolerance * scale)
    pulled = sum(np.sum(p * d) for p, d in zip(pullback(u), v, strict=True))
    np.testing.assert_allclose(pulled, np.sum(u * slope), rtol=0, atol=tolerance * 10 * scale)
    every = tuple(range(len(x)))
    forward, reverse = (
        ad.jacobian(function, every, mode=mode)(*x) for mode in ("forward", "reverse")
    )
    for a, b in zip(forward, reverse, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(
            a, b, rtol=0, atol=tolerance * (1.0 + np.max(np.abs(b), initial=0.0))
        )


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), seed=SEEDS)
def test_broadcasting(shapes, seed):
    x = sample(seed, *shapes.input_shapes)
    assert_proven(lambda a, b, c: a * b + c / a - b**3, x, seed)
    assert_proven(lambda a, b, c: np.where(np.real(a) > 0, a * b, np.sin(c)), x, seed)


@given(st.data(), SHAPES, st.booleans(), SEEDS)
def test_reductions_along_any_axes(data, shape, keepdims, seed):
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    (x,) = sample(seed, shape)
    assert_proven(lambda x: np.sum(x * x, axis=axis, keepdims=keepdims), (x,), seed)
    assert_proven(lambda x: np.prod(x, axis=axis, keepdims=keepdims), (x,), seed)
    reduced = x.shape if axis is None else [x.shape[i] for i in axis]
    if 0 not in reduced:
        assert_proven(lambda x: np.mean(x, axis=axis, keepdims=keepdims) ** 2, (x,), seed)
        assert_proven(lambda x: np.max(x, axis=axis, keepdims=keepdims), (x,), seed)
        assert_proven(lambda x: x - np.min(x, axis=axis, keepdims=True), (x,), seed)


def indices(shape):
    """Index expressions of every kind: basic, integer arrays, masks, and tuples that mix them."""
    part = st.one_of(
        st.slices(4), st.just(...), st.none(), st.integers(-2, 1), st.lists(st.integers(-2, 1), min_size=2, max_size=2),
        hnp.arrays(np.int64, (2, 1), elements=st.integers(-2, 1)), st.booleans(),
    )  # fmt: skip
    return st.one_of(
        hnp.basic_indices(shape, allow_newaxis=True),
        hnp.integer_array_indices(shape),
        hnp.arrays(np.bool_, shape[: max(1, len(shape) - 1)]),
        st.lists(part, max_size=len(shape) + 1).map(tuple),
    )


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3), SEEDS)
def test_reading_and_writing_through_any_index(data, shape, seed):
    index = data.draw(indices(shape))
    (x,) = sample(seed, shape)
    try:
        picked = x[index]
    except IndexError:
        return
    assert_proven(lambda x: x[index] * 2, (x,), seed)

    def written(x, v):
        y = x * v[..., :1].sum()
        y[index] = v * v
        return y

    if np.ndim(picked):
        assert_proven(written, (x, *sample(seed + 2, picked.shape)), seed)


@given(st.data(), st.lists(st.text("ijk", max_size=3), min_size=1, max_size=3), SEEDS)
def test_einsum_of_any_subscripts(data, inputs, seed):
    sizes = {letter: data.draw(st.integers(1, 3)) for letter in "ijk"}
    output = "".join(data.draw(st.permutations(sorted(set("".join(inputs))))))
    output = output[: data.draw(st.integers(0, len(output)))]
    shapes = [tuple(sizes[letter] for letter in letters) for letters in inputs]
    subscripts = ",".join(inputs) + "->" + output
    assert_proven(lambda *x: np.einsum(subscripts, *x), sample(seed, *shapes), seed)
    assert not set(subscripts) - set(string.ascii_letters + ",->")


@given(st.data(), SHAPES, SHAPES, SEEDS)
def test_tensordot_and_matmul_of_any_ranks(data, left, right, seed):
    contracted = data.draw(st.integers(0, min(len(left), len(right))))
    right = left[len(left) - contracted :] + right[contracted:]
    assert_proven(lambda a, b: np.tensordot(a, b, contracted), sample(seed, left, right), seed)
    if left and len(right) > 0:
        n = left[-1]
        right = (*right[:-2], n, *right[-1:]) if len(right) > 1 else (n,)
        try:
            np.broadcast_shapes(left[:-2], right[:-2])
        except ValueError:
            return
        assert_proven(np.matmul, sample(seed, left, right), seed)


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3), SEEDS)
def test_axes_moved_about_in_any_way(data, shape, seed):
    axes = data.draw(st.permutations(range(len(shape))))
    negative = [i - len(shape) if data.draw(st.booleans()) else i for i in axes]
    shift = data.draw(st.integers(-4, 4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = sample(seed, shape)
    assert_proven(lambda x: np.transpose(x, negative) ** 2, x, seed)
    assert_proven(lambda x: np.roll(np.moveaxis(x, axis, 0), shift, axis) ** 2, x, seed)
    assert_proven(lambda x: np.cumsum(np.flip(x, axis), axis) * np.cumprod(x, axis), x, seed)
    assert_proven(lambda x: np.sort(np.concatenate([x, 2 * x], axis), axis)[..., 0], x, seed)
    assert_proven(lambda x: np.reshape(np.stack([x, x * x], axis), (-1,), order="F"), x, seed)


# --- random programs --------------------------------------------------------------------------------------------------

MATRIX = np.array([[0.5, -0.2, 0.1], [0.3, 0.4, -0.6], [-0.1, 0.7, 0.2]])

# Of vectors of three elements, all of them entire or analytic around the real axis, and bounded.
STEPS = (
    lambda a, b: np.sin(a + b), lambda a, b: a * np.cos(b), lambda a, b: a / (2 + b * b), lambda a, b: np.tanh(a) - b,
    lambda a, b: MATRIX @ a + b, lambda a, b: a @ MATRIX * b[0], lambda a, b: np.cumsum(a) / 3 + b[::-1],
    lambda a, b: np.where(np.real(a) > np.real(b), a, b * b / 4), lambda a, b: np.concatenate([a[1:], b[:1]]),
    lambda a, b: np.stack([a, b]).mean(axis=0), lambda a, b: a[[2, 0, 0]] * b[np.array([True, True, True])],
    lambda a, b: np.sqrt(1 + a * a) - b, lambda a, b: np.exp(-a * a) + b, lambda a, b: np.log(2 + b * b) * a.sum() / 3,
    lambda a, b: np.linalg.solve(np.eye(3) * 3 + np.outer(np.sin(a), np.cos(b)), a),
    lambda a, b: np.einsum("i,j->j", a, b) / 4,
    lambda a, b: a * np.array([a[0], b[1], b[2] / 4]), lambda a, b: _filled(a, b), lambda a, b: np.sort(a) - b.max(),
    lambda a, b: np.prod(np.sin(a)) + b, lambda a, b: np.arctan(a) ** 3 + b**2 / 4,
    lambda a, b: np.roll(a, 1) - np.flip(b),
    lambda a, b: sum(a) / 3 - b, lambda a, b: np.linalg.det(np.eye(3) + np.outer(np.tanh(a), np.tanh(b))) + a,
    lambda a, b: np.convolve(a, np.sin(b), "same") / 3, lambda a, b: np.gradient(a, 2.0) - b,
    lambda a, b: np.trapezoid(np.sin(a)) * np.cos(b),
    lambda a, b: np.pad(a, (2, 1), "reflect", reflect_type="odd")[1:4] / 3,
    lambda a, b: np.take_along_axis(a, np.argsort(np.real(b)), 0), lambda a, b: np.polyval(np.sin(a), np.tanh(b)),
    lambda a, b: np.vander(np.tanh(a)) @ b / 3, lambda a, b: np.choose([1, 0, 1], [a, b]),
    lambda a, b: np.delete(np.insert(a, 1, b[:2]), 0)[:3], lambda a, b: np.average(a, weights=1.5 + np.tanh(b) / 2) + b,
    lambda a, b: np.piecewise(a, [np.real(a) > 0], [np.sin, np.tanh]) - b, lambda a, b: np.nansum(a) / 3 - b,
    lambda a, b: np.linspace(a[0], b[1], 3), lambda a, b: np.rot90(np.outer(np.sin(a), b))[1] / 2,
    lambda a, b: np.multiply.accumulate(np.cos(a)) + b, lambda a, b: np.add.reduceat(a, [0, 2, 1]) / 2 - b,
    lambda a, b: np.sinc(a / 4) * b, lambda a, b: np.vecdot(np.ones((3, 3)), np.sin(a)) / 3 + b,
)  # fmt: skip


def _filled(a, b):
    y = np.zeros_like(a)
    y[0] = b[2]
    y[1:] = a[:2]
    y *= 0.5
    y[-1] += b[0]
    return y


def branch(then, otherwise):
    """Python's own if, on the values."""
    return lambda a, b: then(a, b) if np.real(a[0]) > np.real(b[1]) else otherwise(a, b)


def loop(step):
    """A while that ends by what it computes, and a for."""

    def run(a, b):
        turns = 0
        while np.abs(np.real(a[0])) > 0.3 and turns < 3:
            a = step(a, b) / 2
            turns += 1
        for i in range(int(np.real(b[0])) % 2 + turns % 2):
            b = b + i * a / 2
        return a - b

    return run


WRITES = (
    lambda y, v: y.__setitem__(0, v[1]), lambda y, v: y.__setitem__(slice(1, None), v[:2]),
    lambda y, v: y.__setitem__([2, 0, 2], v), lambda y, v: y.__setitem__(np.array([True, False, True]), v[1:]),
    lambda y, v: y[1:].__imul__(np.sin(v[0])), lambda y, v: y[::-1].__setitem__(slice(0, 2), v[1:] * v[0]),
    lambda y, v: np.add.at(y, [0, 0, 1], np.tanh(v)), lambda y, v: np.put(y, [1], v[2]),
    lambda y, v: np.putmask(y, [False, True, True], v), lambda y, v: np.copyto(y, v, where=[True, True, False]),
    lambda y, v: y.fill(v[1]), lambda y, v: np.multiply(y, v[0] / 2, out=y), lambda y, v: y.sort(),
)  # fmt: skip


def filled(writes):
    """Fill a copy of the first vector in place, from the second one and from what is there already."""

    def run(a, b):
        y = a * 0.5
        for write, own in writes:
            write(y, y / 2 if own else b)
        return y

    return run


def steps():
    plain = st.sampled_from(STEPS)
    writes = st.lists(st.tuples(st.sampled_from(WRITES), st.booleans()), min_size=1, max_size=4)
    return st.one_of(
        plain,
        plain,
        st.builds(branch, plain, plain),
        st.builds(loop, plain),
        st.builds(filled, writes),
    )


@st.composite
def programs(draw):
    """A function of one vector that applies random steps to random earlier results and adds them all up."""
    count = draw(st.integers(1, 8))
    drawn = [
        (draw(steps()), draw(st.integers(0, i)), draw(st.integers(0, i))) for i in range(count)
    ]

    def program(x):
        values = [x]
        for step, i, j in drawn:
            values.append(step(values[i], values[j]))
        return sum(values[1:], values[0])

    return program


@given(programs(), SEEDS)
def test_random_programs_against_the_complex_step(program, seed):
    (x,) = sample(seed, (3,))
    assert_proven(program, (x,), seed, tolerance=1e-11)

    def scalar(x):
        return np.sum(np.sin(program(x)))

    (v,) = sample(seed + 5, (3,))
    gradient = ad.grad(scalar)(x)
    exact = [np.imag(scalar(x + 1e-30j * e)) / 1e-30 for e in np.eye(3)]
    scale = 1.0 + np.max(np.abs(exact))
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=1e-11 * scale)
    hessian = ad.hessian(scalar)(x)
    scale = 1.0 + np.max(np.abs(hessian))
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(ad.hvp(scalar)(x, v), hessian @ v, rtol=0, atol=1e-10 * scale)
    reverse = ad.grad(lambda x: ad.grad(scalar)(x) @ v)(x)
    np.testing.assert_allclose(reverse, hessian @ v, rtol=0, atol=1e-10 * scale)
    forward = ad.jvp(lambda x: ad.jvp(scalar, (x,), (v,))[1], (x,), (v,))[1]
    np.testing.assert_allclose(forward, v @ hessian @ v, rtol=0, atol=1e-10 * scale)
