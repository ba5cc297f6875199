# Two commands are enough on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Which build of PyTorch: `make TORCH=cuda` for NVIDIA's GPUs. The last choice stays.
LAST := $(or $(shell cat $(STAMP) 2>/dev/null),cpu)
TORCH ?= $(LAST)
TORCH_VERSION := 2.13.0
# Where PyTorch documents its builds for CPUs alone; asked if the registry in use has none.
TORCH_FOR_CPU := https://download.pytorch.org/whl/cpu
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test test-gpu lowest reference stress mutants lint docs notebooks clean
ifneq ($(TORCH),$(LAST))
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml constraints.txt
	@case "$(TORCH)" in cpu|cuda) ;; *) echo "TORCH=$(TORCH): it is cpu or cuda"; exit 2;; esac
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 2; }
	@echo "Setting up $(VENV), once, with PyTorch for $(TORCH) (docs/install.md says more):"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifeq ($(TORCH),cpu)
	@echo "  PyTorch: 0.2 GB to download, 0.8 GB on disk ..."
	@$(INSTALL) torch==$(TORCH_VERSION)+cpu 2>/dev/null || \
	  $(INSTALL) --retries 0 --timeout 15 --extra-index-url $(TORCH_FOR_CPU) \
	    torch==$(TORCH_VERSION)+cpu 2>/dev/null || \
	  { echo "  no build for CPUs alone is within reach: the usual one, on Linux 6.6 GB of CUDA ..."; \
	    $(INSTALL) torch==$(TORCH_VERSION); }
else
	@echo "  PyTorch with CUDA: 6.6 GB on disk ..."
	@$(INSTALL) torch===$(TORCH_VERSION)
endif
	@echo "  calovision and all that it needs, tests and docs included: 2.1 GB on disk ..."
	@$(INSTALL) -c constraints.txt -e '.[dev]'
	@echo $(TORCH) > $(STAMP)

demo: $(STAMP)
	$(BIN)/calovision study jet-vae --scale quick --out demo

test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Everything once on a GPU; in an environment whose PyTorch knows CUDA: make test-gpu BIN=.../bin
test-gpu:
	$(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || \
	  { echo "PyTorch finds no GPU: see nvidia-smi, and install its CUDA build"; exit 2; }
	$(BIN)/python -m pytest -m gpu tests/gpu

# The lowest versions that pyproject.toml promises, in an environment of their own.
lowest:
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet -c packaging/lowest.txt . hypothesis pytest pytest-timeout
	.venv-lowest/bin/python -m pytest tests/events tests/metrics tests/networks

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
	$(INSTALL) -c constraints.txt -e '.[dev,mutants]'
	$(BIN)/python tests/mutants/run.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(STAMP)
	rm -rf docs/generated  # pages of modules that have gone would stop it
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -j 2 -W -q -b html docs docs/_build/html

# The tutorials as Jupyter notebooks, beside their scripts.
notebooks: $(STAMP)
	$(BIN)/sphinx_gallery_py2jupyter docs/tutorials/*.py

clean:
	rm -rf $(VENV) .venv-lowest demo mutants docs/_build build dist
