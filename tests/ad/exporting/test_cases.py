"""Every case of the one table, exported: many at a time, as one function of one vector."""

import numpy as np
import pytest

from optkit import ad
from optkit.errors import ExportError
from optkit.testing.cases import elementwise, index, linalg, products, reduce, shape


def can_be_written(case, target):
    """Whether a case has a form in C (or NumPy); what has none is refused by name."""
    x = case.arguments()
    try:
        ad.export(
            lambda *x: np.sum(np.sin(case.function(*x))),
            *x,
            name="f",
            argnums=tuple(range(len(x))),
            target=target,
        )
    except ExportError:
        return False
    return True


# A sample of the table, in portions that one C file holds.
SAMPLE = [
    case
    for module in (elementwise, reduce, shape, index, products, linalg)
    for case in module.cases()
    if not np.iscomplexobj(case.arguments()[0])
][::14]
PORTIONS = [SAMPLE[start : start + 125] for start in range(0, len(SAMPLE), 125)]
every_portion = pytest.mark.parametrize("portion", PORTIONS, ids=lambda cases: cases[0].name)


class Portion:
    """Cases as one function of all their arguments in one vector."""

    def __init__(self, cases):
        arguments = [case.arguments() for case in cases]
        self.cases = cases
        self.x = np.concatenate([a.ravel() for x in arguments for a in x])
        self.shapes = [[a.shape for a in x] for x in arguments]
        sizes = [np.size(c.function(*x)) for c, x in zip(cases, arguments, strict=True)]
        self.owner = np.repeat(np.arange(len(cases)), sizes)

    def values(self, x):
        start, found = 0, []
        for case, shapes in zip(self.cases, self.shapes, strict=True):
            operands = []
            for sizes in shapes:
                size = int(np.prod(sizes, dtype=int))
                operands.append(np.reshape(x[start : start + size], sizes))
                start += size
            found.append(np.reshape(case.function(*operands), -1) * 1.0)
        return np.concatenate(found)

    def scalar(self, x):
        y = self.values(x)
        return np.sum(np.linspace(0.5, 1.0, y.shape[0]) * np.sin(y))

    def points(self):
        """The point that is captured, and one so near that it takes the same branches."""
        random = np.random.default_rng(3)
        return self.x, self.x * (1 + 1e-5 * random.uniform(-1, 1, self.x.size))

    def check(self, found, wanted):
        for number, case in enumerate(self.cases):
            mine = self.owner == number
            a, b = found[mine], wanted[mine]
            scale = 1.0 + np.max(np.abs(b), initial=0.0)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * scale, err_msg=case.name)


def check_gradient(found, wanted):
    scale = 1.0 + np.max(np.abs(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * scale)


@every_portion
def test_c(portion, compiled):
    kept = [case for case in portion if can_be_written(case, "c")]
    assert len(kept) > 0.5 * len(portion)
    many = Portion(kept)
    values = ad.export(many.values, many.x, name="values", derivative=None)
    scalar = ad.export(many.scalar, many.x, name="scalar")
    compiled_values, compiled_scalar = compiled(values), compiled(scalar)
    for x in many.points():
        status, found = compiled_values.values(x)
        assert status == 0
        many.check(found, many.values(x))
        status, value, gradient = compiled_scalar.scalar_grad(x)
        wanted, slopes = ad.value_and_grad(many.scalar)(x)
        assert status == 0
        assert value == pytest.approx(wanted, rel=1e-12)
        check_gradient(gradient, slopes)


@every_portion
def test_numpy(portion, module):
    kept = [case for case in portion if can_be_written(case, "numpy")]
    assert len(kept) > 0.5 * len(portion)
    many = Portion(kept)
    made = module(ad.export(many.values, many.x, name="values", derivative=None, target="numpy"))
    both = module(ad.export(many.scalar, many.x, name="scalar", target="numpy"))
    for x in many.points():
        many.check(made["values"](x), many.values(x))
        value, gradient = both["scalar_grad"](x)
        wanted, slopes = ad.value_and_grad(many.scalar)(x)
        assert value == pytest.approx(wanted, rel=1e-13)
        check_gradient(gradient, slopes)
