# Each target sets up its environment; Python 3.11 or later and make are the only requirements.
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Processes of the tests: two more than cores, because tests wait for other programs a quarter of the time.
JOBS ?= $(shell expr 2 + $$(getconf _NPROCESSORS_ONLN))
INSTALL := $(BIN)/python scripts/uv_or_pip.py $(BIN)/python -c constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start hundreds of processes; none compiles again what another one has imported.
unexport PYTHONDONTWRITEBYTECODE
# Compiled by the first import, if there is one.
RARE := /(tests?|pip|setuptools|mypyc?|scipy|moto|altair|hive_metastore|rllib|tune|serve|train|llm)/

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-integrations hosts test-all lint types bench bench-insight bench-noticing docs dist clean needs site

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || { python=$$(PYTHON='$(PYTHON)' scripts/find_python) && "$$python" -m venv $(VENV); }
	@echo "installing into $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip install -q --no-compile -c constraints.txt uv 2>/dev/null || true  # twice as fast, not needed
	@$(INSTALL) -e '.[dev,demo]'
	@$(BIN)/python -m compileall -qq -j 0 -x '$(RARE)' $(VENV)/lib src || true  # on all cores; templates do not compile
	@touch $@

setup: $(READY) ## create the environment in .venv

demo: $(READY) ## run and record the flights example
	@$(BIN)/odibi demo

needs:
	@scripts/system_needs

test: $(READY) needs hosts lint ## run ruff and all tests, one of which runs mypy
	@$(BIN)/python -m pytest -q -n $(JOBS)

hosts: $(READY) ## create the environments of the systems whose runs are recorded, in .venv-hosts
	@$(BIN)/python scripts/host_environments

test-integrations: $(READY) hosts ## run the tests of these systems
	@$(BIN)/python -m pytest -q -n $(JOBS) tests/integrations

test-all: ## run the quick suite on every Python found (3.11 to 3.13)
	@scripts/test_all

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q src scripts benchmarks examples grafana_templates prometheus_rules datadog_templates

types: $(READY) ## run mypy --strict
	@$(BIN)/mypy

bench: $(READY) ## measure against other libraries, into benchmarks/results/
	@$(INSTALL) -e '.[dev,demo,bench]'
	@$(BIN)/python -m benchmarks

bench-insight: $(READY) ## measure what insight finds: operations, faults, random losses (30 minutes)
	@$(INSTALL) -e '.[dev,demo,bench]'
	@POLARS_MAX_THREADS=1 $(BIN)/python -m benchmarks.insight --all

bench-noticing: $(READY) ## measure what noticing finds, and its false alarms (15 minutes)
	@$(INSTALL) -e '.[dev,demo,bench]'
	@POLARS_MAX_THREADS=1 $(BIN)/python -m benchmarks.noticing

docs: $(READY) ## run every code block of the README and docs/
	@$(BIN)/python -m pytest -q tests/architecture/test_docs.py

site: $(READY) ## build the documentation as pages, in site/
	@$(INSTALL) -e '.[site]'
	@PYTHONPATH=scripts $(BIN)/python -m docs_site.build

dist: $(READY) ## build and check sdist and wheel, in dist/
	@scripts/build_dist $(BIN)/python

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-3.* .venv-hosts build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
