"""`dump_block` and `dump_index` print what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from damage import Index

from osm3s.cli import dump_block, dump_index
from osm3s.paths import DatabaseDir
from osm3s.storage.block_contents import read_elements
from osm3s.storage.snapshot import Snapshot
from osm3s.update.update_files import update_files


def block_text(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert dump_block.main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def index_text(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> list[str]:
    assert dump_index.main([f"--db-dir={root}", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_block_of_an_element(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = block_text(capsys, f"--db-dir={database}", "--of=way/9")
    assert lines[-1] == (
        "way 9  box 50.0090000 8.0000000 50.0110000 8.0000000  version 2 2020-01-02T00:00:00Z changeset 2 uid 1  "
        "'highway'='road'  9@50.0090000,8.0000000  10@50.0100000,8.0000000  11@50.0110000,8.0000000"
    )
    assert sum(line.startswith("way ") for line in lines) == 1
    assert any(line.startswith("delta: ") and "dictionary of 1 keys" in line for line in lines)
    assert any(line.strip().startswith("column body_start: ") for line in lines)


def test_absent_nodes_and_members(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert block_text(capsys, f"--db-dir={database}", "--of=way/500")[-1].endswith("  20000@?")
    line = block_text(capsys, f"--db-dir={database}", "--of=relation/3")[-1]
    assert line.endswith("'type'='route'  way/3 as 'outer'  node/90  relation/4 as 'part'")


def test_every_block_can_be_printed(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    index.close()
    n = 0
    for family, name in enumerate(("nodes", "tagged_nodes", "ways", "relations")):
        for entry in index.directory(family):
            lines = block_text(capsys, f"--db-dir={database}", f"--family={name}", f"--block={entry.id}")
            elements = [line for line in lines if line.split()[0] in ("node", "way", "relation")]
            assert len(elements) == entry.n - entry.n_dead + entry.n_delta
            n += len(elements)
    assert n == 11998 + 2499 + 39


def test_contents_of_blocks_as_values(database: Path) -> None:
    with Snapshot(DatabaseDir(str(database))) as snapshot:
        n_blocks = sum(snapshot.n_blocks(family) for family in range(4))
        elements = [placed for block in range(n_blocks) for placed in read_elements(snapshot, block)]
    assert len({(p.element.type, p.element.id) for p in elements}) == len(elements) == 11998 + 2499 + 39


def test_every_kind_of_index_entry(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert any("'level': 'meta'" in line for line in index_text(capsys, database, "settings"))
    assert sum(line.startswith("  block ") for line in index_text(capsys, database, "directory")) > 5
    links = index_text(capsys, database, "links")
    assert "  11: 10 11" in links or any(line.startswith("  11: ") for line in links)
    assert any(line.startswith("  20000: 500 1000 1500 2000") for line in links)
    assert any(line.startswith("  'highway'='path': blocks 0:") for line in index_text(capsys, database, "tags"))
    assert index_text(capsys, database, "users") == ["user 1 'user 1'", "user 2 'user 2'", "user 3 'user 3'"]
    changes = index_text(capsys, database, "changelog")
    assert any(line.startswith("  deleted node 8 box (") and line.endswith("-> None") for line in changes)
    assert any(line.startswith("  id") or "block" in line for line in index_text(capsys, database, "ids"))
    everything = index_text(capsys, database)
    assert len(everything) > len(links) + len(changes)


def test_keys_that_begin_so(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = index_text(capsys, database, "--key=T02")
    assert lines[0].startswith("tag page ways number ")
    assert index_text(capsys, database, "--key=Sdatabase")[0].startswith("setting database: ")


@pytest.mark.parametrize(
    ("program", "arguments", "status"),
    [
        (dump_block, ["--of=way/999999"], 2),
        (dump_block, ["--of=street/1"], 1),
        (dump_block, ["--family=ways", "--block=4000"], 2),
        (dump_block, ["--family=streets", "--block=0"], 1),
        (dump_block, [], 1),
        (dump_index, ["everything"], 1),
        (dump_index, ["--key=T0"], 1),
        (dump_index, ["--key=Z00"], 1),
    ],
)
def test_wrong_usage(database: Path, program: object, arguments: list[str], status: int) -> None:
    assert program.main([f"--db-dir={database}", *arguments]) == status  # type: ignore[attr-defined]
    assert program.main(["--help"]) == 0  # type: ignore[attr-defined]


def test_superseded_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, file = tmp_path / "db", tmp_path / "input.osm"
    for version, position in ((1, "50"), (2, "51")):
        element = (
            f'<node id="7" version="{version}" timestamp="2020-01-0{version}T00:00:00Z" lat="{position}" lon="8"/>'
        )
        file.write_text(f'<osm version="0.6">{element}</osm>')
        update_files(str(root), [str(file)], "attic", "", None)
    line = next(
        line for line in block_text(capsys, f"--db-dir={root}", "--of=node/7") if line.startswith("attic at 0:")
    )
    assert "1 superseded versions, from 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z" in line
    lines = index_text(capsys, root, "attic")
    assert lines[0] == "attic of block 0 with nodes"
    assert lines[1].startswith("  1 superseded versions from 1577836800 to 1577923200, ")
