"""`make demo`: a database from the bundled extract, a server on it, one query and its answer; then it stays up.

What is there already is used again. With DEMO_ONCE=1 it stops after the answer, else at Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXTRACT = ROOT / "demo" / "helsinki.osm.pbf"
EXTRACT_TIMESTAMP = "2019-04-21T09:50:14Z"
"""That of the newest element: the file itself does not say."""
DATABASE = ROOT / "demo-data"
QUERY = "[out:json];node[amenity=cafe](60.170,24.935,60.175,24.945);out 2;"
START_WAIT_S = 30


def main() -> int:
    import_extract()
    server = subprocess.Popen(
        [ROOT / "bin" / "osm3s_server", f"--db-dir={DATABASE}", "--port=0", "--with-dispatcher"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the server in order
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            print("demo: the server did not start", file=sys.stderr)
            return 1
        show_query(url)
        if os.environ.get("DEMO_ONCE") != "1":
            show_next_steps(url)
            server.wait()
    except KeyboardInterrupt:
        print("\nstopping")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_WAIT_S)
    return 0


def import_extract() -> None:
    """Make the demo's database unless it is there."""
    if (DATABASE / "osm_base.idx").exists():
        print(f"using the database in {DATABASE.name}/ (delete the directory to import again)")
        return
    print(f"importing {EXTRACT.name} into {DATABASE.name}/ (map data (c) OpenStreetMap contributors, ODbL 1.0)")
    DATABASE.mkdir(exist_ok=True)
    subprocess.run(
        [
            ROOT / "bin" / "update_database",
            f"--db-dir={DATABASE}",
            "--meta",
            f"--version={EXTRACT_TIMESTAMP}",
            EXTRACT,
        ],
        check=True,
    )


def show_query(url: str) -> None:
    print(f"\n$ curl {url} --data-urlencode data='{QUERY}'")
    form = urllib.parse.urlencode({"data": QUERY}).encode()
    with urllib.request.urlopen(url, form, timeout=START_WAIT_S) as answer:
        print(answer.read().decode())


def show_next_steps(url: str) -> None:
    print(
        f"""The server is running. Go on with

  {url}?data=node(60.17,24.94,60.171,24.941);out;      in a browser
  bin/osm3s_query --db-dir={DATABASE.name}             a query on standard input

and for data of your own:

  mkdir my-db && bin/update_database --db-dir=my-db --meta FILE.osm.pbf
  bin/osm3s_server --db-dir=my-db --port=8080 --with-dispatcher

Ctrl-C stops everything.""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
