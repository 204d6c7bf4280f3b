"""What happens around an update: SIGTERM rolls back, errors become one line and the reference's exit status."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

from osm3s.errors import ContextError, Osm3sError, UsageError

INTERRUPTED_STATUS = 15


class Interrupted(BaseException):
    """SIGTERM or SIGINT came: undo and end."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def run(program: str, usage: str, update: Callable[[], None], usage_status: int | None = None) -> int:
    """Call `update` and return the exit status of the program. `usage_status`: of wrong usage, if it is not 1."""
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
    return 0
