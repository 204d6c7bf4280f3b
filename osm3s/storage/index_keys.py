"""The keys of the index. Numbers in keys are big-endian, so that the order of bytes is the order of numbers.

| key | value |
|---|---|
| `B` family(1) order_key(8) block_id(4) | a page of the directory: some 56 `osm3s_dir_entry`, the first one's key |
| `I` type(1) page(8) | block ids of the elements 4096*page ... 4096*page + 4095 (native/id_page.c) |
| `L` kind(1) member(8) | owners of members up to this one, from the previous page's on (native/link_page.c) |
| `T` family(1) last_entry(<=480) 0x00 serial(4) | entries of the tag directory up to last_entry (native/tag_page.c) |
| `A` type(1) block_id(4) | where the superseded versions of a block are (attic.py) |
| `U` 0(1) uid(8) | user name |
| `C` commit(8) | the changelog of a commit (changelog.py) |
| `V` commit(8) | when the versions began that a commit added (version_times.py) |
| `S` name | a setting (settings.py) |

Kinds of links: 0, 1, 2: relations that have the node, way, relation as member; 3: ways with a node that is not there;
4, 5, 6: other blocks (permanent ids) than its own that hold superseded versions of a node, way, relation; 7, 8, 9:
relations that had the node, way, relation as member.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from struct import Struct

DIRECTORY, ID_MAP, LINKS, TAGS, USERS, CHANGELOG, SETTINGS = b"B", b"I", b"L", b"T", b"U", b"C", b"S"
ATTIC, VERSION_TIMES = b"A", b"V"
ABSENT_NODE = 3
"""The kind of link from a node that is not in the database to the ways that use it."""
HISTORY_BLOCKS = 4
"""From this kind on, per type: links to other blocks than its own that hold superseded versions of an element."""
FORMER_OWNERS = 7
"""From this kind on, per type of the member: links to relations that had it once."""
ATTIC_FAMILY = 4
"""The tag directory of family + 4 has what only superseded versions have."""
ID_PAGE_BITS = 12
MOST_TAG_KEY_BYTES = 480

_NUMBER = Struct(">cBQ")
_DIRECTORY = Struct(">cBQI")


def directory_page(family: int, order_key: int, block_id: int) -> bytes:
    return _DIRECTORY.pack(DIRECTORY, family, order_key, block_id)


def directory_prefix(family: int) -> bytes:
    return DIRECTORY + bytes([family])


def attic(element_type: int, block_id: int) -> bytes:
    return ATTIC + bytes([element_type]) + block_id.to_bytes(4, "big")


def id_page(element_type: int, page: int) -> bytes:
    return _NUMBER.pack(ID_MAP, element_type, page)


def id_pages(element_type: int, pages: Sequence[int]) -> Iterator[bytes]:
    return map(_NUMBER.pack, repeat(ID_MAP), repeat(element_type), pages)


def link_page(kind: int, last_member: int) -> bytes:
    return _NUMBER.pack(LINKS, kind, last_member)


def link_prefix(kind: int) -> bytes:
    return LINKS + bytes([kind])


def tag_prefix(family: int) -> bytes:
    return TAGS + bytes([family])


def tag_search(family: int, entry: bytes) -> bytes:
    """Where to start looking for an entry: the first page at or behind this key, or one of those that follow it."""
    return TAGS + bytes([family]) + entry[:MOST_TAG_KEY_BYTES]


def tag_page(family: int, last_entry: bytes, serial: int) -> bytes:
    return tag_search(family, last_entry) + b"\0" + serial.to_bytes(4, "big")


def user(uid: int) -> bytes:
    return _NUMBER.pack(USERS, 0, uid & 0xFFFFFFFF)


def changelog(commit: int) -> bytes:
    return CHANGELOG + commit.to_bytes(8, "big")


def version_times(commit: int) -> bytes:
    return VERSION_TIMES + commit.to_bytes(8, "big")


def setting(name: str) -> bytes:
    return SETTINGS + name.encode()


def whole_key(key: bytes) -> bytes:
    """The entry of the tag directory for all elements that have a key."""
    return key + b"\0"


def one_tag(key: bytes, value: bytes) -> bytes:
    """The entry of the tag directory for one tag."""
    return key + b"\1" + value
