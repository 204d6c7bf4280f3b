"""Starts a program: `python -m osm3s.cli.start MODULE ARGUMENT…`. Ctrl-C ends it without a traceback, also at once.

If the program does not care for it, the process ends by the signal, as its shell expects.
"""

from __future__ import annotations

import signal
import sys

_WAS_IGNORED = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # of jobs in the background of a script
if not _WAS_IGNORED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))  # the compiled launcher has blocked it


def main() -> None:
    """Run the module that the first argument names, as `python -m` would."""
    from runpy import run_module

    del sys.argv[0]
    try:
        if not _WAS_IGNORED:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        raise


if __name__ == "__main__":
    main()
