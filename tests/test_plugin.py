"""Backends in packages of their own: the example, really installed; and packages that are broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "examples" / "plugin"


def install(source: Path, site: Path) -> None:
    """Install a package from its sources, without a network: what it is built with is there."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python that sees the packages in ``site``."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment,
        cwd=site,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    copy = tmp_path_factory.mktemp("source")
    for path in PLUGIN.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            target = copy / path.relative_to(PLUGIN)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    install(copy, folder)
    return folder


USE = """
import sys
import numpy as np
import optkit
from optkit import ad

table = str(optkit.backends())
assert "optkit_hyperdual" not in sys.modules, "listing has imported it"
print(table)

def f(x):
    return np.sum(np.exp(x) * x**2)

x = np.array([0.3, -1.2])
assert np.allclose(ad.grad(f, backend="hyperdual")(x), ad.grad(f)(x), rtol=1e-14)
assert np.allclose(ad.hessian(f, backend="hyperdual")(x), ad.hessian(f)(x), rtol=1e-14)
print(optkit.minimize(f, x, backend="hyperdual").success)
"""


def test_the_example_is_found_by_name_listed_without_import_and_used(site: Path) -> None:
    done = run(site, "-c", USE)
    assert done.returncode == 0, done.stderr
    assert "hyperdual" in done.stdout
    assert "[optkit-hyperdual 1.0]" in done.stdout
    assert done.stdout.endswith("True\n")


def test_the_example_conforms_as_its_own_tests_say(site: Path) -> None:
    test = PLUGIN / "tests" / "test_conformance.py"
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", str(site)]
    done = run(site, "-m", "pytest", *options, "-c", os.devnull, str(test))
    assert done.returncode == 0, done.stdout[-3000:]
    assert " failed" not in done.stdout
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) > 180


def broken(site: Path, package: str, entries: dict[str, str], code: str) -> None:
    """Make the metadata of an installed package by hand."""
    info = site / f"{package.replace('-', '_')}-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[optkit.backends]", *lines]) + "\n")
    (site / f"{package.replace('-', '_')}.py").write_text(code)


TRY = """
import numpy as np
import optkit
from optkit import ad
from optkit.errors import BackendError

print(optkit.backends())
for name in ("explodes", "absent", "wrong", "raises", "twice", "native"):
    try:
        print(name, "gives", ad.grad(lambda x: np.sum(x**2), backend=name)(np.ones(1)))
    except BackendError as error:
        print(name, "raises", error, "|", type(error.__cause__).__name__)
try:
    ad.get_backend("wronng")
except BackendError as error:
    print(error)
"""


def test_broken_plug_ins_raise_with_their_own_names_and_hurt_nobody_else(tmp_path: Path) -> None:
    broken(
        tmp_path, "optkit-boom", {"explodes": "optkit_boom:Backend"}, "raise ValueError('boom')\n"
    )
    broken(
        tmp_path,
        "optkit-half",
        {
            "absent": "optkit_half:Missing",
            "wrong": "optkit_half:number",
            "raises": "optkit_half:make",
        },
        "def number():\n    return 3\n\ndef make():\n    return 1 / 0\n",
    )
    broken(tmp_path, "optkit-a", {"twice": "optkit_a:B", "native": "optkit_a:B"}, "B = None\n")
    broken(tmp_path, "optkit-b", {"twice": "optkit_b:B"}, "B = None\n")
    done = run(tmp_path, "-c", TRY)
    assert done.returncode == 0, done.stderr
    said = {line.split()[0]: line for line in done.stdout.splitlines() if " raises " in line}
    who = "raises backend {!r} of {} 0.1 ({}) is broken: "
    assert who.format("explodes", "optkit-boom", "optkit_boom:Backend") in said["explodes"]
    assert "importing it raised ValueError: boom | ValueError" in said["explodes"]
    assert who.format("absent", "optkit-half", "optkit_half:Missing") in said["absent"]
    assert "AttributeError" in said["absent"]
    assert "it gives a int, not a Backend" in said["wrong"]
    assert "making it raised ZeroDivisionError" in said["raises"]
    assert "provided by several packages: optkit-a 0.1, optkit-b 0.1" in said["twice"]
    assert "native gives [2.]" in done.stdout
    assert "unknown backend 'wronng'; did you mean 'wrong'?" in done.stdout
    assert "hidden: the name is taken" in done.stdout
