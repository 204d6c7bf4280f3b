"""What can be wrong with an installation: each check looks at one thing and says in sentences what it has found.

A check yields findings; one that finds nothing yields nothing. None changes anything or waits for anybody.
"""

from __future__ import annotations

import os
import resource
import socket
import stat
import time
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from osm3s.dispatch.api_keys import entry_of
from osm3s.dispatch.client import DispatcherClient, is_running
from osm3s.dispatch.processes import start_ticks
from osm3s.errors import DispatcherError, Osm3sError
from osm3s.paths import AREAS, OSM_BASE, DatabaseDir
from osm3s.paths import status_page as page_path
from osm3s.storage.completeness import truncated_files
from osm3s.storage.index import open_for_reading, read_apart, read_settings
from osm3s.storage.recovery import current_version

OLD_DATA_S = 3 * 3600
OLD_AREAS_S = 24 * 3600
FREE_SHARE_MIN = 0.1
LARGE_LOG_BYTES = 4 << 30
STUCK_AFTER_S = 60
FILES_MIN, QUEUE_MIN, MAPS_MIN = 4096, 512, 65530


class Finding(NamedTuple):
    """`wrong`: something does not work or soon will not; else it is only worth knowing."""

    wrong: bool
    what: str
    remedy: str


Check = Callable[[DatabaseDir], Iterator[Finding]]


def database(db: DatabaseDir) -> Iterator[Finding]:
    """Is there a database, and can it be read?"""
    if not os.path.isdir(db.root):
        yield Finding(True, f"{db.root} is not a directory.", "Say which one with --db-dir=DIR.")
        return
    if not db.exists:
        yield Finding(True, f"There is no database in {db.root}.", f"osm3s update --db-dir={db.root} FILE makes one.")
        return
    for name in sorted(os.listdir(db.root)):
        path = db.file(name)
        if name.endswith((".bin", ".idx")) and not os.access(path, os.R_OK):
            yield Finding(True, f"{path} cannot be read by this user.", f"chown it to {_owner(db.root)}.")
    try:
        cut = [line for part in ((db, db.areas) if db.areas.exists else (db,)) for line in _cut_short(part)]
        _, timestamp, _ = current_version(db.root)
    except Osm3sError as error:
        yield Finding(True, f"The database cannot be opened: {error}", "osm3s verify tells what is damaged.")
        return
    for line in cut:
        yield Finding(True, f"{db.root} is not complete: {line}.", "Copy it again with --clone, or import again.")
    mirror = _first_line(db.version)
    if timestamp and mirror != timestamp:
        remedy = "The next update writes it anew; scripts that read it are misled until then."
        yield Finding(False, f"{db.version} says {mirror or 'nothing'}, but the data is of {timestamp}.", remedy)


def _cut_short(db: DatabaseDir) -> list[str]:
    """What is missing of the files of a domain. Raises Osm3sError if the index cannot be read."""
    read_apart(db)
    with open_for_reading(db) as env, env.begin() as txn:
        return list(truncated_files(read_settings(txn), db))


def age(db: DatabaseDir) -> Iterator[Finding]:
    """Does the data follow the map?"""
    lag_s = _age_s(_first_line(db.version))
    if not db.exists or lag_s is None or lag_s < OLD_DATA_S:
        return
    follows = bool(_first_line(db.replicate_id))
    remedy = (
        "See why updates do not arrive: journalctl -u osm3s-follow, or run osm3s follow --once."
        if follows
        else "If it is to follow the map, run osm3s follow."
    )
    yield Finding(follows, f"The data is {_duration(lag_s)} old.", remedy)


def areas(db: DatabaseDir) -> Iterator[Finding]:
    """Are the areas of the same time as the map?"""
    of_base, of_areas = _age_s(_first_line(db.version)), _age_s(_first_line(db.areas.version))
    if not db.areas.exists or of_base is None or of_areas is None or of_areas - of_base < OLD_AREAS_S:
        return
    behind = _duration(of_areas - of_base)
    yield Finding(
        True, f"The areas are {behind} behind the data.", f"Read {db.database_log}; each update makes them anew."
    )


