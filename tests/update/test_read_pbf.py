"""PBF files against pyosmium as an independent reader, against an independent writer, and damaged ones."""

from __future__ import annotations

import io
from itertools import zip_longest
from pathlib import Path

import pytest
from elements import NODE, elements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent_reader import pyosmium_elements
from pbf_encoding import blob, block, header, pbf

from osm3s.errors import InputError
from osm3s.ffi.batch import Element
from osm3s.update.read_pbf import PbfReader, read_pbf
from osm3s.update.update_files import update_files


def read(file: bytes) -> list[Element]:
    return [e for batch in PbfReader(io.BytesIO(file), "test.pbf") for e in batch.elements()]


@pytest.mark.parametrize(
    "file",
    [
        "extracts/liechtenstein-2013.osm.pbf",
        "extracts/monaco.osm.pbf",
        "extracts/london-northern-line.osm.pbf",
        "extracts/helsinki-centre.osm.pbf",
        "history/cyberjaya.osh.pbf",
        "cameras/cameras-us-alpr.osm.pbf",
    ],
)
def test_extracts_equal_pyosmium(shared_dir: Path, file: str) -> None:
    path = shared_dir / "data" / file
    reader = read_pbf(str(path))
    ours = (e for batch in reader for e in batch.elements())
    n = 0
    for one, other in zip_longest(ours, pyosmium_elements(path)):
        assert one == other
        n += 1
    assert n > 1000
    assert reader.bytes_read == path.stat().st_size
    assert reader.header.has_history == (".osh" in file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(elements(), max_size=8), max_size=3), st.booleans())
def test_what_was_written_is_read(blocks: list[list[Element]], use_dense: bool) -> None:
    file = pbf([block(b, use_dense) for b in blocks])
    assert read(file) == [e for b in blocks for e in b]


@pytest.mark.parametrize("use_dense", [True, False])
def test_the_time_that_stands_for_no_end_is_not_known(use_dense: bool) -> None:
    last = [NODE._replace(id=i, timestamp=2**32 - i) for i in (1, 2)]
    assert [e.timestamp for e in read(pbf([block(last, use_dense)]))] == [0, 2**32 - 2]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements(), min_size=1, max_size=5), st.booleans(), st.data())
def test_damaged_block_is_read_or_refused(some: list[Element], use_dense: bool, data: st.DataObject) -> None:
    """The block is changed before it is compressed: nothing but the decoder can notice."""
    content = bytearray(block(some, use_dense))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    try:
        read(pbf([bytes(content)]))
    except InputError as error:
        assert "\n" not in str(error)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(pbf([block([Element("node", 1, (1, 2), 1, 1, 1, 1, "u", False, [("k", "v")], [], [])])]))
    file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(file))
    except InputError as error:
        assert str(error).startswith("test.pbf: ")


def test_truncated_anywhere_is_refused() -> None:
    first, second = pbf([]), blob("OSMData", block([Element("way", 1, None, 1, 1, 1, 1, "u", False, [], [1, 2], [])]))
    for length in range(1, len(first + second)):
        if length == len(first):
            continue
        with pytest.raises(InputError):
            read((first + second)[:length])


def test_order_is_kept_with_several_threads() -> None:
    blocks = [[Element("node", 100 * i + j, (i, j), 1, 1, 1, 1, "", False, [], [], []) for j in range(1, 90)]
              for i in range(40)]  # fmt: skip
    file = pbf([block(b) for b in blocks])
    reader = PbfReader(io.BytesIO(file), "test.pbf", threads=4)
    assert [e.id for batch in reader for e in batch.elements()] == [e.id for b in blocks for e in b]


def test_unknown_blobs_are_passed_over_and_a_missing_header_is_not() -> None:
    data_blob = blob("OSMData", block([Element("way", 1, None, 1, 1, 1, 1, "u", False, [], [], [])]))
    assert len(read(pbf([]) + blob("Index", b"x") + data_blob)) == 1
    with pytest.raises(InputError, match="does not begin with an OSMHeader"):
        read(data_blob + blob("OSMHeader", header()))


def test_abandoned_reader_stops_its_threads() -> None:
    import threading

    before = threading.active_count()
    reader = iter(PbfReader(io.BytesIO(pbf([block([])] * 50)), "test.pbf"))
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_an_import_of_text_that_is_not_utf8_changes_nothing(tmp_path: Path) -> None:
    cafe = Element("node", 1, (1, 1), 1, 1, 1, 1, "a", False, [("name", "caf~")], [], [])
    file = pbf([block([cafe]).replace(b"caf~", b"caf\xe9")])
    (tmp_path / "wrong.pbf").write_bytes(file)
    with pytest.raises(InputError, match=r'wrong\.pbf: blob at byte \d+: malformed PBF data: .*"caf\\xe9"$'):
        update_files(str(tmp_path / "db"), [str(tmp_path / "wrong.pbf")], "meta", None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.pbf"]
