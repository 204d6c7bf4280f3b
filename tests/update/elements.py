"""Random and hand-made elements for the reading tests."""

from __future__ import annotations

from hypothesis import strategies as st

from osm3s.ffi.batch import Element

NODE = Element("node", 1, None, 0, 0, 0, 0, "", False, [], [], [])

# what XML 1.0 allows, without the characters that its attributes normalise
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
TEXTS = st.text(CHARACTERS, max_size=12)
IDS = st.integers(1, 2**40)
POSITIONS = st.tuples(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))


@st.composite
def elements(draw: st.DrawFn) -> Element:
    kind = draw(st.sampled_from(["node", "node", "way", "relation"]))
    member = st.tuples(st.sampled_from(["node", "way", "relation"]), IDS, TEXTS)
    return Element(
        type=kind,
        id=draw(IDS),
        position=draw(st.none() | POSITIONS) if kind == "node" else None,
        version=draw(st.integers(0, 2**31 - 1)),
        timestamp=draw(st.integers(0, 2**32 - 2)),  # the last one stands for no end
        changeset=draw(st.integers(0, 2**32 - 1)),
        uid=draw(st.integers(0, 2**31 - 1)),
        user=draw(TEXTS),
        deleted=draw(st.booleans()),
        tags=draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=4)),
        refs=draw(st.lists(IDS, max_size=6)) if kind == "way" else [],
        members=draw(st.lists(member, max_size=4)) if kind == "relation" else [],
    )
