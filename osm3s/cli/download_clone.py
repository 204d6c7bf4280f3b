"""`download_clone.sh`: a database from another server's clone, with the reference's arguments and messages."""

from __future__ import annotations

import os
import sys

from osm3s.cli.run_update import run

USAGE = """\
Usage: download_clone.sh --db-dir=database_dir --source=https://dev.overpass-api.de/api_drolbr/ --meta=(yes|no|attic)

Downloads the clone that SOURCE/trigger_clone names into the directory database_dir. The other server must be an osm3s
server, too: clones of other programs cannot be read. --meta says what the clone must keep at least."""

FLAGS = {"--db-dir": "db_dir", "--source": "source", "--meta": "meta"}
LEVELS = {"yes": "meta", "no": "data", "attic": "attic", "": "data"}


def work(db_dir: str, source: str, level: str) -> None:
    from osm3s.replication.clock import SystemClock
    from osm3s.replication.download import CloneDownload

    CloneDownload(source, os.path.realpath(db_dir), SystemClock(), lambda text: print(text, flush=True)).run(level)
    print(" database ready.")


def main(arguments: list[str] | None = None) -> int:
    values = {"db_dir": "", "source": "", "meta": ""}
    for argument in sys.argv[1:] if arguments is None else arguments:
        flag, _, value = argument.partition("=")
        if flag not in FLAGS:
            print(f"Unknown argument: {argument}")
            return 0
        values[FLAGS[flag]] = value
    if not values["db_dir"] or not values["source"] or values["meta"] not in LEVELS:
        print(USAGE)
        return 0
    return run(
        "download_clone.sh",
        USAGE.splitlines()[0],
        lambda: work(values["db_dir"], values["source"], LEVELS[values["meta"]]),
    )


if __name__ == "__main__":
    sys.exit(main())
