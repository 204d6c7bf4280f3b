"""Two hashes of a query text for the log and for finding duplicates: one of the text, one that forgets its numbers.

Layout and comments do not count. The values differ from the reference's, which nothing depends on.
"""

from __future__ import annotations

import re
from hashlib import blake2b

_COMMENT = re.compile(rb"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_BETWEEN_WORDS = re.compile(rb"(?<=\w)[\x00-\x20]+(?=\w)")
_SPACE = re.compile(rb"(?<!\w) | (?!\w)|[\x00-\x1f]+|  +")
_POLYGON = re.compile(rb'poly:"[^"]*"')
_NUMBER = re.compile(rb"\d+(?:\.\d+)?")


def normalised(text: bytes) -> bytes:
    """Without comments, and without white space except one blank between words."""
    text = _COMMENT.sub(lambda found: b" " if found[0].startswith(b"/") else found[0], text)
    return _SPACE.sub(b"", _BETWEEN_WORDS.sub(b" ", text))


def request_hashes(text: bytes) -> tuple[int, int]:
    """(full, anonymous), 64 bits each."""
    plain = normalised(text)
    anonymous = _NUMBER.sub(b"0", _POLYGON.sub(b'poly:""', plain))
    return _hash64(plain), _hash64(anonymous)


def _hash64(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
