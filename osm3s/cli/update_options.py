"""The options that the updating programs have in common, in the reference's spelling."""

from __future__ import annotations

import os
from collections.abc import Collection

from osm3s.errors import UsageError

LEVEL_FLAGS = {"--data-only": "data", "--meta": "meta", "--keep-attic": "attic"}
COMPRESSION_METHODS = ("no", "gz", "lz4")
AREAS = ("auto", "none")


class UpdateOptions:
    db_dir: str | None = None
    """None: the database of the running dispatcher."""
    osc_dir: str | None = None
    version: str | None = None
    replicate_id: str | None = None
    level: str | None = None
    """data, meta or attic; None: that of the database, or data for a new one."""
    areas: str | None = None
    """auto or none; None: as the database has it, or auto for a new one."""
    help: bool = False

    def __init__(self, db_dir: str | None = None) -> None:
        self.db_dir = db_dir
        self.files: list[str] = []


def parse(arguments: list[str], allowed: Collection[str], *, files_allowed: bool) -> UpdateOptions:
    """Raises UsageError. `allowed` are the flags that take a value, besides those that all programs have."""
    options = UpdateOptions(db_dir=os.environ.get("OVERPASS_DB_DIR") or None)
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if flag in LEVEL_FLAGS and not equals:
            if options.level not in (None, LEVEL_FLAGS[flag]):
                raise UsageError("--data-only, --meta and --keep-attic exclude each other")
            options.level = LEVEL_FLAGS[flag]
        elif argument in ("--help", "-h"):
            options.help = True
        elif files_allowed and (argument == "-" or not argument.startswith("-")):
            options.files.append(argument)
        elif flag not in allowed:
            raise UsageError(f"Unknown argument: {argument}")
        elif not value and flag != "--version":
            raise UsageError(f"{flag} needs a value: {flag}=…")
        elif flag == "--flush-size":
            if not value.isdecimal():
                raise UsageError(f"Wrong value: {argument}: a number is needed")
        elif flag in ("--compression-method", "--map-compression-method"):
            if value not in COMPRESSION_METHODS:
                raise UsageError(f"Wrong value: {argument}: one of {', '.join(COMPRESSION_METHODS)} is needed")
        elif flag == "--areas" and value not in AREAS:
            raise UsageError(f"Wrong value: {argument}: one of {', '.join(AREAS)} is needed")
        elif flag == "--version":
            options.version = value.replace("\\", "")  # state files write T12\:00\:00Z
        else:
            setattr(options, flag[2:].replace("-", "_"), value)
    return options
