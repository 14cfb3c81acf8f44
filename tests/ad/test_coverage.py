"""Nothing falls through: every public function is differentiated, declared constant, or refused by name."""

import inspect

import numpy as np
import pytest

from optkit import ad
from optkit.ad import coverage
from optkit.ad.registry import FUNCTIONS
from optkit.errors import NotDifferentiableError
from optkit.testing.cases import CASES

MODULES = (*coverage.MODULES, *coverage.UFUNC_MODULES)
ROWS = [(module, row) for module in MODULES for row in coverage.standings(module)]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_standing(module):
    rows = list(coverage.standings(module))
    assert rows
    assert [row.name for row in rows if row.kind == coverage.UNKNOWN] == []


def test_every_method_and_attribute_of_arrays_has_a_standing():
    rows = list(coverage.attributes())
    assert [row.name for row in rows if row.kind == coverage.UNKNOWN] == []
    seen = []

    def f(x):
        for row in rows:
            if row.kind == coverage.REFUSED:
                with pytest.raises(AttributeError, match=rf"x\.{row.name} of a traced array"):
                    getattr(x, row.name)
                seen.append(row.name)
        return np.sum(x)

    ad.grad(f)(np.ones(2))
    assert {"flags", "view", "tobytes"} <= set(seen)


@pytest.mark.parametrize(
    "row",
    [row for _, row in ROWS if row.kind == coverage.REFUSED],
    ids=lambda row: row.name,
)
def test_a_refusal_names_the_function_and_the_reason(row):
    def call(x):
        # As NumPy calls it when it finds a traced value among the arguments, wherever that is.
        if isinstance(row.function, np.ufunc):
            return row.function(*[x] * row.function.nin)
        return x.__array_function__(row.function, (type(x),), (x,), {})

    with pytest.raises(NotDifferentiableError) as caught:
        ad.grad(call)(1.0)
    assert row.function.__name__ in str(caught.value)  # aliases go by one name
    assert row.reason in str(caught.value)


def test_what_numpy_does_not_hand_over_is_what_the_table_says():
    """A function is in the table of those without a hook exactly where NumPy asks nobody about it."""
    for _, row in ROWS:
        hooked = isinstance(row.function, np.ufunc) or hasattr(row.function, "_implementation")
        if row.kind == coverage.UNDISPATCHED_KIND:
            assert not hooked, row.name
        elif row.kind == coverage.DIFFERENTIATED:
            assert hooked, row.name


def test_every_function_that_is_differentiated_has_a_case_in_the_table():
    """Run the table once and see which of the declared functions it calls."""
    called = set()

    def watched(handler):
        def call(*args, **kwargs):
            called.add(handler)
            return handler(*args, **kwargs)

        return call

    declared = dict(FUNCTIONS)
    try:
        for function, handler in declared.items():
            FUNCTIONS[function] = watched(handler)
        for case in CASES:
            ad.jvp(case.function, case.arguments(), case.directions())
    finally:
        FUNCTIONS.update(declared)
    wanted = {
        row.function: f"{module}.{row.name}"
        for module, row in ROWS
        if row.kind == coverage.DIFFERENTIATED and module in coverage.MODULES
    }
    missing = sorted(name for function, name in wanted.items() if declared[function] not in called)
    assert missing == []


def test_rules_take_every_keyword_of_the_function():
    """A rule that does not know a keyword would fail with a TypeError about a name that NumPy documents."""
    missing = []
    for _, row in ROWS:
        if row.kind != coverage.DIFFERENTIATED or isinstance(row.function, np.ufunc):
            continue
        theirs = inspect.signature(row.function).parameters
        ours = inspect.signature(FUNCTIONS[row.function]).parameters
        if any(p.kind is p.VAR_KEYWORD for p in ours.values()):
            continue
        missing += [
            f"{row.name}({name}=)"
            for name, p in theirs.items()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and name not in ours
        ]
    assert missing == []


def test_the_page_names_everything():
    text = coverage.page()
    for _, row in ROWS:
        assert f"`{row.name}`" in text or row.kind == coverage.UNKNOWN
