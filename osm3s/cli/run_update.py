"""What happens around an update: SIGTERM rolls back, errors become one line and the reference's exit status."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import lmdb

from osm3s.errors import ContextError, Osm3sError, UsageError
from osm3s.ffi import lib

INTERRUPTED_STATUS = 15
OBJECTS_PER_COLLECTION = 100_000
"""Starting creates hardly any garbage in cycles; Python's own rate of looking for it costs a small diff a tenth."""


class Interrupted(BaseException):
    """SIGTERM or SIGINT came: undo and end."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def run(program: str, usage: str, update: Callable[[], None], usage_status: int | None = None) -> int:
    """Call `update` and return the exit status of the program. `usage_status`: of wrong usage, if it is not 1."""
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    lib.osm3s_keep_freed_memory()
    lib.osm3s_say_when_damaged(program.encode(), Osm3sError.exit_status)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        update()
    except Interrupted:
        print(f"{program}: interrupted; what was not complete has been undone", file=sys.stderr)
        return INTERRUPTED_STATUS
    except UsageError as error:
        print(f"{error}\n{usage}", file=sys.stderr)
        return error.exit_status if usage_status is None else usage_status
    except ContextError as error:
        print(f"Context error: {error}", file=sys.stderr)
        return error.exit_status
    except Osm3sError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_status
    except (OSError, lmdb.Error, MemoryError) as error:
        print(f"{program}: {error or 'not enough memory'}; what was not complete has been undone", file=sys.stderr)
        return Osm3sError.exit_status
    finally:
        gc.freeze()  # the process ends
    return 0


def leave(status: int) -> NoReturn:
    """End the process at once: taking apart what vanishes with it would be a good part of a small update."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = status or Osm3sError.exit_status
    os._exit(status)
