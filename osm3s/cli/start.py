"""Starts a program: `python -m osm3s.cli.start MODULE ARGUMENT…`. Ctrl-C ends it without a traceback, also at once.

While modules are imported there is nothing to be undone, so the kernel may end the process. Later the program sees a
KeyboardInterrupt; if it does not care for it, the process ends by the signal, as its shell expects.
"""

from __future__ import annotations

import signal
import sys

_WAS_IGNORED = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # of jobs in the background of a script
if not _WAS_IGNORED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))  # the compiled launcher has blocked it


def main() -> int:
    from importlib import import_module

    del sys.argv[0]
    module = import_module(sys.argv[0])
    if not _WAS_IGNORED:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status: int = module.main()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        raise
    return status


if __name__ == "__main__":
    sys.exit(main())
