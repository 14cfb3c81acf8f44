"""Capturing: what Python asks becomes a guard, so that other answers lead to other graphs, never to wrong numbers."""

import math

import numpy as np
import pytest

from optkit import ad
from optkit.ad.capture import capture
from optkit.ad.graph import check

# --- functions that ask for values ----------------------------------------------------------


def asks_if(x):
    return np.sum(x**2) if x[0] > 0 else np.sum(np.sin(x))


def asks_while(x):
    n = 0
    y = x
    while np.sum(y**2) > 1:
        y = y * 0.7
        n += 1
    return np.sum(y) * n


def asks_for(x):
    s = 0.0
    for i in range(int(abs(x[0]) * 5)):
        s = s + x[i % 5] ** i
    return s + x[1]


def asks_int(x):
    return x[int(x[0] * 2) % 5] * x


def asks_mask(x):
    return np.sum(x[x > 0] ** 2)


def asks_amax(x):
    return x[np.argmax(x)] * 2 + x[np.argmin(np.abs(x))]


def asks_where(x):
    return np.where(x > 0, np.log(np.abs(x)), x**3)


def asks_nest(x):
    if x[0] > 0:
        if x[1] > 0.5 and x[2] < 1:
            return x * 2
        return x * 3
    for v in x:
        if v > 1:
            return np.cos(x) * v
    return x * 0


def asks_set(x):
    y = np.zeros_like(x)
    y[x > 1] = x[x > 1] * 2
    y[0] += x[1]
    return y


def asks_sort(x):
    return np.sort(x) * np.arange(5) + x[np.argsort(x)]


def asks_nz(x):
    return np.sum(x[np.nonzero(x > 0)[0]])


def asks_len(x):
    return len(x[x > 0]) * x


def asks_uniq(x):
    return float(len(np.unique(np.round(x)))) * x


def asks_isnan(x):
    return x * 2 if np.any(np.isnan(x)) else x * 3


def asks_allclose(x):
    return x * 2 if np.allclose(x, 1, atol=0.5) else x * 3


def asks_max(x):
    return max(x[0], x[1]) * min(x) * x


def asks_sorted(x):
    return sum(v * i for i, v in enumerate(sorted(x)))


def asks_round(x):
    return x * round(float(np.asarray(3.2))) + x * int(np.round(x[0]))


def asks_abs(x):
    return abs(x[0]) * x if not x[1] else x / x[1]


def asks_in(x):
    return x * 2 if 1.0 in x else x * 3


def asks_try(x):
    try:
        if x[0] > 0:
            raise ValueError
        return x
    except ValueError:
        return x * 2


def asks_exc(x):
    if x[0] < 0:
        raise ValueError(f"negative {int(x[0] * 10)}")
    return x * 2


def asks_item(x):
    return x * 2 if x[0].item() > 0 else x * 3


def asks_cmpn(x):
    return x if x[0] == x[1] else x * 2


def asks_bisect(x):
    a, b = -10.0, 10.0
    for _ in range(20):
        m = (a + b) / 2
        if m**3 + m > np.sum(x):
            b = m
        else:
            a = m
    return a * x


def asks_newton(x):
    z = x
    for _ in range(50):
        d = (z**3 - x - 2) / (3 * z**2 + 1e-3)
        z = z - d
        if np.max(np.abs(d)) < 1e-9:
            break
    return z


def asks_fancy(x):
    i = np.floor(np.abs(x) * 2).astype(int) % 5
    return x[i] * 2


def asks_searchs(x):
    return np.interp(x, [-2, 0, 1, 3], [1, 2, 0, 3.0])


def asks_clip(x):
    return np.clip(x, -1, 1) + np.maximum(x, 0.3)


def asks_linalg(x):
    return np.linalg.solve(np.outer(x, x) + np.eye(5), x)


def asks_fmt(x):
    return x * len(f"{int(x[0] * 100)}")


def asks_bool(x):
    return x if (x > 0).all() else -x


def asks_count(x):
    return np.count_nonzero(x > 0) * x


def asks_nan(x):
    return np.sqrt(x) * np.where(x > 0, 1, 2.0)


def asks_divmod(x):
    return x * (int(x[0] * 7) // 2)


def asks_any(x):
    return x * (1 if any(v > 1.5 for v in x) else 2)


def asks_floor(x):
    return x * math.floor(x[0]) + math.ceil(x[1])


def asks_cum(x):
    return np.cumsum(x)[x > 0].sum() * np.prod(x)


def asks_digit(x):
    return x * np.digitize(x, [0, 1])


def asks_compress(x):
    return np.compress(x > 0, x).sum() + np.extract(x < 1, x).sum()


def asks_flat(x):
    return x.reshape(5, 1)[x > 0, 0].sum() + x[:, None][x > 0].sum()


ASKING = {name[5:]: f for name, f in list(globals().items()) if name.startswith("asks_")}
rng = np.random.default_rng(0)
POINTS = [
    *(rng.normal(size=5) * 1.5 for _ in range(4)),
    np.array([1.0, 1.0, 0.0, 2.0, -0.0]),
    np.zeros(5),
    np.array([1.0, np.nan, 2.0, -1.0, np.inf]),
    np.array([0.7, 0.2, 0.9, 1.1, 0.4]),
]


def outcome(f, x):
    """What a function returns, or what it raises."""
    try:
        return f(x.copy())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def agree(found, wanted):
    if isinstance(wanted, str):
        assert found == wanted
        return
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ASKING)
def test_every_answer_leads_to_a_graph_of_its_own(name):
    f = ASKING[name]
    compiled = ad.jit(f, executor="numpy", limit=1000)
    for x in (*POINTS, *POINTS):
        agree(outcome(compiled, x), outcome(f, x))
    made = len(compiled.specialisations)
    for x in POINTS:  # Nothing is captured twice.
        outcome(compiled, x)
    assert made == len(compiled.specialisations) <= len(POINTS)
    if name in WITHOUT_GUARDS:
        assert made == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ASKING)
