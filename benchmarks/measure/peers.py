"""The libraries that differentiate a user's function: optkit itself, autograd, JAX and PyTorch.

All get NumPy arrays and give NumPy arrays, in double precision. They differentiate the very function that optkit
does: `transplant` gives its code another ``np``.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from measure.workload import COMPILED, EAGER, Function, NotThereError, Workload


def transplant(
    function: Function, namespace: Any, array: Callable[[Any], Any] = lambda a: a
) -> Function:
    """The same code with ``namespace`` for ``np``, and ``array`` applied to the arrays that it finds as globals.

    Functions of the same module that it calls are treated alike.
    """
    home: dict[str, Any] = {}
    for name, thing in function.__globals__.items():
        if thing is np:
            home[name] = namespace
        elif isinstance(thing, np.ndarray):
            home[name] = array(thing)
        elif isinstance(thing, types.FunctionType) and thing.__module__ == function.__module__:
            home[name] = types.FunctionType(
                thing.__code__, home, name, thing.__defaults__, thing.__closure__
            )
        else:
            home[name] = thing
    copy = home[function.__name__]
    assert isinstance(copy, types.FunctionType)
    return copy


def _optkit(workload: Workload) -> Function:
    from optkit import ad

    if workload.operator == "hvp":
        return ad.hvp(workload.function)
    operator: Any = getattr(ad, workload.operator)
    made: Function = operator(workload.function, workload.argnums)
    return made


def _optkit_compiled(workload: Workload) -> Function:
    from optkit import ad

    if not hasattr(ad, "jit"):
        raise NotThereError("there is no ad.jit yet")
    made: Function = ad.jit(_optkit(workload))
    return made


def _autograd(workload: Workload) -> Function:
    import autograd
    import autograd.numpy as anp

    f = transplant(workload.function, anp)
    if workload.operator == "jacobian":
        return _columns(autograd.make_jvp(f))
    if workload.operator == "hvp":
        made: Function = autograd.hessian_vector_product(f)
    else:
        made = getattr(autograd, workload.operator)(f, workload.argnums)
    return made


def _columns(make_jvp: Function) -> Function:
    """A Jacobian in autograd's forward mode: `autograd.jacobian` would take a sweep for each residual."""

    def jacobian(x: Any) -> Any:
        jvp = make_jvp(x)
        return np.stack([jvp(direction)[1] for direction in np.eye(x.size)], axis=-1)

    return jacobian


def import_jax() -> Any:
    """JAX in double precision; only this process is changed."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _jax(workload: Workload) -> Function:
    jax = import_jax()
    return jax_caller(transplant(workload.function, jax.numpy), workload.operator, workload.argnums)


def jax_caller(f: Function, operator: str, argnums: Any = 0) -> Function:
    """The jitted derivative of a function written for JAX, from NumPy to NumPy."""
    jax = import_jax()
    jitted = jax.jit(
        {
            "value_and_grad": lambda: jax.value_and_grad(f, argnums),
            "grad": lambda: jax.grad(f, argnums),
            "jacobian": lambda: jax.jacfwd(f, argnums),
            "hessian": lambda: jax.hessian(f, argnums),
            "hvp": lambda: lambda x, v: jax.jvp(jax.grad(f), (x,), (v,))[1],
        }[operator]()
    )
    if operator == "value_and_grad" and isinstance(argnums, tuple):

        def call(*args: Any) -> Any:
            value, gradients = jitted(*args)
            return np.asarray(value), tuple([np.asarray(g) for g in gradients])

    elif operator == "value_and_grad":

        def call(*args: Any) -> Any:
            value, gradient = jitted(*args)
            return np.asarray(value), np.asarray(gradient)

    else:

        def call(*args: Any) -> Any:
            return np.asarray(jitted(*args))

    return call


def _torch(workload: Workload) -> Function:
    import torch

    torch.set_num_threads(1)
    f = transplant(workload.function, _torch_namespace(), torch.from_numpy)
    if workload.operator in ("value_and_grad", "grad"):
        return torch_caller(f, workload.operator, workload.argnums)
    derivative: Function = {
        "jacobian": lambda: torch.func.jacfwd(f),
        "hessian": lambda: torch.func.hessian(f),
        "hvp": lambda: lambda x, v: torch.func.jvp(torch.func.grad(f), (x,), (v,))[1],
    }[workload.operator]()

    def call(*args: Any) -> Any:
        return derivative(*map(torch.from_numpy, args)).numpy()

    return call


def _torch_namespace() -> Any:
    """The functions of PyTorch, with NumPy's `max` in place of its own, which gives the indices too."""
    import torch

    return types.SimpleNamespace(**{**vars(torch), "max": torch.amax})


def torch_caller(f: Function, operator: str, argnums: Any = 0) -> Function:
    """Value and gradient of a function written for PyTorch, from NumPy to NumPy."""
    import torch

    def call(*args: Any) -> Any:
        tensors = [torch.from_numpy(arg).requires_grad_() for arg in args]
        value = f(*tensors)
        gradients = [g.numpy() for g in torch.autograd.grad(value, tensors)]
        found = tuple(gradients) if isinstance(argnums, tuple) else gradients[0]
        return (value.item(), found) if operator == "value_and_grad" else found

    return call


def _torch_compiled(workload: Workload) -> Function:
    import torch

    if workload.operator != "value_and_grad":
        raise NotThereError("torch.compile is measured for values with gradients only")
    torch.set_num_threads(1)
    torch.compiler.reset()  # A fresh function is compiled afresh.
    f = torch.compile(transplant(workload.function, _torch_namespace(), torch.from_numpy))
    return torch_caller(f, workload.operator, workload.argnums)


LIBRARIES: dict[str, Callable[[Workload], Function]] = {
    EAGER: _optkit,
    COMPILED: _optkit_compiled,
    "autograd": _autograd,
    "JAX": _jax,
    "torch": _torch,
    "torch.compile": _torch_compiled,
}


def make(peer: str, workload: Workload) -> Function:
    """A fresh derivative of the workload's function by this peer.

    Raises
    ------
    NotThereError
        With the reason, where the peer does not take part.
    """
    if peer in workload.without:
        raise NotThereError(workload.without[peer])
    try:
        if peer in workload.makers:
            return workload.makers[peer]()
        if peer in LIBRARIES:
            return LIBRARIES[peer](workload)
    except ImportError as error:
        raise NotThereError(f"{error.name or error} is not installed") from error
    raise NotThereError("not written for this workload")
