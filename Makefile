# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.installed
# torch of a constrained version is taken from the folder that pip is configured with, where there is one: the CPU build
LINKS  := $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null || echo $(PIP_FIND_LINKS))

DEMOS  := bbc card-fraud churn cifar10 complaints credit-default digits disaster employment flchain groceries hotels mercari mercari-prices movie-reviews questions sms-spam traffic-lights vader

.PHONY: install services fetch demo test check fuzz bench bench-quick tables tensorflow mlflow-env peers-env autogluon-env clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(addprefix --find-links ,$(LINKS)) \
		--constraint constraints.txt --editable ".[train,hub,export,excel,sql,postgres,query,sign,stream,telemetry,watch,dev]"
	touch $(STAMP)

services:  ## the brokers and PostgreSQL that tests look for, in containers; without podman or docker it says how Debian has them
	@for engine in podman docker; do \
		if $$engine compose version >/dev/null 2>&1 && $$engine info >/dev/null 2>&1; then \
			exec $$engine compose --file container/services.yaml up --detach; fi; done; \
	echo "Neither podman nor docker runs here. On Debian: apt-get install nats-server redis-server rabbitmq-server mosquitto postgresql"; \
	echo "then: nats-server --jetstream --store_dir DIR --addr 127.0.0.1 &   (the others start by themselves; Debian has no Kafka)"; exit 1

demo: install  ## real photos of supermarket shelves become a proven model and a report
	$(BIN)/headstart demo groceries --out demo/groceries
	$(BIN)/headstart fit demo/groceries --out demo/groceries-model
	$(BIN)/headstart predict demo/groceries-model demo/groceries/test/*/*0.jpg --top 3 | head -n 5

check: install  ## what is quick: lint, types, import contracts, the libraries' pins and licenses
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.audit

test: check fetch  ## everything, with the network closed to the tests: a process a core, on one thread each
	OMP_NUM_THREADS=1 HEADSTART_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist loadfile

fetch: install  ## the pretrained weights and the real data, once, into the cache
	$(BIN)/headstart sources fetch --all
	$(BIN)/python tests/known_photos.py
	$(BIN)/python -c "from headstart.packaging.exports.web import PACKAGES; [package.contents() for package in PACKAGES]"
	for name in $(DEMOS); do $(BIN)/headstart demo $$name --out demo/$$name || exit 1; done

fuzz: install  ## the server's OpenAPI document, many requests for each address
	HEADSTART_EXAMPLES=200 $(BIN)/python -m pytest tests/serving/test_openapi.py

# the order of docs/bench.md; speed first, while nothing else runs, and the longest last
BENCHES := speed.one_pass speed.presets speed.predict speed.exact_update speed.memory_growth speed.rows speed.serve speed.serve_pair speed.stream speed.stream_soak speed.soak \
	speed.web quality.paired_error quality.prediction_sets quality.duplicates quality.kept quality.together quality.evaluate quality.ranking \
	quality.choosing quality.compress quality.tables quality.own_source quality.label_shift quality.alarms quality.updating \
	robustness.inputs robustness.fuzz robustness.flips robustness.killed robustness.server robustness.promotion robustness.stream speed.tuning_memory robustness.killed_tuning quality.tuning peers.compare

bench: install peers-env  ## every figure of the docs, printed anew (many hours on two cores, most of them the last two)
	for name in $(BENCHES); do echo "== $$name"; $(BIN)/python -m bench.$$name || exit 1; done
	$(BIN)/python -m tools.references
	$(BIN)/python -m tools.gain_prior

bench-quick: install peers-env  ## the same code on a little data, a few minutes in all
	for name in $(BENCHES); do echo "== $$name"; $(BIN)/python -m bench.$$name --quick || exit 1; done
	$(BIN)/python -m tools.references --quick
	$(BIN)/python -m tools.gain_prior --quick

tables: install  ## the tables in src that are measured: references of sources, starting points of tuning, gains of transfer (many hours)
	$(BIN)/python -m tools.references --write
	$(BIN)/python -m tools.starting_points --write
	$(BIN)/python -m bench.quality.together --draws 2 --minutes 600
	$(BIN)/python -m tools.gain_prior --write

tensorflow: install  ## TensorFlow and tf2onnx beside the rest, 2 GB: what reads a SavedModel, for tests/sources/importing/test_import_model.py
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints.txt --editable ".[tensorflow]"

mlflow-env: install  ## MLflow holds back pyarrow, so it gets an environment of its own; tests/test_mlflow.py uses it
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-mlflow
	$(BIN)/uv pip install --quiet --python .venv-mlflow/bin/python --compile-bytecode --editable ".[mlflow]" mlflow==3.17.2

peers-env: install  ## what benches set Headstart beside: SetFit, transformers' Trainer, CatBoost and LightGBM, in an environment of their own
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-peers
	$(BIN)/uv pip install --quiet --python .venv-peers/bin/python --compile-bytecode $(addprefix --find-links ,$(LINKS)) \
		--constraint constraints.txt torch setfit==1.2.0 sentence-transformers==6.2.0 accelerate==1.15.0 \
		catboost==1.2.10 lightgbm==4.7.0 river==0.26.1

autogluon-env: install  ## AutoGluon, 900 MB, in an environment of its own, for `bench.quality.tables --methods autogluon`
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-autogluon
	$(BIN)/uv pip install --quiet --python .venv-autogluon/bin/python --compile-bytecode \
		"autogluon.tabular[catboost,lightgbm,xgboost]==1.6.3" pyarrow

clean:
	rm -rf .venv .venv-mlflow .venv-peers .venv-autogluon demo
