"""Two hashes of a query text for the log and for finding duplicates: one of the text, one that forgets its numbers.

Layout and comments do not count. The values differ from the reference's, which nothing depends on.
"""

from __future__ import annotations

import re
from hashlib import blake2b

_COMMENT = re.compile(rb"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_POLYGON = re.compile(rb'poly:"[^"]*"')
_NUMBER = re.compile(rb"\d+(?:\.\d+)?")
_CONTROL_TO_BLANK = bytes(range(256)).translate(bytes([32] * 33) + bytes(range(33, 256)))
_PUNCTUATION = [bytes([code]) for code in range(33, 127) if not (chr(code).isalnum() or chr(code) == "_")]


def normalised(text: bytes) -> bytes:
    """Without comments, and without white space except one blank between words."""
    if b"//" in text or b"/*" in text:
        text = _COMMENT.sub(lambda found: b" " if found[0].startswith(b"/") else found[0], text)
    text = b" ".join(text.translate(_CONTROL_TO_BLANK).split())
    for mark in _PUNCTUATION:  # far faster than one regular expression: texts may have a million blanks
        if mark in text:
            text = text.replace(b" " + mark, mark).replace(mark + b" ", mark)
    return text


def request_hashes(text: bytes) -> tuple[int, int]:
    """(full, anonymous), 64 bits each."""
    plain = normalised(text)
    anonymous = _NUMBER.sub(b"0", _POLYGON.sub(b'poly:""', plain))
    return _hash64(plain), _hash64(anonymous)


def _hash64(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
