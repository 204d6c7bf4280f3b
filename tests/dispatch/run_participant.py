"""A reading or writing process that does what it is told on stdin, one word a line, and answers each with one line."""

import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch.simulated_storage import SimulatedStorage
from osm3s.dispatch.client import DispatcherClient
from osm3s.errors import DispatcherError

client = DispatcherClient.connect(sys.argv[1])
storage = SimulatedStorage(sys.argv[1])
stack = ExitStack()
session = None
print("connected", flush=True)
for line in sys.stdin:
    try:
        match line.split():
            case ["read"]:
                session = stack.enter_context(client.reading(query_text="out;", address="1.2.3.4"))
                answer = str(session.version.txn_id)
            case ["opened", txn_id]:
                session.opened(int(txn_id))
                answer = "ok"
            case ["write"]:
                session = stack.enter_context(client.writing("t"))
                storage.prepare()
                answer = str(session.oldest_snapshot)
            case ["complete"]:
                storage.complete()
                answer = "ok"
            case ["commit"]:
                session.commit()
                answer = "ok"
            case ["merge"]:
                merged = storage.merge()
                answer = str(merged.txn_id)
            case ["done"]:
                session.done(merged)
                answer = "ok"
            case ["end"]:
                if hasattr(session, "commit"):
                    storage.discard()
                stack.close()
                answer = "ok"
            case ["reconnect"]:
                client.close()
                client = DispatcherClient.connect(sys.argv[1])
                answer = "ok"
            case ["prolongate"]:
                session._told_s -= 1000
                session.prolongate()
                answer = "ok"
    except DispatcherError as error:
        answer = f"failed {error}"
    print(answer, flush=True)
