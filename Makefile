# Everything a person needs: `make demo` and `make test`. The rest serves those two.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NATIVE := $(wildcard native/*.c native/*.h native/interface/*.h native/stable_abi/*.h) osm3s/ffi/build_native.py setup.py

.PHONY: build test clients
all: build
build: $(VENV)/built $(VENV)/compiled $(VENV)/editor bin/osm3s_query cgi-bin/interpreter

$(VENV)/installed: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check setuptools wheel numpy lmdb msgpack osmium zstandard \
	    uvloop cffi tqdm requests pytest pytest-timeout pytest-benchmark hypothesis ruff mypy shapely
	touch $@

$(VENV)/built: $(VENV)/installed $(NATIVE)
	$(PY) -W ignore setup.py --quiet build_ext --inplace --force
	touch $@

# Programs start in half the time, also where they may not write what they have compiled.
$(VENV)/compiled: $(VENV)/installed $(shell find osm3s -name '*.py')
	$(PY) -m compileall -q osm3s
	touch $@

# Leaflet for the query editor, from npm if there is one; the page works without it.
EDITOR := osm3s/serve/editor
$(VENV)/editor: $(VENV)/installed $(EDITOR)/assets.py
	$(PY) -m osm3s.serve.editor.assets
	touch $@

# The launchers look for Python and the package beside themselves, so that a checkout can be moved.
LAUNCHER := native/launcher
LAUNCHER_COMMON := $(addprefix $(LAUNCHER)/,request.c frontend.c python.c launcher.h)
LAUNCHER_FLAGS = -std=gnu11 -O2 -Wall -Wextra -Werror -DPYTHON='"../$(PY)"' -DROOT='".."' \
    -DFRONTEND_SOCKET="\"$$($(PY) -c 'from osm3s.paths import DatabaseDir as D; print(D("").frontend_socket())')\"" \
    -DSTATUS_PAGE="\"$$($(PY) -c 'from osm3s.paths import STATUS_PAGE_FILE as P; print(P)')\""

bin/osm3s_query cgi-bin/interpreter: %: $(LAUNCHER_COMMON) osm3s/paths.py | $(VENV)/installed
	mkdir -p $(@D)
	$(CC) $(LAUNCHER_FLAGS) -o $@ $(filter %.c,$^)
bin/osm3s_query: $(LAUNCHER)/osm3s_query.c
cgi-bin/interpreter: $(LAUNCHER)/interpreter.c

# SIZE=small|standard|large; REFERENCE=<prefix of an installed OSM3S> compares with it; KEEP=DIR keeps data and databases.
.PHONY: bench
bench: build
	$(PY) -m bench.run --size $(or $(SIZE),standard) $(if $(KEEP),--keep $(KEEP)) $(if $(ONLY),--only $(ONLY))

# Many clients at once, with REFERENCE=<prefix> of both systems: bench/results/load.md. Needs ../shared.
.PHONY: load load-memory
load: build
	$(PY) -m bench.load $(if $(KEEP),--keep $(KEEP))
load-memory: build
	$(PY) -m bench.load $(if $(KEEP),--keep $(KEEP)) --sides $(or $(SIDES),reuse) --memory $(or $(REQUESTS),100000)

# --- for people ---

.PHONY: demo docs lint conformance soak sanitize systemd clean
demo: build
	$(PY) -m osm3s.cli.demo

# The pages in docs/language, from the docstrings of the words.
docs: build
	$(PY) -m osm3s.cli.language_pages docs/language

test: build clients
	$(PY) -m pytest

# Real clients of the API, from PyPI and, if there is a npm, from there. Tests of those that cannot be had are skipped.
CLIENTS := tests/clients
clients: $(VENV)/clients
$(VENV)/clients: $(VENV)/installed $(CLIENTS)/requirements.txt $(CLIENTS)/node/package.json
	-$(PY) -m pip install --quiet --disable-pip-version-check --retries 1 -r $(CLIENTS)/requirements.txt
	-! command -v npm >/dev/null || npm install --prefix $(CLIENTS)/node --silent --no-audit --no-fund --ignore-scripts \
	    --fetch-retries=1
	touch $@

lint: build
	$(PY) -m ruff check osm3s tests bench setup.py
	$(PY) -m ruff format --check osm3s tests bench setup.py
	$(PY) -m mypy osm3s
	for f in native/*.c; do \
	    $(CC) -D_GNU_SOURCE -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers \
	        -fsyntax-only $$f || exit 1; done

# The kit with cases and answers lies beside the project.
KIT := $(or $(OSM3S_SHARED),../shared)/conformance
conformance: build
	python3 $(KIT)/run.py --impl tests/conformance/impl.json --failures conformance-failures.txt
	python3 $(KIT)/run.py --impl tests/conformance/impl-cli.json --family cli --family statements --family diff

# Many commits beside readers: do files level off? COMMITS=N; the suite has a short run of it.
soak: build
	OSM3S_SOAK_COMMITS=$(or $(COMMITS),20000) $(PY) -m pytest -s --timeout=0 tests/replication/test_long_run.py -k level_off

# The services under a real systemd, in a container with this machine's system; needs root and Debian's systemd-container.
systemd: build
	OSM3S_SYSTEMD=1 $(PY) -m pytest -v -rs tests/operate/test_under_systemd.py

# Random pairs of data and query: REFERENCE=<prefix of an installed OSM3S> is the measure, or else a slow oracle.
.PHONY: differential
differential: build
	$(PY) -m tests.differential --seed $(or $(SEED),1) --pairs $(or $(PAIRS),1000)

# Full histories against `osmium time-filter`: FILES=…, TIMES=N random times each, FEED=N feeds them in N changes as well.
.PHONY: truth
truth: build
	$(PY) -m tests.truth --times $(or $(TIMES),50) --feed $(or $(FEED),0) \
	    $(or $(FILES),$(wildcard $(or $(OSM3S_SHARED),../shared)/data/history/*.osh.pbf))

# The native core under the address and undefined-behaviour sanitizers, in a copy of the tree.
sanitize: build
	tests/native/sanitize.sh $(PY)

clean:
	rm -rf build osm3s/_native*.so osm3s/_native.c $(VENV)/built $(VENV)/editor $(EDITOR)/leaflet.js $(EDITOR)/leaflet.css bin/osm3s_query cgi-bin/interpreter
