"""What the index says about the database as a whole; committed together with the data."""

from __future__ import annotations

from typing import Any

import msgpack

from osm3s.errors import CorruptError

FORMAT_VERSION = 1
N_FILES = 6
LEVELS = ("data", "meta", "attic")


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
    next_block_id: list[int]
    """Per element type."""
    next_serial: int = 0
    """Number of the next page of the tag directory."""
    file_len: list[int]
    """Bytes in use of each block file; what lies behind belongs to nobody."""
    n_elements: list[int]
    map_id: str = ""
    """Of the map: drawn at its import. Of areas: that of the map they belong to."""
    areas: str = "none"
    """Of the map: "auto" if its areas follow each update, else "none"."""
    made_from: int = 0
    """Of areas: the commit of the map that they were made from."""
    made_by: str = ""
    """Of areas: "auto" if they follow the map, "rules" if they are what a run of rules has left."""
    build: list[Any]
    """Of areas that are being made from the whole map, in several commits: map_id, the commit of the map at the
    beginning, and the relation up to which they are done; else empty."""

    def __init__(self, **values: Any) -> None:
        """All others are as in a database without content. Raises TypeError for what is no setting."""
        self.next_block_id, self.n_elements = [0, 0, 0], [0, 0, 0]
        self.file_len, self.build = [0] * N_FILES, []
        for name, value in values.items():
            if name not in self.__annotations__:
                raise TypeError(f"no setting: {name}")
            setattr(self, name, value)

    def pack(self) -> bytes:
        packed: bytes = msgpack.packb({name: getattr(self, name) for name in self.__annotations__})
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
