"""Every example runs, prints what it promises, and draws its picture."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(example, folder, *arguments, change=None):
    """Run an example, or a changed copy of it, in ``folder``; its pictures go to ``folder / "pictures"``."""
    script = folder / example.name
    source = example.read_text(encoding="utf-8")
    if change is not None:
        old, new = change
        assert old in source
        source = source.replace(old, new)
    script.write_text(source, encoding="utf-8")
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-W", "error", str(script), "pictures", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_and_draws(example, tmp_path):
    done = run(example, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    pictures = list((tmp_path / "pictures").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert str(picture.relative_to(tmp_path)) in done.stdout
        pixels = matplotlib.image.imread(picture)
        assert min(pixels.shape[:2]) >= 400
        assert np.std(pixels[..., :3]) > 0.05, "an empty picture"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_opens_with_a_title_for_the_gallery(example):
    first, underline = example.read_text(encoding="utf-8").removeprefix('"""\n').splitlines()[:2]
    assert example.name.startswith("plot_")
    assert underline == "=" * len(first)


def test_the_network_learns_the_digits_too(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn, which has the digits, is not installed")
    done = run(ROOT / "examples" / "plot_neural_network.py", tmp_path, "digits")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"held back +[\d.]+ +9\d\.\d%", done.stdout)


def test_the_ways_to_a_derivative_cost_what_they_should(tmp_path):
    """Differences and dual numbers cost more with more variables, tapes do not."""
    text = run(ROOT / "examples" / "plot_autodiff_from_scratch.py", tmp_path).stdout
    costs = {
        row[1].strip(): [float(cost) for cost in row[2].split()]
        for row in re.finditer(r"^(\D+?)((?: +\d+\.\d){4})$", text, re.M)
    }
    assert costs["forward differences"][-1] > 8 * costs["forward differences"][0]
    assert costs["our dual numbers"][-1] > 8 * costs["our dual numbers"][0]
    assert costs["our tape"][-1] < 8 * costs["our tape"][0]
    assert costs["optkit, in NumPy"][-1] < costs["optkit, in NumPy"][0]


MAIN_JOB = ROOT / "examples" / "plot_main_job.py"


def test_the_main_job_prints_the_published_estimates_and_all_verdicts(tmp_path):
    text = run(MAIN_JOB, tmp_path).stdout
    for method in ("Gauss-Newton", "Levenberg-Marquardt"):
        assert re.search(rf"{method} +212\.68 ± 6\.947 +0\.06412 ± 0\.008281 ", text)
    for method in ("gradient descent", "BFGS", "SciPy's BFGS"):
        # The columns: iterations, values, gradients, time, f(x), and the distance to the minimum.
        row = re.search(rf"^{method} +(\d+) +(\d+) +(\d+) +([\d.]+) +(\S+) +(\S+)$", text, re.M)
        assert row, method
        assert float(row[5]) < 1e-10
        assert float(row[6]) < 1e-5
    assert re.search(r"gradcheck of residuals, .*: ok", text)
    assert re.search(r"gradcheck of rosenbrock, .*: ok", text)
    assert "Hessian: all 4 entries agree" in text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[76, 47, 97,", "[76, 47, 197,"), "Gauss-Newton: "),
        (("(0.0641, 0.00828)", "(0.0641, 0.00928)"), "± 0.00828"),
        (
            ("(1.0 - x[:-1]) ** 2)\n", "(1.0 - x[:-1]) ** 2 + np.abs(x[:-1] + 1.2))\n"),
            "gradcheck of rosenbrock failed",
        ),
    ],
    ids=["another observation", "another standard error", "a kink at the start"],
)
def test_the_main_job_fails_when_something_is_off(change, complaint, tmp_path):
    done = run(MAIN_JOB, tmp_path, change=change)
    assert done.returncode == 1
    assert "NOT ALL IS WELL" in done.stderr
    assert complaint in done.stderr
