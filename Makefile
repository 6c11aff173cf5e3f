# Every target here is short: what it does is in deploy/ and in the command line.
PYTHON := .venv/bin/python
ARGS ?=
UNIT := not postgres and not netns and not servers and not podman and not e2e
ifdef DOMAIN
export MINATO_DOMAIN := $(DOMAIN)
endif

.DEFAULT_GOAL := help
.PHONY: help up down status test check lint bench bootstrap bootstrap-tests

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

up: bootstrap ## Install and start the platform (DOMAIN=paas.example.org for a real domain)
	@.venv/bin/minato up

down: ## Stop the platform; applications keep serving (ARGS=--apps stops them too)
	@.venv/bin/minato down $(ARGS)

status: ## Show each process, its health and the URLs
	@.venv/bin/minato status $(ARGS)

test: bootstrap-tests ## Install what is needed, check, and run every test
	@$(MAKE) --no-print-directory lint
	@$(PYTHON) -m deploy.console
	@$(PYTHON) -m pytest $(ARGS)

check: bootstrap-tests ## Format, lint, types, import floors and unit tests, in under a minute
	@$(MAKE) --no-print-directory lint
	@$(PYTHON) -m pytest -q -m "$(UNIT)"

bench: bootstrap-tests ## Measure against the bare tools; writes docs/benchmarks.md
	@$(PYTHON) -m tests.bench $(ARGS)

lint:
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy paas webui workers deploy tests manage.py
	@.venv/bin/lint-imports

bootstrap:
	@/usr/bin/python3.11 -m deploy.bootstrap

bootstrap-tests:
	@/usr/bin/python3.11 -m deploy.bootstrap --tests
