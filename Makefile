# Needs Debian's python3.11, python3.11-venv, make and git, nothing else.
#   make demo [PORT=8080]   set everything up, load the demonstration data, serve it on 127.0.0.1
#   make test               set everything up, check and test everything
#   make test-faults        every hostile file, one process each; kills, full disks, a database that stops
#   make test-vtl           the rules as VTL, run by another engine in an environment of its own

PORT ?= 8080
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_TOOLS := pip-tools==7.6.2
COMPILE := CUSTOM_COMPILE_COMMAND='make requirements' build/tools/bin/pip-compile --quiet --strip-extras --allow-unsafe \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(UPGRADE)

.DELETE_ON_ERROR:
.PHONY: demo test test-faults test-vtl lint format bench fuzz requirements clean

demo: $(VENV)/.run
	$(BIN)/migdx demo --port $(PORT)

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not faults and not vtl'

test-faults: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist worksteal -m faults

# vtlengine is under the AGPL: neither the service nor its other tests have it.
test-vtl: $(VENV)/.test build/vtl/venv/.vtl
	$(BIN)/python -m pytest -m vtl tests/test_vtl_agrees.py

build/vtl/venv/.vtl: requirements/vtl.txt
	test -x build/vtl/venv/bin/python || $(PYTHON) -m venv build/vtl/venv
	build/vtl/venv/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: \
		--require-hashes --requirement requirements/vtl.txt
	@touch $@

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python bench/run.py $(ARGS)

# For a minute each, or `make fuzz ARGS='--seconds 600 xml json'`, in an environment of its own.
fuzz: build/fuzz/venv/.bench
	build/fuzz/venv/bin/python bench/fuzz.py $(ARGS)

build/fuzz/venv/.bench: requirements/test.txt requirements/bench.txt
	test -x build/fuzz/venv/bin/python || $(PYTHON) -m venv build/fuzz/venv
	build/fuzz/venv/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: \
		--require-hashes --requirement requirements/test.txt --requirement requirements/bench.txt
	@touch $@

# `make requirements UPGRADE=--upgrade` takes newer versions.
requirements:
	test -x build/tools/bin/pip-compile || { $(PYTHON) -m venv build/tools && build/tools/bin/pip install --quiet $(PIP_TOOLS); }
	$(COMPILE) --output-file requirements/run.txt requirements/run.in
	$(COMPILE) --output-file requirements/test.txt --constraint requirements/run.txt requirements/test.in
	$(COMPILE) --output-file requirements/bench.txt requirements/bench.in
	$(COMPILE) --output-file requirements/vtl.txt requirements/vtl.in

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find service tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment: pinned, every file checked against its hash; a stamp says that it is complete

define install
$(PIP) install --only-binary :all: --require-hashes --requirement $<
$(PIP) install --no-deps --no-build-isolation --no-index --editable .
endef

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(install)
	@touch $@

$(VENV)/.test: requirements/test.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(install)
	@touch $(VENV)/.run $@

$(VENV)/pyvenv.cfg:
	@test -n '$(PYTHON)' || { echo 'No Python found: apt-get install python3.11 python3.11-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo '$(PYTHON) is older than Python 3.11: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo '$(PYTHON) cannot make virtual environments: apt-get install python3.11-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
