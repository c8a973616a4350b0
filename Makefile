# Needs Python >= 3.11 and nothing else. `make serve` installs what serving needs; what developers call installs the rest beside it.
# With npm the pages are built to work offline, and the browser and client tests run too.

BIN := .venv/bin
# What is installed: what serving needs, and beside it what tests and checks need.
SERVING := .venv/.serving
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes
# What is locked, each kind in its file: what serving needs and what installs it; what the container serves with; everything.
LOCKS := requirements requirements-container requirements-dev
requirements := --group build
requirements-container := --extra compress --extra otel -c requirements.lock
requirements-dev := --group build --all-extras -c requirements-container.lock
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url -q
NPM := $(shell command -v npm 2>/dev/null)
WEB := gateway/web
WEB_SOURCES := $(wildcard $(WEB)/*.json $(WEB)/*.js $(WEB)/*.html $(WEB)/src/* $(WEB)/plain/start.html $(WEB)/plain/_assets/*)
# Test folders with npm packages of their own.
NODE_TESTS := $(patsubst %/package.json,%/node_modules/.installed,$(wildcard tests/*/package.json))
ARGS :=

# Tests start some hundred processes: each would compile our own modules again, which takes a third of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install develop serve pages test packages check format migration contracts attacks proxies fuzz bench cpu events sweeps subscribers differential mutants parity safety crash backups soak generators web wheel screenshot lock clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

install: $(SERVING) ## Make .venv with the package and what serving needs, as locked
develop: $(STAMP) ## Install into .venv what tests and checks need, too

# The newest Python that will do; a pyenv shim or a Debian without python3-venv is there and doesn't.
$(SERVING): pyproject.toml requirements.lock
	@set -e; for python in python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "This needs Python 3.11 or newer, with venv (on Debian: apt-get install python3-venv)." >&2; exit 2; fi; \
	[ -x $(BIN)/python ] || { echo "Making .venv with $$found"; $$found -m venv .venv; }
	$(PIP) -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP): $(SERVING) requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	@touch $@

serve: ## Serve a demo on http://127.0.0.1:8000
	@$(MAKE) --no-print-directory -j2 install pages
	$(BIN)/gateway serve --demo $(ARGS)

pages:
	@$(MAKE) --no-print-directory web || echo "The pages were not built; the explorer comes from a CDN instead." >&2

# Three at a time also on two cores: a sixth of the time goes by in waiting for what is to happen after some seconds.
# A test that hangs fails after 400 seconds, and its stack is shown; the slowest takes half a minute on a quiet machine.
test: develop packages ## Run the tests, on SQLite and on a PostgreSQL of their own
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --timeout 400 $(ARGS)

packages: web $(if $(NPM),$(NODE_TESTS)) ## Get what the pages and the tests need of npm

check: develop ## Lint, types, import contracts, and whether the locks fit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@pins() { grep -oE '^[a-z0-9._-]+==[^ ]+' $$1; }; \
	$(foreach lock,$(LOCKS),cp $(lock).lock .venv/lock.txt && $(COMPILE) $($(lock)) -o .venv/lock.txt >/dev/null && pins .venv/lock.txt > .venv/pins \
	  && pins $(lock).lock | diff - .venv/pins || { echo "$(lock).lock doesn't fit pyproject.toml: make lock" >&2; exit 1; };) :

format: develop ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migration: develop ## Write the migration that the declarations ask for: make migration MESSAGE='next step'
	@[ -n "$(MESSAGE)" ] || { echo "Say in a few words what it does: make migration MESSAGE='next step'" >&2; exit 2; }
	$(BIN)/python -m gateway.migrations.autogenerate "$(MESSAGE)"

contracts: develop ## Write anew what is generated from the declarations: the SDL, OpenAPI, PARITY.md
	$(BIN)/gateway schema > tests/contracts/schema.graphql
	$(BIN)/python -m tests.contracts.generated

bench: develop ## Measure against the floor and the peers (needs wrk; taskset and npm for all of it)
	$(BIN)/python -m tests.benchmarks $(ARGS)

cpu: develop ## CPU a request of this code and of a commit's in turn: make cpu OLD=<commit> (needs wrk)
	@[ -n "$(OLD)" ] || { echo "Say which commit to compare with: make cpu OLD=<commit>" >&2; exit 2; }
	$(BIN)/python -m tests.benchmarks.cpu --old $(OLD) $(ARGS)

events: develop ## Events once and in order: 10,000 random writes, 50 followers that break off, on both databases
	$(BIN)/python -m tests.end_to_end.events --database postgresql $(ARGS)
	$(BIN)/python -m tests.end_to_end.events --database sqlite $(ARGS)

sweeps: develop ## Remove 1,000,000 expired keys and 5,000,000 old events beside writes, on both databases
	$(BIN)/python -m tests.end_to_end.sweeps --database postgresql $(ARGS)
	$(BIN)/python -m tests.end_to_end.sweeps --database sqlite $(ARGS)

