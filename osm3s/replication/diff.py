"""One diff, verified: complete, undamaged, well-formed, and an osmChange. Only such ones are ever applied."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from osm3s.errors import InputError
from osm3s.ffi.batch import Batch
from osm3s.replication.errors import Damaged
from osm3s.update.input_file import InputFile


@dataclass(frozen=True, slots=True)
class Diff:
    sequence: int
    batches: list[Batch]
    """Its elements in the order of the document."""
    unpacked_bytes: int

    @property
    def n_elements(self) -> int:
        return sum(map(len, self.batches))


def read_diff(sequence: int, content: bytes, name: str) -> Diff:
    """Read a diff (.osc.gz) to its end: every checksum and every tag is looked at. Raises Damaged.

    `name` says in messages where it is from.
    """
    if not content.startswith(b"\x1f\x8b"):
        raise Damaged(f"{name}: not a diff: it begins with {content[:40]!r}" if content else f"{name}: empty")
    try:
        with InputFile(BytesIO(content), name) as source:
            batches = list(source.batches())
            if not source.is_change:
                raise Damaged(f"{name}: not a diff: its root element is not osmChange")
    except InputError as error:
        raise Damaged(str(error)) from None
    return Diff(sequence, batches, int.from_bytes(content[-4:], "little"))
