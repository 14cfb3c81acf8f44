"""Random programs, compiled: loops, branches, in-place writes and mixed shapes give what the plain function gives.

A program is drawn as a list of instructions on a growing list of arrays. It runs at several inputs in turn, which take
different branches and hold zeros, infinities and NaN; value and gradient are compared each time, to 1e-12 of the
largest number, or of what the plain program itself changes by when its input moves by rounding.
"""

import importlib.util
import os
import warnings

import hypothesis
import hypothesis.strategies as st
import numpy as np

from optkit import ad

EXECUTORS = ["numpy", "llvm"] if importlib.util.find_spec("llvmlite") else ["numpy"]
EXAMPLES = 1000 if os.environ.get("CI") else 50
UNARY = [
    np.sin,
    np.exp,
    np.tanh,
    np.square,
    np.abs,
    np.sqrt,
    np.log,
    np.negative,
    np.arctan,
    lambda x: 1.0 / x,
    lambda x: x**3,
    lambda x: np.clip(x, -0.5, 0.75),
    lambda x: x * 0.0,
    lambda x: np.where(x > 0.25, x, x**2),
]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.maximum,
    np.minimum,
    np.hypot,
    lambda a, b: np.where(a > b, a * b, b),
]
WHOLE = [
    np.sum,
    np.mean,
    np.max,
    lambda x: np.sum(x, axis=0),
    lambda x: np.cumsum(x),
    lambda x: np.concatenate([np.ravel(x), np.ravel(x)[:1]]),
    lambda x: np.ravel(x)[::-1],
    lambda x: np.transpose(x),
    lambda x: x[..., None] if np.ndim(x) < 2 else x[0],
    lambda x: np.outer(x, x)[:3, :4],
    lambda x: np.ravel(x) @ np.ravel(x),
    lambda x: np.sort(np.ravel(x)),
    lambda x: np.ravel(x)[np.argmax(x)],
]

small = st.integers(0, 30)
instruction = st.tuples(
    st.sampled_from(
        ["unary", "unary", "binary", "binary", "whole", "put", "mask", "if", "while", "for"]
    ),
    small,
    small,
    small,
)
number = st.floats(-2, 2).map(lambda v: round(v, 3)) | st.sampled_from(
    [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e200]
)
ordinary = st.integers(0, 2**31).map(lambda seed: np.random.default_rng(seed).normal(size=30))
inputs = st.lists(
    st.one_of(ordinary, ordinary, st.lists(number, min_size=30, max_size=30).map(np.array)),
    min_size=2,
    max_size=3,
)


def pick(regs, i):
    return regs[i % len(regs)]


def joined(operation, a, b):
    try:
        np.broadcast_shapes(np.shape(a), np.shape(b))
    except ValueError:
        b = np.sum(b)
    return operation(a, b)


def put(regs, x, j, k):
    """Writes in place, into zeros or into a copy."""
    y = np.zeros_like(x) if k % 2 else x + 0.0
    if np.ndim(y):
        y[j % np.shape(y)[0]] = np.sum(pick(regs, k))
        y[1:] *= 1.5
    return y


def mask(regs, x, j, k):
    """Writes through one mask, reads through another."""
    y = x * 1.0
    if np.ndim(y):
        y[y > 0.1 * k] = 0.5
        y += y[y < 1.0].sum()
    return y


def asked(regs, k):
    """An element of the input: what is asked of it does not hang on rounding."""
    return regs[0][k % 3]


def branch(regs, x, j, k):
    first = asked(regs, k)
    if first > 0.3:
        return np.cos(x) if first > 0.9 else x * first
    return x - 1.0


def loop(regs, x, j, k):
    size = asked(regs, k)
    while 0.2 < size < 1e3:
        size, x = size * 0.5, x * 0.5 + 0.1
    return x


def count(regs, x, j, k):
    for n in range(int(np.clip(np.nan_to_num(asked(regs, k)), 0.0, 3.0))):
        x = x * 0.5 + n
    return x


INSTRUCTIONS = {
    "unary": lambda regs, x, j, k: UNARY[j % len(UNARY)](x),
    "binary": lambda regs, x, j, k: joined(BINARY[k % len(BINARY)], x, pick(regs, j)),
    "whole": lambda regs, x, j, k: WHOLE[j % len(WHOLE)](x) if np.ndim(x) else x * 2.0,
    "put": put,
    "mask": mask,
    "if": branch,
    "while": loop,
    "for": count,
}


def program(instructions):
    """The function of the input array that carries out the instructions."""

    def f(x):
        regs, start = [], 0
        for shape in [(3,), (), (2, 3), (2, 1), (18,)]:
            stop = start + int(np.prod(shape))
            regs.append(x[start:stop].reshape(shape))
            start = stop
        for code, i, j, k in instructions:
            made = INSTRUCTIONS[code](regs, pick(regs, i), j, k)
            if np.size(made) <= 40:
                regs.append(made)
        return sum(np.sum(reg) for reg in regs[-4:]) + np.mean(regs[-1])

    return f


def outcome(f, x):
    """What a function returns, or what it raises."""
    try:
        value, slope = f(x.copy())
    except (ValueError, IndexError, OverflowError) as error:
        return type(error)
    return np.concatenate([np.ravel(value), slope])


def agree(found, wanted, noise):
    if isinstance(wanted, type):
        return found is wanted
    finite = np.isfinite(wanted)
    if not np.array_equal(found[~finite], wanted[~finite], equal_nan=True):
        return False
    scale = np.max(np.abs(wanted[finite]), initial=1e-3)
    return np.all(np.abs(found - wanted)[finite] <= 1e-12 * scale + noise)


@hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.sampled_from(EXECUTORS), st.lists(instruction, min_size=1, max_size=5), inputs)
def test_compiled_is_plain(executor, instructions, points):
    plain = ad.value_and_grad(program(instructions))
    compiled = ad.jit(plain, executor=executor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for x in (*points, points[0]):
            wanted, shaken = outcome(plain, x), outcome(plain, x * (1 + 4e-16))
            noise = 0.0
            if not isinstance(wanted, type):
                if isinstance(shaken, type) or not np.array_equal(
                    np.isfinite(wanted), np.isfinite(shaken)
                ):
                    continue  # Rounding alone decides here.
                finite = np.isfinite(wanted)
                noise = 100 * np.max(np.abs(wanted - shaken)[finite], initial=0.0)
            found = outcome(compiled, x)
            assert agree(found, wanted, noise), (x, found, wanted)
