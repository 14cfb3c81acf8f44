"""gradcheck as pytest tests, one for each function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optkit.errors import InvalidTypeError
from optkit.testing.checking import gradcheck


def gradcheck_tests(rows: Mapping[str, tuple[Any, ...]], **options: Any) -> Callable[..., None]:
    """A pytest test that checks derivatives, with one case for each row.

    Parameters
    ----------
    rows : mapping
        From the name of a case to ``(f, *args)``, or ``(f, *args, keywords)`` with the keywords of `gradcheck` for this
        case as a dict: ``(f, x, {"jac": g})``.
    **options
        Keywords of `gradcheck` for all cases.

    Returns
    -------
    callable
        A parametrized test; a case fails with the report of `gradcheck`.

    Raises
    ------
    InvalidTypeError
        When a row is not a tuple that begins with a function.

    Examples
    --------
    In a test module::

        from optkit.testing import gradcheck_tests

        test_derivatives = gradcheck_tests(
            {
                "model": (model, p0, {"jac": model_jac}),
                "penalty": (penalty, p0, {"jac": penalty_grad, "hess": penalty_hess}),
            }
        )
    """
    import pytest

    for name, row in rows.items():
        if not isinstance(row, tuple) or len(row) < 2 or not callable(row[0]):
            raise InvalidTypeError(
                f"gradcheck_tests: the row {name!r} must be (f, x, …) or (f, x, …, {{'jac': …}}), got {row!r}"
            )

    @pytest.mark.parametrize("name", list(rows))
    def test(name: str) -> None:
        f, *args = rows[name]
        own = args.pop() if len(args) > 1 and _is_options(args[-1]) else {}
        gradcheck(f, *args, **(options | own))

    tests: Callable[..., None] = test
    return tests


_KEYWORDS = set(gradcheck.__kwdefaults__ or ())


def _is_options(last: Any) -> bool:
    """Whether the last element of a row is keywords, not an argument that is a dict."""
    return isinstance(last, dict) and bool(last) and set(last) <= _KEYWORDS
