"""NumPy, with arrays that traced values can be assigned into: a drop-in namespace.

Code that makes an array and fills it works with one line changed::

    from optkit.ad import numpy as np      # was: import numpy as np

    def f(x):
        r = np.zeros(3)
        r[0] = x[0] * x[1]                 # a plain array would refuse it
        r[1:] = np.array([x[0], x[1] ** 2])
        return r

Every name is NumPy's own, but for the functions that make arrays. These too are NumPy's outside differentiation, and
give plain arrays. While a function is being differentiated, what they make of floats is a `optkit.ad.buffers.Buffer`;
`array` and `asarray` join traced values directly, without an array of objects on the way. Arrays of integers and
booleans stay plain: they count and choose.

Examples
--------
>>> from optkit import ad
>>> from optkit.ad import numpy as np
>>> def f(x):
...     r = np.zeros(2)
...     r[0] = x[0] * x[1]
...     r[1] = np.sum(np.array([x[0], 1.0]))
...     return r
>>> ad.jacobian(f)(np.array([2.0, 3.0]))
array([[3., 2.],
       [1., 0.]])
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from optkit.ad.buffers import Buffer, assignable, settled
from optkit.ad.core import Tracer
from optkit.ad.dispatch import ArrayTracer

_CREATORS = (
    "zeros ones empty full eye identity tri linspace logspace geomspace arange fromfunction fromiter "
    "zeros_like ones_like empty_like full_like copy diag vander frombuffer fromstring loadtxt genfromtxt"
).split()


def _creator(name: str) -> Any:
    function = getattr(np, name)

    @functools.wraps(function)
    def create(*args: Any, **kwargs: Any) -> Any:
        return assignable(function(*args, **kwargs))

    return create


def _holds_tracers(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(map(_holds_tracers, x))
    if isinstance(x, np.ndarray) and x.dtype.hasobject:
        return any(isinstance(element, Tracer) for element in x.flat)
    return isinstance(x, Tracer)


def _joined(x: Any) -> Any:
    """Nested lists with traced values as one array, row by row."""
    if isinstance(x, np.ndarray) and x.dtype.hasobject:
        x = x.tolist()
    if not _holds_tracers(x):
        return x
    return np.stack([_joined(part) for part in x]) if isinstance(x, list | tuple) else settled(x)


def _converted(x: Any, dtype: Any, copy: bool, ndmin: int) -> Any:
    """A traced value, or a list of them, as an array."""
    y = _joined(x)
    if dtype is not None and np.dtype(dtype) != y.dtype:
        y = y.astype(dtype)
    elif copy and y is settled(x):
        y = np.copy(y)
    if y.ndim < ndmin:
        y = np.reshape(y, (1,) * (ndmin - y.ndim) + y.shape)
    return assignable(y)


@functools.wraps(np.array)
def array(
    object: Any,  # noqa: A002 -- NumPy's name
    dtype: Any = None,
    *,
    copy: bool | None = True,
    ndmin: int = 0,
    **options: Any,
) -> Any:
    """`numpy.array`, for traced values too."""
    if _holds_tracers(object):
        if type(object) is Buffer and not copy and dtype is None and object.ndim >= ndmin:
            return object
        return _converted(object, dtype, bool(copy), ndmin)
    return assignable(np.array(object, dtype=dtype, copy=copy, ndmin=ndmin, **options))


def _as_array(name: str) -> Any:
    function = getattr(np, name)

    @functools.wraps(function)
    def convert(a: Any, dtype: Any = None, **options: Any) -> Any:
        if isinstance(a, ArrayTracer) and (dtype is None or np.dtype(dtype) == a.dtype):
            return a
        if _holds_tracers(a):
            return _converted(a, dtype, False, 0)
        made = function(a, dtype=dtype, **options)
        # An array that was there before is returned as it is: it belongs to somebody else.
        return (
            made if isinstance(a, np.ndarray) and np.may_share_memory(made, a) else assignable(made)
        )

    return convert


for _name in ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray"):
    globals()[_name] = _as_array(_name)
for _name in _CREATORS:
    globals()[_name] = _creator(_name)
del _name


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(np)})
