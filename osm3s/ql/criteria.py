"""Filters in parentheses, `(…)`: which one an expression is, and its attributes."""

from __future__ import annotations

from collections.abc import Callable

from .diagnostics import Diagnostics
from .evaluators import Context, EvaluatorReader
from .expressions import ExpressionTree
from .factory import Factory
from .normal_filters import NORMAL_FORMS
from .tokens import unquote
from .tree import Element
from .words import STRING


class CriterionReader:
    """Reads one expression as a filter on elements of a type."""

    __slots__ = ("factory", "into", "node", "tree", "type")

    def __init__(self, factory: Factory, tree: ExpressionTree, type_: str, into: str) -> None:
        self.factory = factory
        self.tree = tree
        self.type = type_
        self.into = into
        self.node = tree.top

    @property
    def diagnostics(self) -> Diagnostics:
        return self.factory.diagnostics

    def read(self) -> tuple[Element | None, bool]:
        """The filter, and whether it is a statement of its own if the query has no other."""
        word_node = self.tree.leftmost(self.node)
        word = self.tree.token[word_node]
        if word[:1].isdecimal() or (word[:1] == "-" and word[1:2].isdecimal()):
            word = "bbox" if self.tree.token[self.node] == "," else "id"
        reader = _READERS.get(word)
        if reader is None:
            self.diagnostics.parse_error("Unknown query clause", self.tree.place(word_node))
            return None, False
        read, standalone_types = reader
        return read(self), self.type in standalone_types or (standalone_types is _ALL_BUT_NWR and self.type != "nwr")

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _error(self, text: str) -> None:
        self.diagnostics.parse_error(text, self.tree.place(self.tree.top))

    def _value(self, node: int) -> str:
        return unquote(self.tree.token[node], self.diagnostics)

    def _new(self, name: str, **attrs: str) -> Element:
        """A checked element, whose attributes are then put into normal form."""
        element = self.factory.criterion(name, attrs, self.tree.place(self.tree.top))
        normal = NORMAL_FORMS.get(name)
        if normal:
            element.attrs = normal(element)
        if "into" in attrs and self.into != "_":
            element.attrs["into"] = self.into
        return element

    def _take_list(self) -> list[int]:
        """Go down the left side of a row of commas to its first operand; the others, in the order of the text."""
        tree = self.tree
        others = []
        while tree.token[self.node] == "," and tree.right[self.node] and tree.left[self.node]:
            others.append(tree.right[self.node])
            self.node = tree.left[self.node]
        others.reverse()
        return others

    def _take_after(self, operator: str) -> int:
        """If the node is this operator, go to its left side and return the right one."""
        tree = self.tree
        if tree.token[self.node] != operator or not tree.right[self.node]:
            return 0
        right = tree.right[self.node]
        self.node = tree.left[self.node]
        return right

    def _take_set(self) -> str:
        node = self._take_after(".")
        return self.tree.token[node] if node else "_"

    # --- the filters --------------------------------------------------------------------------------------------------

    def _id(self) -> Element:
        tokens = self.tree.token
        others = self._take_list()
        refs = [self._take_after(":") or self.node, *others]
        attrs = {"ref" if i == 0 else f"ref_{i}": tokens[node] for i, node in enumerate(refs)}
        if self.type not in ("nwr", "nw", "wr", "nr"):
            attrs["type"] = self.type
        return self._new("id-query", into=self.into, **attrs)

    def _bbox(self) -> Element | None:
        tree = self.tree
        sides = []
        for _ in range(3):
            if tree.token[self.node] != "," or not tree.left[self.node] or not tree.right[self.node]:
                self._error("bbox requires four arguments")
                return None
            sides.append(tree.token[tree.right[self.node]])
            self.node = tree.left[self.node]
        east, north, west = sides
        return self._new("bbox-query", s=tree.token[self.node], w=west, n=north, e=east, into=self.into)

    def _around(self) -> Element | None:
        tree = self.tree
        coordinates = [tree.token[node] for node in self._take_list()]
        if len(coordinates) % 2:
            self._error("around requires an odd number of arguments")
            return None
        radius = self._take_after(":")
        if not radius:
            self._error("around requires the radius as first argument")
            return None
        attrs = {"radius": self._value(radius)}
        if len(coordinates) == 2:
            attrs["lat"], attrs["lon"] = coordinates
        elif coordinates:
            attrs["polyline"] = ",".join(coordinates)
        return self._new("around", into=self.into, **{"from": self._take_set()}, **attrs)

    def _poly(self) -> Element | None:
        bounds = self._take_after(":")
        return self._new("polygon-query", bounds=self._value(bounds), into=self.into) if bounds else None

    def _area(self) -> Element:
        ref = self._take_after(":")
        return self._new("area-query", **{"from": self._take_set()}, into=self.into, ref=self.tree.token[ref])

    def _pivot(self) -> Element:
        return self._new("pivot", **{"from": self._take_set()}, into=self.into)

    def _newer(self) -> Element | None:
        than = self._take_after(":")
        return self._new("newer", than=self._value(than)) if than else None

    def _changed(self) -> Element | None:
        tree = self.tree
        token, left, right = tree.token[self.node], tree.left[self.node], tree.right[self.node]
        if token == ":" and right:
            since = until = self._value(right)
        elif token == "," and right and tree.token[left] == ":" and tree.right[left]:
            since, until = self._value(tree.right[left]), self._value(right)
        elif token == "changed":
            since = until = "auto"
        else:
            without_date = 'Date required after "changed" with colon'
            self._error(without_date if token == ":" else f'Unexpected token "{token}" after "changed"')
            return None
        return self._new("changed", since=since, until=until)

    def _user(self) -> Element:
        tree = self.tree
        others = self._take_list()
        first = tree.right[self.node] if tree.token[self.node] == ":" else 0
        users = [first, *others] if first else others
        word = tree.token[tree.left[self.node]] if tree.left[self.node] else ""
        attrs = {"type": self.type}
        if word.endswith("_touched"):
            attrs["criterion"] = "touched"
        kind = "name" if word in ("user", "user_touched") else "uid" if word else ""
        if users and not kind:
            attrs[""] = ""
        for i, node in enumerate(users, 1):
            attrs[f"{kind}_{i}"] = self._value(node) if kind == "name" else tree.token[node]
        return self._new("user", into=self.into, **attrs)

    def _filter(self) -> Element | None:
        tree = self.tree
        if tree.token[self.node] == ":" and tree.right[self.node] and tree.token[tree.left[self.node]] == "if":
            condition = tree.right[self.node]
        else:
            condition = tree.drop_leftmost_operator(self.node)
        place = tree.place(self.node)
        evaluator = EvaluatorReader(tree, self.diagnostics).read(condition, Context.ELEMENT, (STRING,))
        if evaluator is None:
            return None
        return Element("filter", {}, [evaluator], place.line)

    def _recursion(self) -> Element | None:
        tree = self.tree
        place = tree.place(self.node)
        others = [tree.token[node] for node in self._take_list()]
        positions: list[str] | None = None
        attrs = {}
        restriction = self._take_after(":")
        if restriction:
            positions = others
            if tree.token[restriction] == "-":
                attrs["lower"] = tree.token[tree.left[restriction]]
                attrs["upper"] = tree.token[tree.right[restriction]]
            elif tree.is_leaf(restriction):
                positions = [self._value(restriction), *others]
                attrs["lower"] = attrs["upper"] = positions[0]
            else:
                self.diagnostics.parse_error("Simple role token expected, structured syntax tree found.", place)
        from_ = self._take_set()
        word = tree.token[self.node]
        if word not in _RECURSIONS:
            return None
        types, produced = _RECURSIONS[word]
        recursion = types.get(self.type)
        if recursion is None:
            self._error(f"A recursion of type '{word}' produces {produced}.")
        if positions is None:
            attrs = {}
        elif word == "r" or self.type == "relation":
            attrs = {"role": positions[0] if positions else "", "role-restricted": "yes"}
        elif word == "w" or self.type == "way":
            attrs = {"pos": ",".join(reversed(positions))}
        elif word not in ("way_cnt", "way_link"):
            attrs = {}
            self._error(f"A recursion of type '{word}' cannot have restrictions.")
        return self._new("recurse", **{"from": from_}, into=self.into, type=recursion or "void", **attrs)

    def _closure(self) -> Element | None:
        from_ = self._take_set()
        recursion = CLOSURES.get(self.tree.token[self.node])
        if recursion is None:
            return None
        return self._new("recurse", **{"from": from_}, into=self.into, type=recursion)


