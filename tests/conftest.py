"""What every test shares: hypothesis's profiles, and plots that open no window."""

import os

import hypothesis
import matplotlib

matplotlib.use("Agg")

hypothesis.settings.register_profile("dev", max_examples=25, deadline=None)
hypothesis.settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")
