# Each target makes the virtual environment that it needs when there is none, and brings it up to date when
# pyproject.toml has changed.  VENV=DIRECTORY names the environment, PYTHON=PROGRAM the interpreter to make it with.

VENV ?= .venv
PYTHON ?=
BIN = $(VENV)/bin
export MPLBACKEND ?= Agg

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.with-none ## run the main job: fit, minimise, check the derivatives, plot
	@$(BIN)/python examples/plot_main_job.py

test: $(VENV)/.with-test ## run the tests
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.with-dev ## check style, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.with-dev ## format the code and mend what can be mended mechanically
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.with-docs ## build the documentation (docs/_build/html); a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.with-bench ## measure against gradients written by hand, and the libraries that are installed
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean: ## remove the environment and everything that was built
	rm -rf .venv build dist docs/_build docs/api/generated docs/gallery docs/coverage.md docs/sg_execution_times.rst
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment with one extra; the file is the proof that the installation was finished.
$(VENV)/.with-%: pyproject.toml
	@PYTHON='$(PYTHON)' sh .ci/environment '$(VENV)' '$*'
	@touch $@
