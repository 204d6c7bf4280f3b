"""Named places at which a test can kill the process: OSM3S_FAILPOINT=name makes `reached(name)` end it by SIGKILL.

OSM3S_FAILPOINT=name:3 kills it when the place is reached for the third time, name:1:SIGTERM sends it that signal.
Without the variable nothing happens.
"""

from __future__ import annotations

import os
import signal

_wanted, _, _how = os.environ.get("OSM3S_FAILPOINT", "").partition(":")
_count, _, _signal = _how.partition(":")
_left = int(_count or 1)


def reached(name: str) -> None:
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.Signals[_signal or "SIGKILL"])