def disk(db: DatabaseDir) -> Iterator[Finding]:
    """Is there room for what comes?"""
    with suppress(OSError):
        room = os.statvfs(db.root)
        free, size = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
        if free < FREE_SHARE_MIN * size:
            what = f"The disk of {db.root} has {free >> 20} MB left, {100 * free // max(1, size)} % of it."
            yield Finding(True, what, "Updates stop when it is full (nothing is lost then). Make room.")
        if room.f_favail == 0 and room.f_files:
            yield Finding(True, f"The disk of {db.root} has no inodes left.", "Remove files there.")
    for path in (db.transactions_log, db.database_log):
        with suppress(OSError):
            if os.stat(path).st_size > LARGE_LOG_BYTES:
                remedy = "Rotate it: osm3s install-units writes a file for logrotate."
                yield Finding(False, f"{path} has grown to {os.stat(path).st_size >> 30} GB.", remedy)


def permissions(db: DatabaseDir) -> Iterator[Finding]:
    """Can those who write the database do so?"""
    with suppress(OSError):
        owner = os.stat(db.root).st_uid
        for name in sorted(os.listdir(db.root)):
            status = os.lstat(db.file(name))
            if name.endswith((".bin", ".idx")) and status.st_uid != owner:
                what = f"{db.file(name)} belongs to {_user(status.st_uid)}, its directory to {_user(owner)}."
                remedy = "One of them was made as another user: chown -R the directory to that of the services."
                yield Finding(True, what, remedy)
                break
        if not os.access(db.root, os.W_OK):
            yield Finding(False, f"This user cannot write {db.root}.", f"Run updates as {_user(owner)}.")


def keys(db: DatabaseDir) -> Iterator[Finding]:
    """Do the keys count that were given out?"""
    with suppress(OSError):
        if (owner := os.stat(db.api_keys).st_uid) != os.stat(db.root).st_uid:
            what = f"{db.api_keys} belongs to {_user(owner)}: the dispatcher cannot read it, so no key counts."
            yield Finding(True, what, f"chown it to {_owner(db.root)}.")
        with open(db.api_keys, encoding="utf-8", errors="replace") as file:
            wrong = [number for number, line in enumerate(file, 1) if line.strip() and not entry_of(line)]
        if wrong:
            what = f"{db.api_keys}: line {', '.join(map(str, wrong[:5]))} is no key."
            yield Finding(True, what, "osm3s api-key NAME --slots=N makes lines; remove what is none.")


def dispatcher(db: DatabaseDir) -> Iterator[Finding]:
    """Does it run, and what has one left that does not run any more?"""
    if is_running(db.root):
        return
    start = f"dispatcher --osm-base --db-dir={db.root} --daemon, or systemctl start osm3s-dispatcher"
    yield Finding(False, "No dispatcher runs: load is not limited, and clients of /dev/shm find nothing.", f"{start}.")
    if _is_socket(db.socket()) or os.path.exists(page_path(db.root)):
        what = f"A dispatcher was killed: its socket {db.socket()} or its page in shared memory is left."
        yield Finding(False, what, "Nothing needs to be removed: the next one takes them over.")


def writer(db: DatabaseDir) -> Iterator[Finding]:
    """Has an update been interrupted?"""
    for domain in (OSM_BASE, AREAS):
        part = DatabaseDir(db.root, domain)
        pid = _first_line(part.lock)
        alive = pid.isdecimal() and start_ticks(int(pid)) > 0
        if pid and not alive:
            what = f"{part.lock} names process {pid}, which has ended."
            yield Finding(False, what, "Nothing needs to be removed: the next writer or dispatcher repairs it.")
        for path in (part.shadow, part.import_dir):
            if os.path.exists(path) and not alive:
                what = f"{path} is left of an update that was interrupted."
                yield Finding(False, what, "The next update, or the start of a dispatcher, completes or undoes it.")


