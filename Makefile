# `make help` lists the targets. A target installs what it needs, once.
VENV ?= .venv
# 3.11 first: constraints.txt was tested with it.
PYTHON ?= $(or $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$p -c '$(RECENT)' 2>/dev/null && echo $$p && break; done),python3)

RECENT := import sys; sys.exit(sys.version_info < (3, 11))
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs
UNFINISHED := $(VENV)/.installing

.DEFAULT_GOAL := help
# Has torch for the GPU, scikit-learn, skorch and pytest; nothing is installed into it.
GPU_PYTHON ?= python3
HAS_GPU := import sys, torch; sys.exit(not torch.cuda.is_available())

.PHONY: help demo test test-minimum test-gpu bench-gpu coverage check fuzz docs dist-check clean

help:
	@echo 'make demo      adapt handwritten digits, print the table, save the figure'
	@echo 'make test      the whole test suite'
	@echo 'make test-minimum  the whole test suite with the lowest versions, in an environment of its own'
	@echo 'make test-gpu  the tests that need a CUDA GPU, with GPU_PYTHON (now $(GPU_PYTHON))'
	@echo 'make bench-gpu  the time of training on the GPU, with GPU_PYTHON'
	@echo 'make coverage  the whole test suite in one process, and the lines of skda that it misses'
	@echo 'make check     format, lint, types'
	@echo 'make fuzz      50 000 random calls of the estimators'
	@echo 'make docs      the site, in docs/_build/html; reads no network once installed'
	@echo 'make dist-check  build sdist and wheel, install each, use it'
	@echo 'make bench-X   run the benchmark in benchmarks/X; ARGS="--seeds 0 1" passes options'
	@echo 'make clean     remove the environment and the caches'
	@echo 'Variables: PYTHON (3.11 or later), VENV (folder of the environment, now $(VENV))'

demo: $(STAMP)
	$(RUN) examples/demo.py

# One thread for each of the two workers: more would fight over two cores.
test: export OMP_NUM_THREADS = 1
# Else each worker, and each process that a test starts, compiles all files again.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP)
	$(RUN) -m pytest -n 2 --dist worksteal

coverage: export OMP_NUM_THREADS = 1
coverage: $(STAMP)
	$(RUN) -m pytest --cov=skda --cov-report=term-missing:skip-covered

check: $(STAMP)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

# The whole suite with the lowest versions that pyproject.toml declares. PYTHON=python3.13 with
# CONSTRAINTS=constraints.txt is another use of it: the suite with another Python.
CONSTRAINTS ?= constraints-minimum.txt
OTHER = .venv-$(basename $(CONSTRAINTS))
test-minimum: export OMP_NUM_THREADS = 1
test-minimum:
	rm -rf $(OTHER)
	'$(PYTHON)' -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install -qq --no-input --disable-pip-version-check \
		--constraint $(CONSTRAINTS) --editable '.[test]'
	$(OTHER)/bin/python -m pytest -n 2 --dist worksteal

# Random calls of every estimator.
fuzz: export OMP_NUM_THREADS = 1
fuzz: $(STAMP)
	SKDA_FUZZ=50000 $(RUN) -m pytest tests/fuzz

# -W: a warning is an error; -n: so is a link to nothing.
docs: export OMP_NUM_THREADS = 1
docs: $(DOCS_STAMP)
	$(RUN) -m sphinx -W --keep-going -n -q -d docs/_build/doctrees docs docs/_build/html $(ARGS)
	@echo 'Open docs/_build/html/index.html'

# Builds sdist and wheel, installs each into an environment of its own, and uses it from elsewhere.
dist-check: $(STAMP)
	rm -rf dist .venv-dist
	$(RUN) -m venv .venv-dist/build
	.venv-dist/build/bin/python -m pip install -qq --disable-pip-version-check build
	.venv-dist/build/bin/python -m build --outdir dist .
	for file in dist/*.whl dist/*.tar.gz; do \
		rm -rf .venv-dist/use && $(RUN) -m venv .venv-dist/use && \
		.venv-dist/use/bin/python -m pip install -qq --no-input --disable-pip-version-check \
			--constraint constraints.txt "$$file" && \
		(cd / && "$(CURDIR)/.venv-dist/use/bin/python" "$(CURDIR)/tests/smoke.py") || exit 1; \
	done
	rm -rf .venv-dist

test-gpu bench-gpu: export PYTHONPATH = $(CURDIR)
test-gpu:
	@$(GPU_PYTHON) -c '$(HAS_GPU)' || { echo 'No CUDA GPU for $(GPU_PYTHON): nothing was tested.' >&2; exit 1; }
	$(GPU_PYTHON) -m pytest -m gpu tests/gpu

bench-gpu:
	@$(GPU_PYTHON) -c '$(HAS_GPU)' || { echo 'No CUDA GPU for $(GPU_PYTHON): nothing was measured.' >&2; exit 1; }
	$(GPU_PYTHON) -m benchmarks.gpu

bench-%: $(STAMP)
	$(RUN) -m benchmarks.$* $(ARGS)

# An environment without the stamp was not finished: start it anew. One that this Makefile did not
# make is left alone.
$(STAMP): pyproject.toml constraints.txt
	@if [ -e '$(VENV)' ] && [ ! -e '$(STAMP)' ] && [ ! -e '$(UNFINISHED)' ]; then \
		echo "'$(VENV)' exists, and make did not make it. Remove it, or name another: make VENV=FOLDER" >&2; \
		exit 1; \
	fi
	@'$(PYTHON)' -c '$(RECENT)' 2>/dev/null || { \
		echo "skda needs Python 3.11 or later, and '$(PYTHON)' is not. Name one: make PYTHON=FILE" >&2; \
		exit 1; \
	}
	@mkdir -p '$(VENV)'
	@[ -e '$(STAMP)' ] || find '$(VENV)' -mindepth 1 ! -name .installing -delete
	@touch '$(UNFINISHED)' && rm -f '$(STAMP)'
	@echo 'Installing skda and what it needs into $(VENV), once: a minute or two ...'
	@[ -x '$(RUN)' ] || '$(PYTHON)' -m venv '$(VENV)'
	@$(RUN) -m pip install -qq --no-input --disable-pip-version-check \
		--constraint constraints.txt --editable '.[test]'
	@mv '$(UNFINISHED)' '$(STAMP)'

# What builds the site comes on top, where it is asked for.
$(DOCS_STAMP): $(STAMP)
	@echo 'Installing what builds the site ...'
	@$(RUN) -m pip install -qq --no-input --disable-pip-version-check \
		--constraint constraints.txt --editable '.[docs]'
	@touch '$(DOCS_STAMP)'

clean:
	@if [ -e '$(STAMP)' ] || [ -e '$(UNFINISHED)' ]; then rm -rf '$(VENV)'; fi
	rm -rf docs/_build docs/api docs/auto_examples docs/benchmarks
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
