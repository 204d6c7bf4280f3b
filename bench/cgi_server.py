"""The reference as operators run it: its CGI program behind nginx and fcgiwrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.http_client import HttpClient
from bench.measure import CommandFailed, tail

START_S = 20.0
CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {work}/pid;
error_log {work}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work}; uwsgi_temp_path {work};
  scgi_temp_path {work};
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;
    location /api/ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {cgi_dir}/interpreter;
      fastcgi_pass unix:{work}/fcgi;
      fastcgi_buffering off;
      fastcgi_read_timeout 600s;
    }}
  }}
}}
"""


def missing_programs() -> list[str]:
    return [name for name in ("nginx", "fcgiwrap") if _path(name) is None]


def _path(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def serving(cgi_dir: Path, port: int, processes: int, log: Path) -> Iterator[list[int]]:
    """Yields the pids of nginx and fcgiwrap. Raises CommandFailed."""
    nginx, fcgiwrap = _path("nginx"), _path("fcgiwrap")
    if nginx is None or fcgiwrap is None:
        raise CommandFailed(f"not installed: {', '.join(missing_programs())}")
    with tempfile.TemporaryDirectory(prefix="osm3s-cgi-") as work, open(log, "wb") as output:
        os.chmod(work, 0o777)
        configuration = Path(work, "nginx.conf")
        configuration.write_text(CONFIGURATION.format(work=work, port=port, cgi_dir=cgi_dir))
        started: list[subprocess.Popen[bytes]] = []
        try:
            for command in (
                [fcgiwrap, "-c", str(processes), "-s", f"unix:{work}/fcgi"],
                [nginx, "-e", f"{work}/error.log", "-c", str(configuration)],
            ):
                started.append(subprocess.Popen(command, stdout=output, stderr=output))
                if command[0] == fcgiwrap:
                    _wait_for(lambda: Path(work, "fcgi").exists(), started, log)
                    os.chmod(f"{work}/fcgi", 0o777)
            _wait_for(lambda: _connects(port), started, log)
            yield [process.pid for process in started]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(20)


def _connects(port: int) -> bool:
    try:
        with HttpClient(port) as client:
            client.connect()
    except OSError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], started: list[subprocess.Popen[bytes]], log: Path) -> None:
    give_up = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > give_up or any(process.poll() is not None for process in started):
            raise CommandFailed(f"nginx or fcgiwrap did not start\n{tail(log)}")
        time.sleep(0.02)