def readers(db: DatabaseDir) -> Iterator[Finding]:
    """Does a query hold on to an old version of the data?"""
    try:
        with DispatcherClient.connect(db.root) as client:
            status = client.status()
    except DispatcherError:
        return
    yield from stuck_readers(status, time.time())
    values = dict(line.split(": ", 1) for line in status.splitlines() if ": " in line)
    space, memory = int(values["Total available space"]), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if space > memory:
        what = f"Queries may claim {space >> 30} GB together, but this machine has {memory >> 30} GB of memory."
        yield Finding(
            True, what, f"dispatcher --osm-base --space={memory // 2} changes it now; put it into the options."
        )


def stuck_readers(status: str, now_s: float) -> Iterator[Finding]:
    """Lines of running queries in the text of `dispatcher --status`: state, pid, token, space, time, start."""
    for line in status.splitlines():
        numbers = line.split()
        if len(numbers) == 6 and all(number.isdecimal() for number in numbers):
            pid, timeout_s, over_s = int(numbers[1]), int(numbers[4]), now_s - int(numbers[5]) - int(numbers[4])
            if timeout_s and over_s > STUCK_AFTER_S:
                what = f"Process {pid} reads for {_duration(over_s)} longer than its query may take."
                remedy = f"What updates replace cannot be used again until it ends: kill {pid}."
                yield Finding(True, what, remedy)


def frontends(db: DatabaseDir) -> Iterator[Finding]:
    """Does somebody answer?"""
    path = db.frontend_socket()
    if not _is_socket(path):
        what = "No frontend waits for queries: each starts a process of its own, which takes far longer."
        yield Finding(False, what, f"osm3s serve --db-dir={db.root}, or systemctl start osm3s-server.")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError as error:
            what = f"Nobody answers on {path} ({error.strerror})."
            yield Finding(True, what, "Start the server again; it takes the socket over.")


def kernel(_db: DatabaseDir) -> Iterator[Finding]:
    """Does the system allow what is needed?"""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < FILES_MIN:
        what = f"A process may open {hard} files (now {files}), so few clients can be connected at a time."
        yield Finding(True, what, "Raise it: LimitNOFILE= of the units, /etc/security/limits.conf, or docker --ulimit.")
    for name, least, why in (
        ("net/core/somaxconn", QUEUE_MIN, "clients are refused while many come at once"),
        ("vm/max_map_count", MAPS_MIN, "large databases may not be mapped"),
    ):
        value = _first_line(f"/proc/sys/{name}")
        if value.isdecimal() and int(value) < least:
            key = name.replace("/", ".")
            yield Finding(True, f"{key} is {value}: {why}.", f"sysctl {key}={least}, and in /etc/sysctl.d.")
    if _first_line("/proc/sys/vm/overcommit_memory") == "2":
        what = "vm.overcommit_memory is 2: mapped databases count as memory, and queries may fail for lack of it."
        yield Finding(True, what, "sysctl vm.overcommit_memory=0")
    shared = os.environ.get("OSM3S_SHM_DIR") or "/dev/shm"
    if not os.access(shared, os.W_OK):
        what = f"{shared} cannot be written: the dispatcher does not start."
        yield Finding(True, what, "Mount it (tmpfs, mode 1777), or name another place in $OSM3S_SHM_DIR.")
    if not hasattr(os, "pidfd_open") or not _has_pidfd():
        what = "This kernel cannot watch processes by descriptor (it is older than 5.3)."
        yield Finding(True, what, "Use a newer kernel: a writer that is killed is noticed late otherwise.")


CHECKS: tuple[Check, ...] = (
    database,
    age,
    areas,
    disk,
    permissions,
    keys,
    dispatcher,
    writer,
    readers,
    frontends,
    kernel,
)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip().replace("\\", "")
    except OSError:
        return ""


def _age_s(timestamp: str) -> float | None:
    try:
        return time.time() - timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def _duration(seconds: float) -> str:
    for unit_s, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds // unit_s:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _user(uid: int) -> str:
    from pwd import getpwuid

    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _owner(path: str) -> str:
    return _user(os.stat(path).st_uid)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _has_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