CLOSURES = {">": "down", ">>": "down-rel", "<": "up", "<<": "up-rel"}

_MEMBER_TYPES = ("node", "way", "relation", "nwr", "nw", "wr", "nr")
_RECURSIONS: dict[str, tuple[dict[str, str], str]] = {
    "r": ({type_: f"relation-{type_}" for type_ in _MEMBER_TYPES}, "nodes, ways, or relations"),
    "w": ({"node": "way-node"}, "nodes"),
    "way_link": ({"node": "way-link"}, "nodes"),
    "way_cnt": ({"node": "way-count"}, "nodes"),
    "br": ({"relation": "relation-backwards"}, "relations"),
    "bw": ({"relation": "way-relation"}, "relations"),
    "bn": ({"way": "node-way", "relation": "node-relation", "wr": "node-wr"}, "ways or relations"),
}
"""Word -> (type of the query -> type of the recursion, what the word can produce)."""

_NODE = frozenset({"node"})
_NONE: frozenset[str] = frozenset()
_ALL_BUT_NWR = frozenset({"all but nwr"})
_READERS: dict[str, tuple[Callable[[CriterionReader], Element | None], frozenset[str]]] = {
    "id": (CriterionReader._id, frozenset({"node", "way", "relation"})),
    "bbox": (CriterionReader._bbox, _NODE),
    "around": (CriterionReader._around, _NODE),
    "poly": (CriterionReader._poly, _NODE),
    "area": (CriterionReader._area, _NONE),
    "pivot": (CriterionReader._pivot, _NODE),
    "newer": (CriterionReader._newer, _NONE),
    "changed": (CriterionReader._changed, _NONE),
    "if": (CriterionReader._filter, _NONE),
    **dict.fromkeys(("user", "uid", "user_touched", "uid_touched"), (CriterionReader._user, _NONE)),
    **dict.fromkeys(_RECURSIONS, (CriterionReader._recursion, _ALL_BUT_NWR)),
    **dict.fromkeys(CLOSURES, (CriterionReader._closure, _NONE)),
}
"""Word -> (how to read it, types for which it may be a statement)."""
