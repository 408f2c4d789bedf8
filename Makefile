# The whole set-up stands behind `make setup`; `make demo` and `make test` build on it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# SERVE=0 ends the demo after its calls and texts instead of leaving the line running.
SERVE ?= 1
# For how long `make torture` goes on.
SECONDS ?= 1800
# The system's own programs that tests drive, and the packages in which Debian has them.
PROGRAMS := chromium chromedriver ssh curl systemd-analyze
PACKAGE_chromium := chromium fonts-dejavu-core
PACKAGE_chromedriver := chromium-driver
PACKAGE_ssh := openssh-client
PACKAGE_curl := curl
PACKAGE_systemd-analyze := systemd
MISSING = $(strip $(foreach program,$(PROGRAMS),$(if $(shell command -v $(program) 2>/dev/null),,$(program))))
PROGRAMS_COMMAND = apt-get install --no-install-recommends $(foreach program,$(MISSING),$(PACKAGE_$(program)))
LEFT_OUT = LEFT OUT: the tests that drive $(MISSING). To run them: $(PROGRAMS_COMMAND)

.PHONY: setup programs demo run test torture screenshots texts voice-sdk docs lint audit lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Touchtone needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@$(BIN)/touchtone demo $(if $(filter 0,$(SERVE)),--no-serve,)

run: setup
	$(BIN)/touchtone serve

# Installed where it may be, as root on Debian; elsewhere it is said, before and after, what is left out. Where CI is
# set no test is left out, and those of a missing program fail.
programs:
	@test -z "$(MISSING)" || { test "$$(id -u)" = 0 && grep -qx ID=debian /etc/os-release && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive $(PROGRAMS_COMMAND) -y -qq >/dev/null; } || echo "$(LEFT_OUT)"

test: setup programs
	$(BIN)/pytest
	@test -z "$(MISSING)" || echo "$(LEFT_OUT)"

# What tries to break the line, for SECONDS in all and till the last round of kills is over. `make test` has it in small.
torture: setup
	TOUCHTONE_TORTURE_SECONDS=$(SECONDS) $(BIN)/pytest -n 0 tests/torture

# The pictures in docs/images, taken by the tests that go through the pages.
screenshots: setup programs
	TOUCHTONE_PICTURES=docs/images $(BIN)/pytest -n 0 tests/webhooks/test_phone_browser.py tests/webhooks/desk/browser/test_escalation.py tests/webhooks/desk/browser/test_languages.py -k picture

# Take up what is new of the texts of desk and rehearsal page into prompts/desk and prompts/phone, and drop what is gone.
texts: setup
	$(BIN)/python -m tests.house.extracted

# What makes a browser at the desk a telephone. The only thing here that needs npm, and nothing else needs it.
voice-sdk: setup
	$(BIN)/touchtone twilio voice-sdk

# The pages of docs/ as a site, every one read anew; a warning, as of a link or an anchor that leads nowhere, is an error.
docs: setup
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env -j 2 -b html -c docs/site -d docs/site/built/trees docs docs/site/built/html

lint: setup docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive keys ivr webhooks

# Whether a fault is known of anything in the lock file. Asks pypi.org, so it is no part of `make lint`.
audit: setup
	test -x $(BIN)/pip-audit || $(BIN)/pip install --quiet pip-audit
	$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements.lock

lock:
	test -x $(BIN)/pip-compile || $(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --allow-unsafe --extra dev -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) docs/site/built .pytest_cache .mypy_cache .ruff_cache .hypothesis
