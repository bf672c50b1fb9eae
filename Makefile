# Verbund: every task starts here. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-check test lint format bench bench-read bench-federation lock sdl helm clean

help: ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment in .venv from the lock file

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Verbund needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup ## run four cities on 127.0.0.1:8101 to 8104 until Ctrl-C
	@$(BIN)/verbund demo

demo-check: setup ## run the demo unattended, a line per step, exit code 0 or 1
	@$(BIN)/verbund demo --check

test: setup ## run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: setup ## check format, style, types and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measure; prints ratios, never fails on them
	$(BIN)/python -m tests.bench

bench-read: setup ## measure reading against PostGraphile, plain Strawberry and SQL; ARGS=--help tells the options
	$(BIN)/python -m tests.bench read $(ARGS)

bench-federation: setup ## measure four cities asked at once against Hive Gateway and stitching; ARGS=--help tells the options
	$(BIN)/python -m tests.bench federation $(ARGS)

lock: setup ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock --upgrade

sdl: setup ## rewrite schema/schema.graphql from the code
	$(BIN)/verbund schema print > schema/schema.graphql

helm: setup ## renew what tests/helm compares: the chart's schema of settings, the rendered charts
	$(BIN)/python -m tests.helm.chart

clean: ## remove the environment, the demo's data and caches
	rm -rf $(VENV) .demo .bench .mypy_cache .ruff_cache .hypothesis .import_linter_cache
