# Two commands from a fresh clone: `make demo`, `make test`. Needs Python 3.11+ and make.
PYTHON ?= python3
PORT ?= 8080

.venv: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch .venv

demo: .venv
	@.venv/bin/stagecall demo --port $(PORT) $(DEMO)

# two at a time: the tests that kill servers wait most of the time
test: .venv
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

bench: .venv
	.venv/bin/python -m tests.bench

.PHONY: demo test lint bench
