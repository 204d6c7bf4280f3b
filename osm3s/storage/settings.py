"""What the index says about the database as a whole; committed together with the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import msgpack

from osm3s.errors import CorruptError

FORMAT_VERSION = 1
N_FILES = 6
LEVELS = ("data", "meta", "attic")


@dataclass(slots=True)
class DatabaseSettings:
    """Stored as one msgpack map under the key `S` `database`."""

    format_version: int = FORMAT_VERSION
    commit: int = 0
    """Number of commits; the version of the data."""
    level: str = "data"
    """What is kept of each element: data only, also metadata, also superseded versions."""
    timestamp: str = ""
    """Data timestamp as given or read: by convention ISO, but any text is allowed."""
    replicate_id: str = ""
    """Sequence number of the last diff that the data contains."""
    replication_url: str = ""
    """The feed whose numbers these are; empty: not known."""
    pruned_commit: int = 0
    """The changelogs of the commits up to this one have been forgotten."""
    next_block_id: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Per element type."""
    next_serial: int = 0
    """Number of the next page of the tag directory."""
    file_len: list[int] = field(default_factory=lambda: [0] * N_FILES)
    """Bytes in use of each block file; what lies behind belongs to nobody."""
    n_elements: list[int] = field(default_factory=lambda: [0, 0, 0])
    map_id: str = ""
    """Of the map: drawn at its import. Of areas: that of the map they belong to."""
    areas: str = "none"
    """Of the map: "auto" if its areas follow each update, else "none"."""
    made_from: int = 0
    """Of areas: the commit of the map that they were made from."""
    made_by: str = ""
    """Of areas: "auto" if they follow the map, "rules" if they are what a run of rules has left."""
    build: list[Any] = field(default_factory=list)
    """Of areas that are being made from the whole map, in several commits: map_id, the commit of the map at the
    beginning, and the relation up to which they are done; else empty."""

    def pack(self) -> bytes:
        packed: bytes = msgpack.packb(asdict(self))
        return packed

    @classmethod
    def unpack(cls, data: bytes) -> DatabaseSettings:
        try:
            settings = cls(**msgpack.unpackb(data))
        except (ValueError, TypeError) as error:
            raise CorruptError(f"the settings in the index are damaged: {error}") from None
        settings.file_len += [0] * (N_FILES - len(settings.file_len))
        if settings.format_version != FORMAT_VERSION:
            raise CorruptError(
                f"the database has format {settings.format_version}, this program reads {FORMAT_VERSION}: import again"
            )
        return settings
