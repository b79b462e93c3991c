# `make demo` and `make test` do all their own set-up: a Python of 3.11 or later and make are enough.
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= auto

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint types bench docs dist clean needs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || { python=$$(PYTHON='$(PYTHON)' scripts/find_python) && "$$python" -m venv $(VENV); }
	@echo "installing into $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,demo]'
	@touch $@

setup: $(READY) ## the environment, in .venv

demo: $(READY) ## a real pipeline recorded: log, metrics, lineage, story
	@$(BIN)/odibi demo

needs:
	@scripts/system_needs

test: $(READY) needs lint types ## everything: ruff, mypy, pytest
	@$(BIN)/python -m pytest -q -n $(JOBS)

test-all: ## the quick suite on every Python found (3.11 to 3.13)
	@scripts/test_all

lint: $(READY) ## ruff
	@$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	@$(BIN)/mypy

bench: $(READY) ## measure against the peers; writes benchmarks/results/
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,demo,bench]'
	@$(BIN)/python -m benchmarks

docs: $(READY) ## run every example of the README and docs/
	@$(BIN)/python -m pytest -q tests/architecture/test_docs.py

dist: $(READY) ## sdist and wheel, checked, in dist/
	@scripts/build_dist $(BIN)/python

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-3.* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
