"""The package is tested with optkit's own suite: one test for each scenario."""

from optkit.testing import conformance_tests

test_conformance = conformance_tests("hyperdual")
