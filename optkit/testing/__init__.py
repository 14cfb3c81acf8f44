"""Proofs that derivatives are right, and problems to try optimizers on."""

from optkit.testing.checking import gradcheck
from optkit.testing.report import DerivativeCheck, Entry, GradcheckReport

__all__ = ["DerivativeCheck", "Entry", "GradcheckReport", "gradcheck"]
