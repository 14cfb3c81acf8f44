"""What gradcheck is besides its verdicts: any derivative, Taylor remainders, pages, the command line, pytest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import optkit
from optkit import ad
from optkit.ad.backends.native import NativeBackend
from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.testing import gradcheck, gradcheck_tests
from optkit.testing.command import main
from optkit.testing.comparison import EntryVerdict

ROOT = Path(__file__).resolve().parent.parent.parent
X = np.array([-1.2, 1.0, 0.7])


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_grad(x: Any) -> Any:
    rise = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[1:] += 200.0 * rise
    gradient[:-1] += -400.0 * x[:-1] * rise - 2.0 * (1.0 - x[:-1])
    return gradient


rosenbrock_hess = ad.hessian(rosenbrock)


def rosenbrock_hessp(x: Any, v: Any) -> Any:
    return rosenbrock_hess(x) @ v


def quiet(*args: Any, **options: Any) -> Any:
    return gradcheck(*args, raise_on_failure=False, **options)


# --- any derivative ---------------------------------------------------------------------------------------------------


def test_a_product_with_the_hessian_is_checked() -> None:
    report = gradcheck(rosenbrock, X, jac=rosenbrock_grad, hessp=rosenbrock_hessp)
    assert [check.title for check in report.checks] == ["gradient", "Hessian by products"]
    assert "derivative by jac and hessp" in str(report)
    both = gradcheck(rosenbrock, X, hess=rosenbrock_hess, hessp=rosenbrock_hessp)
    assert len(both.checks) == 3

    def slipped(x: Any, v: Any) -> Any:
        product = rosenbrock_hessp(x, v)
        product[1] -= 200.0 * v[1]
        return product

    report = quiet(rosenbrock, X, hessp=slipped)
    wrong = [e.name for e in report.entries if e.verdict is EntryVerdict.WRONG]
    assert wrong == ["∂²f/∂x[1]∂x[1]"]
    report = quiet(rosenbrock, X, hessp=lambda x, v: rosenbrock_hessp(x, v)[:, None])
    assert "hessp returned shape (3, 1), expected (3,)" in str(report)


def test_further_arguments_reach_hessp_as_scipy_gives_them() -> None:
    def f(x: Any, a: float) -> Any:
        return a * np.sum(x**3)

    assert gradcheck(
        f, X, 2.0, jac=lambda x, a: 3.0 * a * x**2, hessp=lambda x, v, a: 6.0 * a * x * v
    )


def test_a_function_that_returns_both() -> None:
    assert gradcheck(lambda x: (rosenbrock(x), rosenbrock_grad(x)), X, jac=True)
    assert not quiet(lambda x: (rosenbrock(x), -rosenbrock_grad(x)), X, jac=True)
    with pytest.raises(
        InvalidTypeError, match=r"must return the pair \(value, derivative\), got float64"
    ):
        gradcheck(rosenbrock, X, jac=True)


def test_sparse_jacobians_stay_sparse_and_are_checked_at_any_size() -> None:
    n = 5_000
    difference = sp.diags_array([np.ones(n - 1), -np.ones(n - 1)], offsets=[0, 1], shape=(n - 1, n))
    x = np.random.default_rng(0).standard_normal(n)

    def f(x: Any) -> Any:
        return difference @ x + x[:-1] ** 2

    def jac(x: Any) -> Any:
        return difference + sp.diags_array(2.0 * x[:-1], shape=(n - 1, n))

    report = gradcheck(f, x, jac=jac)
    assert report.evaluations < 500
    slipped = jac(x).tolil()
    slipped[613, 613] *= 1.1
    report = quiet(f, x, jac=lambda x: slipped.tocsr())
    assert "∂f[613]/∂x[613]" in [e.name for e in report.entries[:20]]
    small = sp.csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]))
    for kind in ("csr", "csc", "coo"):
        assert gradcheck(lambda x: small @ x, X, jac=lambda x, k=kind: small.asformat(k))
    report = quiet(lambda x: small @ x, X, jac=lambda x: small.T)
    assert "looks transposed" in str(report)


def test_linear_operators_are_jacobians() -> None:
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    assert gradcheck(lambda x: matrix @ x, X, jac=lambda x: aslinearoperator(matrix))
    off = LinearOperator((2, 3), matvec=lambda v: -(matrix @ v), dtype=np.float64)
    assert "looks like −1 ×" in str(quiet(lambda x: matrix @ x, X, jac=lambda x: off))


def test_what_is_odd_about_a_derivative_is_noted() -> None:
    def changes(x: Any) -> Any:
        gradient = rosenbrock_grad(x)
        x += 1.0
        return gradient

    assert "note: jac changes its argument in place" in str(gradcheck(rosenbrock, X, jac=changes))
    rng = np.random.default_rng(1)
    report = gradcheck(rosenbrock, X, jac=lambda x: rosenbrock_grad(x) * (1 + 1e-9 * rng.random()))
    assert "note: jac is not deterministic" in str(report)
    report = gradcheck(lambda x: np.sum(x), X, jac=lambda x: np.ones(3, dtype=int))
    assert "note: jac returned int64" in str(report)
    single = gradcheck(rosenbrock, X, jac=lambda x: rosenbrock_grad(x).astype(np.float32))
    assert "note: jac returned float32, but rosenbrock float64" in str(single)
    assert not single.problems


def test_a_hessian_that_is_not_symmetric_is_recognised() -> None:
    def hess(x: Any) -> Any:
        return rosenbrock_hess(x) + np.triu(np.ones((3, 3)), 1)

    assert "hint: not symmetric, as a Hessian is" in str(quiet(rosenbrock, X, hess=hess))


class ProductsOff(NativeBackend):
    def hvp(self, f: Any, x: Any, v: Any) -> Any:
        return 1.001 * super().hvp(f, x, v)


def test_hessian_and_products_of_a_backend_are_compared() -> None:
    report = quiet(rosenbrock, X, order=2, backend=ProductsOff())
    assert "hvp and hessian disagree" in str(report)
    assert not report


@pytest.mark.parametrize("name", ["jax", "torch", "autograd", "casadi", "sympy"])
def test_functions_of_a_framework_are_checked_in_its_terms(name: str) -> None:
    pytest.importorskip(name)
    ns = ad.get_backend(name).namespace
    report = gradcheck(lambda x: ns.sum(ns.exp(x) * x), X, backend=name, order=2)
    assert [check.title for check in report.checks] == ["gradient", "Hessian"]
    assert max(entry.error_bar for entry in report.entries) < 1e-9
    assert gradcheck(lambda x: ns.sin(x) * x[0], X, backend=name)
    if name != "sympy":
        p = {"a": X, "b": 2.0}
        assert gradcheck(lambda p: ns.sum(p["a"] ** 2) * p["b"], p, backend=name)


# --- complex steps ----------------------------------------------------------------------------------------------------


def test_the_complex_step_sharpens_the_error_bars_where_it_holds() -> None:
    sharp = gradcheck(rosenbrock, X, jac=rosenbrock_grad, rtol=1e-12)
    assert np.all(sharp.checks[0].comparison.sharpened)
    assert "and complex steps" in str(sharp)
    plain = gradcheck(lambda x: rosenbrock(x.real.astype(float)), X, jac=rosenbrock_grad)
    assert not np.any(plain.checks[0].comparison.sharpened)
    assert max(e.error_bar for e in sharp.entries) < max(e.error_bar for e in plain.entries) / 3.0
    report = quiet(rosenbrock, X, jac=lambda x: rosenbrock_grad(x) * (1 + 1e-11), rtol=1e-12)
    assert {e.verdict for e in report.entries} == {EntryVerdict.WRONG}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(x) * x),
        lambda x: np.sum(x * np.conj(x)),
        lambda x: np.linalg.norm(x),
        lambda x: np.sum(np.where(x > 0, x**2, -x)),
        lambda x: float(x[0]) ** 2 + x[1] * x[2],
    ],
)
def test_it_is_not_believed_where_it_does_not_hold(f: Any) -> None:
    jac = (
        {"jac": lambda x: np.array([2 * x[0], x[2], x[1]])}
        if np.ndim(f(X)) == 0 and f(X) == X[0] ** 2 + X[1] * X[2]
        else {}
    )
    assert gradcheck(f, X, **jac)


# --- Taylor remainders ------------------------------------------------------------------------------------------------


def test_slopes_of_taylor_remainders() -> None:
    gradient, hessian = gradcheck(rosenbrock, X, jac=rosenbrock_grad, hess=rosenbrock_hess).taylor
    assert gradient.slope == pytest.approx(2.0, abs=0.1)
    assert hessian.slope == pytest.approx(3.0, abs=0.1)
    assert (gradient.expected, hessian.expected) == (2, 3)
    assert gradient.ok
    assert hessian.ok
    (wrong,) = quiet(rosenbrock, X, jac=lambda x: 1.01 * rosenbrock_grad(x)).taylor
    assert wrong.slope == pytest.approx(1.0, abs=0.1)
    assert not wrong.ok
    report = quiet(rosenbrock, X, jac=rosenbrock_grad, hess=lambda x: 1.01 * rosenbrock_hess(x))
    assert report.taylor[1].slope == pytest.approx(2.0, abs=0.1)
    (vector,) = gradcheck(lambda x: np.sin(x) * x[0], X).taylor
    assert vector.slope == pytest.approx(2.0, abs=0.1)
    assert "Taylor remainder with the Jacobian: slope 2.0" in str(vector)


def test_remainders_of_linear_functions_are_rounding() -> None:
    (remainder,) = gradcheck(lambda x: 3.0 * x[0] - x[2], X).taylor
    assert remainder.slope is None
    assert remainder.ok
    assert "as small as rounding" in str(remainder)
    assert gradcheck(lambda x: np.sum(x), np.zeros(0)).taylor == ()


def test_the_plot_of_the_remainders(tmp_path: Path) -> None:
    report = gradcheck(rosenbrock, X, jac=rosenbrock_grad, hess=rosenbrock_hess)
    ax = report.plot_taylor()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:2] == ["with the gradient: slope 2.00", "slope 2"]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    ax.figure.savefig(tmp_path / "taylor.png")
    import matplotlib.pyplot as plt

    figure, own = plt.subplots()
    assert report.plot_taylor(own) is own
    plt.close(figure)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_page_is_whole_escaped_and_holds_the_plot(tmp_path: Path) -> None:
    report = quiet(
        lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0]), jac=lambda x: np.array([1.0, 2.0])
    )
    path = tmp_path / "report.html"
    page = report.to_html(path)
    assert path.read_text(encoding="utf-8") == page
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<svg") == page.count("</svg>") == 1
    for text in ("FAILED", "kink here: slope -1 on the left, 1 on the right", "wrong", "∂f/∂x[1]"):
        assert text in page
    assert not re.search(r'(src|href)="(?!#)', page)  # nothing is fetched from anywhere
    assert "<h2>" in report._repr_html_()

    def script(x: Any) -> Any:
        return np.sum(x)

    script.__name__ = "<script>"
    assert "<script>" not in gradcheck(script, X).to_html()


# --- pytest -----------------------------------------------------------------------------------------------------------

test_rows = gradcheck_tests(
    {
        "by the native engine": (rosenbrock, X),
        "by hand": (rosenbrock, X, {"jac": rosenbrock_grad, "hess": rosenbrock_hess}),
        "a dict is an argument": (lambda p: p["a"] ** 2, {"a": 1.5}),
        "two arguments": (lambda a, x: a * np.sum(x), 2.0, X, {"argnums": (0, 1)}),
    }
)


def test_the_pytest_helper_fails_with_the_report() -> None:
    test = gradcheck_tests(
        {"slip": (rosenbrock, X, {"jac": lambda x: -rosenbrock_grad(x)})}, rtol=1e-5
    )
    with pytest.raises(DerivativeError, match="looks like −1 ×"):
        test("slip")
    with pytest.raises(InvalidTypeError, match="the row 'bad' must be"):
        gradcheck_tests({"bad": (X,)})


# --- the command line -------------------------------------------------------------------------------------------------

MODULE = """
import numpy as np

