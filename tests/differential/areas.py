"""`python -m tests.differential.areas FILE...`: what is in the areas of maps, and where places are, beside an oracle.

To each map, elements around the borders of its areas are added. All stored areas and some closed ways are asked for all
that is in them, and places around their borders for the areas that they are in. With $REFERENCE, the prefix of an
installed OSM3S, its answers are compared as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from osm3s.areas.generator import follow
from osm3s.serve.local import LocalDatabase
from osm3s.update.update_files import update_files

from .area_oracle import Found, MapOracle, Verdict
from .around_borders import Added, Position, write_with
from .dataset import degrees
from .systems import PROJECT

RULES = PROJECT / "dbdir-template" / "rules" / "areas.osm3s"
CSV = "[out:csv(::type,::id,::count;false)][timeout:3600];"
PER_REQUEST = 100
TO_XML = """
import sys, osmium
with osmium.SimpleWriter(osmium.io.File("-", "osm")) as writer:
    osmium.apply(sys.argv[1], writer)
"""
Ask = Callable[[str], bytes]


@dataclass(slots=True)
class Counts:
    """Of pairs of an area and an element, or a place and an area."""

    areas: int = 0
    places: int = 0
    certain: int = 0
    """Those that the oracle is certain of."""
    same: int = 0
    on_border: Counter[str] = field(default_factory=Counter)
    """Answered otherwise by the reference, and the oracle is not certain; by kind of element, and who finds it."""
    incomplete: int = 0
    """Answered otherwise by the reference, and the way lacks nodes."""
    wrong: list[str] = field(default_factory=list)
    """The project contradicts the oracle."""
    reference_wrong: Counter[str] = field(default_factory=Counter)
    """The reference contradicts the oracle, by kind of element."""
    open: list[str] = field(default_factory=list)
    """Answered otherwise by the reference, and there is no oracle."""

    def add(self, what: str, verdict: Verdict | None, ours: Found, theirs: Found | None, incomplete: Found) -> None:
        if verdict is not None:
            self.certain += len(verdict.certain)
            wrong = (verdict.certain - ours) | (ours - verdict.possible)
            self.wrong += [f"{what}: {key}, {key in ours}" for key in sorted(wrong - incomplete)]
        if theirs is None:
            return
        self.same += len(ours & theirs)
        for key in sorted(ours ^ theirs):
            if key in incomplete:
                self.incomplete += 1
            elif verdict is None:
                self.open.append(f"{what}: {key}, {key in ours}")
            elif key in verdict.possible and key not in verdict.certain:
                self.on_border[f"{key[0]} {'ours' if key in ours else 'theirs'}"] += 1
            else:
                self.reference_wrong[key[0]] += 1


def answers(ask: Ask, statements: Sequence[str]) -> Iterator[Found]:
    """What each of some statements finds; their sets do not matter to each other."""
    for start in range(0, len(statements), PER_REQUEST):
        some = statements[start : start + PER_REQUEST]
        found: Found = set()
        n = 0
        for row in ask(CSV + "".join(f"{statement}out ids;out count;" for statement in some)).decode().splitlines():
            kind, id_, count = row.split("\t")
            if count:
                yield found
                found, n = set(), n + 1
            else:
                found.add((kind, int(id_)))
        if n != len(some):
            raise RuntimeError(f"{n} answers to {len(some)} statements")


def compare(path: Path, work: Path, reference: Path | None, rng: Random, n_closed: int, n_places: int) -> Counts:
    """Everything about one map."""
    merged, counts = work / "merged.osm.pbf", Counts()
    rings = _rings(MapOracle(path), rng, n_closed)
    added = Added()
    for ring in rings:
        added.add_near(ring, rng)
    write_with(path, added, merged)
    oracle = MapOracle(merged)
    ask, ask_reference = _project(merged, work), _reference(merged, work, reference) if reference else None
    areas = stored(ask)
    if ask_reference is not None and areas != stored(ask_reference):
        counts.open.append(f"stored areas: {sorted(areas ^ stored(ask_reference))}")
    closed = [key for key in oracle.areas if key[0] == "way"]
    asked_of = areas | set(closed)
    asked = sorted(areas) + rng.sample(closed, min(n_closed, len(closed)))
    statements = [f"{kind}({id_});nwr(area);" for kind, id_ in asked]
    for key, ours, theirs in zip(asked, answers(ask, statements), _or_none(ask_reference, statements), strict=False):
        verdict = oracle.inside(key) if key in oracle.areas else None
        counts.add(f"in {key}", verdict, ours, theirs, oracle.incomplete)
        counts.areas += 1
    places = [_place(rng.choice(rings), rng) for _ in range(n_places)]
    statements = [f"is_in({degrees(lat)},{degrees(lon)});" for lat, lon in places]
    for place, ours, theirs in zip(places, answers(ask, statements), _or_none(ask_reference, statements), strict=False):
        verdict = oracle.around(*place, asked_of)
        known = {key for key in ours | (theirs or set()) if key in oracle.areas}
        counts.add(f"around {place}", verdict, ours & known, theirs & known if theirs is not None else None, set())
        if theirs is not None:
            counts.add(f"around {place}", None, ours - known, theirs - known, set())
        counts.places += 1
    return counts


def stored(ask: Ask) -> Found:
    """The stored areas."""
    (found,) = answers(ask, ['area[~"."~"."];'])
    return {key for key in found if key[0] == "area"}


def _or_none(ask: Ask | None, statements: Sequence[str]) -> Iterable[Found | None]:
    return answers(ask, statements) if ask else [None] * len(statements)


def _rings(oracle: MapOracle, rng: Random, n_closed: int) -> list[list[Position]]:
    """Outer and inner rings of areas of relations, and of some closed ways."""
    closed = [key for key in oracle.areas if key[0] == "way"]
    keys = [key for key in oracle.areas if key[0] == "area"] + rng.sample(closed, min(n_closed, len(closed)))
    rings = []
    for key in keys:
        for polygon in oracle.areas[key].geoms:
            for ring in (polygon.exterior, *polygon.interiors):
                rings.append([(int(lat), int(lon)) for lon, lat in ring.coords])
    return rings


def _place(ring: Sequence[Position], rng: Random) -> Position:
    """On a border, or near it."""
    i, far = rng.randrange(len(ring) - 1), rng.choice((0, 0, 1, 2, 100, 10_000))
    at, t = ring[i], rng.choice((0.0, 0.0, 0.5, rng.random()))
    lat = round(at[0] + t * (ring[i + 1][0] - at[0])) + rng.randint(-far, far)
    lon = round(at[1] + t * (ring[i + 1][1] - at[1])) + rng.randint(-far, far)
    return max(-900_000_000, min(900_000_000, lat)), max(-1_800_000_000, min(1_800_000_000, lon))


def _project(path: Path, work: Path) -> Ask:
    root = work / "ours"
    update_files(str(root), [str(path)], "data", None, None)
    follow(str(root))
    database = LocalDatabase(str(root))
    return lambda query: database.query(query).content


def _reference(path: Path, work: Path, prefix: Path) -> Ask:
    root, programs = work / "reference", prefix / "bin"
    root.mkdir()
    with subprocess.Popen([sys.executable, "-c", TO_XML, str(path)], stdout=subprocess.PIPE) as xml:
        _run([programs / "update_database", f"--db-dir={root}"], stdin=xml.stdout)
    ask = [programs / "osm3s_query", f"--db-dir={root}"]
    _run([*ask, "--rules", "--concise"], input=RULES.read_bytes())
    return lambda query: _run([*ask, "--quiet"], input=query.encode())


def _run(command: Sequence[Path | str], **how: Any) -> bytes:
    return bytes(subprocess.run(list(map(str, command)), capture_output=True, check=True, **how).stdout)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential.areas", description=__doc__.split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--closed-ways", type=int, default=200, help="how many are asked for what is in them")
    parser.add_argument("--places", type=int, default=1000, help="how many are asked for the areas they are in")
    options = parser.parse_args()
    reference = os.environ.get("REFERENCE")
    failed = False
    for path in options.files:
        started_s = time.monotonic()
        with tempfile.TemporaryDirectory() as work:
            counts = compare(
                path,
                Path(work),
                Path(reference) if reference else None,
                Random(f"{options.seed} {path.name}"),
                options.closed_ways,
                options.places,
            )
        print(
            f"{path.name}: {counts.areas} areas, {counts.places} places; certain to the oracle {counts.certain}, "
            f"the project contradicts it {len(counts.wrong)} times, the reference {dict(counts.reference_wrong)}; "
            f"same as the reference {counts.same}, otherwise on a border {dict(counts.on_border)}, otherwise with ways "
            f"that lack nodes {counts.incomplete}, otherwise and no oracle {len(counts.open)}; "
            f"{time.monotonic() - started_s:.0f} s",
            flush=True,
        )
        for line in (*counts.wrong[:20], *counts.open[:20]):
            print(f"  {line}", flush=True)
        failed = failed or bool(counts.wrong or counts.open)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
