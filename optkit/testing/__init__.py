"""Proofs that derivatives and backends are right, and problems to try optimizers on."""

from optkit.testing.checking import gradcheck
from optkit.testing.conformance import ConformanceReport, conformance_tests, run_conformance
from optkit.testing.report import DerivativeCheck, Entry, GradcheckReport

__all__ = [
    "ConformanceReport",
    "DerivativeCheck",
    "Entry",
    "GradcheckReport",
    "conformance_tests",
    "gradcheck",
    "run_conformance",
]
