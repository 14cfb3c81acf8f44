"""The house rules that a machine can hold: who imports whom, how long files are, what names say."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import optkit
from optkit import ad

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "optkit"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PYTHON_FILES = sorted(
    path
    for folder in ("optkit", "tests", "examples", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
# Rows of rules and of cases: long, and read one row at a time.
TABLES = [*(PACKAGE / "ad" / "rules").glob("*.py"), *(PACKAGE / "testing" / "cases").glob("*.py")]
ALWAYS_THERE = {"optkit", "numpy", "scipy"} | set(sys.stdlib_module_names)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def public_names() -> Iterator[tuple[str, object]]:
    for module in (optkit, ad):
        for name in module.__all__:
            yield f"{module.__name__}.{name}", getattr(module, name)


PUBLIC = dict(public_names())
CALLABLES = {name: thing for name, thing in PUBLIC.items() if callable(thing)}
CLASSES = [name for name, thing in CALLABLES.items() if inspect.isclass(thing)]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name_of)
def test_files_fit_in_a_head(path: Path) -> None:
    limit = 800 if path in TABLES else 500
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_imports_point_one_way() -> None:
    lint = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", lint, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_optkit_imports_nothing_optional() -> None:
    """Neither Matplotlib nor any package but NumPy, SciPy, and what these two import of themselves."""
    listing = "import sys{}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    def roots(imports: str) -> set[str]:
        command = [sys.executable, "-c", listing.format(imports)]
        return set(
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        )

    with_optkit = roots(", optkit, optkit.ad, optkit.testing, optkit.adapters")
    assert "optkit" in with_optkit
    peers = roots(", numpy, scipy.special, scipy.optimize, scipy.linalg, scipy.sparse, scipy.fft")
    assert with_optkit - peers - ALWAYS_THERE == set()


def test_packages_that_are_not_always_there_are_imported_inside_functions() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}: {root}"
        for path in SOURCES
        for node in tree_of(path).body
        for root in imported_roots(node)
        if root not in ALWAYS_THERE
    ]
    assert found == []


def imported_roots(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or ".").partition(".")[0]]
    return []


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name_of)
def test_imports_are_absolute_and_name_what_they_take(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            assert [alias.name for alias in node.names] != ["*"], f"line {node.lineno}: star import"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_library_does_not_print(path: Path) -> None:
    calls = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert calls == []


def test_no_module_bears_the_name_of_a_public_function() -> None:
    functions = {name.rpartition(".")[2] for name in CALLABLES}
    assert [name_of(path) for path in SOURCES if path.stem in functions] == []


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_every_public_name_is_explained_with_an_example_that_runs(name: str) -> None:
    """That the examples run, and print what they show, is held by test_docs.py."""
    doc = inspect.getdoc(CALLABLES[name])
    assert doc, "no docstring"
    assert re.search(r"^Examples\n-{8}$", doc, re.MULTILINE), "no section Examples"
    assert ">>> " in doc.partition("Examples\n--------")[2]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_public_method_is_explained_where_it_is_declared(name: str) -> None:
    """In the class or in the protocol that it fulfils, from which Python inherits the docstring."""
    methods = inspect.getmembers(CALLABLES[name], inspect.isfunction)
    ours = [name for name, method in methods if method.__module__.startswith("optkit")]
    public = [method for method in ours if not method.startswith("_")]
    assert [m for m in public if not inspect.getdoc(getattr(CALLABLES[name], m))] == []


def test_every_error_has_a_help_page() -> None:
    errors = [
        thing
        for thing in vars(optkit.errors).values()
        if inspect.isclass(thing) and thing.__module__ == "optkit.errors"
    ]
    assert errors
    assert [error.__name__ for error in errors if not error.__doc__] == []


def test_the_wheel_carries_the_types_and_nothing_but_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "optkit/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"optkit"}
    assert {name_of(path) for path in SOURCES} <= set(names)
