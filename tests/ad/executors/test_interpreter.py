"""The NumPy executor: buffers are used again, and never handed out."""

import threading

import numpy as np
import pytest

from optkit import ad
from optkit.ad.capture import capture
from optkit.ad.executors import choice, interpreter
from optkit.ad.passes import simplify
from optkit.errors import InvalidInputError

X = np.linspace(0.5, 2.0, 50)


def made(f, *arguments):
    return interpreter.Program(simplify(capture(f, arguments).graph))


def test_a_chain_lives_in_two_buffers():
    def chain(x):
        for _ in range(20):
            x = np.sin(x) * 2.0
        return np.sum(x)

    program = made(chain, X)
    assert program.buffer_bytes <= 2 * X.nbytes
    (found,) = program([X])
    assert found == chain(X)


def test_a_view_keeps_its_buffer():
    def f(x):
        y = np.sin(x)
        front = y[:25]
        z = np.cos(x) * 3.0  # Must not be written over y.
        return np.sum(front * z[25:]), np.sum(z)

    assert made(f, X)([X]) == list(f(X))


def test_results_are_in_memory_of_their_own():
    program = made(lambda x: (x, np.sin(x), np.sin(x)[1:], np.zeros(3)), X)
    first, second = program([X]), program([X])
    arrays = [*first, *second, X]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


def test_a_failed_guard_gives_none():
    program = made(lambda x: x if x[0] > 1 else -x, X)
    assert program([X + 1]) is None
    (found,) = program([X])
    np.testing.assert_array_equal(found, -X)


def test_calls_at_once_take_buffers_of_their_own():
    program = made(lambda x: np.sum(np.sin(x) * np.cos(x) - np.tanh(x)), X)
    wrong = []

    def work(k):
        wanted = program([X * k])
        wrong.extend(k for _ in range(100) if program([X * k]) != wanted)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_executors_are_chosen_by_name(monkeypatch):
    assert choice.choose("numpy") is interpreter.program
    with pytest.raises(InvalidInputError, match="executor must be one of auto, numpy, llvm"):
        ad.jit(np.sin, executor="gpu")
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda name: None)
    assert choice.choose("auto") is interpreter.program
    with pytest.raises(ImportError, match=r"optkit\[jit\]"):
        ad.jit(np.sin, executor="llvm")
