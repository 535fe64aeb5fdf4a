# Two commands do all the set-up on a fresh machine:
#   make demo    sets up and tells the story on pictures made on the spot (PHOTOS=folder for your own)
#   make test    sets up and runs every check
# A release also needs
#   make nightly runs the long checks, tries properties by chance, measures coverage, tries the oldest dependencies, audits all

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# a pair that fits; users of a GPU install their own
TORCH ?= torch==2.14.1 torchvision==0.29.1
DEMO_OUT ?= demo
KEEP ?= 40
WORKERS ?= 2
EXTRAS := dev,app,objects,concepts,hf,timm,open-clip,openvino,export,ssl,heif,video,shots,map

# compiled once, modules need not be compiled by each process that the tests start
unexport PYTHONDONTWRITEBYTECODE

.PHONY: golden notebooks site release page same-page demo test check lint types layers pytest nightly coverage chance minimum audit sbom fuzz faults tools format clean

# the demo's pictures are made from photographs in two wheels, which are not installed
WHEELS := $(VENV)/photographs

demo: $(VENV)/.core
	@if [ -n "$(PHOTOS)" ]; then \
		$(BIN)/python tools/demo.py "$(DEMO_OUT)" $(KEEP) --photos "$(PHOTOS)"; \
	else \
		ls $(WHEELS)/*.whl >/dev/null 2>&1 || $(BIN)/python -m pip download --quiet --no-deps \
			--only-binary :all: --dest $(WHEELS) scikit-image==0.26.0 scikit-learn==1.9.1 && \
		$(BIN)/python tools/demo.py "$(DEMO_OUT)" $(KEEP) --wheels $(WHEELS); \
	fi

test: check pytest

check: lint types layers

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

# A worker keeps to one processor: threads of linear algebra that wait for each other cost more
# than they bring. `nightly` runs the same tests with as many threads as there are processors.
pytest: $(VENV)/.dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not nightly" \
		-o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true

nightly: check coverage chance fuzz faults minimum audit same-page tools

# Bytes from strangers, other ones each night; a finding says how to repeat it and is kept.
fuzz: $(VENV)/.dev
	TAMIS_FUZZ_SEED=$$(date +%Y%m%d) $(BIN)/python -m pytest -n $(WORKERS) -m nightly tests/fuzz

# A thousand random faults of machines in datasets.
faults: $(VENV)/.dev
	$(BIN)/python benchmarks/faults.py --faults 1000 --seed $$(date +%Y%m%d)

# Properties on examples that chance chooses, others each time; a failure says how to repeat it.
chance: $(VENV)/.dev
	for turn in 1 2 3; do \
		$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m hypothesis \
			--hypothesis-profile=nightly || exit 1; \
	done

# Lines and branches that no test reaches, printed by file; also by processes that tests start.
coverage: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet 'coverage>=7.10'
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered

# Known weaknesses of what is installed; needs the network, and fails on what it cannot look up.
audit: $(VENV)/.dev
	$(BIN)/python -m pip check
	$(BIN)/python -m pip freeze --exclude-editable > $(VENV)/audited.txt
	$(BIN)/python -m pip install --quiet 'pip-audit>=2.7'
	$(BIN)/python -m pip_audit --strict --no-deps --disable-pip --progress-spinner off \
		-r $(VENV)/audited.txt

# What a user's installation is made of, as CycloneDX; the lists of wheels, not of this environment.
SBOM_EXTRAS ?= app,serve,objects,video,heif,concepts
sbom:
	$(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/python -m pip install --quiet ".[$(SBOM_EXTRAS)]"
	$(PYTHON) -m venv .venv-sbom-tool
	.venv-sbom-tool/bin/python -m pip install --quiet 'cyclonedx-bom>=7,<8'
	.venv-sbom-tool/bin/cyclonedx-py environment .venv-sbom/bin/python --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file sbom.json

# The oldest versions that pyproject.toml allows, in an environment of its own.
minimum:
	$(PYTHON) -m venv .venv-minimum
	.venv-minimum/bin/python -m pip install --quiet --upgrade pip uv
	.venv-minimum/bin/uv pip install --quiet --python .venv-minimum/bin/python --resolution lowest-direct \
		-e '.[app]' 'httpx>=0.28' 'pytest>=8.3' 'hypothesis>=6.100' 'pytest-xdist>=3.6' 'scikit-learn>=1.5'
	.venv-minimum/bin/python -m pytest -n $(WORKERS) --dist worksteal \
		-W 'ignore:The anyio.abc:DeprecationWarning' tests/unit tests/property

# Other tools read what is exported for them, in an environment of their own.
tools: $(VENV)/.dev
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet datasets webdataset supervision label-studio-sdk fiftyone
	TAMIS_TOOLS=$(CURDIR)/.venv-tools/bin/python \
		$(BIN)/python -m pytest -m nightly tests/golden/test_tool_readers.py

# What is derived from the verbs and kept: JSON schemas, and signatures for editors.
golden: $(VENV)/.dev
	$(BIN)/python tools/write_golden.py

# The page of `tamis app`, built from the lockfile into the package; needs Node 20, and npm once.
page:
	cd page && npm ci --silent --no-audit --no-fund && npm run --silent check && npm run --silent build

# What is committed is what its source builds.
same-page: page
	git diff --exit-code -- src/tamis/interfaces/server/static

# Run the notebooks and keep what their cells print.
notebooks: $(VENV)/.dev
	$(BIN)/python tools/run_notebooks.py

# The documentation as a site in build/site: guides, notebooks, reference, decisions.
site: $(VENV)/.dev
	test -x .venv-site/bin/zensical || { $(PYTHON) -m venv .venv-site && \
		.venv-site/bin/python -m pip install --quiet 'zensical>=0.0.73,<1' 'mkdocstrings[python]>=1.0,<2' mkdocs-autorefs; }
	$(BIN)/python tools/site.py build/site-source
	.venv-site/bin/zensical build --clean --strict

# Wheel and source in dist/, then the wheel in an environment with nothing else: its story, its page.
release: $(VENV)/.core
	rm -rf dist .venv-release
	$(BIN)/python -m pip install --quiet 'build>=1.2'
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet "$$(ls dist/*.whl)[app]"
	$(PYTHON) tools/try_wheel.py .venv-release/bin

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# modules are compiled when they are first imported: most never are
$(VENV)/.core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile -e ".[app]"
	touch $@

# All at once: each call of pip resolves everything anew. pip would compile on one processor, and
# the tests of libraries too; what cannot be compiled is no module.
$(VENV)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile $(TORCH) -e ".[$(EXTRAS)]"
	$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib src || true
	touch $(VENV)/.core $@

clean:
	rm -rf $(VENV) .venv-minimum .venv-site .venv-release .venv-sbom .venv-sbom-tool sbom.json build dist page/node_modules demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
