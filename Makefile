# Two commands do everything, in a fresh clone and again later: make run, then make test.
# They find a Python by themselves; `make PYTHON=/path/to/python run` names one.

SCENARIOS  = baseline relocation specialist_foster early_intervention combined
WORLD      = region
YEARS      = 1
REPLICATES = 6
CORES      = 2
ARGS       =

IN_VENV = .venv/bin/python -m
INSTALL = $(IN_VENV) pip install -qq --disable-pip-version-check -c constraints.txt

# An environment whose Python has gone is not one.
$(shell .venv/bin/python -c '' >/dev/null 2>&1 || rm -f .venv/*-ready)

.PHONY: help run ui test test-all lint bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: .venv/run-ready ## install, then compare the main policies and write the report
	$(IN_VENV) experiments compare $(SCENARIOS) --world $(WORLD) --years $(YEARS) --replicates $(REPLICATES) $(ARGS)

ui: .venv/ui-ready ## install, then open the room: two futures side by side in a browser
	$(IN_VENV) sim ui $(ARGS)

test: lint ## install, then check the style, the types and the tests
	$(IN_VENV) pytest -n $(CORES) --dist worksteal -m "not slow" $(ARGS)

test-all: lint ## the same with the tests that take long
	$(IN_VENV) pytest -n $(CORES) --dist worksteal $(ARGS)

lint: .venv/test-ready ## check the style and the types only
	$(IN_VENV) ruff check
	$(IN_VENV) mypy

bench: .venv/bench-ready ## install, then measure speed and scale, against other programs too (about twenty minutes)
	$(IN_VENV) experiments bench $(ARGS)

clean: ## remove the environment and the caches, never the results
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	find sim experiments tests -name __pycache__ -prune -exec rm -rf {} +

# The stamps say that an installation ended. One that was interrupted left none, so the next starts afresh.
.venv/run-ready: pyproject.toml constraints.txt
	@[ -f $@ ] || { python=$$(sh .ci/python) && echo "Installing into .venv with $$python (once, about a minute) ..." && \
	    rm -rf .venv && "$$python" -m venv .venv; }
	@rm -f $@
	@$(INSTALL) -e .
	@touch $@

.venv/ui-ready: .venv/run-ready
	@echo "Installing what the browser's pages need ..."
	@$(INSTALL) -e '.[ui]'
	@touch $@

.venv/test-ready: .venv/run-ready
	@echo "Installing what the tests need ..." && rm $<
	@$(INSTALL) -e '.[dev]'
	@touch $< $@

.venv/bench-ready: .venv/run-ready
	@echo "Installing what the bench compares with ..."
	@$(INSTALL) -e '.[bench]'
	@touch $@
