"""What cannot be differentiated, each with its reason; and the error that says so."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import numpy as np

from optkit.errors import NotDifferentiableError

_FILES = "it writes numbers to a file, and a derivative would be lost on the way"
_DATES = "it works on dates, which have no derivative"
_BITS = "it works on integers or bits, which have no derivative"

# NumPy's functions that take arrays but have no derivative, and why.
REASONS: dict[Any, str] = {
    np.save: _FILES,
    np.savez: _FILES,
    np.savez_compressed: _FILES,
    np.savetxt: _FILES,
    np.busday_count: _DATES,
    np.busday_offset: _DATES,
    np.is_busday: _DATES,
    np.datetime_as_string: _DATES,
    np.isnat: _DATES,
    np.packbits: _BITS,
    np.unpackbits: _BITS,
    np.ravel_multi_index: _BITS,
    np.unravel_index: _BITS,
    np.ix_: "a traced value cannot be an index",
}

# NumPy's functions that never see a traced value as such, because NumPy gives nobody a chance to take the call over:
# what becomes of a traced value there.
UNDISPATCHED: dict[str, str] = {
    "takes sizes, names or settings, no numbers to differentiate": (
        "bartlett blackman broadcast_shapes datetime_data diag_indices eye geterr geterrcall getbufsize "
        "get_include get_printoptions hamming hanning identity indices info isdtype issubdtype isfortran iterable "
        "isscalar kaiser mask_indices mintypecode nested_iters ones empty zeros printoptions promote_types "
        "set_printoptions setbufsize seterr seterrcall show_config show_runtime test tri tril_indices "
        "triu_indices typename asmatrix bmat"
    ),
    "reads what others have written": (
        "from_dlpack frombuffer fromfile fromregex fromstring genfromtxt load loadtxt"
    ),
    "is made of functions that have rules": (
        "asarray_chkfinite fft.fftfreq fft.rfftfreq fromfunction require row_stack"
    ),
    "makes an array of references to single traced values, which is stacked where it meets the engine": (
        "array asanyarray asarray ascontiguousarray asfortranarray full"
    ),
    "calls a Python function with one traced value after the other": "frompyfunc",
    "wants Python floats: what would lose a derivative raises an error": (
        "arange fromiter base_repr binary_repr format_float_positional format_float_scientific"
    ),
}

# Methods and attributes of arrays that a traced array does not have, and why.
_MEMORY = "a traced array does not give its memory away: ad.stop_gradient(x) has it"
ATTRIBUTES: dict[str, str] = {
    **dict.fromkeys(
        ("base", "ctypes", "data", "flags", "strides", "tobytes", "tofile", "dump", "dumps"),
        _MEMORY,
    ),
    **dict.fromkeys(
        ("byteswap", "getfield", "setfield", "view", "setflags"),
        "it reads or changes bytes, and a derivative belongs to a number (x.astype for another kind of number)",
    ),
    "resize": "a traced array keeps its size: x = np.resize(x, shape) makes another",
    "to_device": "a traced array is where NumPy's arrays are",
}


def refuse(function: Any) -> NoReturn:
    """Raise the error for a function that has no rule."""
    full = qualified_name(function)
    reason = REASONS.get(function)
    if reason is not None:
        raise NotDifferentiableError(
            f"{full} of a traced value: {reason}; where the derivative is meant to be zero, call it on "
            "ad.stop_gradient(x)"
        )
    raise NotDifferentiableError(
        f"optkit has no derivative rule for {full}: write it in terms of functions that have one, give it a derivative "
        "with ad.custom_jvp or ad.custom_vjp, or, where its derivative is meant to be zero, call it on "
        "ad.stop_gradient(x)"
    )


def qualified_name(function: Any) -> str:
    """What a user writes for a function of NumPy or SciPy."""
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        special = sys.modules.get("scipy.special")
        return f"scipy.special.{name}" if hasattr(special, name) else name
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy.")
    if module.startswith("scipy"):
        return f"{module}.{name}"
    return f"np.{name}".replace("np.numpy.", "np.")
