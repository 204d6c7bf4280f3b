"""`make demo`: a database from the bundled extract, a server on it, one query and its answer; then it stays up.

What is there already is used again. With DEMO_ONCE=1 it stops after the answer, else at Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from types import FrameType

from osm3s.paths import DatabaseDir

ROOT = Path(__file__).resolve().parent.parent.parent
EXTRACT = ROOT / "demo" / "helsinki.osm.pbf"
EXTRACT_TIMESTAMP = "2019-04-21T09:50:14Z"
"""That of the newest element: the file itself does not say."""
DATABASE = ROOT / "demo-data"
QUERY = "[out:json];node[amenity=cafe](60.170,24.935,60.175,24.945);out 1;"
USUAL_PORT = 8080
ANSWER_WAIT_S = 30
STOP_WAIT_S = 60


class DemoFailed(Exception):
    """Something that the demo starts has failed and has said why."""


def main(arguments: list[str]) -> int:
    """arguments: the directory of the database, if it shall not be `demo-data` beside the sources."""
    database = Path(arguments[0]) if arguments else DATABASE
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        import_extract(database)
        serve(database)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    except DemoFailed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Being told to end, or losing the terminal, is the same as Ctrl-C."""
    raise KeyboardInterrupt


def import_extract(database: Path) -> None:
    """Make the demo's database unless it is there."""
    if DatabaseDir(str(database)).exists:
        print(f"using the database in {database.name}/ (delete the directory to import again)", flush=True)
        return
    print(f"importing {EXTRACT.name} into {database.name}/ (map data (c) OpenStreetMap contributors, ODbL 1.0)")
    sys.stdout.flush()
    try:
        database.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoFailed(f"{database}: {error.strerror}") from None
    program = str(ROOT / "bin" / "update_database")
    arguments = [f"--db-dir={database}", "--meta", f"--version={EXTRACT_TIMESTAMP}", str(EXTRACT)]
    if subprocess.run([program, *arguments], check=False).returncode:
        raise DemoFailed("the import has failed")


def serve(database: Path) -> None:
    """Start the server and show what it answers; then it stays up until Ctrl-C, unless DEMO_ONCE is 1."""
    server = subprocess.Popen(
        [ROOT / "bin" / "osm3s_server", f"--db-dir={database}", f"--port={free_port()}", "--with-dispatcher"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the server in order
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise DemoFailed("the server did not start")
        show_query(url)
        if os.environ.get("DEMO_ONCE") != "1":
            show_next_steps(url, database)
            server.wait()
            raise DemoFailed("the server has ended")
    finally:
        server.terminate()
        server.wait(STOP_WAIT_S)


def free_port() -> int:
    """The usual port, or 0 (any) if something else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def show_query(url: str) -> None:
    print(f"\n$ curl {url} --data-urlencode data='{QUERY}'")
    form = urllib.parse.urlencode({"data": QUERY}).encode()
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # whatever proxy leads to the rest of the world
    try:
        with direct.open(url, form, timeout=ANSWER_WAIT_S) as answer:
            print(answer.read().decode(), flush=True)
    except OSError as error:
        raise DemoFailed(f"the server did not answer: {error}") from None


def show_next_steps(url: str, database: Path) -> None:
    print(
        f"""The server is running. Go on with

  {url}?data=node(60.17,24.94,60.171,24.941);out;      in a browser
  bin/osm3s_query --db-dir={database.name}             a query on standard input

and for data of your own:

  mkdir my-db && bin/update_database --db-dir=my-db --meta FILE.osm.pbf
  bin/osm3s_server --db-dir=my-db --port=8081 --with-dispatcher

Ctrl-C stops everything.""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
