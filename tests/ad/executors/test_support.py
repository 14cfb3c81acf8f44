"""The page of what is native says what the executor does."""

import numpy as np
import pytest

from optkit import ad
from optkit.ad.executors import support
from optkit.ad.primitives import Primitive


def test_every_primitive_is_on_the_page():
    found = support.primitives()
    assert all(isinstance(primitive, Primitive) for primitive in found)
    assert len(found) == len(set(found)) > 200
    text = support.page()
    assert [p.name for p in found if f"`{p.name}`" not in text] == []
    native = sum(support.kind_of(p) is not None for p in found)
    assert f"Of the {len(found)} primitives that functions are made of, {native} have" in text


@pytest.mark.parametrize(
    "f", [np.sin, np.add, np.where, np.sum, np.reshape, np.concatenate, np.matmul]
)
def test_what_is_called_native_runs_without_numpy(f):
    pytest.importorskip("llvmlite")
    arguments = {np.add: 2, np.matmul: 2}.get(f, 1)
    call = {
        np.where: lambda x: np.where(x > 0, x, 1.0),
        np.reshape: lambda x: np.reshape(x, (4, 5)),
        np.concatenate: lambda x: np.concatenate([x, x]),
    }.get(f, f)
    compiled = ad.jit(call, executor="llvm")
    compiled(*[np.arange(20.0)] * arguments)
    made = compiled.specialisations[0]
    assert all(support.kind_of(e.primitive) for e in made.cleaned.equations)
    assert "NumPy calls" not in made.program.kernels


def test_what_is_not_goes_through_numpy():
    pytest.importorskip("llvmlite")
    compiled = ad.jit(np.linalg.det, executor="llvm")
    compiled(np.eye(5))
    made = compiled.specialisations[0]
    assert support.kind_of(made.cleaned.equations[0].primitive) is None
    assert made.program.kernels["NumPy calls"] == 1
