"""What the programs that look into a database have in common: `verify`, `dump_index`, `dump_block`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from osm3s.errors import Osm3sError, UsageError

FAILED_STATUS = 2


@dataclass(frozen=True, slots=True)
class Program:
    """`usage` is one line for whoever got the arguments wrong, `help` explains them."""

    name: str
    usage: str
    help: str

    def run(self, arguments: list[str] | None, inspect: Callable[[str, list[str]], int]) -> int:
        """Call `inspect` with the database directory and the other arguments (None: those of the process); return the
        exit status. It raises UsageError for arguments that it does not know, and Osm3sError."""
        try:
            db_dir, others = os.environ.get("OVERPASS_DB_DIR", ""), []
            for argument in sys.argv[1:] if arguments is None else arguments:
                if argument in ("--help", "-h"):
                    sys.stdout.write(self.help)
                    return 0
                flag, _, value = argument.partition("=")
                if flag == "--db-dir" and value:
                    db_dir = value
                else:
                    others.append(argument)
            if not db_dir:
                raise UsageError("--db-dir=DIR is missing: which database?")
            return inspect(db_dir, others)
        except UsageError as error:
            print(f"{error}\n{self.usage}", file=sys.stderr)
            return error.exit_status
        except BrokenPipeError:  # whoever reads has seen enough
            sys.stderr.close()
            return 0
        except Osm3sError as error:
            print(f"{self.name}: {error}", file=sys.stderr)
            return FAILED_STATUS
