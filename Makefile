# Two commands are enough: `make train` and `make test`. Each makes the environment first, once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
.PHONY: train test check bench campaign ui clean clean-cache

train: $(VENV)/.installed  ## the paper's method on the embedded simulated flows
	$(BIN)/python -m train +experiment=gru_pearson

test: $(VENV)/.installed-dev  ## the whole suite
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=10

check: $(VENV)/.installed-dev  ## format, lint, types, who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-bench  ## speed against others, into docs/benchmarks.md; wants a machine that does nothing else
	$(BIN)/python -m benchmarks

campaign: $(VENV)/.installed-dev  ## attacks by the thousand, into docs/reliability.md: minutes, or hours=2; seed=1 only=files,kills
	$(BIN)/python -m tests.campaign $(foreach word,hours seed only,$(if $($(word)),$(word)=$($(word))))

ui: $(VENV)/.installed  ## the runs in a browser, at http://127.0.0.1:5000
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db --host 127.0.0.1

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	touch $@ $(VENV)/.installed

clean:  ## the environment, not the runs
	rm -rf $(VENV)

clean-cache: $(VENV)/.installed  ## prepared tables, kept between runs; what a run is reading stays
	$(BIN)/iot-ids clear-cache
