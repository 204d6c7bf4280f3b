"""Shared fixtures. Tests of material outside the project (reference answers, real data) skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, so that one tree has one verdict; HYPOTHESIS_PROFILE=random looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

PROJECT = Path(__file__).resolve().parent.parent


def shared_dir_or_none() -> Path | None:
    """The folder with conformance cases and real data: $OSM3S_SHARED, else `shared` beside the project."""
    path = Path(os.environ.get("OSM3S_SHARED", PROJECT.parent / "shared"))
    return path if (path / "conformance").is_dir() else None


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    path = shared_dir_or_none()
    if path is None:
        pytest.skip("needs the conformance cases and data in ../shared (or $OSM3S_SHARED), which are not there")
    return path
