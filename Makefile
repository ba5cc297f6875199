# Two commands are enough on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The tests need no GPU: PyTorch's CPU build is all that they take.
TORCH := torch==2.13.0

.PHONY: demo test test-gpu reference stress mutants lint docs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/calovision study jet-vae --scale quick --out demo

test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Everything once on a GPU; in an environment whose PyTorch knows CUDA: make test-gpu BIN=.../bin
test-gpu:
	$(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || \
	  { echo "PyTorch finds no GPU: see nvidia-smi, and install its CUDA build"; exit 2; }
	$(BIN)/python -m pytest -m gpu tests/gpu

# What every model computes, written anew: for changes that are meant.
reference: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python tests/reference/measure.py

# Kills, full disks and spoiled files; takes long, and root for the disks.
stress: $(STAMP)
	$(BIN)/python tests/stress/kills.py
	$(BIN)/python tests/stress/disk.py
	$(BIN)/python tests/stress/fuzz.py

# Changes the code at random, and says which changes no test notices; an hour or two.
mutants: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,mutants]'
	$(BIN)/python tests/mutants/run.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

clean:
	rm -rf $(VENV) demo mutants docs/_build build dist
