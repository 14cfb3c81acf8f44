"""`ad.jit` from outside: arguments, results, specialisations, audits, threads, memory."""

import dataclasses
import gc
import threading
import tracemalloc
import warnings
import weakref
from collections import namedtuple

import numpy as np
import pytest
import scipy.sparse

from optkit import ad
from optkit.ad import tree
from optkit.errors import (
    ImpureFunctionError,
    InvalidInputError,
    InvalidTypeError,
    PerformanceWarning,
)

X = np.linspace(0.5, 2.0, 5)
Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Model:
    w: object
    b: object


@pytest.fixture(params=["numpy", "llvm"])
def jit(request):
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return lambda f, **options: ad.jit(f, executor=request.param, **options)


def f(x):
    return np.sum(np.sin(x) * x**2) + 0.5 * np.sum(x[1:] * x[:-1])


def r(x):
    return np.concatenate([x[1:] ** 2 - x[:-1], np.cos(x)])


def check(compiled, plain, *calls):
    """Equal in structure, kinds and numbers, at each call and twice in turn."""
    for _ in range(2):
        for arguments in calls:
            found, structure = tree.flatten(compiled(*arguments))
            wanted, wanted_structure = tree.flatten(plain(*arguments))
            assert structure == wanted_structure
            for a, b in zip(found, wanted, strict=True):
                if isinstance(b, str | bool | int | None):
                    assert a == b
                    assert type(a) is type(b)
                    continue
                assert np.asarray(a).dtype == np.asarray(b).dtype
                assert np.ndim(b) == 0 or isinstance(a, np.ndarray) == isinstance(b, np.ndarray)
                single = any(getattr(x, "dtype", None) == np.float32 for x in arguments)
                np.testing.assert_allclose(a, b, rtol=1e-7 if single else 1e-12, atol=1e-14)


# --- what can be compiled -------------------------------------------------------------------------

