"""The fast door: a built-in function of Python, in machine code, around a `core` function.

``entry(*arrays)`` checks the arguments, makes the result arrays, calls the core and puts the result together, without
a line of Python: about as much time as a call of a small built-in function takes. It answers `NotImplemented` where an
argument is not what the core was made for, or a guard failed, and leaves the rest to Python.

It reads the fields of array objects where NumPy's C header has them; `available` compares that with what Python says
of an array, so that on any other interpreter, or with any other layout, this door stays closed.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sysconfig
from collections.abc import Iterator
from typing import Any

import numpy as np

from optkit.ad.executors.emitter import Emitter
from optkit.ad.graph import Graph
from optkit.ad.tree import Structure

# Offsets in PyArrayObject (ndarraytypes.h), behind the reference count and the type.
_TYPE, _DATA, _NDIM, _SHAPE, _STRIDES, _DTYPE, _FLAGS = 8, 16, 24, 32, 40, 56, 64
_CONTIGUOUS_AND_ALIGNED = 0x0101
# Of the number in a PyFloatObject.
_FLOAT = 16
# Places in NumPy's table of C functions (numpy/_core/code_generators/numpy_api.py).
_ARRAY_TYPE, _SCALAR, _EMPTY = 2, 60, 184
# Larger functions let other threads run Python meanwhile.
_RELEASE_FROM = 1 << 15
# Up to this size scratch memory is taken from the stack.
_STACK_BYTES = 1 << 14
_FASTCALL = 0x0080


_PROBE = 0.1


@functools.cache
def available() -> bool:
    """Whether array objects lie in memory as expected."""
    if sysconfig.get_config_var("Py_GIL_DISABLED") or object.__basicsize__ != 16:
        return False
    x = np.arange(6.0).reshape(2, 3)
    pointer, number = ctypes.c_void_p.from_address, ctypes.c_int.from_address
    shape = (ctypes.c_ssize_t * 2).from_address(pointer(id(x) + _SHAPE).value or 0)
    return (
        pointer(id(x) + _TYPE).value == id(np.ndarray)
        and pointer(id(x) + _DATA).value == x.ctypes.data
        and number(id(x) + _NDIM).value == 2
        and tuple(shape) == (2, 3)
        and pointer(id(x) + _DTYPE).value == id(x.dtype)
        and number(id(x) + _FLAGS).value & _CONTIGUOUS_AND_ALIGNED == _CONTIGUOUS_AND_ALIGNED
        and _numpy_function(_ARRAY_TYPE) == id(np.ndarray)
        and ctypes.c_double.from_address(id(_PROBE) + _FLOAT).value == _PROBE
    )


def has_entry(graph: Graph, structure: Structure | None, leaves: int) -> bool:
    """Whether the arguments and the result of a function are of the simple kind that this door can handle."""
    return available() and _is_simple(structure) and leaves == len(graph.outputs) > 0


def _is_simple(structure: Structure | None) -> bool:
    """Whether a result is made of nested tuples and lists alone."""
    if structure is None:
        return True
    plain = structure.kind in (tuple, list) and not structure.names
    return plain and all(map(_is_simple, structure.parts))


def write_entry(
    graph: Graph, structure: Structure | None, scratch_bytes: int, numbers: frozenset[int]
) -> str:
    """The text of ``entry``, for the module that has ``core``; ``numbers`` says which arguments are Python's floats."""
    e = Emitter()
    for name in ("Py_IncRef", "Py_DecRef"):
        e.declarations.add(f"declare void @{name}(ptr)")
    refused = "%refused"
    count = len(graph.inputs)
    _require(e, e.value(f"icmp eq i64 %count, {count}"), refused)
    inputs = e.stack("ptr", max(count, 1))
    for number, value in enumerate(graph.inputs):
        argument = e.value(f"load ptr, ptr {_at(e, '%arguments', 8 * number)}")
        if number in numbers:
            kind = _field(e, argument, _TYPE, "ptr")
            _require(e, e.value(f"icmp eq ptr {kind}, {_object(float)}"), refused)
            e.line(f"store ptr {_at(e, argument, _FLOAT)}, ptr {_at(e, inputs, 8 * number)}")
            continue
        _require(
            e,
            e.value(f"icmp eq ptr {_field(e, argument, _TYPE, 'ptr')}, {_object(np.ndarray)}"),
            refused,
        )
        dtype = _field(e, argument, _DTYPE, "ptr")
        _require(e, e.value(f"icmp eq ptr {dtype}, {_object(value.dtype)}"), refused)
        ndim = _field(e, argument, _NDIM, "i32")
        _require(e, e.value(f"icmp eq i32 {ndim}, {value.ndim}"), refused)
        shape = _field(e, argument, _SHAPE, "ptr")
        for axis, n in enumerate(value.shape):
            found = e.value(f"load i64, ptr {_at(e, shape, 8 * axis)}")
            _require(e, e.value(f"icmp eq i64 {found}, {n}"), refused)
        flags = e.value(f"and i32 {_field(e, argument, _FLAGS, 'i32')}, {_CONTIGUOUS_AND_ALIGNED}")
        _require(e, e.value(f"icmp eq i32 {flags}, {_CONTIGUOUS_AND_ALIGNED}"), refused)
        e.line(f"store ptr {_field(e, argument, _DATA, 'ptr')}, ptr {_at(e, inputs, 8 * number)}")
    outputs = e.stack("ptr", len(graph.outputs))
    made = _make_outputs(e, graph, outputs)
    scratch = _take_scratch(e, scratch_bytes)
    failed = _call_core(e, graph, inputs, outputs, scratch, scratch_bytes)
    _give_back(e, scratch, scratch_bytes)
    undo = e.name("undo")
    _require(e, e.value(f"icmp eq i32 {failed}, 0"), undo)
    _return(e, graph, structure, outputs, made)
    e.label(undo)
    for array in made:
        if array is not None:
            e.line(f"call void @Py_DecRef(ptr {array})")
    e.line(f"br label {refused}")
    e.label(refused)
    e.line(f"call void @Py_IncRef(ptr {_object(NotImplemented)})")
    e.line(f"ret ptr {_object(NotImplemented)}")
    e.label("%nomemory")
    e.line("ret ptr null")
    text = e.function("entry", "ptr %self, ptr %arguments, i64 %count", "ptr")
    slot = "@scratch_slot = internal global ptr null\n" if scratch_bytes > _STACK_BYTES else ""
    release = _release() if scratch_bytes > _STACK_BYTES else ""
    return "\n".join([*sorted(e.declarations), slot, text, release])


