# Everything a person needs: `make demo` and `make test`. The rest serves those two.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NATIVE := $(wildcard native/*.c native/*.h) osm3s/ffi/build_native.py setup.py

.PHONY: build test
build: $(VENV)/built bin/osm3s_query

$(VENV)/installed: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check setuptools wheel numpy lmdb msgpack osmium zstandard \
	    uvloop cffi tqdm pytest pytest-timeout pytest-benchmark hypothesis ruff mypy shapely
	touch $@

$(VENV)/built: $(VENV)/installed $(NATIVE)
	$(PY) setup.py --quiet build_ext --inplace --force
	touch $@
