PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test check style bench words vendor

install: .venv/installed

.venv/installed: pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Étiquette demande Python 3.11 ou plus récent."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Il manque le module venv : apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable .
	@touch $@

.venv/installed-tests: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable '.[test]'
	@touch $@

run: install
	@$(BIN)/etiquette serve --demo

test: .venv/installed-tests
	@sh tests/browser.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/journeys
	$(BIN)/python -m pytest tests/journeys

check: style
	$(BIN)/python -m pytest -q tests/house

style: .venv/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-tests
	$(BIN)/etiquette bench

words: .venv/installed-tests
	$(BIN)/python -m pytest -q tests/house/test_words.py

vendor: .venv/installed-tests
	$(BIN)/python -m pytest -q tests/house/test_vendor.py
