# Verbund: every task starts here. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASSETS := node/web/static/manifest.json
PACKAGES := .assets
ASSET_SOURCES := $(wildcard node/web/assets/*.mjs node/web/assets/src/*)

.DEFAULT_GOAL := help
.PHONY: help setup assets demo demo-check test mutation lint format bench bench-read bench-federation bench-log fuzz texts lock sdl settings helm broker clean

help: ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) $(ASSETS) ## make the environment in .venv from the lock file, and the pages' assets

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Verbund needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

assets: $(ASSETS) ## bundle what the pages load in a browser, from npm by the lock file

$(PACKAGES)/installed: node/web/assets/package-lock.json | $(STAMP)
	@mkdir -p $(PACKAGES)
	@test -e $@ && cmp -s $< $(PACKAGES)/package-lock.json || { cp node/web/assets/package*.json $(PACKAGES)/ && \
		cd $(PACKAGES) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; }
	@touch $@

$(ASSETS): $(PACKAGES)/installed $(ASSET_SOURCES)
	$(BIN)/node node/web/assets/build.mjs $(PACKAGES)/node_modules node/web/static

demo: setup ## run four cities on 127.0.0.1:8101 to 8104 until Ctrl-C
	@$(BIN)/verbund demo

demo-check: setup ## run the demo unattended, a line per step, exit code 0 or 1
	@$(BIN)/verbund demo --check

browser: ## find a Chromium for the tests, or install Debian's where that may be done
	@command -v chromium >/dev/null || test -n "$$VERBUND_TEST_CHROMIUM" || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "no Chromium: tests of the pages will be skipped; install one, or name it in VERBUND_TEST_CHROMIUM"

test: setup browser ## run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: setup ## check format, style, types and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

mutation: setup ## change the rules' code in one place at a time, count what the tests notice; ARGS="--sample 40"
	$(BIN)/python -m tests.mutation $(ARGS)

bench: setup ## measure; prints ratios, never fails on them
	$(BIN)/python -m tests.bench

bench-read: setup ## measure reading against PostGraphile, plain Strawberry and SQL; ARGS=--help tells the options
	$(BIN)/python -m tests.bench read $(ARGS)

bench-federation: setup ## measure four cities asked at once against Hive Gateway and stitching; ARGS=--help tells the options
	$(BIN)/python -m tests.bench federation $(ARGS)

texts: setup ## bring the catalogs of the pages' texts up to date
	$(BIN)/python -m node.web.catalog

bench-log: setup ## measure the access log, verify and search it, kill processes; ARGS="--cost --verify --filters --kill"
	$(BIN)/python -m tests.bench log $(ARGS)

fuzz: setup ## fuzz the parsers of foreign input, 20 s each (Linux on x86-64, Python 3.11); ARGS="--seconds 60 'form'"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --target .fuzz/packages -r tests/fuzz/requirements.txt
	PYTHONPATH=.fuzz/packages $(BIN)/python -m tests.fuzz $(ARGS)

lock: setup ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock --upgrade

sdl: setup ## rewrite schema/schema.graphql from the code
	$(BIN)/verbund schema print > schema/schema.graphql

settings: setup ## rewrite docs/settings.md from the code
	$(BIN)/verbund settings reference > docs/settings.md

helm: setup ## renew what tests/helm compares: the chart's schema of settings, the rendered charts
	$(BIN)/python -m tests.helm.chart

broker: ## install the MQTT broker that tests/federation/test_mqtt.py needs (Debian, as root)
	apt-get install --yes --no-install-recommends mosquitto

clean: ## remove the environment, the demo's data and caches
	rm -rf $(VENV) $(PACKAGES) node/web/static .demo .bench artifacts .mypy_cache .ruff_cache .hypothesis .fuzz .import_linter_cache
