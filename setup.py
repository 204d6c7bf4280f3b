"""Build script: compiles native/*.c into osm3s._native (cffi API mode). Everything else is in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["osm3s/ffi/build_native.py:ffibuilder"])
