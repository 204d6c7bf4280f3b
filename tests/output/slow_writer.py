"""The formats once more, slowly and plainly: what the native printers must produce, for any map."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from map_blocks import TYPES, Map, Meta, Node, Relation, Way

Position = tuple[int, int]
Box = tuple[int, int, int, int]
HALF = 1_800_000_000


def coordinate(e7: int) -> str:
    return f"{Decimal(e7) / 10_000_000:.7f}"


def timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else "0000-00-00T00:00:00Z"


def xml_text(text: str) -> str:
    named = {"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "\n": "&#x0a;", "\t": "&#x09;", "\r": "&#x0d;"}
    return "".join(named.get(c, "?" if c < " " else c) for c in text)


def json_text(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(named.get(c, "?" if c < " " else c) for c in text)


def csv_text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def sorted_tags(element: Any) -> list[tuple[str, str]]:
    return sorted(element.tags.items(), key=lambda tag: tag[0].encode())


# --- geometry ---


def inside(box: Box, position: Position | None) -> bool:
    if position is None:
        return False
    south, west, north, east = box
    lat, lon = position
    in_width = west <= lon <= east if west <= east else lon >= west or lon <= east
    return south <= lat <= north and in_width


def segment_touches(box: Box, a: Position | None, b: Position | None) -> bool:
    """Liang-Barsky in fractions, in all turns of the globe."""
    if a is None or b is None:
        return False
    south, west, north, east = box
    east += 2 * HALF if west > east else 0
    (lat1, lon1), (lat2, lon2) = a, b
    if lon2 - lon1 > HALF:
        lon1 += 2 * HALF
    elif lon1 - lon2 > HALF:
        lon2 += 2 * HALF
    for turn in (-2 * HALF, 0, 2 * HALF):
        low, high = Fraction(0), Fraction(1)
        for start, delta, least, most in (
            (lat1, lat2 - lat1, south, north),
            (lon1, lon2 - lon1, west + turn, east + turn),
        ):
            if delta == 0:
                if not least <= start <= most:
                    high = Fraction(-1)
                continue
            one, other = Fraction(least - start, delta), Fraction(most - start, delta)
            low, high = max(low, min(one, other)), min(high, max(one, other))
        if low <= high:
            return True
    return False


def clipped_way(box: Box | None, line: list[Position | None]) -> list[Position | None]:
    if box is None:
        return line
    shown: list[Position | None] = []
    for i, position in enumerate(line):
        near = [line[j] for j in (i - 1, i + 1) if 0 <= j < len(line)]
        visible = any(inside(box, p) or segment_touches(box, position, p) for p in near) or inside(box, position)
        shown.append(position if visible else None)
    return shown


def clipped_member_way(box: Box | None, line: list[Position | None]) -> list[Position | None]:
    if box is None:
        return line
    return [p if any(inside(box, q) for q in line[max(0, i - 1) : i + 2]) else None for i, p in enumerate(line)]


def square_meets(box: Box, line: list[Position | None]) -> bool:
    """Whether the quadtile square of a way reaches the box (in tiles of 65536 units; squares of level l are 4^l tiles
    wide and start at multiples of half of that)."""
    known = [p for p in line if p]
    if not known:
        return False
    lats, lons = [(p[0] + 910_000_000) >> 16 for p in known], [(p[1] + 2**31) >> 16 for p in known]
    for level in range(8):
        width = 4**level
        step = width // 2 or 1
        south, west = min(lats) // step * step, min(lons) // step * step
        if max(lats) < south + width and max(lons) < west + width:
            break
    else:
        return True
    corner = (south << 16) - 910_000_000, (west << 16) - 2**31
    reach = (width << 16) - 1
    in_height = corner[0] <= box[2] and corner[0] + reach >= box[0]
    east = min(corner[1] + reach, HALF)
    parts = [(box[1], box[3])] if box[1] <= box[3] else [(box[1], HALF), (-HALF, box[3])]
    return in_height and any(corner[1] <= most and east >= least for least, most in parts)


def bounds(positions: Sequence[Position]) -> Box | None:
    if not positions:
        return None
    lats, lons = [p[0] for p in positions], [p[1] for p in positions]
    if max(lons) - min(lons) <= HALF:
        return min(lats), min(lons), max(lats), max(lons)
    west = min((lon for lon in lons if lon > 0), default=HALF)
    east = max((lon for lon in lons if lon <= 0), default=-HALF)
    if west - east <= HALF:
        west, east = -HALF, HALF
    return min(lats), west, max(lats), east


def center(box: Box) -> tuple[str, str]:
    south, west, north, east = box
    lat = (((south + 910_000_000) / 1e7 - 91.0) + ((north + 910_000_000) / 1e7 - 91.0)) / 2
    lon = (west / 1e7 + east / 1e7) / 2
    if west > east:
        lon += 180.0 if lon <= 0 else -180.0
    return f"{lat:.7f}".replace("-0.0000000", "0.0000000"), f"{lon:.7f}".replace("-0.0000000", "0.0000000")


# --- one element ---


class SlowWriter:
    """Prints single elements; options as in the print element, `clip` in 1e-7 degree."""

    def __init__(
        self,
        content: Map,
        mode: str = "body",
        geometry: str = "skeleton",
        ids: bool = True,
        clip: Box | None = None,
        users: dict[int, str] | None = None,
    ) -> None:
        self.map, self.geometry, self.ids, self.clip, self.users = content, geometry, ids, clip, users or {}
        self.refs = mode in ("skeleton", "body", "meta")
        self.tags = mode in ("tags", "body", "meta")
        self.meta = mode == "meta"
        self.line = geometry == "full"
        self.coordinates = self.refs or geometry != "skeleton"

    def way_line(self, way: Way) -> list[Position | None]:
        line = self.map.positions(way)
        return clipped_way(self.clip, line) if self.geometry != "skeleton" else line

    def member_line(self, type_: str, ref: int) -> list[Position | None]:
        """The positions of a node or way member; empty if it is not there."""
        if type_ == "node" and ref in self.map.nodes:
            node = self.map.nodes[ref]
            position = (node.lat, node.lon)
            return [position] if self.clip is None or inside(self.clip, position) else []
        if type_ == "way" and ref in self.map.ways:
            whole = self.map.positions(self.map.ways[ref])
            line = clipped_member_way(self.clip, whole)
            return line if self.clip is None or any(line) or square_meets(self.clip, whole) else []
        return []

    def box(self, element: Node | Way | Relation) -> Box | None:
        if self.geometry == "skeleton" or isinstance(element, Node):
            return None
        if isinstance(element, Way):
            line = self.way_line(element)
        else:
            line = [p for type_, ref, _ in element.members for p in self.member_line(type_, ref)]
        return bounds([p for p in line if p is not None])

    def user(self, meta: Meta) -> str | None:
        return self.users.get(meta.uid)

    # XML

    def xml(self, e: Node | Way | Relation) -> str:
        name = type(e).__name__.lower()
        head = f"  <{name}"
        if self.ids:
            head += f' id="{e.id}"'
        if isinstance(e, Node) and self.coordinates:
            head += f' lat="{coordinate(e.lat)}" lon="{coordinate(e.lon)}"'
        if self.meta:
            m = e.meta or Meta()
            head += (
                f' version="{m.version}" timestamp="{timestamp(m.timestamp)}" changeset="{m.changeset}" uid="{m.uid}"'
            )
            user = self.user(m)
            head += f' user="{xml_text(user)}"' if user is not None else ""
        children = self.xml_children(e)
        return f"{head}>\n{children}  </{name}>\n" if children else f"{head}/>\n"

    def xml_children(self, e: Node | Way | Relation) -> str:
        text, box = "", self.box(e)
        if box and self.geometry == "center":
            lat, lon = center(box)
            text += f'    <center lat="{lat}" lon="{lon}"/>\n'
        elif box:
            south, west, north, east = map(coordinate, box)
            text += f'    <bounds minlat="{south}" minlon="{west}" maxlat="{north}" maxlon="{east}"/>\n'
        if isinstance(e, Way) and self.refs:
            for ref, p in zip(e.refs, self.way_line(e), strict=True):
                place = self.xml_place(p) if self.line else ""
                text += f'    <nd ref="{ref}"{place}/>\n'
        if isinstance(e, Relation) and self.refs:
            text += "".join(self.xml_member(*member) for member in e.members)
        if self.tags:
            text += "".join(f'    <tag k="{xml_text(k)}" v="{xml_text(v)}"/>\n' for k, v in sorted_tags(e))
        return text

    @staticmethod
    def xml_place(position: Position | None) -> str:
        return f' lat="{coordinate(position[0])}" lon="{coordinate(position[1])}"' if position else ""

    def drawn(self, type_: str, ref: int) -> list[Position | None]:
        """The positions a member is printed with. A way of one node is not drawn."""
        line = self.member_line(type_, ref) if self.line else []
        return [] if type_ == "way" and len(line) == 1 and line[0] else line

    def xml_member(self, type_: str, ref: int, role: str) -> str:
        head = f'    <member type="{type_}" ref="{ref}" role="{xml_text(role)}"'
        line = self.drawn(type_, ref)
        if type_ == "node" and line:
            return f"{head}{self.xml_place(line[0])}/>\n"
        if type_ == "way" and any(line):
            return f"{head}>\n" + "".join(f"      <nd{self.xml_place(p)}/>\n" for p in line) + "    </member>\n"
        return f"{head}/>\n"

    # JSON

    def json(self, e: Node | Way | Relation) -> str:
        fields = [f'"type": "{type(e).__name__.lower()}"']
        if self.ids:
            fields.append(f'"id": {e.id}')
        if isinstance(e, Node) and self.coordinates:
            fields += [f'"lat": {coordinate(e.lat)}', f'"lon": {coordinate(e.lon)}']
        if self.meta:
            meta = e.meta or Meta()
            user = self.user(meta)
            fields += [f'"timestamp": "{timestamp(meta.timestamp)}"', f'"version": {meta.version}']
            fields.append(f'"changeset": {meta.changeset}')
            fields += [f'"user": "{json_text(user)}"'] if user is not None else []
            fields.append(f'"uid": {meta.uid}')
        fields += self.json_children(e)
        return "{\n  " + ",\n  ".join(fields) + "\n}"

    def json_children(self, e: Node | Way | Relation) -> list[str]:
        fields, box = [], self.box(e)
        if box and self.geometry == "center":
            lat, lon = center(box)
            fields.append(f'"center": {{\n    "lat": {lat},\n    "lon": {lon}\n  }}')
        elif box:
            names = ("minlat", "minlon", "maxlat", "maxlon")
            sides = ",\n".join(f'    "{name}": {coordinate(v)}' for name, v in zip(names, box, strict=True))
            fields.append(f'"bounds": {{\n{sides}\n  }}')
        if isinstance(e, Way):
            if self.refs and e.refs:
                fields.append('"nodes": [\n' + ",\n".join(f"    {ref}" for ref in e.refs) + "\n  ]")
            if self.line:
                fields.append(f'"geometry": [{self.json_line(self.way_line(e), "    ")}\n  ]')
        if isinstance(e, Relation) and self.refs and e.members:
            fields.append('"members": [\n' + ",\n".join(self.json_member(*m) for m in e.members) + "\n  ]")
        if self.tags and e.tags:
            tags = ",\n".join(f'    "{json_text(k)}": "{json_text(v)}"' for k, v in sorted_tags(e))
            fields.append(f'"tags": {{\n{tags}\n  }}')
        return fields

    @staticmethod
    def json_line(line: list[Position | None], indent: str) -> str:
        shown = (f'{{ "lat": {coordinate(p[0])}, "lon": {coordinate(p[1])} }}' if p else "null" for p in line)
        return ",".join(f"\n{indent}{text}" for text in shown)

    def json_member(self, type_: str, ref: int, role: str) -> str:
        fields = [f'"type": "{type_}"', f'"ref": {ref}', f'"role": "{json_text(role)}"']
        line = self.drawn(type_, ref)
        if type_ == "node" and line and line[0]:
            fields += [f'"lat": {coordinate(line[0][0])}', f'"lon": {coordinate(line[0][1])}']
        if type_ == "way" and self.line:
            fields.append(f'"geometry": [{self.json_line(line, "         ")}\n      ]')
        return "    {\n      " + ",\n      ".join(fields) + "\n    }"

    # CSV

    def csv(self, e: Node | Way | Relation, fields: Sequence[tuple[str, bool]], separator: str) -> str:
        return separator.join(self.csv_value(e, name, special) for name, special in fields) + "\n"

    def csv_value(self, e: Node | Way | Relation, name: str, special: bool) -> str:
        if not special:
            return csv_text(e.tags.get(name, "")) if self.tags else ""
        kind = type(e).__name__.lower()
        values = {"type": kind, "otype": str(TYPES.index(kind) + 1), "id": str(e.id) if self.ids else ""}
        box = self.box(e)
        if isinstance(e, Node) and self.coordinates:
            values |= {"lat": coordinate(e.lat), "lon": coordinate(e.lon)}
        elif box:
            values["lat"], values["lon"] = center(box)
        if self.meta:
            m = e.meta or Meta()
            values |= {"version": str(m.version), "changeset": str(m.changeset), "uid": str(m.uid)}
            values |= {"timestamp": timestamp(m.timestamp), "user": self.user(m) or ""}
        return values.get(name, "")
