# paidan: the commands a person needs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
HOURS ?= 0.1
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILED := $(VENV)/.compiled

.DEFAULT_GOAL := help
.PHONY: help setup demo up check test june-brokers services services-three services-stop simulate mutants chaos soak bench bench-brokers bench-board bench-week lock audit clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(COMPILED) ## make .venv with everything that is needed, compiled and warm

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "paidan needs Python 3.11 or newer; set PYTHON=..."; exit 5; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5,<1'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import ortools.graph.python.min_cost_flow, ortools.sat.python.cp_model, scipy.sparse.csgraph'
	@touch $(READY)

# Half a minute each when a kernel has changed: once here, not in every process of the tests that meets it first.
$(COMPILED): $(READY) $(wildcard matcher/solvers/paths/*.py matcher/weekly/*.py matcher/weekly/bounding/*.py)
	@$(BIN)/python -c 'from matcher.solvers import paths; paths.warm() or print("The kernel (paths) cannot be compiled here; OR-Tools answers alone.")'
	@$(BIN)/python -c 'from matcher import weekly; w = weekly.warm(); w == "KEPT" or print(f"The weekly kernel is {w}: " + ("every process compiles it again." if w == "COMPILED" else "no week can be planned."))'
	@touch $(COMPILED)

demo: $(READY) ## set up and play a day of a county through the whole chain (DEMO="--help" for more)
	@$(BIN)/paidan demo $(DEMO)

up: $(READY) ## run paidan on this machine: API, matcher and worker on http://127.0.0.1:8311
	@$(BIN)/paidan up $(UP)

check: $(COMPILED) ## format, lint, types, import contracts, unit, contract and story tests; no services, a few minutes
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto -m 'not slow and not data and not kafka and not redis and not rabbitmq'

test: check ## set up and run every test; those on real data need PAIDAN_DATA and say so when it is not set
	@$(BIN)/python -m pytest -m '(slow or data or kafka or redis or rabbitmq)' -rs

june-brokers: $(READY) ## June of Boston on the brokers, as many zones and as one, against one machine's run (PAIDAN_DATA; minutes)
	@PAIDAN_JUNE_BROKERS=1 $(BIN)/python -m pytest -n 0 -s -rs tests/test_june_on_brokers.py

services: $(READY) ## start Kafka, Redis, RabbitMQ for tests on 127.0.0.1, install what checks deploy/; then `source .services/env`
	@$(BIN)/python deploy/services/services.py start

services-three: $(READY) ## the same with three Kafka brokers
	@$(BIN)/python deploy/services/services.py start --brokers 3

services-stop: ## stop them and delete their data
	@$(BIN)/python deploy/services/services.py stop

simulate: $(READY) ## the whole system in one process, under faults, by seed (HOURS=1; SIMULATE="--steps": dead at every step)
	@$(BIN)/python -m tests.simulation $(if $(SIMULATE),$(SIMULATE),--record --hours $(HOURS))

mutants: $(COMPILED) ## small faults in decide, evolve, reading, Cursor, checker: which does no test notice (hours; goes on; MUTANTS="--only Cursor")
	@$(BIN)/python -m tests.mutation $(MUTANTS)
	@$(BIN)/python -m tests.mutation --table

chaos: $(READY) ## faults on real processes and own brokers, with a verdict (CHAOS="--hours 8", or "--runs 20 --faults kill-stream"; after `make services`)
	@$(BIN)/python -m tests.chaos $(CHAOS)

soak: $(COMPILED) ## twice the load on a slow solver for MINUTES=10: memory, beats, 429, nothing lost (SOAK="--brokers" after `make services`)
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) $(SOAK)

bench: $(COMPILED) ## the benchmarks, each with its comparison, as ratios of one run
	@$(BIN)/python -m tests.benchmarks

bench-brokers: $(READY) ## the service on brokers beside a plain Faust agent (BENCH="--docs": into docs/figures.md; after `make services`)
	@$(BIN)/python -m tests.benchmarks.brokers $(BENCH)

bench-board: $(READY) ## Redis flushed and a board rebuilt while serving OBJECTS=100000 live objects: seconds until all is right (minutes)
	@$(BIN)/python -m tests.benchmarks.board_lost $(or $(OBJECTS),100000)

bench-week: $(COMPILED) ## a report week of the generated county: planned, beat by beat, nearest first (WEEK="--free 0.1"; minutes)
	@$(BIN)/python -m tests.benchmarks.county_week $(WEEK)

lock: ## pin every dependency again, with hashes and without addresses
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

audit: $(READY) ## known weaknesses and licences of the dependencies
	@$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.lock
	@$(BIN)/pip-licenses --partial-match --fail-on "GPL;GNU;Proprietary" --summary --order=count > /dev/null && echo "licences: none that binds users of the service"

clean: ## remove what was made here (the environment, caches, the demo's folder)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache paidan-demo