OPERATORS = {
    "grad": ad.grad(f),
    "value_and_grad": ad.value_and_grad(f),
    "jacobian": ad.jacobian(r),
    "jacobian forward": ad.jacobian(r, mode="forward"),
    "jacobian reverse": ad.jacobian(r, mode="reverse"),
    "value_and_jacobian": ad.value_and_jacobian(r),
    "hessian": ad.hessian(f),
    "hvp": lambda x: ad.hvp(f)(x, np.cos(x)),
    "jvp": lambda x: ad.jvp(r, (x,), (x * 2,)),
    "vjp": lambda x: ad.vjp(r, x)[1](np.ones(9)),
    "linearize": lambda x: ad.linearize(r, x)[1](x),
    "derivative": ad.derivative(lambda x: np.tanh(x) * x),
    "grad of grad": ad.grad(lambda x: np.sum(ad.grad(f)(x) ** 2)),
    "jacobian of hessian": ad.jacobian(ad.hessian(f)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_each_derivative_operator_is_compiled(jit, name):
    operator = OPERATORS[name]
    compiled = jit(operator)
    check(compiled, operator, (X,), (X * 1.3,), (-X,), (np.zeros(5),))
    assert 1 <= len(compiled.specialisations) <= 2


def test_compiled_functions_under_and_in_others(jit):
    inner, slope = jit(f), jit(ad.grad(f))
    check(jit(lambda x: inner(x) * 2), lambda x: f(x) * 2, (X,), (-X,))
    check(ad.grad(inner), ad.grad(f), (X,))
    check(ad.hessian(inner), ad.hessian(f), (X,))
    check(jit(ad.grad(inner)), ad.grad(f), (X,), (-X,))
    nested = ad.grad(lambda x: np.sum(slope(x) ** 2))
    check(nested, OPERATORS["grad of grad"], (X,))
    check(jit(nested), OPERATORS["grad of grad"], (X,))


# --- arguments ------------------------------------------------------------------------------------


def test_containers_go_in_and_come_out(jit):
    def g(p):
        pair = Pair(p["w"].sum(), 3)
        return {
            "scaled": p["w"] * 2,
            "rest": (p["b"][0] + 1, [p["b"][1], pair], "name", None, True),
            "model": Model(p["w"], p["b"][0]),
        }

    check(jit(g), g, ({"w": X, "b": [X * 2, 1.5]},), ({"w": X * 3, "b": [X, 2.5]},))
    check(jit(lambda m: m.w * m.b), lambda m: m.w * m.b, (Model(X, 2.0),), (Model(X, X),))
    swapped = lambda p: list(p.values())  # noqa: E731
    check(jit(swapped), swapped, ({"a": X, "b": X * 2},), ({"b": X, "a": X * 2},))
    slope = ad.grad(lambda p: np.sum(p["a"] ** 2 * p["b"]))
    check(jit(slope), slope, ({"a": X, "b": 2.0},))


def test_what_is_no_array_is_static(jit):
    def g(x, how):
        if callable(how):
            return how(x)
        if isinstance(how, slice):
            return x[how]
        return x * 2 if how == "double" else x**how if isinstance(how, int) else x

    calls = ["double", "x", None, True, 1, 2, np.sin, slice(1, 3), slice(0, 3), (1, 2)]
    compiled = jit(g)
    check(compiled, g, *((X, how) for how in calls))
    assert len(compiled.specialisations) == len(calls)


def test_zeros_of_either_sign_are_not_the_same_static_value(jit):
    signed = jit(lambda x, c: x * np.copysign(1.0, c), static=1)
    np.testing.assert_array_equal(signed(X, 0.0), X)
    np.testing.assert_array_equal(signed(X, -0.0), -X)
    np.testing.assert_array_equal(signed(X, (0.0, -0.0)[0]), X)
    nested = jit(lambda x, c: x * np.copysign(1.0, c[0]), static=1)
    np.testing.assert_array_equal(nested(X, (0.0,)), X)
    np.testing.assert_array_equal(nested(X, (-0.0,)), -X)
    with pytest.raises(InvalidTypeError, match="argument 1 holds a list"):
        nested(X, [0.0])


def test_keywords_defaults_and_methods(jit):
    g = jit(lambda x, y=1.0, *, k=2: x * y * k)
    for args, kwargs, factor in [
        ((X,), {}, 2), ((X,), {"y": 3.0}, 6), ((X,), {"k": 5}, 5), ((), {"x": X, "k": 0.5}, 0.5),
        ((X, 2.0), {"k": X}, 2 * X), ((X,), {}, 2),
    ]:  # fmt: skip
        np.testing.assert_allclose(g(*args, **kwargs), X * factor, rtol=1e-15)

    class Scaled:
        def __init__(self, k):
            self.k = k

        def plain(self, x):
            return x * self.k

        compiled = jit(plain)

    for one in (Scaled(2.0), Scaled(3.0)):
        np.testing.assert_array_equal(one.compiled(X), X * one.k)
        np.testing.assert_array_equal(jit(one.plain)(X), X * one.k)
    assert jit(f).__name__ == "f"


@pytest.mark.parametrize("dtype", "? b B h H i I l L q e f d g F D".split())
def test_every_dtype_gives_what_numpy_gives(jit, dtype):
    def g(a):
        return (a * 2 + 1) / 3 * np.sum(a), a + a, np.mean(a), a[::-1]

    a = np.array([1, 0, 1, 1] * 6).astype(dtype)
    compiled = jit(g)
    for _ in range(3):
        for found, wanted in zip(compiled(a), g(a), strict=True):
            assert found.dtype == wanted.dtype
            np.testing.assert_allclose(found, wanted, rtol=1e-2 if dtype == "e" else 1e-6)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (1,), (1, 1), (2, 0, 3)])
def test_shapes_without_or_with_one_element(jit, shape):
    def g(a):
        return np.sum(np.sin(a)), np.exp(a) * 2, np.sum(a, axis=-1) if a.ndim else a

    check(jit(g), g, (np.full(shape, 0.7),), (np.full(shape, -0.7),))


