# Every target installs what it needs into .venv on first use and nothing after that.
# EXTRA picks the backend: cpu (default), gpu, tensorflow, jax or jax-gpu.
EXTRA ?= cpu
export KERAS_BACKEND ?= $(if $(findstring jax,$(EXTRA)),jax,tensorflow)
# As simgan_lib/__init__.py does, for notebooks that import Keras first.
export TF_CPP_MIN_LOG_LEVEL ?= 2
ifeq ($(shell uname -m),x86_64)
export TF_ENABLE_ONEDNN_OPTS ?= 1
endif

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
# Tests that run on each backend; the others do not touch one.
BACKEND_TESTS := tests/test_models.py tests/test_losses.py tests/test_history.py \
	tests/test_simgan.py tests/test_training.py tests/test_own_method.py

# A file's tests stay in one process, which keeps what they share: see tests/conftest.py.
PARALLEL := -q --numprocesses 2 --dist loadgroup
# Most of these tests' time goes into compiling, and many compile the same.
JAX_CACHE := JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
	JAX_COMPILATION_CACHE_DIR=$(CURDIR)/.venv/jax-cache

.PHONY: help quickstart test browser faults matrix lint lab notebooks assignment tables docs dist bench \
	repository clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

quickstart: .venv/extra-$(EXTRA) ## Install, make the embedded data, train, show what came of it
	$(BIN)/simgan quickstart

test: .venv/extra-$(EXTRA) .venv/extra-test lint ## Lint, unit tests and doctests, on both backends
	@sh tools/browser.sh & $(BIN)/python -c 'from simgan_lib import notebook; notebook.start()' && wait
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest $(PARALLEL)
	KERAS_BACKEND=jax $(JAX_CACHE) $(BIN)/python -m pytest $(PARALLEL) $(BACKEND_TESTS)

browser: .venv/extra-$(EXTRA) .venv/extra-test ## The widgets in JupyterLab, in a real browser (part of test)
	@sh tools/browser.sh
	$(BIN)/python -m pytest tests/test_browser.py

faults: .venv/extra-$(EXTRA) .venv/extra-test ## Kill, fill and damage what can be, N times each: N=20
	FAULTS=$(or $(N),20) $(BIN)/python -m pytest $(PARALLEL) tests/test_faults.py

matrix: .venv/bin/uv ## Test with the lowest, the newest and Colab's versions: CELLS=3.13-colab for one
	$(BIN)/python tools/matrix.py $(CELLS)

.venv/bin/uv: .venv/bin/python
	$(PIP) uv

lint: .venv/extra-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lab: .venv/extra-$(EXTRA) .venv/extra-notebooks ## Open the course in JupyterLab
	$(BIN)/jupyter lab --ServerApp.root_dir=. notebooks/00_quickstart.ipynb

notebooks: .venv/extra-$(EXTRA) .venv/extra-test ## Write the notebooks, and execute those with new code: NAMES=02_refiner, or all
	$(BIN)/python tools/notebooks.py $(NAMES)

assignment: .venv/extra-$(EXTRA) .venv/extra-teaching ## Make an nbgrader course: NAMES="02 04" OUT=folder SEED=7
	$(BIN)/python tools/assignment.py $(if $(SEED),--seed $(SEED)) "$(or $(OUT),$(error Say where to: OUT=folder))" $(NAMES)

tables: .venv/extra-$(EXTRA) ## Write the tables of the reference runs from their records
	$(BIN)/python tools/tables.py

docs: .venv/extra-$(EXTRA) .venv/extra-docs ## Build the site, with a page on which R runs: docs/_build/html
	$(BIN)/python tools/live_page.py docs/_build/extra/live
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -c docs . docs/_build/html

# The zip holds what is committed, and the wheel is built from it.
dist: .venv/bin/python ## Build the wheel, and a zip of the whole course, into dist
	@mkdir -p dist
	git archive --prefix=simgan/ --output=dist/simgan.zip HEAD
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist dist/simgan.zip

bench: .venv/extra-$(EXTRA) .venv/torch/ready ## Time everything against peers and the hardware: ROWS=memory for one row
	$(BIN)/python -m benchmarks $(ROWS)

# PyTorch is timed, never used: it has an environment of its own.
.venv/torch/ready: .venv/bin/python benchmarks/requirements.txt
	@echo "Installing PyTorch, to be timed, into .venv/torch"
	$(BIN)/python -m venv .venv/torch
	.venv/torch/bin/python -m pip install --disable-pip-version-check --quiet \
		-c constraints.txt -r benchmarks/requirements.txt
	@touch $@

repository: ## Write where the course lies, for badges and set-up cells: REPO=owner/name
	@$$(sh tools/find_python.sh $(PYTHON)) tools/repository.py "$(REPO)"

clean: ## Remove the environment and the generated data; runs stay
	rm -rf .venv data/simulated data/.cache

.venv/bin/python:
	@python=$$(sh tools/find_python.sh $(PYTHON)) && echo "Creating .venv with $$python" \
		&& $$python -m venv .venv

# TensorFlow's builds for CPU and GPU overwrite each other's files, so an environment holds one.
.venv/extra-$(EXTRA): .venv/bin/python pyproject.toml constraints.txt
	@other=$$(ls .venv | grep -E '^extra-(cpu|gpu|tensorflow)$$' | grep -v '^extra-$(EXTRA)$$'); \
	if [ -n "$$other" ] && echo "$(EXTRA)" | grep -qE '^(cpu|gpu|tensorflow)$$'; then \
		echo ".venv was made with EXTRA=$${other#extra-}; for $(EXTRA), run 'make clean' first."; \
		exit 2; fi
	@echo "Installing simgan_lib[$(EXTRA)] (a minute or two)"
	$(PIP) -e '.[$(EXTRA)]'
	@touch $@

.venv/extra-test: .venv/extra-$(EXTRA)
	@echo "Installing the test tools"
	$(PIP) -e '.[$(EXTRA),cluster,jax,kaggle,notebooks,teaching,test]'
	@touch $@

.venv/extra-teaching: .venv/extra-$(EXTRA)
	@echo "Installing nbgrader"
	$(PIP) -e '.[$(EXTRA),notebooks,teaching]'
	@touch $@

.venv/extra-docs: .venv/extra-$(EXTRA)
	@echo "Installing Sphinx"
	$(PIP) -e '.[$(EXTRA),docs]'
	@touch $@

.venv/extra-notebooks: .venv/extra-$(EXTRA)
	@echo "Installing JupyterLab"
	$(PIP) -e '.[$(EXTRA),notebooks]'
	@touch $@