subscribers: develop ## Measure 1,000 subscribers on one process
	$(BIN)/python -m tests.end_to_end.subscribers $(ARGS)
	FOLLOWED_UPDATES=180 $(BIN)/pytest tests/end_to_end/test_follower_memory.py

differential: develop ## Compare plans, graphql-core and an oracle: 20,000 documents and 4,000 walks page by page, on each database
	$(BIN)/python -m tests.schema.differential --documents 20000 --walks 4000 $(ARGS)

mutants: develop ## Put each of the known faults into the planner; the documents and walks that CI compares must find it
	MUTANTS=all $(BIN)/pytest -n 0 tests/schema/differential/test_mutants.py $(ARGS)

parity: develop ## Drive REST and GraphQL at random against one model, 20,000 steps
	$(BIN)/python -m tests.end_to_end.parity --steps 20000 $(ARGS)

safety: develop ## Writes repeated and raced by many clients, gateways killed meanwhile, 100 of each; tokens taken away, 1,000 times
	SAFE_INCREMENTS=100 SAFE_KEYS=100 SAFE_REVOCATIONS=1000 $(BIN)/pytest tests/end_to_end/test_safe_writes.py tests/end_to_end/test_revocation.py $(ARGS)

crash: develop ## Kill gateways under writers, 40 times on each database; look for each write's fsync; write against refusals and other processes
	$(BIN)/python -m tests.end_to_end.crash --database sqlite
	$(BIN)/python -m tests.end_to_end.crash --database postgresql
	$(BIN)/python -m tests.end_to_end.fsync
	$(BIN)/python -m tests.end_to_end.contention --database sqlite
	$(BIN)/python -m tests.end_to_end.contention --database postgresql

backups: develop ## Backups under fifty writers on each database, restored and compared row by row at their revisions
	$(BIN)/python -m tests.end_to_end.backups --database sqlite $(ARGS)
	$(BIN)/python -m tests.end_to_end.backups --database postgresql $(ARGS)

soak: develop ## Overload, burdens, databases that go away, freeze and fail over, stops and restarts under load
	$(BIN)/python -m tests.end_to_end.overload
	$(BIN)/python -m tests.end_to_end.database_outage
	$(BIN)/python -m tests.end_to_end.interrupted
	$(BIN)/python -m tests.end_to_end.shutdown

generators: develop $(if $(NPM),tests/generators/node_modules/.installed) ## Clients by nine code generators of OpenAPI, each compiled and used (the more with node, java, go, php)
	GENERATORS=all $(BIN)/pytest -rs tests/generators $(ARGS)

attacks: develop ## Attack a gateway beside a client that behaves: floods, silence, answers of gigabytes, filters without end
	$(BIN)/python -m tests.end_to_end.attacks $(ARGS)

proxies: develop ## Real clients behind nginx and HAProxy, and all that deploy/ holds (what the machine lacks is skipped, by name)
	$(BIN)/pytest tests/proxies tests/deploy -rs $(ARGS)

fuzz: develop ## 100,000 bad inputs over REST, GraphQL, streams and sockets; each is told by a seed and a number, and can be sent again
	$(BIN)/python -m tests.end_to_end.fuzz $(ARGS)

web: $(WEB)/dist/plain/start.html ## Build the pages (with npm)

screenshot: develop web tests/browser/node_modules/.installed ## Take the README's pictures of the pages anew
	SCREENSHOTS=$(WEB) $(BIN)/pytest -n 0 'tests/browser/test_browser.py::test_page[start]' 'tests/browser/test_browser.py::test_page[explorer]'

wheel: develop web ## Build the package, pages included, into dist/
	$(BIN)/uv build -q --wheel --no-build-isolation --python $(BIN)/python -o dist

$(WEB)/dist/plain/start.html: $(WEB_SOURCES)
ifdef NPM
	npm --prefix $(WEB) ci --no-progress
	npm --prefix $(WEB) run build
	@# What they were built with is 250 MB, which nothing needs any more.
	@rm -rf $(WEB)/node_modules
	@touch $@
else
	@echo "There is no npm: the pages are not built, and the explorer comes from a CDN." >&2
endif

tests/%/node_modules/.installed: tests/%/package.json tests/%/package-lock.json
	npm --prefix tests/$* ci --no-progress
	@touch $@

lock: develop ## Bring the locks up to date with pyproject.toml
	$(foreach lock,$(LOCKS),$(COMPILE) $($(lock)) -o $(lock).lock &&) :

clean: ## Remove everything that was made
	rm -rf .venv $(WEB)/dist $(WEB)/node_modules $(patsubst %/.installed,%,$(NODE_TESTS)) tests/clients/generated tests/clients/.venv-ariadne tests/generators/generated tests/generators/.venv-generators tests/deploy/.venv-deploy \
	  .venv-bench tests/benchmarks/node/node_modules tests/benchmarks/data build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