def misplaced(a):
    raw = np.empty(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    "turned",
    [
        np.asfortranarray, misplaced, read_only, lambda a: a.astype(">f8"), lambda a: np.repeat(a, 2, 1)[:, ::2],
        lambda a: a[::-1, ::-1], lambda a: np.ascontiguousarray(a.T).T, lambda a: np.broadcast_to(a[:1], a.shape),
    ],
    ids="fortran unaligned read-only swapped gaps backwards transposed broadcast".split(),
)  # fmt: skip
def test_layouts_in_memory(jit, turned):
    def g(a):
        return np.cumsum(a, axis=0) * 2 + a.T.sum() + np.tanh(a), a @ a.T

    a = np.arange(600.0).reshape(20, 30) / 100
    compiled, b = jit(g), turned(a)
    kept = b.copy()
    for x in (b, a, b):
        for found, wanted in zip(compiled(x), g(x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-13)
    np.testing.assert_array_equal(b, kept)
    assert len(compiled.specialisations) == 1


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (np.ma.masked_array([1.0, 2.0], [0, 1]), "plain arrays, got a MaskedArray"),
        (np.array([1.0, None], object), "array of dtype object"),
        (np.array(["a"]), "array of dtype <U1"),
        (np.array(["2020"], "M8[Y]"), "array of dtype datetime64"),
        (
            scipy.sparse.eye_array(3).tocsr(),
            "holds a csr_array, which is neither an array nor a number",
        ),
        ({1, 2}, "holds a set"),
    ],
)
def test_what_cannot_be_an_argument_is_refused_by_name(jit, argument, message):
    with pytest.raises(InvalidTypeError, match=message):
        jit(lambda a: a)(argument)


def test_numbers_are_passed_as_they_are(jit):
    def g(a, b):
        return a * b + np.sin(a)

    pairs = [(1.0, 2.0), (np.float64(1), 2.0), (2, 2.0), (1j, 2.0), (np.float32(1), 2.0), (1.0, X)]
    check(jit(g), g, *pairs, (np.array(1.0), X), (np.float32(1), X), (2, np.float32(2)))


# --- results --------------------------------------------------------------------------------------


