# Everything a person needs: `make demo` and `make test`. The rest serves those two.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NATIVE := $(wildcard native/*.c native/*.h) osm3s/ffi/build_native.py setup.py

.PHONY: build test
build: $(VENV)/built bin/osm3s_query cgi-bin/interpreter

$(VENV)/installed: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check setuptools wheel numpy lmdb msgpack osmium zstandard \
	    uvloop cffi tqdm pytest pytest-timeout pytest-benchmark hypothesis ruff mypy shapely
	touch $@

$(VENV)/built: $(VENV)/installed $(NATIVE)
	$(PY) setup.py --quiet build_ext --inplace --force
	touch $@

# The launchers look for Python and the package beside themselves, so that a checkout can be moved.
LAUNCHER := native/launcher
LAUNCHER_COMMON := $(addprefix $(LAUNCHER)/,request.c frontend.c python.c launcher.h)
LAUNCHER_FLAGS = -std=gnu11 -O2 -Wall -Wextra -Werror -DPYTHON='"../$(PY)"' -DROOT='".."' \
    -DFRONTEND_SOCKET="\"$$($(PY) -c 'from osm3s.paths import DatabaseDir as D; print(D("").frontend_socket())')\"" \
    -DSTATUS_PAGE="\"$$($(PY) -c 'from osm3s.paths import DEFAULT_STATUS_PAGE as P; print(P)')\""

bin/osm3s_query cgi-bin/interpreter: %: $(LAUNCHER_COMMON) osm3s/paths.py | $(VENV)/installed
	mkdir -p $(@D)
	$(CC) $(LAUNCHER_FLAGS) -o $@ $(filter %.c,$^)
bin/osm3s_query: $(LAUNCHER)/osm3s_query.c
cgi-bin/interpreter: $(LAUNCHER)/interpreter.c

# SIZE=small|standard|large; REFERENCE=<prefix of an installed OSM3S> compares with it; KEEP=DIR keeps data and databases.
.PHONY: bench
bench: build
	$(PY) -m bench.run --size $(or $(SIZE),standard) $(if $(KEEP),--keep $(KEEP)) $(if $(ONLY),--only $(ONLY))
