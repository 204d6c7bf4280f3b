"""Every error osm3s raises on purpose, grouped by the phase in which it occurs.

A program catches `Osm3sError`, prints `str(error)` as one line on stderr and exits with `error.exit_status`.
"""

from __future__ import annotations


class Osm3sError(Exception):
    """Base of all expected failures; the text is one line that says what is wrong and what to do."""

    exit_status = 2


# --- command line ---------------------------------------------------------------------------------------------------


class UsageError(Osm3sError):
    """An argument is unknown, missing or contradicts another."""

    exit_status = 1


# --- database files -------------------------------------------------------------------------------------------------


class StorageError(Osm3sError):
    """A database file is missing, unreadable, or cannot be written (for instance: the disk is full)."""


class CorruptError(StorageError):
    """Bytes on disk contradict their checksum or their format; the text names file and offset."""


class ContextError(Osm3sError):
    """Direct access was asked for while a dispatcher manages the database."""

    exit_status = 3


# --- input data -----------------------------------------------------------------------------------------------------


class InputError(Osm3sError):
    """An OSM file or diff is malformed, truncated or not OSM data; nothing was changed."""

    exit_status = 255


# --- dispatcher -----------------------------------------------------------------------------------------------------


class DispatcherError(Osm3sError):
    """The dispatcher is not running, refused, or did not answer. `origin` is the reference's name of the place.

    `errno` and `file` complete the reference's report: `open64: ERRNO STRERROR FILE ORIGIN`. `retry_after_s` is when
    the same request may succeed, 0 if that is not known.
    """

    def __init__(
        self, message: str, origin: str = "", *, errno: int = 0, file: str = "/osm3s_osm_base", retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.origin = origin
        self.errno = errno
        self.file = file
        self.retry_after_s = retry_after_s


# --- queries --------------------------------------------------------------------------------------------------------


class Message:
    """One complaint about a query text."""

    __slots__ = ("kind", "line", "text")

    def __init__(self, kind: str, line: int, text: str) -> None:
        """`kind` is "encoding error", "parse error" or "static error"; `line` of the text, from 1 on, 0 if the
        complaint has no place in it."""
        self.kind, self.line, self.text = kind, line, text

    def __str__(self) -> str:
        """The line the reference prints on stderr."""
        if self.kind.startswith("encoding"):
            return f"{self.kind}: {self.text}"
        return f"line {self.line}: {self.kind}: {self.text}"


class QueryRejected(Osm3sError):
    """The query text has encoding, parse or static errors; nothing was executed."""

    exit_status = 0  # as the reference: a rejected query is an answer, not a failure of the program

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(map(str, messages)))
        self.messages = messages


class XapiError(Osm3sError):
    """A text is not an XAPI predicate. Printed as clients know it from the reference, with "Error: " in front."""

    exit_status = 1

    def __init__(self, text: str) -> None:
        super().__init__(f"Error: {text}")


class QueryFailed(Osm3sError):
    """The query was stopped while it ran; the text is that of the remark, without "runtime error: "."""


class QueryForbidden(QueryFailed):
    """The query contains a statement that only an operator may run."""

    exit_status = 4


class QueryIncomplete(QueryFailed):
    """Some statements could not be executed, but all others have been; the web has been told in the answer."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__("\nruntime error: ".join(texts))


class QueryTimeout(QueryFailed):
    """The query used up its time."""


class QueryOutOfMemory(QueryFailed):
    """The query's sets would need more memory than it may have."""
