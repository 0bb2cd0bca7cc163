# rabbitwatch: `make run` and `make test` are all that a fresh machine needs; both install what they lack.

SHELL := /bin/sh
PY := .venv/bin/python

LAB_PACKAGES := rabbitmq-server iproute2 iptables
TEST_PACKAGES := $(LAB_PACKAGES) debootstrap nginx-light libnginx-mod-stream prometheus prometheus-alertmanager \
	docker-compose chromium

.PHONY: run test lint bench conformance clean venv

run: venv  ## a real cluster with mirrored queues and traffic, and the agent that watches it
	@[ -n "$(RABBITMQ_URL)" ] || deploy/setup packages $(LAB_PACKAGES)
	@exec $(PY) deploy/run.py

test: venv  ## every test, those on real brokers included
	@deploy/setup packages $(TEST_PACKAGES)
	@deploy/setup npm
	@$(MAKE) --no-print-directory lint
	@exec $(PY) tests/all.py $(ARGS)

lint: venv
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: venv  ## cost of a poll, a scrape and an evaluation of rules with 10,000 queues
	@deploy/setup packages $(LAB_PACKAGES) prometheus
	@$(PY) -m tests.bench $(ARGS)
	@$(PY) -m tests.bench rules

conformance: venv  ## the PromQL engine against Prometheus' own test files
	@$(PY) -m tests.conformance.run $(ARGS)

clean:  ## ends what a lab of this checkout still runs, and removes everything that was built
	@deploy/lab/lab down --quiet || true
	rm -rf .venv .lab .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis rabbitwatch-data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@deploy/setup venv

export RABBITMQ_URL RABBITMQ_USER RABBITMQ_PASSWORD
