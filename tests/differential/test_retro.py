"""In `retro`, a query for the elements of a set from outside is one for their ids; what is looked for from nodes, ways
and relations is found from where they are then. What tells the set itself tells it as it is outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from .dataset import KINDS, DataSet
from .random_data import random_data
from .systems import InProcess

DATA_SETS, QUERIES = 3, 12
FILTERS = ("", "[name]", "(if:version()>1)", "(if:count_tags()>0)", '(newer:"2012-01-01T00:00:00Z")', "(if:length()>9)")
TELLING = (
    "out meta geom;",
    "out center;",
    "convert x ::id=id(),::=::,::geom=geom(),length=length(),lat=lat(),version=version();out geom;",
    "make x n=sum(length()),lat=max(lat());out;",
)
OWNERS = {"node": ("bn", "<", "<<"), "way": ("bw", "<", "<<"), "relation": ("br", "<<")}


def with_history(seed: int) -> Iterator[DataSet]:
    rng = Random(seed)
    while True:
        data = random_data(rng)
        if data.history and not data.areas:
            yield data


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_set_from_outside_is_taken_as_ids(tmp_path: Path, seed: int) -> None:
    rng, found = Random(seed), 0
    for number, data in zip(range(DATA_SETS), with_history(seed), strict=False):
        project = InProcess(tmp_path / str(number))
        project.root.parent.mkdir()
        project.load(data)
        for _ in range(QUERIES):
            kind, source, time = _source(rng, data)
            queries = [f"nwr._{rng.choice(FILTERS)}", *(f"{_types_of(owner)}({owner})" for owner in OWNERS[kind])]
            for query in queries:
                looked_for = f"{query};out meta geom;"
                outside = project.ask(f'{source};retro("{time}"){{{looked_for}}}')
                inside = project.ask(f'retro("{time}"){{{source};{looked_for}}}')
                assert outside == inside, (data.text(), source, time, query)
                found += bool(outside.found)
    assert found > 10


def test_a_set_from_outside_is_told_as_it_is_there(tmp_path: Path) -> None:
    rng = Random(1)
    for number, data in zip(range(DATA_SETS), with_history(1), strict=False):
        project = InProcess(tmp_path / str(number))
        project.root.parent.mkdir()
        project.load(data)
        for _ in range(QUERIES):
            _, source, time = _source(rng, data)
            for telling in TELLING:
                there = project.ask(f"{source};{telling}")
                assert there.found
                assert project.ask(f'{source};retro("{time}"){{{telling}}}') == there, (data.text(), source, time)


def _types_of(owner: str) -> str:
    return {"bn": "way", "bw": "rel", "br": "rel"}.get(owner, "nwr")


def _source(rng: Random, data: DataSet) -> tuple[str, str, str]:
    """A kind, a query for some of its elements, and a time at which they are there; they still are."""
    versions = list(data.versions())
    while True:
        time = rng.choice(versions).version.timestamp
        there = {version.key for version in versions if version.version.timestamp <= time}
        there -= {version.key for version in versions if version.deleted}
        if there:
            number = rng.choice(sorted({key[0] for key in there}))
            ids = sorted(id_ for kind, id_ in there if kind == number)
            chosen = rng.sample(ids, min(len(ids), rng.randint(1, 6)))
            return KINDS[number], f"{KINDS[number]}(id:{','.join(map(str, chosen))})", time
