# The commands of the README. Each looks first and does only what is missing.
#
#   make demo      everything, up to a running site with an evaluated leaderboard
#   make test      everything the tests need, then all of them
#   make lint      ruff, mypy, import-linter, pip-audit
#   make hostile   the hostile corpus against this engine (K=word: only such cases); writes its table
#   make bench     measurements, as ratios
#   make faults    kill workers, engine, broker, database and disk at random for MINUTES; a table of what came of it
#   make bases     the base images for code submissions
#   make tables    docs/baselines.md: the thesis' tables with our numbers
#   make screenshots   every page at two widths, light and dark, into var/screenshots

PYTHON ?= python3
SERVE ?= 1
PORT ?= 8000
IDD_LITE ?=
TESTS ?= tests
MINUTES ?= 10
K ?=
RUN := .venv/bin/python

.PHONY: demo test lint hostile bench faults bases tables screenshots lock clean

demo:
	@$(PYTHON) deploy/prepare.py
	@IDD_LITE="$(IDD_LITE)" $(RUN) manage.py demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve)

test:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m sandbox build
	@$(RUN) -m pytest $(TESTS)

lint:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) deploy/audit.py

hostile:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m sandbox build
	@$(RUN) -m tests.hostile $(if $(K),-k "$(K)")

faults:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m sandbox build
	@$(RUN) -m tests.faults --minutes $(MINUTES)

bench:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m sandbox build
	@IDD_LITE="$(IDD_LITE)" $(RUN) -m tests.bench

bases:
	@$(PYTHON) deploy/prepare.py
	@$(RUN) -m sandbox build

tables:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m baselines.tables

screenshots:
	@$(PYTHON) deploy/prepare.py --tests
	@$(RUN) -m tests.browser.screenshots var/screenshots

# Compiles the pinned lists. torch keeps its plain version: which build it is, CPU or CUDA, is the installer's choice.
lock:
	@.venv/bin/pip-compile -q --strip-extras --no-emit-find-links --no-emit-index-url requirements.in
	@.venv/bin/pip-compile -q --strip-extras --no-emit-find-links --no-emit-index-url --allow-unsafe requirements-dev.in
	@sed -i 's/^\(torch==[0-9.]*\)+.*/\1/' requirements-dev.txt

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
