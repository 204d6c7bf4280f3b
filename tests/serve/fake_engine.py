"""Stands in for the evaluator: the key of the first tag filter is an order. As a program: a frontend with it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from osm3s.cli import frontend
from osm3s.errors import CorruptError, QueryFailed, QueryIncomplete, QueryOutOfMemory, QueryTimeout, StorageError
from osm3s.eval.explanation import Explanation
from osm3s.output.writer import Writer
from osm3s.ql import Script
from osm3s.ql.settings import Settings


@dataclass
class FakeDatabaseSettings:
    timestamp: str = "2026-11-21T00:00:00Z"


@dataclass
class FakeSnapshot:
    db_dir: str
    txn_id: int = 1
    settings: FakeDatabaseSettings = field(default_factory=FakeDatabaseSettings)

    def close(self) -> None:
        pass


class FakeEngine:
    def open_snapshot(self, db_dir: str) -> FakeSnapshot:
        if db_dir.endswith("missing"):
            raise StorageError(f"There is no database in {db_dir}")
        return FakeSnapshot(db_dir)

    def put_by(self, snapshot: FakeSnapshot, db_dir: str) -> None:
        snapshot.close()

    def areas_base(self, script: Script, snapshot: FakeSnapshot) -> str | None:
        return None

    def execute(
        self,
        script: Script,
        settings: Settings,
        snapshot: FakeSnapshot,
        writer: Writer,
        started_s: float,
        web: bool,
        explanation: Explanation | None = None,
    ) -> None:
        order = next((element.get("k") for element in script.walk() if element.name == "has-kv"), "")
        if order == "timeout":
            raise QueryTimeout(f'Query timed out in "query" at line 1 after {settings.timeout_s} seconds.')
        if order == "memory":
            raise QueryOutOfMemory(f'Query {"ran" if web else "run"} out of memory in "query" at line 1.')
        if order == "incomplete":
            writer.remark("runtime error: one")
            raise QueryIncomplete(["one"])
        if order == "corrupt":
            raise CorruptError("nodes.bin: bad checksum at offset 4096")
        if order == "broken":
            raise KeyError("bug")
        if order == "regex":
            raise QueryFailed("Invalid regular expression")
        if order == "pid":
            writer.sink.write(f"<!-- pid {os.getpid()} -->\n".encode())
        if order == "grow":
            self.grown = bytearray(b"x" * (80 << 20))
        if order == "sleep":
            Path(snapshot.db_dir, "sleeping").write_text(str(os.getpid()))
            time.sleep(600)
        if order == "long":
            for _ in range(300_000):
                writer.sink.write(b"<!-- line of a long answer -->\n")


if __name__ == "__main__":
    frontend.run(frontend.parse_options(sys.argv[1:]), 1, FakeEngine())
