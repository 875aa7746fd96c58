# Everything that labkit's people type; each target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo setup check test test-slow bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up, then run the flagship sweep on the simulated bench"
	@echo "make test       set up, then the tests (make test-slow: the long ones too)"
	@echo "make check      ruff, mypy --strict, import contracts"
	@echo "make bench      the figures of benchmarks/"

setup: $(STAMP)

# The stamp makes a second call free; a changed pyproject.toml installs again.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "labkit needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || apt-get install -y -qq python3-venv \
		|| { echo "this Python cannot make virtual environments: install Debian's python3-venv, then try again"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/labkit run vtf-shmoo --bench duo --sim

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: $(STAMP)
	$(BIN)/python -m pytest -q

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m 'slow'

bench: $(STAMP)
	$(BIN)/python benchmarks/spine.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache runs
