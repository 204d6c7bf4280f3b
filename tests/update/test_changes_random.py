"""Whatever is changed in whatever steps: the database equals one imported from the end state, and its indexes hold."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from database import Database, Stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osm_xml import change_file, osm_file
from small_worlds import changed, elements, in_order

from osm3s.ffi.batch import Element
from osm3s.update.update_files import update_files


def update(root: Path, content: bytes, level: str | None = None) -> None:
    file = root.parent / "input.osm"
    file.write_bytes(content)
    update_files(str(root), [str(file)], level, None, None)


def imported(root: Path, world: list[Element], level: str) -> list[Stored]:
    shutil.rmtree(root, ignore_errors=True)
    update(root, osm_file(world), level)
    database = Database(root)
    database.check()
    return database.dump()


@pytest.mark.parametrize("level", ["data", "meta"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.lists(elements().map(lambda element: element._replace(deleted=False)), max_size=25),
    batches=st.lists(st.lists(elements(), min_size=1, max_size=8), min_size=1, max_size=5),
)
def test_changes_give_the_end_state(level: str, start: list[Element], batches: list[list[Element]]) -> None:
    world = changed({}, start)
    with TemporaryDirectory() as folder:
        root = Path(folder) / "db"
        imported(root, in_order(world), level)
        for batch in batches:
            world = changed(world, batch)
            update(root, change_file(batch))
            Database(root).check()
        assert Database(root).dump() == imported(Path(folder) / "fresh", in_order(world), level)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(elements(), min_size=1, max_size=30))
def test_an_empty_world_fills(batch: list[Element]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder) / "db"
        imported(root, [], "meta")
        update(root, change_file(batch))
        database = Database(root)
        database.check()
        assert database.dump() == imported(Path(folder) / "fresh", in_order(changed({}, batch)), "meta")
