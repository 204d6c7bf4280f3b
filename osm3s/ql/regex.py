"""Whether a regular expression is one: asked of the C library, whose dialect the language has."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

_REG_EXTENDED = 1
_REG_ICASE = 2
_REG_NOSUB = 8
_LC_ALL_MASK = 0x1FBF
_COMPILED_BYTES = 1024
"""More than regex_t takes in any C library."""

MATCHES_WITHOUT_COMPILING = (".*", ".")

_MAX_GROUPS = 1000
_MAX_COPIES = 1_000_000
_REPETITION = re.compile(r"\{([0-9]{0,6})(?:,([0-9]{0,6}))?")


@cache
def _compiler() -> Callable[[bytes, int], bool]:
    import ctypes  # 3 ms, and most queries have no regular expression

    libc = ctypes.CDLL(None)
    libc.newlocale.restype = libc.uselocale.restype = ctypes.c_void_p
    libc.newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
    libc.uselocale.argtypes = (ctypes.c_void_p,)
    utf8 = libc.newlocale(_LC_ALL_MASK, b"C.UTF-8", None)

    def compiles(pattern: bytes, flags: int) -> bool:
        compiled = ctypes.create_string_buffer(_COMPILED_BYTES)
        before = libc.uselocale(utf8)  # of this thread alone; None, if the locale is missing, changes nothing
        try:
            if libc.regcomp(compiled, pattern, flags) != 0:
                return False
            libc.regfree(compiled)
            return True
        finally:
            libc.uselocale(before)

    return compiles


def _overwhelms_libc(pattern: str) -> bool:
    """regcomp recurses into groups and copies what is repeated: some patterns would take all stack or memory."""
    if pattern.count("(") > _MAX_GROUPS:
        return True
    copies = 1
    for low, high in _REPETITION.findall(pattern):
        copies *= max(1, int(low or 0), int(high or 0))
        if copies > _MAX_COPIES:
            return True
    return False


def compiles_in_libc(pattern: str, case_sensitive: bool) -> bool:
    """Whether regcomp takes the pattern as POSIX extended regular expression."""
    if pattern in MATCHES_WITHOUT_COMPILING:
        return True
    if _overwhelms_libc(pattern):
        return False
    flags = _REG_EXTENDED | _REG_NOSUB | (0 if case_sensitive else _REG_ICASE)
    return _compiler()(pattern.encode("utf-8", "surrogateescape").partition(b"\0")[0], flags)
