"""A short run of the core under the address and undefined-behaviour sanitizers; `make sanitize` runs all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent / "sanitize.sh"
TESTS = ["test_fuzz_bytes.py", "test_format_example.py", "test_query_kernels.py"]


def has_sanitizers() -> bool:
    if shutil.which("gcc") is None:
        return False
    found = [
        subprocess.run(["gcc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=False).stdout
        for name in ("asan", "ubsan")
    ]
    return all(Path(path.strip()).is_absolute() for path in found)


@pytest.mark.timeout(1800)
@pytest.mark.skipif("OSM3S_SANITIZED" in os.environ, reason="this is the run under the sanitizers")
@pytest.mark.skipif(not has_sanitizers(), reason="needs gcc with libasan and libubsan")
def test_damaged_bytes_and_kernels_under_the_sanitizers() -> None:
    # compiling takes the most time: not optimised, it takes the least
    environment = os.environ | {"OSM3S_SANITIZER_FLAGS": "-O0 -g1"}
    run = subprocess.run(
        [SCRIPT, sys.executable, *(f"tests/native/{name}" for name in TESTS)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    assert "[100%]" in run.stdout
