# The commands of this project. `make` alone lists them.
# PYTHON=/path/to/python3.13 VENV=.venv-3.13 make test   runs with another Python.
# PROOF=kills make prove                                 runs one proof of docs/reliability.md.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
SEMGREP := .venv-semgrep
PROOF ?= all
export UV_PROJECT_ENVIRONMENT := $(VENV)

ifeq ($(OS),Windows_NT)
$(error These commands need Linux or macOS: use WSL, or open the dev container (.devcontainer) in Visual Studio Code)
endif

.DEFAULT_GOAL := help
.PHONY: help install demo up bench test fast watch cover hooks prove soak check format requirements package clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: prerequisites $(VENV)/.installed node_modules/.installed ## set up Python and Node dependencies (the other commands do it themselves)

# What a package manager said, unless all that it says is that it reached nobody.
failed = { grep -qiE 'No matching distribution|broken by .*(connect|resol|timeout)|dns error|failed to fetch|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT' $(1) \
	&& echo "There is no connection to the package index: is the network there? (What was said: $(1))" || cat $(1); exit 1; }

# Everything that must be there, before anything is fetched. A .venv of another Python than the one asked for is told.
.PHONY: prerequisites
prerequisites:
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is needed: Azurite, the storage emulator, runs on it."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { echo "Node 20 or newer is needed: Azurite, the storage emulator, runs on it; this is $$(node --version 2>&1 | head -1)."; exit 1; }
	@command -v $(PYTHON) >/dev/null || test -x $(BIN)/python || { echo "$(PYTHON) is not there. Say which Python with PYTHON=…"; exit 1; }
ifneq ($(filter command line environment,$(origin PYTHON)),)
	@test ! -x $(BIN)/python || test "$$($(PYTHON) -c 'import sys; print(*sys.version_info[:2])')" = "$$($(BIN)/python -c 'import sys; print(*sys.version_info[:2])')" || \
		{ echo "$(VENV) was made with another Python than $(PYTHON). Use VENV=.venv-other beside PYTHON=, or make clean first."; exit 1; }
endif

$(VENV)/.installed: uv.lock pyproject.toml | prerequisites
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 14) else "Python 3.11 to 3.14 is needed; this is " + sys.version.split()[0] + ". Say which one with PYTHON=…")'
	@echo "• Python dependencies into $(VENV), the first time about a minute …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" 2>$(VENV)/install.log || $(call failed,$(VENV)/install.log)
	@$(BIN)/uv sync --frozen --quiet --inexact --python $(BIN)/python 2>$(VENV)/install.log || $(call failed,$(VENV)/install.log)
	@touch $@

node_modules/.installed: package-lock.json | prerequisites $(VENV)/.installed
	@echo "• Azurite from npm, the first time about half a minute …"
	@npm ci --no-progress --loglevel=error >/dev/null 2>$(VENV)/npm.log || $(call failed,$(VENV)/npm.log)
	@touch $@

# Apart from the rest: it pins many packages to versions of its own.
$(SEMGREP)/.installed: tools/semgrep/requirements.txt $(VENV)/.installed
	@echo "• semgrep into $(SEMGREP) …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SEMGREP)
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(SEMGREP)/bin/python tools/semgrep/requirements.txt
	@touch $@

# Apart from the rest as well: two of its packages are abandoned, and it needs Python 3.12 or newer: VENV=.venv-3.13 with PYTHON=…
.venv-vcon/.installed: tools/vcon/requirements.txt $(VENV)/.installed
	@echo "• the vCon library into .venv-vcon …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-vcon
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-vcon/bin/python tools/vcon/requirements.txt
	@touch $@

demo: install ## record calls on loopback and watch them arrive in the archive, proven (OPEN=1: then the console)
	@$(BIN)/python -m dev demo $(if $(OPEN),--open)

up: install ## the same system, left running, with things to try (PORT=7072, DATA=folder, COOKBOOK=1)
	@$(BIN)/python -m dev up $(if $(PORT),--port $(PORT)) $(if $(COOKBOOK),--cookbook) $(if $(DATA),--data "$(DATA)")

bench: install ## measure the copy beside what one would pick instead (fifteen minutes; docs/performance.md)
	@$(BIN)/python -m dev bench

# The folders and files in T are there; what begins with a dash is an option of pytest.
.PHONY: chosen
chosen:
	@for path in $(T); do case $$path in -*) ;; *) test -e "$${path%%::*}" || { echo "There is no $$path. T= is a folder or file of tests."; exit 2; } ;; esac; done

test: chosen install ## all tests; T=tests/unit/archive for a folder or file, K=claim for tests whose names match
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(T) $(if $(K),-k "$(K)") || { code=$$?; test $$code != 5 || echo "No test matches$(if $(K), K=$(K))$(if $(T), in $(T))."; exit $$code; }

fast: install ## one case of each unit test, in one to three minutes: no storage emulator, nothing slow
	@$(BIN)/python -m pytest -n 2 --dist worksteal --fast tests/unit

watch: install ## run tests, and again after each saved file, until Ctrl-C (T and K as for test)
	@$(BIN)/watchfiles --filter python '$(BIN)/python -m pytest -x $(or $(T),tests/unit) $(if $(K),-k "$(K)")' function_app.py recording dev tests

cover: install ## how much of recording/ the unit tests reach
	@$(BIN)/python -m pytest -n 2 tests/unit --cov=recording --cov-branch --cov-report=term:skip-covered

hooks: install ## check each commit before it is made (.pre-commit-config.yaml)
	@$(BIN)/prek install

prove: install ## the promise, proved in minutes: faults, deaths, orders, outages (docs/reliability.md)
	@$(BIN)/python -m dev prove $(PROOF)

soak: install ## the same for hours: 100,000 lives, 200 kills, spoiled connections (docs/reliability.md)
	@$(BIN)/python -m dev prove all --long

check: install $(SEMGREP)/.installed ## formatter, linter, types, layers, lock, exported requirements, security
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/uv lock --check --quiet
	@$(BIN)/python -m dev requirements --check
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive function_app.py recording dev
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --no-progress --persona=pedantic .github
	@$(BIN)/python -m dev rules $(SEMGREP)/bin/semgrep

format: install ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: install ## export requirements.txt from the lock
	@$(BIN)/python -m dev requirements

package: install ## build the deployable zip and its SBOM into dist/
	@$(BIN)/python -m dev package

clean: ## remove what the commands made
	rm -rf .venv .venv-* node_modules dist .local-world .mypy_cache .ruff_cache .pytest_cache .hypothesis
