# Everything a clone needs. `make help` lists the targets; each sets up what it needs first.
# The environment is made again only where a lock file or pyproject.toml changed.

# What a first run compiles is there for the next, also where the environment says that it should not be kept: to
# rewrite the tests takes each worker seven seconds.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
ARGS ?=
FUZZ_SECONDS ?= 600
# Most of the time a test waits, for real time and for other processes: two at a time for each processor.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)
FAULT_ROUNDS = $${WHIMBREL_FAULT_ROUNDS:-20}
KILLS := tests/faults/test_kills.py

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK_GROUP := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url \
	--universal --python-version 3.11 --custom-compile-command "make lock" $(LOCK_ARGS)
LOCK := $(LOCK_GROUP) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test ci ci-packages compile check format cover interop bench bench-postgres screenshots soak storm backlog lock fuzz clean

help: ## what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  ARGS="…"         passes options on:  make run ARGS="--port 9000",  make test ARGS="tests/codec -x"'
	@echo '  FUZZ_SECONDS=…   how long make fuzz runs, for all its targets together'
	@echo '  PYTHON=…         the Python (3.11 or later) that .venv is made with'

setup: $(VENV)/.stamp-run ## .venv with the command whimbrel in it

setup-dev: $(VENV)/.stamp-dev ## setup, and what tests and checks need

run: setup ## start whimbrel quickstart
	$(BIN)/whimbrel quickstart $(ARGS)

test: setup-dev compile ## all tests that need no root and no system package (under 10 minutes)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not ci" $(ARGS)

ci: setup-dev ci-packages compile ## the long tests, after installing the Debian packages they need (under 45 minutes with WHIMBREL_FAULT_ROUNDS=4)
	WHIMBREL_FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/python -m pytest -m ci --ignore=$(KILLS) $(ARGS)
	WHIMBREL_FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/python -m pytest -n 2 --dist worksteal -m ci $(KILLS) # they wait a lot
	WHIMBREL_TEST_POSTGRES=$$(ls -d /usr/lib/postgresql/*/bin | head -n 1) $(BIN)/python -m pytest -n $(WORKERS) \
	  --dist worksteal -m "not ci" \
	  -k "postgres or two_nodes or reader_role" tests/store tests/journey # Debian's version

ci-packages:
	@bash .ci/packages

# The tests start hundreds of processes: none of them should compile the sources again, also where Python may not write.
compile: setup
	@$(BIN)/python -m compileall -q src

check: setup-dev ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev ## put the code into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

cover: setup-dev ## branches of codec and domain that no test takes
	$(BIN)/coverage run -m pytest -m "not ci" tests/codec tests/unit $(ARGS)
	$(BIN)/coverage report --include "src/whimbrel/codec/*,src/whimbrel/domain/*"

interop: setup-dev ## peers that we did not write against the running product; writes docs/interop.md
	$(BIN)/python -m interop $(ARGS)

bench: setup ## the benchmark; results also as JSON in bench/results
	$(BIN)/python -m bench $(ARGS)

screenshots: setup-dev ci-packages ## every page of the console, light and dark, on a laptop and a phone, into docs/images
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

soak: setup-dev compile ## ten minutes of carriers that flap, throttle and send receipts wrongly; both sides are counted
	$(BIN)/python -m tests.soak --seconds $${SOAK_SECONDS:-600} $(ARGS)

storm: setup-dev compile ## five minutes of three nodes on one PostgreSQL that are killed, frozen, stopped and upgraded at random
	$(BIN)/python -m tests.cluster --seconds $${STORM_SECONDS:-300} $(ARGS)

backlog: setup-dev compile ## five million waiting messages, and a forgotten transaction for ten minutes
	$(BIN)/python -m tests.cluster.backlog $(ARGS)

bench-postgres: setup-dev compile ## the benchmark on a PostgreSQL of its own, and what that costs the server
	$(BIN)/python -m bench.postgres $(ARGS)

lock: $(VENV)/.stamp-venv ## resolve the lock files again (LOCK_ARGS=--upgrade for newer versions)
	$(PIP) install --quiet "uv>=0.13,<0.14"
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK_GROUP) --group fuzz --output-file requirements-fuzz.lock

fuzz: $(VENV)/.stamp-dev compile ## hostile octets against all that reads them, for FUZZ_SECONDS (600) in all
	$(PIP) install --quiet --require-hashes -r requirements-fuzz.lock
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

clean: ## remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .fuzz

$(VENV)/.stamp-venv:
	@PYTHON="$(PYTHON)" sh .ci/preflight
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-run: requirements.lock pyproject.toml $(VENV)/.stamp-venv
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.stamp-dev: requirements-dev.lock $(VENV)/.stamp-run
	$(PIP) install --quiet --require-hashes --use-pep517 -r requirements-dev.lock
	@touch $@
