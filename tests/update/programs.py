"""Running the updating programs as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent


def run(
    program: str,
    *arguments: str,
    stdin: bytes = b"",
    failpoint: str = "",
    before: Callable[[], None] | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[bytes]:
    """`failpoint`: where the process is to be killed. `before` is called in the new process."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("OVERPASS_", "OSM3S_"))}
    return subprocess.run(
        [sys.executable, "-m", f"osm3s.cli.{program}", *arguments],
        input=stdin,
        env=variables | {"PYTHONPATH": str(PROJECT), "OSM3S_FAILPOINT": failpoint} | environment,
        cwd=PROJECT,
        capture_output=True,
        preexec_fn=before,
        timeout=120,
    )


def update_database(
    root: Path, content: bytes, *arguments: str, **options: object
) -> subprocess.CompletedProcess[bytes]:
    return run("update_database", f"--db-dir={root}", *arguments, stdin=content, **options)  # type: ignore[arg-type]
