"""Compiling and calling exported C; what a function takes is read off its header, as a user would."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O0", "-shared", "-fPIC")
C_COMPILER = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
TYPES = {
    "double": (ctypes.c_double, np.float64),
    "float": (ctypes.c_float, np.float32),
    "int64_t": (ctypes.c_int64, np.int64),
}


class Library:
    """An export, compiled; ``library.name(*inputs)`` gives the status and the outputs."""

    def __init__(self, made, folder):
        made.write(folder)
        path = folder / f"{made.name}.so"
        source = folder / f"{made.name}.c"
        command = [C_COMPILER, *FLAGS, "-o", str(path), str(source), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self._library = ctypes.CDLL(str(path))
        self._header = made.header

    def __getattr__(self, name):
        function = getattr(self._library, name)
        prototype = re.search(rf"int {name}\((.*?)\);", self._header, re.DOTALL)
        parameters = re.findall(r"(const )?(\w+) (\*?)(\w+)", prototype[1])
        comment = self._header[: prototype.start()].rpartition("/*")[2]
        shapes = dict(
            re.findall(r"^ \*     (\w+): (?:number|array of shape \(([\d, ]*)\))", comment, re.M)
        )
        macros = dict(re.findall(r"#define (\w+) (\d+)", self._header))

        def call(*inputs):
            given, arguments, outputs, kept = iter(inputs), [], [], []
            for const, kind, star, parameter in parameters:
                ctype, dtype = TYPES[kind]
                if not star:
                    arguments.append(ctype(next(given)))
                    continue
                if const:
                    array = np.ascontiguousarray(next(given), dtype)
                elif parameter in ("work", "fwork", "iwork"):
                    array = np.full(int(macros[f"{name}_{parameter}".upper()]), 77, dtype)
                else:
                    numbers = [int(n) for n in shapes[parameter].split(",") if n.strip()]
                    array = np.full(numbers, -77, dtype)
                    outputs.append(array)
                kept.append(array)
                arguments.append(array.ctypes.data_as(ctypes.c_void_p))
            return function(*arguments), *(x[()] for x in outputs)

        return call


@pytest.fixture
def compiled(tmp_path):
    """Makes a `Library` of an export."""
    if C_COMPILER is None:
        pytest.skip("no C compiler (gcc, cc or clang) on the path")
    return lambda made: Library(made, tmp_path)


@pytest.fixture
def module():
    """Makes a namespace of an exported NumPy module."""

    def run(made):
        namespace = {"__name__": made.name}
        exec(compile(made.source, f"{made.name}.py", "exec"), namespace)
        return namespace

    return run
