# Everything a developer runs. It needs python3 (3.11 or later, with venv) and make; the rest is installed into .venv
# from pinned requirements. Only relative paths stand here, so the checkout may lie in a folder with spaces.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPER := $(VENV)/.developer
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# pyright is bundled in its wheel and node comes from one too: it has no reason to look at the network.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# Sources, answers and names of files are UTF-8, whatever the locale says.
export PYTHONUTF8 := 1

# Tests start processes by the hundred: none is to compile all sources again, as images of containers often ask for.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench soak pictures clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## Run the demonstration in this terminal; it needs no server
	$(BIN)/questline demo

# Five processes keep two processors busy, for a test waits as long as it computes; three left a third of them idle.
test: $(DEVELOPER) ## Run all tests; they start their own PostgreSQL and Valkey (ARGS="-k pause" to choose)
	$(BIN)/python -m pytest -n 5 $(ARGS)

check: $(DEVELOPER) ## Check format, style, types and layers
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pyright
	$(BIN)/lint-imports --no-logo

bench: $(DEVELOPER) ## Measure and write docs/project/benchmarks.md (PEERS=1 runs the peers too, ARGS="W1 W2" to choose)
	$(BIN)/python -m benchmarks --out docs/project $(if $(PEERS),--peers) $(ARGS)

soak: $(DEVELOPER) ## Break things at random for half an hour, look for lost work, write docs/project/soak.md
	$(BIN)/python -m pytest tests/failpoints tests/chaos -m soak --capture no $(ARGS)

pictures: $(DEVELOPER) ## Take the pictures of the documentation anew, into docs/img; look at each before you commit it
	$(BIN)/python -m tests.browser.pictures

clean: ## Remove what the other targets made, but not your quests in .questline/
	rm -rf $(VENV) .venv-peers build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "questline needs Python 3.11 or later: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements/base.txt requirements/gateway.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(PIP) -r requirements/gateway.txt -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPER): $(RUNTIME) requirements/dev.txt requirements/codec.txt
	$(PIP) -r requirements/dev.txt
	@touch $@
