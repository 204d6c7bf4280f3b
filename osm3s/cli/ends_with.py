"""Not to outlive the process that has started this one, however it ends."""

from __future__ import annotations

import os
import signal

from osm3s.ffi import lib


def end_with(pid: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent `pid` ends, or has ended already."""
    lib.osm3s_signal_when_parent_ends(signal.SIGTERM)
    if os.getppid() != pid:
        os.kill(os.getpid(), signal.SIGTERM)
