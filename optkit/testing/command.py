"""The command line: ``python -m optkit gradcheck package.module:function --at 1,2,3``, and two smaller ones."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optkit.ad.backends.listing import backends
from optkit.errors import InvalidInputError, OptkitError
from optkit.testing.checking import gradcheck
from optkit.testing.conformance import run_conformance

OK, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the result is the exit status: 0 ok, 1 a check failed, 2 the call was wrong."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except OptkitError as error:
        sys.stderr.write(f"optkit: {error}\n")
        return WRONG_USE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m optkit", description="Proofs of derivatives.")
    commands = parser.add_subparsers(title="commands", required=True)

    check = commands.add_parser("gradcheck", help="check the derivative of a function at a point")
    check.add_argument("function", help="package.module:function")
    check.add_argument(
        "--at", action="append", required=True, metavar="X",
        help="the point: 1.5, or 1,2,3 for a vector, or '[[1, 2], [3, 4]]'; once for each argument",
    )  # fmt: skip
    for name in ("jac", "hess", "hessp"):
        check.add_argument(
            f"--{name}", metavar="M:F", help=f"{name} to check, package.module:function"
        )
    check.add_argument("--order", type=int, choices=(1, 2), default=1)
    check.add_argument("--backend", default="auto", help="who differentiates otherwise")
    check.add_argument("--rtol", type=float)
    check.add_argument("--atol", type=float, default=0.0)
    check.add_argument("--seed", type=int, default=0)
    check.add_argument("--html", type=Path, metavar="FILE", help="write the report there as a page")
    check.set_defaults(run=_gradcheck)

    listing = commands.add_parser("backends", help="who differentiates, and how to install it")
    listing.set_defaults(run=_backends)

    suite = commands.add_parser("conformance", help="run the conformance suite over a backend")
    suite.add_argument("backend")
    suite.set_defaults(run=_conformance)
    return parser


def _gradcheck(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("jac", "hess", "hessp")}
    derivatives = {name: _function(path) for name, path in given.items() if path is not None}
    report = gradcheck(
        _function(options.function),
        *map(_point, options.at),
        order=options.order,
        backend=options.backend,
        rtol=options.rtol,
        atol=options.atol,
        seed=options.seed,
        raise_on_failure=False,
        **derivatives,
    )
    sys.stdout.write(f"{report}\n")
    if options.html is not None:
        report.to_html(options.html)
    return OK if report else FAILED


def _backends(_: argparse.Namespace) -> int:
    sys.stdout.write(f"{backends()}\n")
    return OK


def _conformance(options: argparse.Namespace) -> int:
    report = run_conformance(options.backend)
    sys.stdout.write(f"{report}\n")
    return OK if report else FAILED


def _function(path: str) -> Any:
    """The object behind ``package.module:function``; attributes may be nested."""
    module, colon, names = path.partition(":")
    if not (module and colon and names):
        raise InvalidInputError(f"{path!r} does not name a function: write package.module:function")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"{path!r}: {error}; run the command from the folder where the module is"
        ) from error
    for name in names.split("."):
        if not hasattr(found, name):
            raise InvalidInputError(f"{path!r}: {module} has no {name!r}")
        found = getattr(found, name)
    return found


def _point(text: str) -> Any:
    """A number, or an array of them."""
    try:
        value = ast.literal_eval(text)
        point = np.array(value, dtype=np.float64)
    except (ValueError, SyntaxError, TypeError) as error:
        raise InvalidInputError(
            f"--at {text!r} is no point: write 1.5, or 1,2,3, or '[[1, 2], [3, 4]]'"
        ) from error
    return point if point.ndim else float(point)