def test_so_do_gradients(name):
    def wave(x):
        return np.sum(np.sin(ASKING[name](x)))

    plain = ad.grad(wave)
    compiled = ad.jit(plain, executor="numpy", limit=1000)
    for x in (*POINTS, *POINTS[:2]):
        agree(outcome(compiled, x), outcome(plain, x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["if", "while", "for", "mask", "nest", "newton", "exc", "set"])
def test_so_does_machine_code(name):
    pytest.importorskip("llvmlite")
    plain = ad.value_and_grad(lambda x: np.sum(ASKING[name](x)))
    compiled = ad.jit(plain, executor="llvm", limit=1000)
    for x in (*POINTS[:6], *POINTS[:2]):
        found, wanted = outcome(compiled, x), outcome(plain, x)
        if isinstance(wanted, str):
            assert found == wanted
            continue
        agree(found[0], wanted[0])
        agree(found[1], wanted[1])


# What stays inside the graph.
WITHOUT_GUARDS = {"amax", "where", "sort", "fancy", "clip", "linalg", "count", "nan", "digit"}


def test_the_number_of_specialisations_is_that_of_the_ways_through_the_function():
    compiled = ad.jit(ASKING["if"], executor="numpy")
    for x in POINTS * 3:
        compiled(x)
    assert len(compiled.specialisations) == 2


def test_a_guard_stands_where_the_question_was_asked():
    graph = capture(lambda x: x * 2 if x[0] > 0 else x, (np.ones(3),)).graph
    check(graph)
    (guard,) = graph.guards
    assert guard.expected is np.True_ or guard.expected is True
    assert guard.holds(True)
    assert not guard.holds(False)


def test_what_is_asked_of_constants_needs_no_guard():
    w = np.ones(3)
    graph = capture(lambda x: x * 2 if w[0] > 0 else x, (np.ones(3),)).graph
    assert graph.guards == []


# --- arrays that the function closes over ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "w",
    [
        np.ones(5), np.arange(5.0), np.arange(10.0)[::2], np.arange(5.0)[::-1], np.ones((5, 5), order="F"),
        np.array(2.0), np.arange(5), np.arange(5, dtype=np.float32),
        np.arange(25.0).reshape(5, 5).T, np.arange(5, dtype=">f8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("executor", ["numpy", "llvm"])
def test_arrays_that_are_refilled_between_calls_are_followed(executor, w):
    if executor == "llvm":
        pytest.importorskip("llvmlite")

    def f(x):
        return x * w, np.where(x > 1, x, w), np.sum(x * w[..., :3].sum() if w.size < 0 else x * w)

    x = np.linspace(0.5, 2.0, 5)

    def together(x):
        return sum(np.sum(part**2) for part in f(x))

    for plain in (
        f,
        lambda x: ad.jvp(f, (x,), (x,))[1],
        lambda x: [ad.grad(together)(x)],
        lambda x: [ad.hessian(together)(x)],
        lambda x: ad.jacobian(f)(x),
    ):
        compiled = ad.jit(plain, executor=executor)
        for _ in range(3):
            compiled(x)
            w[...] = w + 1
            for found, wanted in zip(compiled(x), plain(x), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-13)
        assert len(compiled.specialisations) == 1


@pytest.mark.parametrize("executor", ["numpy", "llvm"])
def test_a_buffer_that_is_refilled_during_the_call_is_what_it_was_each_time(executor):
    if executor == "llvm":
        pytest.importorskip("llvmlite")
    buffer = np.zeros(5)

    def f(x):
        total = 0.0
        for k in range(3):
            buffer[:] = k
            total = total + np.sum(buffer * x**k)
        return total

    for plain in (f, ad.grad(f), ad.hessian(f)):
        compiled = ad.jit(plain, executor=executor)
        for x in POINTS[:3]:
            np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-14)
            buffer[:] = 77.0


def test_a_value_that_leaves_its_capture_is_refused():
    kept = []
    ad.jit(lambda x: kept.append(x) or x * 2, executor="numpy")(np.ones(3))
    with pytest.raises(Exception, match="after it had been captured"):
        np.sin(kept[0])


@pytest.mark.parametrize("executor", ["numpy", "llvm"])
def test_a_guard_that_expects_nan_holds_where_nan_comes_again(executor):
    if executor == "llvm":
        pytest.importorskip("llvmlite")
    compiled = ad.jit(lambda x: float(len(np.unique(x))) * x, executor=executor)
    x = np.array([1.0, np.nan, 2.0, 1.0])
    for _ in range(3):
        np.testing.assert_array_equal(compiled(x), 3.0 * x)
        np.testing.assert_array_equal(compiled(np.arange(4.0)), 4 * np.arange(4.0))
    assert len(compiled.specialisations) == 2
