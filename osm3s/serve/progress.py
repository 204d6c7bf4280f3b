"""How far a long query has come, said from time to time on the console."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from osm3s.eval.explanation import Explanation
from osm3s.serve.messages import Messages, Verbosity

REPORT_EVERY_S = 15.0


class Progress:
    """While its `with` block runs, a thread says every now and then which statement is being executed."""

    def __init__(self, messages: Messages, explanation: Explanation, every_s: float = REPORT_EVERY_S) -> None:
        self._messages = messages
        self._explanation = explanation
        self._every_s = every_s
        self._started_s = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> None:
        if self._messages.wants(Verbosity.PROGRESS):
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _report(self) -> None:
        while not self._ended.wait(self._every_s):
            running = self._explanation.running()
            if running is not None:
                elapsed = int(time.monotonic() - self._started_s)
                duration = f"{elapsed // 3600}h{elapsed // 60 % 60}m{elapsed % 60}s"
                place = f'in "{running.statement}", on line {running.line}'
                self._messages.say(f"After {duration}: {place}.", Verbosity.PROGRESS)
