# make demo   style distances of bundled photographs under three networks, as an HTML report
# make test   every test
# make proofs the native kernels for longer: sanitizers, compilers, a fuzzer, emulated processors
# make lint   ruff and mypy
# make gpu-check   on a machine with a GPU: builds, tests and times the CUDA half and convolutions there, in
#                  under ten minutes, with the packages that PYTHON has; results go to analysis/benchmarks
#
# The others make the environment in .venv first. PYTHON chooses the interpreter (3.10 or newer),
# TORCH what is installed as torch, e.g. TORCH="torch torchvision --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch torchvision
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test proofs lint gpu-check clean

demo: $(STAMP)
	$(BIN)/gramstyle demo --output demo

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

proofs: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 -m proofs tests

lint: $(VENV)/linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

gpu-check:
	$(PYTHON) analysis/gpu_check.py

$(STAMP): pyproject.toml setup.py $(wildcard csrc/*/*.* csrc/cpu/simd/*.h csrc/include/gramstyle/*.h csrc/include/gramstyle/cuda/*.h)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "gramstyle needs Python 3.10 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "could not make $(VENV): on Debian and Ubuntu install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip "setuptools>=77" wheel ninja
	$(BIN)/python -m pip install --quiet --no-compile $(TORCH)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test]"
	@touch $@

$(VENV)/linters: $(STAMP)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist demo *.egg-info gramstyle/kernels/_cpu*.so gramstyle/kernels/_cuda*.so
