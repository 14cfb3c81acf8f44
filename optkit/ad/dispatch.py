"""The way from plain NumPy code into the engine: NumPy's two protocols, the operators and the array methods.

``np.sin(x)`` reaches `ArrayTracer.__array_ufunc__`, ``np.sum(x)`` `ArrayTracer.__array_function__`, ``x * 2`` an
operator; each looks the NumPy function up in `registry.FUNCTIONS`. Tracers are deliberately not a subclass of
`numpy.ndarray` and have no ``__array__``: NumPy would silently turn them into numbers. What cannot be differentiated
is refused here with an error that says what to write instead.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any, NoReturn

import numpy as np

from optkit.ad import inplace
from optkit.ad.core import QUIET_SIZE, Tracer, primal, unpack_objects
from optkit.ad.refusals import ATTRIBUTES, refuse
from optkit.ad.registry import FUNCTIONS
from optkit.ad.ufuncs import PLAIN, call_into, call_ufunc, late_rule, operand
from optkit.errors import LostDerivativeError, NotDifferentiableError, PerformanceWarning

_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "divmod": np.divmod,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
_IN_PLACE = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
# Array methods that are a NumPy function of the same name and the same arguments.
_METHODS = (
    "all any argmax argmin argpartition argsort astype choose clip cumprod cumsum diagonal dot max mean min nonzero "
    "prod put ravel repeat searchsorted squeeze std sum swapaxes take trace var"
).split()
_CREATORS = frozenset(
    {
        np.zeros,
        np.ones,
        np.empty,
        np.full,
        np.array,
        np.asarray,
        np.asanyarray,
        np.ascontiguousarray,
        np.arange,
    }
    | {np.eye, np.identity, np.tri, np.fromfunction, np.fromiter}
)


class ArrayTracer(Tracer):
    """A tracer that behaves like the `numpy.ndarray` it stands for."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # as for arrays: == compares elementwise

    # --- NumPy's protocols ---------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            handler = FUNCTIONS.get(ufunc) or late_rule(ufunc)
            if handler is not None:
                return handler(*(x if type(x) in PLAIN else operand(x, ufunc) for x in inputs))
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        handler = FUNCTIONS.get(func)
        if handler is not None:
            if kwargs and kwargs.get("out") is not None:
                return call_into(handler, func, args, **kwargs)
            return handler(*args, **kwargs)
        if (
            func in _CREATORS
        ):  # np.zeros(shape, like=x): an array that traced values can be assigned into.
            made = func(*args, **kwargs)
            return unpack_objects(made) if made.dtype.hasobject else inplace.assignable(made, self)
        refuse(func)

    @property
    def __array_interface__(self) -> Any:
        # NumPy looks for this before it makes an object array of the elements, one by one.
        warn_of_elements(self.size)
        raise AttributeError("a traced array does not give its memory away")

    # --- what an array has ---------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, _: Any) -> NoReturn:
        raise AttributeError("a traced array keeps its shape: write x = x.reshape(shape)")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def device(self) -> str:
        return "cpu"

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    @property
    def T(self) -> Any:  # noqa: N802 -- NumPy's name
        return FUNCTIONS[np.transpose](self)

    @property
    def mT(self) -> Any:  # noqa: N802 -- NumPy's name
        return FUNCTIONS[np.matrix_transpose](self)

    @property
    def real(self) -> Any:
        return FUNCTIONS[np.real](self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        return FUNCTIONS[np.imag](self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    @property
    def flat(self) -> Any:
        if not primal(self).flags.c_contiguous:
            # A flattened copy could be read, but what is assigned to it would be lost.
            raise NotDifferentiableError(
                "x.flat of a traced array that is not C-contiguous: read np.ravel(x), assign to x[...]"
            )
        return FUNCTIONS[np.ravel](self)

    @flat.setter
    def flat(self, values: Any) -> None:
        self[...] = np.reshape(np.resize(operand(values, np.ravel), self.size), self.shape)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        target = shape[0] if len(shape) == 1 else shape
        return FUNCTIONS[np.reshape](self, target, order=order, copy=copy)

    def transpose(self, *axes: Any) -> Any:
        return FUNCTIONS[np.transpose](self, axes[0] if len(axes) == 1 else (axes or None))

    def flatten(self, order: str = "C") -> Any:
        return FUNCTIONS[np.copy](FUNCTIONS[np.ravel](self, order=order))

    def conjugate(self) -> Any:
        return FUNCTIONS[np.conjugate](self) if self.dtype.kind == "c" else self

    conj = conjugate

    def compress(self, condition: Any, axis: Any = None) -> Any:
        return FUNCTIONS[np.compress](condition, self, axis)

    def copy(self, order: str = "C") -> Any:
        return FUNCTIONS[np.copy](self, order)

    def round(self, decimals: int = 0) -> Any:
        return FUNCTIONS[np.round](self, decimals)

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, **options: Any) -> None:
        inplace.write_all(self, FUNCTIONS[np.sort](self, axis, **options))

    def partition(self, kth: Any, axis: int = -1, **options: Any) -> None:
        inplace.write_all(self, FUNCTIONS[np.partition](self, kth, axis, **options))

    def item(self, *index: Any) -> Any:
        if index:
            return (
                self[index[0] if len(index) == 1 else index]
                if self.ndim == len(index)
                else self.flat[index[0]]
            )
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return FUNCTIONS[np.reshape](
            self, ()
        )  # Still traced: a float would have lost its derivative.

    def tolist(self) -> Any:
        return [part.tolist() for part in self] if self.ndim else self

    # --- containers ----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS["getitem"](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        inplace.write(self, index, value)

    def __copy__(self) -> Any:
        return FUNCTIONS[np.copy](self)

    def __deepcopy__(self, memo: Any) -> Any:
        return FUNCTIONS[np.copy](self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a traced value cannot be pickled; use ad.stop_gradient(x) for its plain value"
        )

    # --- Python asks for a plain value ---------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)  # Truncation: its derivative is zero.

    def __floor__(self) -> int:
        whole: int = math.floor(self.value)
        return whole

    def __ceil__(self) -> int:
        whole: int = math.ceil(self.value)
        return whole

    def __trunc__(self) -> int:
        whole: int = math.trunc(self.value)
        return whole

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.value, digits)

    def __float__(self) -> Any:
        _lost(
            "float(x)",
            "write x itself (NumPy's functions take it), np.sin(x) instead of math.sin(x), and "
            "np.stack(values) instead of np.array(values) before np.mean or np.std of them",
        )

    def __complex__(self) -> Any:
        _lost("complex(x)", "write x itself, or x + 0j")

    def __index__(self) -> NoReturn:
        raise TypeError(
            "a traced value is not an integer; int(x) truncates it (with derivative zero)"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __str__(self) -> str:
        return str(primal(self))

    def __format__(self, spec: str) -> str:
        return format(primal(self), spec)


def warn_of_elements(size: int) -> None:
    """Warn once of a long array that NumPy takes apart."""
    if size > QUIET_SIZE:
        warnings.warn(
            "np.array or np.asarray of a traced array takes it apart into single elements; use the array itself "
            "(np.copy for a copy, np.stack or np.concatenate to join several)",
            PerformanceWarning,
            stacklevel=3,
        )


def _lost(what: str, instead: str) -> NoReturn:
    raise LostDerivativeError(
        f"{what} of a traced value x would lose its derivative: {instead}; where the derivative is meant to be zero, "
        "write ad.stop_gradient(x) first"
    )


# --- operators and methods, made from the tables ---------------------------------------------------------------------


def _operator(ufunc: Any, reflected: bool) -> Any:
    def method(self: ArrayTracer, other: Any) -> Any:
        if type(other) not in PLAIN:
            if getattr(type(other), "__array_ufunc__", True) is None:
                return NotImplemented  # It wants to answer itself.
            if ufunc is np.matmul and hasattr(other, "tocsr"):
                return FUNCTIONS["sparse_matmul"](*(other, self) if reflected else (self, other))
            other = operand(other, ufunc)
        return FUNCTIONS[ufunc](other, self) if reflected else FUNCTIONS[ufunc](self, other)

    return method


def _comparison(ufunc: Any) -> Any:
    def method(self: ArrayTracer, other: Any) -> Any:
        if type(other) not in PLAIN:
            if ufunc in (np.equal, np.not_equal) and (other is None or isinstance(other, str)):
                return (operator.eq if ufunc is np.equal else operator.ne)(primal(self), other)
            other = operand(other, ufunc)
        return FUNCTIONS[ufunc](self, other)

    return method


def _in_place(ufunc: Any) -> Any:
    def method(self: ArrayTracer, other: Any) -> Any:
        result = FUNCTIONS[ufunc](self, operand(other, ufunc))
        # NumPy's scalars are immutable, `s += 1` rebinds the name; an array changes for all who hold it.
        return inplace.write_all(self, result) if isinstance(primal(self), np.ndarray) else result

    return method


def _unary(function: Any) -> Any:
    def method(self: ArrayTracer, *args: Any) -> Any:
        return FUNCTIONS[function](self, *args)

    return method


def _ufunc_method(ufunc: Any) -> Any:
    def method(self: ArrayTracer, *others: Any) -> Any:
        return ufunc(self, *others)

    return method


def _delegate(name: str) -> Any:
    function = getattr(np, name)

    def method(self: ArrayTracer, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function](self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"``np.{name}`` of this array."
    return method


def _refused(name: str, reason: str) -> Any:
    """An attribute of arrays that a traced array does not have, so that the error says why."""

    def attribute(_: ArrayTracer) -> NoReturn:
        raise AttributeError(f"x.{name} of a traced array x: {reason}")

    return property(attribute)


def _install() -> None:
    for name, reason in ATTRIBUTES.items():
        setattr(ArrayTracer, name, _refused(name, reason))
    for name, ufunc in _OPERATORS.items():
        setattr(ArrayTracer, f"__{name}__", _operator(ufunc, reflected=False))
        setattr(ArrayTracer, f"__r{name}__", _operator(ufunc, reflected=True))
    for name in _IN_PLACE:
        setattr(ArrayTracer, f"__i{name}__", _in_place(_OPERATORS[name]))
    for name, ufunc in _COMPARISONS.items():
        setattr(ArrayTracer, f"__{name}__", _comparison(ufunc))
    for name, function in _UNARY.items():
        setattr(ArrayTracer, f"__{name}__", _unary(function))
    for name in _METHODS:
        setattr(ArrayTracer, name, _delegate(name))
    # NumPy's loops over object arrays call a method named like the ufunc on each element. (These are spelled out here
    # because a __getattr__ would make every access to a slot several times slower.)
    for name, function in vars(np).items():
        if isinstance(function, np.ufunc) and not hasattr(ArrayTracer, name):
            setattr(ArrayTracer, name, _ufunc_method(function))


_install()
