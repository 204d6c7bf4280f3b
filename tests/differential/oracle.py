"""A slow, obvious interpreter of the core of the language: filters by tags, ids, sets, users and boxes of nodes,
recursion, set operations, and out in XML. It shares nothing with the project but the parser of queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from osm3s import ql
from osm3s.ql.tree import Element as Statement

from .dataset import KINDS, DataSet, Element, Member, degrees
from .systems import TIMESTAMP, Answer

HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6" generator="">
<note>The data included in this document is from www.openstreetmap.org. The data is made available under ODbL.</note>
<meta osm_base="{}"/>

"""
TYPES = {"nwr": KINDS, "nw": KINDS[:2], "wr": KINDS[1:], "nr": KINDS[::2]} | {kind: (kind,) for kind in KINDS}
Key = tuple[int, int]
Found = set[Key]
"""Elements by type number and id."""


class Oracle:
    """A system like the others; its database is the data set itself."""

    name = "the oracle"

    def __init__(self, work: Path) -> None:
        self.elements: dict[Key, Element] = {}
        self.with_meta = True
        self.timestamp = TIMESTAMP

    def load(self, data: DataSet) -> None:
        self.elements = {element.key: element for element in data.current()}
        self.with_meta = data.level != "data"
        self.timestamp = data.changes[-1].timestamp if data.changes else TIMESTAMP

    def ask(self, query: str) -> Answer:
        run = _Run(self.elements, self.with_meta)
        errors: tuple[str, ...] = ()
        try:
            run.statements(ql.parse(query).children)
        except _NoMetadata:
            errors = ("runtime error: Tried to use meta file but no meta files available on this instance.",)
        return Answer((HEADER.format(self.timestamp) + "".join(run.printed) + "\n</osm>\n").encode(), errors)


class _NoMetadata(Exception):
    """It is to be printed, but there is none."""


class _Run:
    def __init__(self, elements: dict[Key, Element], with_meta: bool) -> None:
        self.elements = elements
        self.with_meta = with_meta
        self.scopes: list[dict[str, Found]] = [{}]
        self.printed: list[str] = []

    # --- statements ------------------------------------------------------------------------------------------------

    def statements(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            getattr(self, "_" + statement.name.replace("-", "_"))(statement)

    def read(self, name: str) -> Found:
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), set())

    def write(self, name: str, found: Found) -> None:
        self.scopes[-1][name] = found

    def _leave(self, but: str) -> None:
        """End a scope; what was written in it is seen outside, but for one set."""
        inner = self.scopes.pop()
        self.scopes[-1].update({name: found for name, found in inner.items() if name != but})

    def _query(self, query: Statement) -> None:
        found = {key for key in self.elements if KINDS[key[0]] in TYPES[query.get("type")]}
        for filter_ in query.children:
            found &= self.filtered(filter_)
        self.write(query.get("into"), found)

    def _id_query(self, query: Statement) -> None:
        self.write(query.get("into"), self.filtered(query) & self._of(query.get("type")))

    def _bbox_query(self, query: Statement) -> None:
        self.write(query.get("into"), self.filtered(query))

    def _recurse(self, recurse: Statement) -> None:
        input_ = self.read(recurse.get("from"))
        if recurse.get("type") in ("down", "down-rel", "up", "up-rel"):
            found = {"down": self.down, "down-rel": self.down_rel, "up": self.up, "up-rel": self.up_rel}[
                recurse.get("type")
            ](input_)
        else:
            found = self.filtered(recurse)
        self.write(recurse.get("into"), found)

    def _item(self, item: Statement) -> None:
        if item.input_set() != item.result_set():
            self.write(item.result_set(), self.read(item.input_set()))

    def _union(self, union: Statement) -> None:
        into, result = union.get("into"), set[Key]()
        before = self.read(into)
        self.write(into, set())
        self.scopes.append({into: before})
        for member in union.children:
            self.statements([member])
            result = result | self.read(member.result_set())
        self._leave(into)
        self.write(into, result)

    def _difference(self, difference: Statement) -> None:
        into, (first, second) = difference.get("into"), difference.children
        self.scopes.append({})
        self.statements([first])
        result = self.read(first.result_set())
        self.scopes[-2][into] = result
        self.statements([second])
        same = second.result_set() == into and into not in self.scopes[-1]
        result = result if same else result - self.read(second.result_set())
        self._leave(into)
        self.write(into, result)

    # --- filters ---------------------------------------------------------------------------------------------------

    def filtered(self, filter_: Statement) -> Found:
        name, get = filter_.name, filter_.get
        if name == "has-kv":
            return self._where(lambda element: _has_tag(element, filter_))
        if name == "id-query":
            ids = {int(value) for key, value in filter_.attrs.items() if key.startswith("ref")}
            return self._where(lambda element: element.id in ids)
        if name == "item":
            return self.read(filter_.input_set())
        if name == "user":
            uids = {value for key, value in filter_.attrs.items() if key.startswith("uid")}
            users = {value for key, value in filter_.attrs.items() if key.startswith("name")}
            return self._where(lambda element: str(element.version.uid) in uids or element.version.user in users)
        if name == "newer":
            return self._where(lambda element: element.version.timestamp >= get("than"))
        if name == "bbox-query":
            south, west, north, east = (round(float(get(side)) * 10**7) for side in "swne")
            return self._where(
                lambda node: (
                    node.kind == "node"
                    and south <= node.lat_e7 <= north
                    and (west <= node.lon_e7 <= east or (west > east and not east < node.lon_e7 < west))
                )
            )
        assert name == "recurse", name
        return self._members(filter_)

    def _where(self, condition: Callable[[Element], bool]) -> Found:
        return {key for key, element in self.elements.items() if condition(element)}

    def _of(self, type_: str) -> Found:
        return self._where(lambda element: element.kind in TYPES[type_])

    def _members(self, recurse: Statement) -> Found:
        """Those that members lead to, in one direction or the other."""
        type_, input_ = recurse.get("type"), self.read(recurse.get("from"))
        restricted = recurse.get("role-restricted") == "yes"
        positions = [int(position) for position in recurse.get("pos").split(",") if position]

        def allowed(holder: Element, place: int, member: Member) -> bool:
            n = len(_members_of(holder))
            at = not positions or place + 1 in positions or place - n in positions
            return at and (not restricted or member.role == recurse.get("role"))

        links = [
            (holder.key, (KINDS.index(member.kind), member.ref))
            for holder in self.elements.values()
            for place, member in enumerate(_members_of(holder))
            if allowed(holder, place, member)
        ]
        if type_ == "way-node":
            return {low for high, low in links if high in input_ and high[0] == 1 and low in self.elements}
        if type_.startswith("relation-") and type_ != "relation-backwards":
            members = {low for high, low in links if high in input_ and high[0] == 2 and low in self.elements}
            return members & self._of(type_.removeprefix("relation-"))
        above = 1 if type_ == "node-way" else 2
        below = {"node-way": 0, "node-relation": 0, "way-relation": 1, "relation-backwards": 2}[type_]
        return {high for high, low in links if low in input_ and low[0] == below and high[0] == above}

    # --- recursion -------------------------------------------------------------------------------------------------

    def _below(self, found: Found, holder: int, kinds: tuple[int, ...]) -> Found:
        members = {
            (KINDS.index(member.kind), member.ref)
            for key in found
            if key[0] == holder
            for member in _members_of(self.elements[key])
        }
        return {key for key in members if key in self.elements and key[0] in kinds}

    def _above(self, found: Found, holder: int, kinds: tuple[int, ...]) -> Found:
        return {
            key
            for key, element in self.elements.items()
            if key[0] == holder
            and any(
                KINDS.index(m.kind) in kinds and (KINDS.index(m.kind), m.ref) in found for m in _members_of(element)
            )
        }

    def down(self, input_: Found) -> Found:
        ways = self._below(input_, 2, (1,))
        return ways | self._below(input_, 2, (0,)) | self._below(ways | input_, 1, (0,))

    def down_rel(self, input_: Found) -> Found:
        relations = {key for key in input_ if key[0] == 2}
        while (more := relations | self._below(relations, 2, (2,))) != relations:
            relations = more
        return relations | self.down(input_ | relations)

    def up(self, input_: Found) -> Found:
        ways = self._above(input_, 1, (0,))
        return ways | self._above(input_ | ways, 2, (0, 1)) | {key for key in input_ if key[0] == 2}

    def up_rel(self, input_: Found) -> Found:
        found = self.up(input_)
        while (more := found | self._above(found, 2, (2,))) != found:
            found = more
        return found

    # --- output ----------------------------------------------------------------------------------------------------

    def _print(self, print_: Statement) -> None:
        found = self.read(print_.get("from"))
        if print_.get("mode") == "count":
            numbers = [sum(key[0] == kind for key in found) for kind in range(3)]
            names = ("nodes", "ways", "relations", "total")
            tags = zip(names, [*numbers, len(found)], strict=True)
            lines = "".join(f'    <tag k="{name}" v="{number}"/>\n' for name, number in tags)
            self.printed.append(f'  <count id="0">\n{lines}  </count>\n')
            return
        if print_.get("mode") == "meta" and not self.with_meta and any(print_.get("from") in s for s in self.scopes):
            raise _NoMetadata
        self.printed += [_printed(self.elements[key], print_.get("mode")) for key in sorted(found)]


