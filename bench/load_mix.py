"""What the clients of the load ask: every case of a family of the conformance kit, and whether an answer is whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import re
from pathlib import Path
from typing import NamedTuple

FAMILY = "liechtenstein-2024"
"""Filters, areas, recursion, sets, output, evaluators and the commonest shapes of users' queries, on real data."""
DATA_TIMESTAMP = "2024-03-03T21:20:00Z"
SMALL_ANSWER_BYTES = 2048
TIMES = re.compile(
    rb'osm_base="[^"]*"|areas="[^"]*"|"timestamp_(?:osm|areas)_base": "[^"]*"|generator="[^"]*"|"generator": "[^"]*"'
)
"""What an update far away changes in an answer, and what differs between two programs."""


class Question(NamedTuple):
    text: str
    expected: bytes
    """The kit's answer, as `digest` has it."""
    small: bool
    """Its answer is short and it asks for no area: what an interactive client asks for."""


def kit() -> Path:
    """Raises FileNotFoundError if it is not beside the project."""
    project = Path(__file__).resolve().parent.parent
    path = Path(os.environ.get("OSM3S_SHARED", project.parent / "shared")) / "conformance"
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: the load needs the conformance kit; OSM3S_SHARED says where it is")
    return path


def questions() -> list[Question]:
    with gzip.open(kit() / "cases" / f"{FAMILY}.jsonl.gz", "rt") as lines:
        cases = [json.loads(line) for line in lines]
    return [
        Question(case["query"], digest(case["expected"].encode()), len(case["expected"]) <= SMALL_ANSWER_BYTES)
        for case in cases
    ]


def digest(answer: bytes) -> bytes:
    """Of an answer without the times of its data."""
    return hashlib.md5(TIMES.sub(b"", answer).strip(), usedforsecurity=False).digest()


def write_data(directory: Path) -> tuple[Path, Path]:
    """The data as OSM XML, and the rules that make areas of it."""
    datasets = kit() / "datasets"
    data = directory / f"{FAMILY}.osm"
    if not data.exists():
        data.write_bytes(lzma.decompress((datasets / f"{FAMILY}.osm.xz").read_bytes()))
    return data, datasets / "rules-areas.xml"
