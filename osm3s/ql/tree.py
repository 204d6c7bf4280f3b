"""The tree of a query: one shape for both languages, named as the elements and attributes of Overpass XML.

A tree made from XML has exactly the attributes that were written, sorted by name. A tree made from QL has those the
reference shows for the same query: for statements every attribute of the grammar, sorted by name; for filters and
evaluators only those that differ from their default, in the reference's order, with numbers already in normal form.

An attribute that is absent has its default, so read them with `element.get(name)`:

| attribute | elements | default |
|---|---|---|
| `into` | every element with a result | `_` |
| `from` | every element with an input set | `_`; set-prop: none |
| `type` | id-query, user | empty: any type |
| `timeout` `element-limit` `output` | osm-script | `180` `536870912` `xml` |
| `mode` `order` `geometry` `ids` | print | `body` `id` `skeleton` `yes` |
| `limit` `s` `n` `w` `e` | print | empty: no limit, no box |
| `s` `n` `w` `e`, `type` | localize | empty: everywhere; `l` |
| `case` | has-kv | `sensitive` |
| `maxnum` | complete | `4096` (also if empty) |
| `since` `until` | changed | `auto` |
| `criterion` | user | `last` |
| `role-restricted` | recurse | `no`; a non-empty `role` restricts as well |
| `keytype` | set-prop | `tag` |
| `members_type` | eval-prop-count | `all` |
| `return-area` | make-area | `yes` |
| any other | | empty |

`item` of XML may have `set` instead of `from` and `into`: `input_set()` and `result_set()` know.

Bare filters: `node(3);` is an `id-query` element among the statements, likewise `bbox-query`, `around`,
`polygon-query`, `recurse`, `user`, `pivot`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_DEFAULTS = {
    "into": "_",
    "from": "_",
    "timeout": "180",
    "element-limit": "536870912",
    "output": "xml",
    "mode": "body",
    "order": "id",
    "geometry": "skeleton",
    "ids": "yes",
    "case": "sensitive",
    "since": "auto",
    "until": "auto",
    "criterion": "last",
    "role-restricted": "no",
    "keytype": "tag",
    "members_type": "all",
    "return-area": "yes",
}
_ELEMENT_DEFAULTS = {
    ("osm-script", "from"): "",
    ("set-prop", "from"): "",
    ("item", "set"): "_",
    ("localize", "type"): "l",
    ("complete", "maxnum"): "4096",
}


@dataclass(slots=True)
class Element:
    """A statement, filter or evaluator; `line` is the one the reference names in messages about it."""

    name: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    line: int = 0

    def get(self, attribute: str) -> str:
        """The attribute, or the default that the language gives it."""
        value = self.attrs.get(attribute)
        if value is None or (value == "" and attribute == "maxnum"):
            value = _ELEMENT_DEFAULTS.get((self.name, attribute))
            return _DEFAULTS.get(attribute, "") if value is None else value
        return value

    def input_set(self) -> str:
        """The set that the element reads; an item of XML may name it with `set`, which is then its result as well."""
        legacy = self.get("set") if self.name == "item" else "_"
        return self.get("from") if legacy == "_" else legacy

    def result_set(self) -> str:
        """The set that the statement writes."""
        legacy = self.get("set") if self.name == "item" else "_"
        return self.get("into") if legacy == "_" else legacy

    @property
    def is_evaluator(self) -> bool:
        return self.name.startswith("eval-")

    def evaluator(self) -> Element | None:
        """The evaluator that for, if, retro, compare, filter and set-prop have as first child, if it is there."""
        return self.children[0] if self.children and self.children[0].is_evaluator else None

    def body(self) -> list[Element]:
        """The children without the leading evaluator."""
        return self.children[1:] if self.evaluator() else self.children

    def walk(self) -> Iterator[Element]:
        """This element and all below it, parents first, in the order of the text."""
        pending = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))


@dataclass(slots=True)
class Script(Element):
    """The root `osm-script`; `language` is "ql" or "xml", the one it was written in.

    `unfinished` are the statements, outermost first, that an XML text left open at its end: none is in another one.
    """

    language: str = "ql"
    unfinished: list[Element] = field(default_factory=list)
