"""Whether a regular expression is one: asked of the C library, whose dialect the language has."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable
from functools import cache

_REG_EXTENDED = 1
_REG_ICASE = 2
_REG_NOSUB = 8
_REG_ESPACE = 12
_LC_ALL_MASK = 0x1FBF
_COMPILED_BYTES = 1024
"""More than regex_t takes in any C library."""

MATCHES_WITHOUT_COMPILING = (".*", ".")

_MAX_SIZE_HERE = 10_000
_MAX_BRANCHES_HERE = 400
_MAX_SIZE = 200_000
_MAX_BRANCHES = 10_000
"""With more, the C library would need a gigabyte or more."""
COMPILE_LIMIT_S = 2.0
"""For all patterns of a query."""
_COMPILE_LIMIT_BYTES = 1024**3
_COMPILES, _DOES_NOT_COMPILE, _FAILED = range(3)

INVALID = "Invalid regular expression"
TOO_COSTLY = "Regular expression that takes too much time or memory"
_ATOM_OR_OPERATOR = re.compile(
    r"(?P<group>\()|(?P<close>\))|(?P<branch>\|)|(?P<repeat>[*?+])|\{(?P<low>[0-9]*)(?P<comma>,)?(?P<high>[0-9]*)\}"
    r"|(?P<atom>\[\^?\]?(?:\[[.:=].*?[.:=]\]|[^\]])*\]|\\?.)",
    re.DOTALL,
)
_REFERS_BACK = re.compile(r"\\[1-9]")


@cache
def _compiler() -> Callable[[bytes, int], bool]:
    import ctypes  # 3 ms, and most queries have no regular expression

    libc = ctypes.CDLL(None)
    libc.newlocale.restype = libc.uselocale.restype = ctypes.c_void_p
    libc.newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
    libc.uselocale.argtypes = (ctypes.c_void_p,)
    utf8 = libc.newlocale(_LC_ALL_MASK, b"C.UTF-8", None)

    def compiles(pattern: bytes, flags: int) -> bool:
        """Raises MemoryError."""
        compiled = ctypes.create_string_buffer(_COMPILED_BYTES)
        before = libc.uselocale(utf8)  # of this thread alone; None, if the locale is missing, changes nothing
        try:
            code = libc.regcomp(compiled, pattern, flags)
            if code == _REG_ESPACE:
                raise MemoryError
            if code != 0:
                return False
            libc.regfree(compiled)
            return True
        finally:
            libc.uselocale(before)

    return compiles


def size_here(pattern: str) -> int:
    """Characters and operators of a pattern with all repetitions written out; 0 if the C library might take long to
    compile or to match it, so that it must be kept in a process of its own.

    The library copies what is repeated. Its time and memory for compiling are at worst cubic in the number of
    operators that may go two ways, and exponential in matching with references back.
    """
    if _REFERS_BACK.search(pattern):
        return 0
    size, branches = _written_out(pattern)
    return max(1, size) if size <= _MAX_SIZE_HERE and branches <= _MAX_BRANCHES_HERE else 0


def _written_out(pattern: str) -> tuple[int, int]:
    """Characters and operators, and those of them that may go two ways; counting ends where there are too many."""
    enclosing: list[tuple[int, int]] = []  # of each open group: what stands before it
    size = branches = 0
    last = (0, 0)  # size and branches of what a repetition would repeat
    for token in _ATOM_OR_OPERATOR.finditer(pattern):
        if token["group"]:
            enclosing.append((size, branches))
            size, branches, last = 0, 0, (0, 0)
        elif token["close"]:
            last = (size + 1, branches)
            before = enclosing.pop() if enclosing else (0, 0)
            size, branches = before[0] + size + 1, before[1] + branches
        elif token["branch"]:
            size, branches, last = size + 1, branches + 1, (0, 0)
        elif token["atom"]:
            size, last = size + 1, (1, 0)
        else:
            more = _copies(token) - 1
            added = (more * last[0] + 1, more * last[1] + max(1, more))
            size, branches = size + added[0], branches + added[1]
            last = (last[0] + added[0], last[1] + added[1])
        if size > _MAX_SIZE or branches > _MAX_BRANCHES:
            break
    for before in enclosing:  # groups that are not closed
        size, branches = size + before[0] + 1, branches + before[1]
    return size, branches


def _copies(repetition: re.Match[str]) -> int:
    if repetition["repeat"]:
        return 2 if repetition["repeat"] == "+" else 1
    low, high = (int(repetition[bound].lstrip("0")[:6] or 0) for bound in ("low", "high"))
    return max(low + 1 if repetition["comma"] else low, high, 1)


class RegexCheck:
    """Tells what is wrong with the patterns of one query, and spends a limited time on that."""

    def __init__(self, limit_s: float = COMPILE_LIMIT_S) -> None:
        """`limit_s`: of processor time."""
        self._left_s = limit_s
        self._known: dict[tuple[str, bool], str] = {}

    def __call__(self, pattern: str, case_sensitive: bool) -> str:
        """The beginning of the complaint; empty if regcomp takes the pattern as POSIX extended regular expression."""
        if pattern in MATCHES_WITHOUT_COMPILING:
            return ""
        known = self._known.get((pattern, case_sensitive))
        if known is None:
            known = self._known[pattern, case_sensitive] = self._complaint(pattern, case_sensitive)
        return known

    def _complaint(self, pattern: str, case_sensitive: bool) -> str:
        if self._left_s <= 0:
            return TOO_COSTLY
        flags = _REG_EXTENDED | _REG_NOSUB | (0 if case_sensitive else _REG_ICASE)
        raw = pattern.encode("utf-8", "surrogateescape").partition(b"\0")[0]
        started_s = time.process_time()
        size, branches = _written_out(pattern)
        if size > _MAX_SIZE or branches > _MAX_BRANCHES:
            return TOO_COSTLY
        if size_here(pattern):
            complaint = _complaint_here(raw, flags)
        else:
            complaint, used_s = _complaint_apart(raw, flags, self._left_s)
            self._left_s -= used_s
        self._left_s -= time.process_time() - started_s
        return complaint


def _complaint_here(pattern: bytes, flags: int) -> str:
    try:
        return "" if _compiler()(pattern, flags) else INVALID
    except MemoryError:
        return TOO_COSTLY


def _complaint_apart(pattern: bytes, flags: int, cpu_s: float) -> tuple[str, float]:
    """Ask a process that is killed when it has taken so long; also how long it took."""
    compiles = _compiler()
    child = os.fork()
    if child == 0:
        try:
            _lower_limits(math.ceil(cpu_s))
            os._exit(_COMPILES if compiles(pattern, flags) else _DOES_NOT_COMPILE)
        finally:
            os._exit(_FAILED)
    _, status, usage = os.wait4(child, 0)
    verdicts = {_COMPILES: "", _DOES_NOT_COMPILE: INVALID}
    return verdicts.get(os.waitstatus_to_exitcode(status), TOO_COSTLY), usage.ru_utime + usage.ru_stime


def _lower_limits(cpu_s: int) -> None:
    """For the rest of this process, which has just begun."""
    import resource
    import signal

    signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # too deep for the stack: no report
    for limit, value in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_DATA, _COMPILE_LIMIT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or value < hard:
            resource.setrlimit(limit, (value, hard))