def _members_of(element: Element) -> tuple[Member, ...]:
    return tuple(Member("node", ref, "") for ref in element.refs) or element.members


def _has_tag(element: Element, has_kv: Statement) -> bool:
    key, value, regex = has_kv.get("k"), has_kv.get("v"), has_kv.get("regv")
    flags = re.IGNORECASE if has_kv.get("case") == "ignore" else 0
    values = [v for k, v in element.tags if k == key]
    found = value in values if value else bool(values)
    if regex:
        found = any(re.search(regex, v, flags) for v in values)
    return found != (has_kv.get("modv") == "not")


def _printed(element: Element, mode: str) -> str:
    attributes, inside = f'id="{element.id}"', ""
    if element.kind == "node" and mode in ("skeleton", "body", "meta"):
        attributes += f' lat="{degrees(element.lat_e7)}" lon="{degrees(element.lon_e7)}"'
    if mode == "meta":
        version = element.version
        attributes += f' version="{version.number}" timestamp="{version.timestamp}" changeset="{version.changeset}"'
        attributes += f' uid="{version.uid}" user="{_escaped(version.user)}"'
    if mode in ("skeleton", "body", "meta"):
        inside += "".join(f'    <nd ref="{ref}"/>\n' for ref in element.refs)
        inside += "".join(
            f'    <member type="{m.kind}" ref="{m.ref}" role="{_escaped(m.role)}"/>\n' for m in element.members
        )
    if mode in ("tags", "body", "meta"):
        tags = sorted(element.tags, key=lambda tag: tag[0].encode())
        inside += "".join(f'    <tag k="{_escaped(k)}" v="{_escaped(v)}"/>\n' for k, v in tags)
    end = f">\n{inside}  </{element.kind}>\n" if inside else "/>\n"
    return f"  <{element.kind} {attributes}{end}"


def _escaped(text: str) -> str:
    return escape(text, {'"': "&quot;", "\n": "&#x0a;", "\t": "&#x09;", "\r": "&#x0d;"})
