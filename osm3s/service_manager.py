"""What systemd and a service say to each other: readiness, signs of life, sockets that it keeps open (sd_notify(3)).

Without a service manager everything here does nothing.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

FIRST_INHERITED = 3


def notify(*lines: str) -> None:
    """Send assignments like "READY=1"; never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send("\n".join(lines).encode())


def watchdog_interval_s() -> float | None:
    """How often to send "WATCHDOG=1": twice as often as the manager wants it; None: it does not."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 2e6


def inherited_listener() -> socket.socket | None:
    """The listening socket that the manager has opened for this process (socket activation), if there is one."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not os.environ.get("LISTEN_FDS", "").isdecimal():
        return None
    if int(os.environ["LISTEN_FDS"]) != 1:
        return None
    listener = socket.socket(fileno=FIRST_INHERITED)
    listener.setblocking(False)
    os.set_inheritable(FIRST_INHERITED, False)
    return listener


def leave_to_children() -> dict[str, str]:
    """The environment for processes of this service that must not speak for it."""
    own = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    return {name: value for name, value in os.environ.items() if name not in own}
