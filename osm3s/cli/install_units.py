"""`osm3s install-units`: what a machine needs to run osm3s as services: systemd units, limits, log rotation, nginx."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from osm3s.errors import Osm3sError, StorageError, UsageError
from osm3s.paths import DatabaseDir

TEMPLATES = Path(__file__).with_name("units")
ROOT = Path(__file__).resolve().parent.parent.parent

HELP = """\
osm3s install-units: run osm3s as services of this machine.

  osm3s install-units --db-dir=DIR              write the files below into /etc; needs root
  osm3s install-units --db-dir=DIR --into=/tmp/look    write them below another directory, to look at them first

  --db-dir=DIR      the database directory
  --user=NAME       the account that the services run under (default osm3s; it is made if it is not there)
  --listen=ADDRESS  where the HTTP server listens (default 127.0.0.1:8080)

Files: etc/systemd/system/osm3s*, etc/default/osm3s (options; is kept if it is there), etc/sysusers.d/osm3s.conf,
etc/tmpfiles.d/osm3s.conf, etc/logrotate.d/osm3s, etc/nginx/snippets/osm3s.conf. Existing files are replaced, except
the options. Nothing is started.
"""

NEXT = """\
Next, as root:
  systemd-sysusers && systemd-tmpfiles --create osm3s.conf && systemctl daemon-reload
  systemctl enable --now osm3s.target osm3s-dispatcher osm3s-areas-dispatcher osm3s-server.socket osm3s-server
  systemctl enable --now osm3s-follow           if the database is to be kept up to date
  osm3s doctor --db-dir={db_dir}
"""

PLACES = {
    "default": "default/osm3s",
    "sysusers.conf": "sysusers.d/osm3s.conf",
    "tmpfiles.conf": "tmpfiles.d/osm3s.conf",
    "logrotate": "logrotate.d/osm3s",
    "nginx.conf": "nginx/snippets/osm3s.conf",
}
"""Template to file below etc; a template that is not here is a unit, except `sandbox`, which stands in them."""
KEPT = "default"


@dataclass(slots=True)
class Options:
    db_dir: str = ""
    into: str = "/"
    user: str = "osm3s"
    listen: str = "127.0.0.1:8080"
    help: bool = False


def parse(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if argument == "--help":
            options.help = True
        elif flag in ("--db-dir", "--into", "--user", "--listen") and value:
            setattr(options, flag[2:].replace("-", "_"), value)
        else:
            raise UsageError(f"osm3s install-units: unknown argument or missing value: {argument} (--help lists them)")
    if options.help:
        return options
    if not options.db_dir:
        raise UsageError("osm3s install-units: say which database with --db-dir=DIR")
    options.db_dir = os.path.realpath(options.db_dir)
    if not re.fullmatch(r"[\w.+/@-]+", options.db_dir):
        raise UsageError(f"osm3s install-units: units need a directory without blanks and quotes: {options.db_dir}")
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", options.user):
        raise UsageError(f"osm3s install-units: not the name of an account: {options.user}")
    if not re.fullmatch(r"[\w.:\[\]-]*:\d{1,5}", options.listen):
        raise UsageError(f"osm3s install-units: not an address with a port: {options.listen}")
    return options


def files(options: Options) -> dict[str, str]:
    """Path below the root to content."""
    words = {
        "SANDBOX": (TEMPLATES / "sandbox").read_text().rstrip("\n"),
        "DB_DIR": options.db_dir,
        "USER": options.user,
        "LISTEN": options.listen,
        "BIN": str(ROOT / "bin"),
        "ROOT": str(ROOT),
    }
    found = {}
    for template in sorted(TEMPLATES.iterdir()):
        if template.name != "sandbox":
            text = template.read_text()
            for word, value in words.items():  # the sandbox comes first: there are words in it
                text = text.replace(f"@{word}@", value)
            found["etc/" + PLACES.get(template.name, f"systemd/system/{template.name}")] = text
    return found


def install(options: Options) -> list[str]:
    """Write the files; their paths. Raises StorageError."""
    written = []
    for name, text in files(options).items():
        path = Path(options.into, name)
        if name == "etc/" + PLACES[KEPT] and path.exists():
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}; --into=DIR writes somewhere else") from None
        written.append(str(path))
    return written


def main() -> int:
    try:
        options = parse(sys.argv[1:])
        if options.help:
            sys.stdout.write(HELP)
            return 0
        for path in install(options):
            print(path)
        if not os.path.exists(DatabaseDir(options.db_dir).index):
            print(
                f"There is no database in {options.db_dir} yet: osm3s update --db-dir={options.db_dir} FILE makes it."
            )
        sys.stdout.write(NEXT.format(db_dir=options.db_dir))
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
