"""The names of all files of a database directory. No other module spells one out.

| file | what it holds |
|---|---|
| osm_base.idx | LMDB environment: every index of the domain and its settings |
| osm_base.shadow | the index entries of the commit in progress; absent when idle |
| osm_base.lock | pid of the writer, managed by the dispatcher |
| nodes.bin tagged_nodes.bin ways.bin relations.bin | block files, one per family |
| deltas.bin | the deltas of all families |
| attic.bin | the superseded versions of all families |
| osm_base_version replicate_id | plain-text mirrors of what is inside the index |
| osm3s_osm_base | the dispatcher's Unix socket |
| osm3s_osm_base.instance | held locked by the dispatcher as long as it runs |
| osm3s_frontend | the socket on which frontends take queries |
| transactions.log database.log | logs in the reference's format |
| api_keys | keys of clients that have slots of their own |
| slow_queries.log | queries that took long, with their plans |
| access.log | requests to the web server |
| areas.idx areas.shadow areas.lock areas.bin area_deltas.bin area_version | the same for the domain of the areas |
| areas.writer | held locked by whoever writes areas |
| rules/ rules_loop.log | the rules that make areas, and the log of the program that runs them again and again |
| apply_osc_to_db.log fetch_osc_and_apply.log | logs of the reference's update scripts |
| base-url | where a clone was downloaded from |
"""

from __future__ import annotations

import os

OSM_BASE, AREAS = "osm_base", "areas"
"""The domains: each has an index, block files, a version and a writer of its own."""

_BLOCK_FILES = {
    OSM_BASE: ("nodes.bin", "tagged_nodes.bin", "ways.bin", "relations.bin", "deltas.bin", "attic.bin"),
    # areas are stored as ways; the files of the other families are never made
    AREAS: (
        "area_nodes.bin",
        "area_tagged_nodes.bin",
        "areas.bin",
        "area_relations.bin",
        "area_deltas.bin",
        "area_attic.bin",
    ),
}
_VERSIONS = {OSM_BASE: "osm_base_version", AREAS: "area_version"}


class DatabaseDir:
    """One domain of a database directory; `root` needs no trailing slash."""

    __slots__ = ("domain", "root")

    def __init__(self, root: str, domain: str = OSM_BASE) -> None:
        self.root, self.domain = root, domain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabaseDir) and (self.root, self.domain) == (other.root, other.domain)

    def __hash__(self) -> int:
        return hash((self.root, self.domain))

    @property
    def areas(self) -> DatabaseDir:
        """The domain of the areas in the same directory."""
        return DatabaseDir(self.root, AREAS)

    def file(self, name: str) -> str:
        return os.path.join(self.root, name)

    @property
    def index(self) -> str:
        return self.file(f"{self.domain}.idx")

    @property
    def exists(self) -> bool:
        """Whether the domain has been filled: its index is what appears last."""
        return os.path.exists(self.index)

    @property
    def shadow(self) -> str:
        return self.file(f"{self.domain}.shadow")

    @property
    def lock(self) -> str:
        return self.file(f"{self.domain}.lock")

    def block_file(self, file: int) -> str:
        """The block file of a family (0-3), of the deltas (4), or of the attic (5)."""
        return self.file(self.block_files[file])

    @property
    def block_files(self) -> tuple[str, ...]:
        """The names of the block files."""
        return _BLOCK_FILES[self.domain]

    @property
    def import_dir(self) -> str:
        """Where a first import builds the database before it appears in place."""
        return self.file(f"{self.domain}.import")

    @property
    def writer_lock(self) -> str:
        """What a writer holds locked: the directory itself, for areas a file, so that both domains can be written."""
        return self.root if self.domain == OSM_BASE else self.file(f"{self.domain}.writer")

    @property
    def version(self) -> str:
        return self.file(_VERSIONS[self.domain])

    @property
    def replicate_id(self) -> str:
        return self.file("replicate_id")

    @property
    def server_name(self) -> str:
        return self.file("server_name")

    @property
    def transactions_log(self) -> str:
        return self.file("transactions.log")

    @property
    def database_log(self) -> str:
        return self.file("database.log")

    @property
    def api_keys(self) -> str:
        return self.file("api_keys")

    @property
    def slow_queries_log(self) -> str:
        return self.file("slow_queries.log")

    @property
    def access_log(self) -> str:
        return self.file("access.log")

    @property
    def apply_log(self) -> str:
        return self.file("apply_osc_to_db.log")

    @property
    def fetch_and_apply_log(self) -> str:
        return self.file("fetch_osc_and_apply.log")

    @property
    def base_url(self) -> str:
        """Where a clone was downloaded from."""
        return self.file("base-url")

    @property
    def rules_loop_log(self) -> str:
        return self.file("rules_loop.log")

    @property
    def templates(self) -> str:
        return self.file("templates")

    @property
    def rules(self) -> str:
        return self.file("rules")

    def socket(self, socket_dir: str | None = None) -> str:
        """The dispatcher's socket, which may live outside the directory (its path must stay under 107 bytes)."""
        return os.path.join(socket_dir or self.root, f"osm3s_{self.domain}")

    def frontend_socket(self, socket_dir: str | None = None) -> str:
        """Where the warmed parent of the frontends listens."""
        return os.path.join(socket_dir or self.root, "osm3s_frontend")

    def dispatcher_instance(self, socket_dir: str | None = None) -> str:
        """The file that a running dispatcher holds locked; one lies beside the data, one beside the socket."""
        return self.socket(socket_dir) + ".instance"


def readers_table(index: str) -> str:
    """LMDB's lock file of an index."""
    return index + "-lock"


SOCKET_PATH_MAX_BYTES = 107
STATUS_PAGE_FILE = "/osm3s_status"
"""The base name in shared memory, so that a reference installation on the same machine keeps its own."""


def default_status_page(domain: str = OSM_BASE) -> str:
    """Name of the page of the dispatcher that was started last, as it stands in messages: the reference's."""
    return f"/osm3s_{domain}"


def status_page(db_dir: str | None = None, domain: str = OSM_BASE) -> str:
    """The page in shared memory of the dispatcher of a domain; without `db_dir` that of the one started last."""
    shm = os.environ.get("OSM3S_SHM_DIR") or "/dev/shm"
    page = shm + STATUS_PAGE_FILE + ("" if domain == OSM_BASE else f"_{domain}")
    if db_dir is None:
        return page
    from hashlib import blake2b  # here, because tools that are not told a directory do without it

    name = os.fsencode(os.path.realpath(db_dir))
    return f"{page}.{blake2b(name, digest_size=8).hexdigest()}"
