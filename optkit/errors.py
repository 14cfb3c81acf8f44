"""Every exception and warning of optkit; the docstring of each is its help page.

All errors derive from `OptkitError` and from the built-in exception that a caller would expect, so both
``except optkit.errors.OptkitError`` and ``except TypeError`` work.
"""


class OptkitError(Exception):
    """Base class of every error that optkit raises on purpose."""


class InvalidInputError(OptkitError, ValueError):
    """An argument has the wrong shape, value or name; the message names it, what was expected and what came."""


class InvalidTypeError(OptkitError, TypeError):
    """An argument is of a kind that optkit cannot work with (a string, ``None``, a masked or sparse array, …)."""


class NotDifferentiableError(OptkitError, TypeError):
    """A function without a derivative rule met a traced value.

    Write it in terms of functions that optkit differentiates, give it a derivative with `optkit.ad.custom_jvp` or
    `optkit.ad.custom_vjp`, or, where its derivative is meant to be zero, call it on ``ad.stop_gradient(x)``.
    """


class LostDerivativeError(OptkitError, TypeError):
    """An operation would have turned a traced value into a plain number and lost its derivative.

    Fails::

        def f(x):
            return math.sin(x[0]) + float(x[1])

    Mended::

        def f(x):
            return np.sin(x[0]) + x[1]
    """


class EscapedTracerError(OptkitError, RuntimeError):
    """A traced value was used after the derivative computation that made it had ended.

    It was kept in a global, a closure or an attribute during the call of a differentiated function. Return what is
    needed from the function instead, or keep ``ad.stop_gradient(value)``.
    """


class DerivativeError(OptkitError, AssertionError):
    """A derivative disagrees with the independent estimate it was checked against; carries the ``report``."""

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class BackendError(OptkitError, RuntimeError):
    """A differentiation backend is unknown, not installed, or failed to do what was asked of it."""


class InnerSolveError(OptkitError, ArithmeticError):
    """An inner solver (of a root, a fixed point, a differential equation) failed: no solution to differentiate.

    The derivative of a solution exists only at a solution: start nearer to it, solve more precisely, or give a better
    solver. See `optkit.ad.implicit_root`.
    """


class PerformanceWarning(UserWarning):
    """The result is right, but a much faster way to write the same thing exists; the message names it."""


class RankDeficientError(OptkitError, ArithmeticError):
    """The data do not determine every parameter, so their covariance does not exist.

    Fails: ``amplitude * scale`` is one number, and no data can tell its two factors apart::

        optkit.least_squares(lambda p: p[0] * p[1] * t - y, [1.0, 1.0]).covariance

    Mended: give the product one name, or fix one of the factors::

        optkit.least_squares(lambda p: p[0] * t - y, [1.0]).covariance
    """


class MissingPackageError(OptkitError, ImportError):
    """An optional package is needed and not installed; the message says how to install it."""


class ImpureFunctionError(OptkitError, RuntimeError):
    """A compiled function gave something else than the plain one for the same arguments.

    `optkit.ad.jit` takes a function for what it does with its arguments. One that also reads what changes between calls
    (random numbers, a counter, a global that is set anew, a file) is not that function any more.

    Fails::

        scale = 1.0
        f = ad.jit(lambda x: scale * np.sum(x**2))
        f(x)
        scale = 2.0
        f(x)

    Mended::

        f = ad.jit(lambda x, scale: scale * np.sum(x**2))
        f(x, 2.0)
    """


class ExportError(OptkitError, TypeError):
    """`optkit.ad.export` cannot write a function in the language that was asked for; the message names the operation.

    Fails::

        ad.export(lambda A: np.linalg.solve(1j * A, np.ones(3)).real, A, target="c", name="response")

    Mended, with real numbers or in NumPy::

        ad.export(lambda A: np.linalg.solve(1j * A, np.ones(3)).real, A, target="numpy", name="response")
    """
