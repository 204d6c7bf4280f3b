"""open_input: the format is told from the content, whatever carries it; what is no input is refused in one line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from elements import NODE
from pbf_encoding import block, header, number, pbf, varint

from osm3s.errors import InputError
from osm3s.update.input_file import open_input

XML = (
    b'<?xml version="1.0"?>\n<osm timestamp="2020-01-01T00:00:00Z">'
    + b"".join(b"<node id='%d' lat='1' lon='2' user='%x'/>\n" % (i, i * i) for i in range(1, 5001))
    + b"</osm>\n"
)
NODES = [NODE._replace(id=i, position=(10000000, 20000000), user=f"{i * i:x}") for i in range(1, 5001)]
PBF = pbf([block(NODES[:3000]), block(NODES[3000:])], header(more=number(32, 1577836800)))

OPL = b"# what osmium writes\n" + b"".join(b"n%d v0 dV c0 t i0 u%x T x2 y1\n" % (i, i * i) for i in range(1, 5001))
O5M_NODE = b"\x02\0" + varint(2 * 20000000) + varint(2 * 10000000)
"""Id, no version, longitude, latitude: differences to the element before, in zigzag."""
O5M_TIME = varint(2 * 1577836800)
O5M = b"\xff\xe0\x04o5m2\xdc" + varint(len(O5M_TIME)) + O5M_TIME + b"\x10" + varint(len(O5M_NODE)) + O5M_NODE + b"\xfe"

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("content", [XML, PBF, b"\xef\xbb\xbf" + XML, XML[22:]], ids=["xml", "pbf", "bom", "bare"])
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_format_is_told_from_the_content(tmp_path: Path, compressor: str, content: bytes) -> None:
    path = tmp_path / "without-a-telling-name"
    path.write_bytes(COMPRESSORS[compressor](content))
    with open_input(str(path)) as file:
        assert [e for batch in file.batches() for e in batch.elements()] == NODES
        assert file.header_timestamp == "2020-01-01T00:00:00Z"
        assert not file.is_change
        assert not file.has_history
        assert file.size_bytes == file.bytes_read == path.stat().st_size


def test_formats_that_osmium_reads(tmp_path: Path) -> None:
    path = tmp_path / "elements"
    for content, expected in [(OPL, NODES), (gzip.compress(OPL), NODES), (O5M, [NODES[0]._replace(user="")])]:
        path.write_bytes(content)
        with open_input(str(path)) as file:
            assert [e for batch in file.batches() for e in batch.elements()] == expected
            assert file.bytes_read == len(content)
            assert file.sorted_path is None
            assert not file.has_history
            assert file.header_timestamp == ("2020-01-01T00:00:00Z" if content is O5M else None)


def test_deleted_elements_of_formats_that_osmium_reads() -> None:
    opl = b"n1 v2 dD c0 t i0 u T x y\nn2 v1 dV c0 t i0 u T x2 y1\n"
    file = open_input(io.BytesIO(opl))
    assert [(e.id, e.deleted) for batch in file.batches() for e in batch.elements()] == [(1, True), (2, False)]
    assert not file.has_history
    file = open_input(io.BytesIO(opl + b"n2 v2 dD c0 t i0 u T x y\n"))
    assert [e.deleted for batch in file.batches() for e in batch.elements()] == [True, False, True]
    assert file.has_history


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (OPL[:-1], "truncated"),
        (OPL[:5000], "truncated"),
        (O5M[:-1], "truncated"),
        (O5M[:-3] + b"\xfe", "."),
        (OPL + b"n1 zzz\n", "OPL"),
        (OPL + b"n1 v1 dV c0 t i0 u T x999 y1\n", "coordinate"),
        (gzip.compress(OPL)[:-20], "truncated: its gzip data"),
    ],
)
def test_what_osmium_refuses(content: bytes, text: str) -> None:
    with pytest.raises(InputError, match=f"^input: .*{text}.*"):
        list(open_input(io.BytesIO(content)).batches())


@pytest.mark.parametrize("compressor", ["gzip", "bzip2", "xz", "zstd"])
def test_several_compressed_files_in_a_row_are_one(compressor: str) -> None:
    compress = COMPRESSORS[compressor]
    stream = io.BytesIO(compress(XML[:1000]) + compress(XML[1000:]) + bytes(512))
    assert sum(map(len, open_input(stream).batches())) == 5000


@pytest.mark.parametrize("content", [XML, PBF, gzip.compress(PBF)], ids=["xml", "pbf", "pbf.gz"])
def test_pipe(content: bytes) -> None:
    read_end, write_end = os.pipe()

    def write() -> None:
        with open(write_end, "wb", buffering=0) as pipe:
            for i in range(0, len(content), 999):
                pipe.write(content[i : i + 999])

    writer = threading.Thread(target=write)
    writer.start()
    with open(read_end, "rb") as stream:
        file = open_input(stream)
        assert sum(map(len, file.batches())) == 5000
        assert file.size_bytes is None
        assert file.bytes_read == len(content)
    writer.join()


@pytest.mark.parametrize("content", [XML, PBF], ids=["xml", "pbf"])
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_truncated(compressor: str, content: bytes) -> None:
    whole = COMPRESSORS[compressor](content)
    for length in (1, 3, 9, 200, len(whole) // 2, len(whole) - 12):
        with pytest.raises(InputError) as caught:
            list(open_input(io.BytesIO(whole[:length])).batches())
        assert str(caught.value).startswith("input: ")


@pytest.mark.parametrize("compressor", ["gzip", "bzip2", "xz", "zstd"])
def test_damaged_compression(compressor: str) -> None:
    damaged = bytearray(COMPRESSORS[compressor](XML))
    damaged[len(damaged) // 2] ^= 0xFF
    with pytest.raises(InputError):
        list(open_input(io.BytesIO(bytes(damaged))).batches())
    with pytest.raises(InputError, match="damaged"):
        list(open_input(io.BytesIO(COMPRESSORS[compressor](XML) + b"garbage")).batches())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b""), "nothing inside the gzip data"),
        (b'{"elements": []}', "not OSM data: neither PBF nor XML"),
        (b"404 Not Found", "not OSM data: neither PBF nor XML"),
        (gzip.compress(gzip.compress(XML)), "not OSM data: neither PBF nor XML"),
        (b"<!DOCTYPE HTML><HTML></HTML>", "not OSM data but an HTML page"),
    ],
)
def test_what_is_no_input_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text):
        open_input(io.BytesIO(content))


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        open_input(str(tmp_path))
    with pytest.raises(InputError, match="No such file"):
        open_input(str(tmp_path / "absent"))
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.write_bytes(XML)
        locked.chmod(0)
        with pytest.raises(InputError, match="Permission denied"):
            open_input(str(locked))


def test_change_and_history_are_noticed(tmp_path: Path) -> None:
    assert open_input(io.BytesIO(b"<osmChange/>")).is_change
    file = open_input(io.BytesIO(b"<osm><node id='1' version='1'/><node id='1' version='2'/></osm>"))
    list(file.batches())
    assert file.has_history
    assert open_input(io.BytesIO(pbf([], header(["HistoricalInformation"])))).has_history
    named = tmp_path / "planet.osh.bz2"
    named.write_bytes(bz2.compress(XML))
    with open_input(str(named)) as history:
        assert history.has_history
