"""Random small maps and random changes to them; positions are clustered at a few places all over the world."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from osm3s.ffi.batch import Element

World = dict[tuple[str, int], Element]
ORDER = {"node": 0, "way": 1, "relation": 2}

CLUSTERS = [(0, 0), (500_000_000, 80_000_000), (-899_999_000, -1_799_999_000), (899_990_000, 1_799_990_000)]
IDS = {"node": st.integers(1, 14) | st.integers(4090, 4099), "way": st.integers(1, 8), "relation": st.integers(1, 5)}
TAGS = st.dictionaries(st.sampled_from(["name", "highway", "a", "ab", "é"]), st.sampled_from(["x", "xy", "xyz", "é"]))


@st.composite
def positions(draw: st.DrawFn) -> tuple[int, int]:
    lat, lon = draw(st.sampled_from(CLUSTERS))
    near = st.integers(0, 10_000) | st.integers(0, 3)
    return lat + draw(near), lon + draw(near)


@st.composite
def elements(draw: st.DrawFn, kind: str | None = None) -> Element:
    kind = kind or draw(st.sampled_from(["node", "node", "way", "relation"]))
    members = st.sampled_from(list(IDS)).flatmap(
        lambda member: st.tuples(st.just(member), IDS[member], st.sampled_from(["", "outer", "inner"]))
    )
    uid = draw(st.integers(0, 3))
    return Element(
        type=kind,
        id=draw(IDS[kind]),
        position=draw(positions()) if kind == "node" and draw(st.integers(0, 9)) else None,
        version=draw(st.integers(1, 3)),
        timestamp=draw(st.integers(1_000_000_000, 1_000_000_100)),
        changeset=draw(st.integers(1, 5)),
        uid=uid,
        user=f"user {uid}" if uid else "",
        deleted=draw(st.integers(0, 4)) == 0,
        tags=sorted(draw(TAGS).items()),
        refs=draw(st.lists(IDS["node"], max_size=6)) if kind == "way" else [],
        members=draw(st.lists(members, max_size=5)) if kind == "relation" else [],
    )


def changed(world: World, batch: Iterable[Element]) -> World:
    """The world after the elements of one transaction: of equal ids the last of the highest version counts."""
    after = dict(world)
    last: World = {}
    for element in batch:
        key = element.type, element.id
        if key not in last or last[key].version <= element.version:
            last[key] = element
    for key, element in last.items():
        if element.deleted:
            after.pop(key, None)
        else:
            after[key] = element
    return after


def in_order(world: World) -> list[Element]:
    return [world[key] for key in sorted(world, key=lambda key: (ORDER[key[0]], key[1]))]
