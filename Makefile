# Phù Sa. `make help` lists what can be made; the help is made from the comments behind the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
HOME_DIR ?= var
DEMO_ARGUMENTS ?=
# Compiled files are kept: without them pytest rewrites every test file anew in each worker, half of what the fast tests cost.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup lint check test servers engines bench mutations golden docs demo wheel lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

site/cityportal/static/vendor/installed: package-lock.json site/cityportal/vendor.py $(VENV)/installed
	@if command -v npm >/dev/null; then \
	  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && $(BIN)/python -m cityportal.vendor && touch $@; \
	else \
	  echo "npm is not here: pages use the system's typeface"; \
	fi

setup: $(VENV)/installed site/cityportal/static/vendor/installed ## Make .venv from requirements.lock and copy the front-end files

lint: setup ## Format, lint, types and import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## All of lint, and the fast tests (under 60 s on 2 cores)
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not server"

servers: ## Install what the tests start, when root on Debian: PostgreSQL, radosgw, Chromium
	@bash .ci/servers

test: setup servers ## Run every test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

engines: .venv-spark/installed .venv-sail/installed ## Prove that a local Spark cluster and Sail give what one machine gives (needs Java 17)
	@for engine in spark sail; do \
	  .venv-$$engine/bin/python -m pytest -q --noconftest -p servers.postgres -p servers.radosgw -o pythonpath=". site tests" \
	    -o timeout=1800 -o addopts="--import-mode=importlib --strict-markers -ra" tests/publisher/engines/test_cluster_equals_local.py || exit 1; \
	done

.venv-%/installed: requirements-%.lock
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	.venv-$*/bin/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "phusa.pth").write_text("$(CURDIR)\n")'
	touch $@

bench: setup ## Measure against a peer in the same run; results belong in docs/performance.md
	$(BIN)/python tests/bench/run.py

mutations: setup ## Switch off every protection of personal data, one at a time: an attack must then succeed
	$(BIN)/python -m pytest -q -n 2 tests/attacks/test_mutations.py

golden: setup ## Rewrite the golden files; read the diff before you commit it
	PHUSA_GOLDEN=write $(BIN)/python -m pytest -q tests -m "not slow and not server" -k golden

docs: setup ## Rewrite the generated parts of docs/
	$(BIN)/python -m publisher.definition_docs docs
	$(BIN)/python -m cityportal.command_docs docs

demo: setup ## The synthetic city, its first releases, portal and queries on http://127.0.0.1:8000 (PORT=8000)
	$(BIN)/phusa demo --home $(HOME_DIR) --port $(PORT) $(DEMO_ARGUMENTS)

wheel: setup ## Build the wheel, install it in an empty environment and run the demo once from it
	bash .ci/wheel

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Spark's package and that of Spark Connect are one module, so the two extras never meet; the drivers of SQL Server and Oracle
# have no server here to be tried on.
EXTRAS := $(filter-out spark sail sqlserver oracle,$(shell sed -n '/^\[project.optional-dependencies\]/,/^\[dependency-groups\]/s/^\([a-z]*\) = \[.*/\1/p' pyproject.toml))

lock: ## Renew the lock files from pyproject.toml
	$(COMPILE) $(EXTRAS:%=--extra %) pyproject.toml -o requirements.lock
	@for engine in spark sail; do \
	  $(COMPILE) --extra postgres --extra $$engine --group engines pyproject.toml -o requirements-$$engine.lock || exit 1; \
	done

clean: ## Remove what was built; the demo's state in var/ stays
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
