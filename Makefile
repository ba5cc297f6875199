# Two commands are enough on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Training runs on CPUs: PyTorch's CPU build is all that is needed.
TORCH := torch==2.13.0

.PHONY: demo test reference stress mutants lint docs notebooks clean

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

# The tutorials as Jupyter notebooks, beside their scripts.
notebooks: $(STAMP)
	$(BIN)/sphinx_gallery_py2jupyter docs/tutorials/*.py

clean:
	rm -rf $(VENV) demo mutants docs/_build build dist
