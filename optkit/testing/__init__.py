"""Proofs that derivatives and backends are right, and problems to try optimizers on."""

from optkit.testing.checking import gradcheck
from optkit.testing.conformance import ConformanceReport, conformance_tests, run_conformance
from optkit.testing.parametrized import gradcheck_tests
from optkit.testing.report import DerivativeCheck, Entry, GradcheckReport
from optkit.testing.taylor import TaylorRemainder

__all__ = [
    "ConformanceReport",
    "DerivativeCheck",
    "Entry",
    "GradcheckReport",
    "TaylorRemainder",
    "conformance_tests",
    "gradcheck",
    "gradcheck_tests",
    "run_conformance",
]