def f(x):
    return np.sum(x ** 3)

def two(a, w):
    return a * np.sum(w ** 2)

class Model:
    @staticmethod
    def grad(x):
        return 3 * x ** 2

def wrong(x):
    return -3 * x ** 2

def hess(x):
    return np.diag(6 * x)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "somebodys.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "somebodys", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ("gradcheck somebodys:f --at 1,2,3", 0, "all 3 entries agree"),
        ("gradcheck somebodys:f --at 1,2,3 --jac somebodys:Model.grad --hess somebodys:hess", 0, "jac and hess"),
        ("gradcheck somebodys:f --at 1,2,3 --jac somebodys:wrong", 1, "looks like −1 ×"),
        ("gradcheck somebodys:two --at 2.0 --at [[1,2],[3,4]] --order 2", 0, "the one entry agrees"),
        ("gradcheck somebodys:f --at=-1,2 --backend finite-difference --rtol 1e-5", 0, "finite-difference"),
        ("backends", 0, "native:forward"),
        ("conformance native", 0, "conformance of backend 'native'"),
    ],
)  # fmt: skip
def test_commands(
    arguments: str, status: int, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == status
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("gradcheck somebodys --at 1", "write package.module:function"),
        ("gradcheck somebodys:g --at 1", "somebodys has no 'g'"),
        ("gradcheck nobodys:f --at 1", "No module named 'nobodys'"),
        ("gradcheck somebodys:f --at one", "--at 'one' is no point"),
        (
            "gradcheck somebodys:f --at 1,2 --backend jx",
            "unknown backend 'jx'; did you mean 'jax'?",
        ),
    ],
)
def test_commands_that_cannot_be_run(
    arguments: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    assert says in capsys.readouterr().err


def test_the_module_is_runnable(folder: Path) -> None:
    command = [sys.executable, "-m", "optkit", "gradcheck", "somebodys:f", "--at", "1,2,3"]
    done = subprocess.run(
        [*command, "--html", "report.html"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gradcheck of f, derivative by backend 'native': ok" in done.stdout
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_point_is_needed() -> None:
    with pytest.raises(InvalidInputError, match="needs the point"):
        optkit.gradcheck(rosenbrock)
