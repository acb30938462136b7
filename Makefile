# `make run` serves Mien on 127.0.0.1:$(PORT); `make test` checks everything. Both set up what they need.

PYTHON ?= python3
PORT ?= 8000
SECONDS ?= 60
SEED ?= 1
REQUESTS ?= 5000
CLIENTS ?= 8
CALLS ?= 10000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements.txt layers/pyproject.toml | cksum | cut -d' ' -f1)

export PORT
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# CDK's libraries warn at length of Node 20; what they warn of is not used.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export CDK_DISABLE_CLI_TELEMETRY := true
export CDK_OUTDIR := cdk.out

.PHONY: run test check models environment bench bench-peers soak endurance fuzz accuracy calibrate precision documents train synth deploy deploy-check client-check image-check lock screenshots clean help

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: models ## Serve the API on this machine (PORT=8000)
	@$(BIN)/mien serve

test: models check ## Check style, types and behaviour
	$(BIN)/python -m pytest

check: environment ## Style and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy layers/mien functions models bench infra app.py

models: environment ## Fetch, convert and verify the models
	@$(BIN)/python -m models.builder

documents: models ## Write anew what is made from code and measurements: model cards, NOTICE, OpenAPI document
	$(BIN)/python -m models.builder.documents
	$(BIN)/python -m bench.examples
	$(BIN)/python -m mien.openapi

bench: models ## Measure speed, memory, bytes and large galleries, on one core
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.footprint
	$(BIN)/python -m bench.report
	$(BIN)/python -m bench.gallery

bench-peers: models ## Measure other packages that know faces beside it, by turns on one core; a few minutes
	$(BIN)/python -m bench.peers
	$(BIN)/python -m bench.report

soak: models ## Many requests, good and bad, at once: right answers, no 5xx, flat memory (REQUESTS=5000 CLIENTS=8)
	$(BIN)/python -m bench.soak --requests $(REQUESTS) --clients $(CLIENTS)

endurance: models ## Ten thousand calls of one function: memory stays flat (CALLS=10000)
	$(BIN)/python -m bench.footprint --calls $(CALLS)

client-check: models ## Generate a typed client from the OpenAPI document and let it call a server
	npm ci --prefix tests/typescript --silent --no-audit --no-fund
	$(BIN)/python -m tests.typescript.check

image-check: models ## Build the functions' images and call them (as root, with buildah and debootstrap)
	$(BIN)/python -m bench.image

fuzz: environment ## Hand broken images and bodies to the reader and decoder (SECONDS=60 SEED=1)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

accuracy: models ## Measure accuracy on labelled photos (DATA=folder)
	$(BIN)/python -m bench.accuracy "$(DATA)"

calibrate: models ## Fit the manifest's measured constants (DATA=folder)
	$(BIN)/python -m bench.calibrate "$(DATA)"

precision: models ## Compare networks as written, in single precision, with those shipped; after accuracy (DATA=folder)
	$(BIN)/python -m bench.precision "$(DATA)"

synth: models ## Write the CloudFormation templates to cdk.out/; needs no account
	$(BIN)/python app.py

deploy: models ## Deploy to the AWS account of your credentials; read docs/deploy.md first (SWITCHES="-c NAME=VALUE")
	npx --yes aws-cdk@2.1148.1 deploy --all $(SWITCHES)

deploy-check: synth ## Create the stacks on a local stand-in for AWS
	$(PYTHON) -m venv var/deploy-check && var/deploy-check/bin/pip install --quiet ministack==1.5.33 boto3==1.43.106
	PYTHONPATH=layers var/deploy-check/bin/python tests/infra/deploy_check.py cdk.out

# Memory that is given back after each step has to be asked for again.
train: export MALLOC_MMAP_MAX_ := 0
train: export MALLOC_TRIM_THRESHOLD_ := 17179869184
train: var/training/bin/python ## Train the networks of expression and looks, some hours on a CPU (DATA=folder)
	PYTHONPATH=layers $< -m models.training.teacher "$(DATA)"
	PYTHONPATH=layers $< -m models.training.expression "$(DATA)"
	PYTHONPATH=layers $< -m models.training.ranges "$(DATA)"
	PYTHONPATH=layers $< -m models.training.looks_teacher "$(DATA)"
	PYTHONPATH=layers $< -m models.training.looks "$(DATA)"

var/training/bin/python: models models/training/requirements.txt
	$(PYTHON) -m venv var/training
	var/training/bin/pip install --quiet --require-hashes --only-binary=:all: -r requirements.txt
	var/training/bin/pip install --quiet -r models/training/requirements.txt

lock: environment ## Pin every dependency anew, with hashes
	$(PYTHON) -m venv var/lock-tools && var/lock-tools/bin/pip install --quiet uv==0.13.9
	var/lock-tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --quiet --all-extras --group pyproject.toml:dev layers/pyproject.toml --output-file requirements.txt
	$(BIN)/python -m infra.lock $(CURDIR)/var/lock-tools/bin/uv

screenshots: models ## Take the pictures of the playground in docs/pictures anew (needs Chromium)
	MIEN_PICTURES=docs/pictures $(BIN)/python -m pytest -q tests/browser/test_pictures.py

clean: ## Remove the environment and everything built; keys and state in var/ stay
	rm -rf $(VENV) models/built models/cache cdk.out

environment: $(READY)

$(READY): requirements.txt layers/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 to 3.13 is needed: install it, or name it: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) -V). Name another: make PYTHON=python3.13"; exit 1; }
	@command -v npm >/dev/null || { echo "Node.js 20 with npm is needed, to fetch and check model weights."; exit 1; }
	@echo "Setting up the environment (once, a minute or so)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary=:all: -r requirements.txt \
	  || { echo "The environment could not be set up. Check the network, then try again."; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e layers
	@touch $@