def make_function(address: int, owner: Any) -> Any:
    """The built-in function at an address; it keeps its owner alive."""
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return new(ctypes.addressof(_definition(address)), owner, None)


@functools.cache
def _definition(address: int) -> _Definition:
    """What Python reads about the function at an address, even while it lets go of the function and of all around it.

    So it is never freed; addresses come again, and with them these few bytes.
    """
    return _Definition(b"entry", address, _FASTCALL, None)


class _Definition(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def _make_outputs(e: Emitter, graph: Graph, outputs: str) -> list[str | None]:
    """New arrays, and room for numbers; their addresses are put into ``outputs``."""
    made: list[str | None] = []
    for number, value in enumerate(graph.outputs):
        if not value.shape:
            e.line(f"store ptr {e.stack('i64', 1)}, ptr {_at(e, outputs, 8 * number)}")
            made.append(None)
            continue
        shape = e.stack("i64", value.ndim)
        for axis, n in enumerate(value.shape):
            e.line(f"store i64 {n}, ptr {_at(e, shape, 8 * axis)}")
        dtype = _object(value.dtype)
        e.line(f"call void @Py_IncRef(ptr {dtype})")  # The function takes the reference.
        empty = f"inttoptr (i64 {_numpy_function(_EMPTY)} to ptr)"
        array = e.value(f"call ptr {empty}(i32 {value.ndim}, ptr {shape}, ptr {dtype}, i32 0)")
        _require(e, e.value(f"icmp ne ptr {array}, null"), "%nomemory")
        e.line(f"store ptr {_field(e, array, _DATA, 'ptr')}, ptr {_at(e, outputs, 8 * number)}")
        made.append(array)
    return made


def _take_scratch(e: Emitter, size: int) -> str:
    """Scratch memory: from the stack, or kept from the last call, or new where another thread has that."""
    if not size:
        return "null"
    if size <= _STACK_BYTES:
        return e.stack("i8", size)
    e.declarations.add("declare ptr @PyMem_RawMalloc(i64)")
    kept = e.value("load ptr, ptr @scratch_slot")
    e.line("store ptr null, ptr @scratch_slot")
    new, ready, before = e.name("new"), e.name("ready"), e.block
    e.line(f"br i1 {e.value(f'icmp eq ptr {kept}, null')}, label {new}, label {ready}")
    e.label(new)
    # Aligned by hand: the address that is kept is that of the block.
    fresh = e.value(f"call ptr @PyMem_RawMalloc(i64 {size + 64})")
    _require(e, e.value(f"icmp ne ptr {fresh}, null"), "%nomemory")
    after = e.block
    e.line(f"br label {ready}")
    e.label(ready)
    return e.value(f"phi ptr [ {kept}, %{before} ], [ {fresh}, %{after} ]")


def _give_back(e: Emitter, scratch: str, size: int) -> None:
    if size <= _STACK_BYTES:
        return
    e.declarations.add("declare void @PyMem_RawFree(ptr)")
    other = e.value("load ptr, ptr @scratch_slot")
    e.line(f"store ptr {scratch}, ptr @scratch_slot")
    e.line(f"call void @PyMem_RawFree(ptr {other})")  # Nothing to free, most of the time.


def _release() -> str:
    """A function that frees the scratch memory when the code is let go of."""
    return (
        "define void @release() {\nentry:\n  %kept = load ptr, ptr @scratch_slot\n"
        "  store ptr null, ptr @scratch_slot\n  call void @PyMem_RawFree(ptr %kept)\n  ret void\n}\n"
    )


def _call_core(e: Emitter, graph: Graph, inputs: str, outputs: str, scratch: str, size: int) -> str:
    large = sum(v.size for v in (*graph.inputs, *graph.outputs)) + size // 8 > _RELEASE_FROM
    state = ""
    if size > _STACK_BYTES:
        address = e.value(f"ptrtoint ptr {scratch} to i64")
        up = e.value(f"and i64 {e.value(f'add i64 {address}, 63')}, -64")
        scratch = e.value(f"inttoptr i64 {up} to ptr")
    if large:
        e.declarations.add("declare ptr @PyEval_SaveThread()")
        e.declarations.add("declare void @PyEval_RestoreThread(ptr)")
        state = e.value("call ptr @PyEval_SaveThread()")
    failed = e.value(f"call i32 @core(ptr {inputs}, ptr {outputs}, ptr {scratch})")
    if large:
        e.line(f"call void @PyEval_RestoreThread(ptr {state})")
    return failed


def _return(
    e: Emitter, graph: Graph, structure: Structure | None, outputs: str, made: list[str | None]
) -> None:
    results = []
    for number, (value, array) in enumerate(zip(graph.outputs, made, strict=True)):
        if array is None:
            place = e.value(f"load ptr, ptr {_at(e, outputs, 8 * number)}")
            scalar = f"inttoptr (i64 {_numpy_function(_SCALAR)} to ptr)"
            array = e.value(f"call ptr {scalar}(ptr {place}, ptr {_object(value.dtype)}, ptr null)")
            _require(e, e.value(f"icmp ne ptr {array}, null"), "%nomemory")
        results.append(array)
    e.line(f"ret ptr {_together(e, structure, iter(results))}")


def _together(e: Emitter, structure: Structure | None, results: Iterator[str]) -> str:
    """The results in their tuples and lists."""
    if structure is None:
        return next(results)
    kind = "PyTuple" if structure.kind is tuple else "PyList"
    e.declarations.add(f"declare ptr @{kind}_New(i64)")
    e.declarations.add(f"declare i32 @{kind}_SetItem(ptr, i64, ptr)")
    whole = e.value(f"call ptr @{kind}_New(i64 {len(structure.parts)})")
    _require(e, e.value(f"icmp ne ptr {whole}, null"), "%nomemory")
    for number, part in enumerate(structure.parts):
        item = _together(e, part, results)
        e.value(f"call i32 @{kind}_SetItem(ptr {whole}, i64 {number}, ptr {item})")
    return whole


def _require(e: Emitter, condition: str, otherwise: str) -> None:
    """Go on only where the condition holds."""
    on = e.name("on")
    e.line(f"br i1 {condition}, label {on}, label {otherwise}")
    e.label(on)


def _at(e: Emitter, pointer: str, offset: int) -> str:
    return e.value(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer


def _field(e: Emitter, pointer: str, offset: int, kind: str) -> str:
    return e.value(f"load {kind}, ptr {_at(e, pointer, offset)}")


def _object(thing: Any) -> str:
    """The address of a Python object that lives as long as Python does."""
    return f"inttoptr (i64 {id(thing)} to ptr)"


@functools.cache
def _numpy_function(place: int) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get(importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API, None)
    return int(ctypes.c_void_p.from_address(table + 8 * place).value or 0)
