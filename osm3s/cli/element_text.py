"""Elements, boxes and times as one line of text, for the tools that look into a database."""

from __future__ import annotations

from datetime import UTC, datetime

from osm3s.storage.block_contents import Placed


def degrees(e7: int) -> str:
    sign = "-" if e7 < 0 else ""
    whole, rest = divmod(abs(e7), 10_000_000)
    return f"{sign}{whole}.{rest:07d}"


def box_text(box: tuple[int, int, int, int] | None) -> str:
    return "nowhere" if box is None else " ".join(map(degrees, box))


def time_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else "-"


def element_text(placed: Placed) -> str:
    e = placed.element
    words = [f"{e.type} {e.id}"]
    if e.type == "node":
        words.append(f"at {degrees(e.position[0])} {degrees(e.position[1])}" if e.position else "at no known place")
    else:
        words.append(f"box {box_text(placed.box)}")
    if e.type == "relation":
        words.append(f"quad {placed.quad:#010x}")
    if e.version or e.timestamp or e.changeset or e.uid:
        words.append(f"version {e.version} {time_text(e.timestamp)} changeset {e.changeset} uid {e.uid}")
    words += [f"{key!r}={value!r}" for key, value in e.tags]
    for ref, position in zip(e.refs, placed.coordinates, strict=False):
        words.append(f"{ref}@{degrees(position[0])},{degrees(position[1])}" if position else f"{ref}@?")
    words += [f"{kind}/{ref}" + (f" as {role!r}" if role else "") for kind, ref, role in e.members]
    return "  ".join(words)
