"""The LLVM executor: machine code for what has it, NumPy calls for the rest, in turn.

The graph is cut into pieces in which every equation has machine code, and single equations that have not. Each piece is
compiled to one function (`Native`), which runs without Python.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from optkit.ad.executors import entry, interpreter
from optkit.ad.executors.codegen import Code
from optkit.ad.executors.forms import CallForm
from optkit.ad.executors.machine import build, machine
from optkit.ad.executors.planning import Call, Kernel, has_machine_code, is_aligned
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.passes.rewriting import Rewriter
from optkit.ad.primitives import Constant as ZeroDerivative
from optkit.ad.registry import FUNCTIONS
from optkit.ad.rules import shape


def program(graph: Graph, call: CallForm | None = None) -> Any:
    """What runs the graph, for calls of that form."""
    graph = _answerable(_owned(graph))
    if all(has_machine_code(equation) for equation in graph.equations) and _fits(graph):
        return Native(graph, call)
    return Mixed(graph)


class Native:
    """One machine-code function.

    Attributes
    ----------
    kernels : dict
        What a report tells of the executor.
    buffer_bytes : int
        The memory that one call needs beside inputs and outputs.
    """

    def __init__(self, graph: Graph, call: CallForm | None = None) -> None:
        code = Code(graph, machine().width)
        _load_libraries(code.libraries)
        names = ["core"]
        self.source = code.source
        if call is not None and entry.has_entry(graph, call.structure, call.leaves):
            self.source += entry.write_entry(
                graph, call.structure, code.scratch_bytes, call.numbers
            )
            names.append("entry")
            if "@release" in self.source:
                names.append("release")
        engine, addresses = build(self.source, tuple(names))
        self.core = addresses["core"]
        self._entry = addresses.get("entry")
        release = addresses.get("release")
        free = None if release is None else ctypes.CFUNCTYPE(None)(release)
        # LLVM's objects are held here alone: as a part of a cycle they would be taken apart in any order.
        weakref.finalize(self, _let_go, free, *engine).atexit = False
        self._constants = [c.data for c in graph.constants()]  # Their addresses are in the code.
        self._function = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
        )(self.core)
        self._inputs = [(v.shape, v.dtype) for v in graph.inputs]
        self._outputs = [(v.shape, v.dtype) for v in graph.outputs]
        steps = code.plan.steps
        self.kernels = {
            "loops": sum(isinstance(s, Kernel) for s in steps),
            "calls": sum(isinstance(s, Call) for s in steps),
        }
        self.buffer_bytes = code.scratch_bytes
        self._scratch: list[Any] = []

    def entry(self) -> Any:
        """The built-in function that takes the arguments as they come; None where there is none."""
        return None if self._entry is None else entry.make_function(self._entry, _Owner(self))

    def __call__(self, inputs: Sequence[Any]) -> list[Any] | None:
        """The outputs, None where a guard failed."""
        arrays = [
            np.ascontiguousarray(x, dtype).reshape(shape)
            for x, (shape, dtype) in zip(inputs, self._inputs, strict=True)
        ]
        outputs = [np.empty(shape, dtype) for shape, dtype in self._outputs]
        try:
            scratch = self._scratch.pop()
        except IndexError:
            scratch = np.empty(max(self.buffer_bytes, 1), np.uint8)
        failed = self._function(_pointers(arrays), _pointers(outputs), scratch.ctypes.data)
        self._scratch.append(scratch)
        if failed:
            return None
        return [y if y.shape else y[()] for y in outputs]


class _Owner:
    """Keeps a program alive as long as its built-in function is."""

    def __init__(self, program: Native) -> None:
        self.program = program


def _let_go(free: Any, engine: Any, context: Any) -> None:
    """Free what the code keeps, the code, and what it was made in, in this order."""
    if free is not None:
        free()
    engine.close()
    context.close()


class Mixed:
    """Machine code and NumPy calls in turn."""

    def __init__(self, graph: Graph) -> None:
        self._inputs = graph.inputs
        self._outputs = graph.outputs
        self._parts: list[tuple[Any, list[Value], list[Value]]] = []
        for piece in _pieces(graph):
            native = all(has_machine_code(e) for e in piece.equations)
            cut = _cut_out(piece)
            part = Native(cut) if native else interpreter.Program(cut)
            self._parts.append((part, piece.inputs, piece.outputs))
        self.kernels = {
            kind: sum(part.kernels.get(kind, 0) for part, _, _ in self._parts)
            for kind in ("loops", "calls", "NumPy calls")
        }
        self.buffer_bytes = sum(part.buffer_bytes for part, _, _ in self._parts)

    def __call__(self, inputs: Sequence[Any]) -> list[Any] | None:
        """The outputs, None where a guard failed."""
        known: dict[Value, Any] = dict(zip(self._inputs, inputs, strict=True))
        for part, reads, makes in self._parts:
            found = part([known[v] for v in reads])
            if found is None:
                return None
            known.update(zip(makes, found, strict=True))
        return [v.data if isinstance(v, Constant) else known[v] for v in self._outputs]


def _pieces(graph: Graph) -> list[Graph]:
    """The graph as a sequence of smaller ones, in each of which all or no equation has machine code."""
    groups: list[tuple[bool, list[Equation | Guard]]] = []
    for step in graph.steps:
        if isinstance(step, Guard):
            if not groups:
                groups.append((False, []))
            groups[-1][1].append(step)
            continue
        native = has_machine_code(step)
        if not groups or groups[-1][0] != native:
            groups.append((native, []))
        groups[-1][1].append(step)
    needed = set(graph.outputs)
    pieces: list[Graph] = []
    for native, steps in reversed(groups):
        made = {r for s in steps if isinstance(s, Equation) for r in s.results}
        outputs = [r for r in made if r in needed]
        read = [v for s in steps for v in (s.operands if isinstance(s, Equation) else (s.value,))]
        inputs = [v for v in dict.fromkeys(read) if not isinstance(v, Constant) and v not in made]
        piece = Graph(inputs, steps, outputs)
        if native and not _fits(piece):
            native = False
        pieces.append(piece)
        needed.update(inputs)
    return pieces[::-1]


def _cut_out(piece: Graph) -> Graph:
    """A piece whose inputs know nothing of the equations that made them, which are in another piece."""
    rewriter = Rewriter(piece)
    inputs = [Value(v.shape, v.dtype) for v in piece.inputs]
    rewriter.replaced.update(zip(piece.inputs, inputs, strict=True))
    graph = rewriter.run(lambda _rewriter, _equation, _operands: None)
    return Graph(inputs, graph.steps, graph.outputs)


def _fits(graph: Graph) -> bool:
    """Whether all that comes in and goes out has a place in machine code."""
    from optkit.ad.executors.operations import kind_of

    values = (*graph.inputs, *graph.outputs, *graph.constants())
    return all(kind_of(v.dtype) is not None and v.size > 0 and is_aligned(v) for v in values)


def _owned(graph: Graph) -> Graph:
    """The graph with a copy in place of every output that is an input, a constant, or another output."""
    steps, outputs, seen = list(graph.steps), [], set[Value]()
    for value in graph.outputs:
        if value.origin is None or value in seen:
            equation = Equation(shape.copied, (value,), {"order": "K"})
            equation.results = (Value(value.shape, value.dtype, equation),)
            steps.append(equation)
            value = equation.result
        seen.add(value)
        outputs.append(value)
    return Graph(graph.inputs, steps, outputs)


def _answerable(graph: Graph) -> Graph:
    """The graph with guards on single numbers alone: of an array, that no element differs."""
    steps: list[Equation | Guard] = []
    for step in graph.steps:
        if isinstance(step, Guard) and (step.value.shape or step.expects_nan):
            unlike = _differ_beside_nan if step.expects_nan else _differ
            differs = Equation(unlike, (step.value, Constant(step.expected)), {})
            differs.results = (Value(step.value.shape, bool, differs),)
            anywhere = Equation(_any, (differs.result,), {})
            anywhere.results = (Value((), bool, anywhere),)
            steps += [differs, anywhere, Guard(anywhere.result, False)]
        else:
            steps.append(step)
    return Graph(graph.inputs, steps, graph.outputs)


def _pointers(arrays: Sequence[Any]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


def _load_libraries(names: set[str]) -> None:
    """Make SciPy's BLAS known to LLVM."""
    if not names:
        return
    import llvmlite.binding as llvm
    from scipy.linalg import cython_blas

    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    for name in names:
        capsule = cython_blas.__pyx_capi__[name]
        llvm.add_symbol(f"optkit_{name}", get(capsule, get_name(capsule)))


_any = ZeroDerivative("any", np.any)
_differ: Any = FUNCTIONS[np.not_equal]


def _unlike(a: Any, b: Any) -> Any:
    return (a != b) & ~(np.isnan(a) & np.isnan(b))


_differ_beside_nan = ZeroDerivative("differ_beside_nan", _unlike)