def test_results_share_memory_with_nothing(jit):
    w = np.arange(5.0)
    functions = [
        lambda x: x, lambda x: (x, x), lambda x: (x[1:], x[:-1]), lambda x: (x * 2, (x * 2)[1:], x * 2),
        lambda x: (w, x * w), lambda x: np.zeros(5), lambda x: np.broadcast_to(x[0], 5), np.transpose, np.real,
        lambda x: (x.reshape(5, 1), x.reshape(1, 5)), lambda x: np.split(np.sin(x), 5), OPERATORS["jacobian"],
        lambda x: np.linalg.svd(np.outer(x, x) + np.eye(5)), lambda x: ad.vjp(lambda z: (z, z), x)[0],
    ]  # fmt: skip
    for g in functions:
        compiled, x = jit(g), X.copy()
        for _ in range(4):
            arrays = [a for a in tree.flatten(compiled(x))[0] if isinstance(a, np.ndarray)]
            for a, b in zip(arrays, tree.flatten(g(x))[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
            for i, a in enumerate(arrays):
                assert not any(np.shares_memory(a, b) for b in (x, w, *arrays[:i]))
                a[...] = 99.0 + i
            np.testing.assert_array_equal(x, X)


# --- specialisations and audits -------------------------------------------------------------------


def test_past_the_limit_calls_run_eagerly_with_one_warning(jit):
    compiled = jit(lambda x, n: x * n, limit=3)
    for n in range(3):
        compiled(X, n)
    with pytest.warns(PerformanceWarning, match=r"3 specialisations.*limit="):
        compiled(X, 3)
    for n in range(20):  # Any other warning would be an error.
        np.testing.assert_array_equal(compiled(X, n), X * n)
    assert len(compiled.specialisations) == 3
    with pytest.raises(InvalidInputError, match="limit"):
        jit(f, limit=0)


def test_the_report_shows_what_was_done(jit):
    compiled = jit(lambda x: np.sum(np.sin(x) ** 2) if x[0] > 0 else np.linalg.det(np.outer(x, x)))
    for x in (X, -X, X):
        compiled(x)
    text = compiled.report()
    assert "<lambda>: 2 specialisations, 3 calls" in text
    for part in ("capture", "passes", "compile", " ms", "arguments  float64[5]", "guards     1"):
        assert text.count(part) >= 2
    assert "equations  5 captured, 5 behind the passes" in text
    assert "guard   v2 == True" in text
    assert "guard   v2 == False" in text
    assert "numpy calls" in text.lower()


@pytest.mark.parametrize(("changed", "found"), [(2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16)])
def test_a_global_that_changes_is_found_at_the_next_audit(jit, changed, found):
    state = [2.0]
    compiled = jit(lambda x: x * state[0])
    for call in range(1, 17):
        if call == changed:
            state[0] = 3.0
        if call == found:
            with pytest.raises(ImpureFunctionError, match="the plain one"):
                compiled(X)
            break
        compiled(X)


def test_random_numbers_and_counters_are_found_at_once(jit):
    rng, count = np.random.default_rng(0), []
    with pytest.raises(ImpureFunctionError):
        jit(lambda x: x + rng.normal())(X)
    with pytest.raises(ImpureFunctionError):
        jit(lambda x: count.append(1) or x * len(count))(X)


def test_an_audit_that_fell_on_an_error_or_another_transformation_is_made_up_for(jit):
    state = [2.0]

    def g(x):
        if x[0] < 0:
            raise ValueError("negative")
        return x * state[0]

    for odd in (lambda c: pytest.raises(ValueError, match="negative") and None, None):
        state[0] = 2.0
        compiled = jit(g)
        compiled(X)
        if odd is None:
            ad.jvp(compiled, (X,), (X,))  # Runs the plain function, at call 2.
        else:
            with pytest.raises(ValueError, match="negative"):
                compiled(-X)
        state[0] = 3.0
        with pytest.raises(ImpureFunctionError):
            compiled(X)


def test_an_audit_can_be_asked_for(jit):
    state = [2.0]
    compiled = jit(lambda x: x * state[0])
    for _ in range(4):
        compiled(X)
    compiled.audit(X)
    state[0] = 3.0
    with pytest.raises(ImpureFunctionError):
        compiled.audit(X)


def test_errors_are_those_of_the_plain_function(jit):
    solve = jit(lambda a: np.linalg.solve(a, np.ones(2)) if a[0, 0] > 0 else np.linalg.inv(a))
    np.testing.assert_array_equal(solve(np.eye(2)), [1, 1])
    for bad in (np.ones((2, 2)), np.zeros((2, 2))):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            solve(bad)
    with pytest.raises(ValueError, match="mismatch"):
        jit(lambda x: x @ np.ones(3))(X)
    np.testing.assert_array_equal(solve(np.eye(2)), [1, 1])


# --- threads and memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "calls"), [(5, 1000), (30_000, 80)])
def test_eight_threads_get_what_one_gets(jit, size, calls):
    def g(x):
        return np.sum(np.tanh(x) * x[::-1]) + (np.sum(x[:3]) ** 2 if x[0] > 0 else np.sum(x**3))

    plain = ad.value_and_grad(g)
    compiled = jit(plain)
    points = [np.random.default_rng(k).normal(size=size) for k in range(8)]
    alone = [jit(plain)(x) for x in points]
    gate, wrong = threading.Barrier(8), []

    def work(k):
        gate.wait()  # The first calls come at once, too.
        for n in range(calls // 8):
            value, slope = compiled(points[(k + n) % 8])
            wanted = alone[(k + n) % 8]
            if value != wanted[0] or not np.array_equal(slope, wanted[1]):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(compiled.specialisations) == 2


def test_a_large_gradient_takes_its_output_and_few_buffers(jit):
    n = 1_000_000

    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    compiled, x = jit(ad.grad(rosenbrock)), np.linspace(-1, 1, n)
    tracemalloc.start()
    try:
        compiled(x), compiled(x)  # The first one is audited, and captured.
        before = tracemalloc.get_traced_memory()[0]
        assert before <= 7.5 * x.nbytes  # Buffers alone: no result is kept.
        tracemalloc.reset_peak()
        result = compiled(x)
        peak = tracemalloc.get_traced_memory()[1]
        assert peak - before <= 6.5 * x.nbytes
        program = weakref.ref(compiled.specialisations[0].program)
        del compiled, result
        gc.collect()
        assert program() is None
        assert tracemalloc.get_traced_memory()[0] < 0.05 * x.nbytes
    finally:
        tracemalloc.stop()


def resident():
    """Megabytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def test_compilations_do_not_leak(jit):
    def once(k):
        jit(ad.grad(lambda x: np.sum(np.sin(x) * k)))(X)

    for k in range(20):
        once(k)
    gc.collect()
    objects = len(gc.get_objects())
    try:
        before = resident()
    except FileNotFoundError:
        before = None
    for k in range(100):
        once(k)
    gc.collect()
    assert len(gc.get_objects()) - objects < 50
    if before is not None:
        assert resident() - before < 2.0


def test_it_is_quiet(jit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slope = jit(ad.grad(lambda x: np.sum(np.sqrt(x))))
        assert np.isinf(slope(np.zeros(3))).all()
