"""The machine: what the processor and the C library offer, and LLVM as the compiler for it.

LLVM comes with llvmlite, which is imported when the first function is compiled.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

# Elementwise functions that libmvec (glibc) computes on vectors: from which glibc on, and with how many operands.
_VECTOR_FUNCTIONS = (
    "acos acosh asin asinh atan atanh cbrt cos cosh erf erfc exp exp2 expm1 log log10 log1p log2 sin sinh tan tanh "
    "atan2 hypot pow"
).split()
_OF_TWO = ("atan2", "hypot", "pow")
# From so many instructions on the cheaper pipeline is taken, so that compile time stays proportional.
_LONG = 4000


class Machine(NamedTuple):
    """What code is made for.

    Attributes
    ----------
    width : int
        Doubles in a vector register; 1 where vectors do not pay.
    vector_functions : frozenset of str
        Names of C functions of which there is a version for vectors.
    """

    width: int
    vector_functions: frozenset[str]
    features: str
    cpu: str


@functools.cache
def machine() -> Machine:
    """What the code of this process is made for."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    width = 8 if features.get("avx512f") else 4 if features.get("avx2") else 2
    if not llvm.get_process_triple().startswith("x86_64"):
        width = 2
    return Machine(
        width, _load_vector_functions(width), features.flatten(), llvm.get_host_cpu_name()
    )


def vector_name(function: str, width: int) -> str:
    """What libmvec calls the version of a C function for vectors of ``width`` doubles."""
    isa = {2: "b", 4: "d", 8: "e"}[width]
    return f"_ZGV{isa}N{width}{'vv' if function in _OF_TWO else 'v'}_{function}"


def _load_vector_functions(width: int) -> frozenset[str]:
    """Make libmvec's functions known to LLVM; none where there is no libmvec."""
    import llvmlite.binding as llvm

    try:
        library = ctypes.CDLL("libmvec.so.1")
    except OSError:
        return frozenset()
    found = set()
    for name in _VECTOR_FUNCTIONS:
        try:
            for lanes in {2, width}:
                symbol = vector_name(name, lanes)
                llvm.add_symbol(
                    symbol, ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value
                )
            found.add(name)
        except AttributeError:
            continue
    return frozenset(found)


def build(source: str, functions: tuple[str, ...]) -> tuple[Any, dict[str, int]]:
    """Compile LLVM's assembly language; what keeps the code alive, and the addresses of its functions."""
    import llvmlite.binding as llvm

    here = machine()
    context = llvm.create_context()
    module = llvm.parse_assembly(source, context)
    module.verify()
    level = 1 if source.count("\n") > _LONG else 2
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=here.cpu, features=here.features, opt=level, jit=True
    )
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    # Vectors are written by hand, where libmvec can be called; LLVM's own would only take time.
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = False
    with llvm.create_pass_builder(target, options) as builder:
        if level == 1:
            passes = llvm.create_new_module_pass_manager()
            passes.add_sroa_pass()
        else:
            passes = builder.getModulePassManager()
        try:
            passes.run(module, builder)
        finally:
            _free(passes)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    addresses = {name: engine.get_function_address(name) for name in functions}
    return (engine, context), addresses


def _free(passes: Any) -> None:
    """Free the passes: llvmlite (0.45 to 0.50) hides its method for that behind an empty one of another base class."""
    from llvmlite.binding.newpassmanagers import NewPassManager

    NewPassManager._dispose(passes)
    passes.detach()


def hexadecimal(number: float, kind: str) -> str:
    """A floating-point number as LLVM reads it, to the last bit."""
    import struct

    if kind == "float":
        number = (
            struct.unpack("f", struct.pack("f", number))[0] if math.isfinite(number) else number
        )
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
