"""Random queries in the core of the language that the oracle understands."""

from __future__ import annotations

from random import Random

from . import vocabulary
from .dataset import DataSet
from .random_evaluators import SETS, Evaluators, quoted
from .random_filters import Filters
from .trees import Row, Tree

SIMPLE_REGEXES = (".", "^1", "a", "^$", "c.*e", "[0-9]+", "(a|b)", "é", "^yes$", "..", "x*", "y|n", "[^a]", "e$", ";")
TYPES = ("node", "node", "way", "way", "relation", "relation", "nwr", "nw", "wr", "nr")
MODES = ("ids", "skel", "body", "tags", "meta", "count")
RECURSIONS = {"node": ("w", "w", "r"), "way": ("bn", "bn", "r"), "relation": ("r", "bn", "bw", "br")}


def random_core_query(rng: Random, data: DataSet) -> Tree:
    return _Maker(rng, data).script()


class _Maker:
    def __init__(self, rng: Random, data: DataSet) -> None:
        self.rng = rng
        self.data = data
        self.filters = Filters(rng, data, Evaluators(rng, data, geometric=False))

    def script(self) -> Tree:
        rng = self.rng
        statements = []
        for name in SETS:
            into = "" if name == "_" else f"->.{name}"
            statements.append(Tree("statement", ("nwr", self.filters.ids("nwr", (2, 4)), f"{into};")))
        statements += [self._statement(0) for _ in range(rng.choice((1, 2, 3, 4)))]
        statements.append(self._out())
        return Tree("script", (Row(tuple(statements), minimum=1),))

    def _statement(self, depth: int) -> Tree:
        rng = self.rng
        choice = rng.random()
        if choice < 0.15 and depth < 3:
            members = tuple(self._member(depth + 1) for _ in range(rng.choice((1, 2, 3))))
            return Tree("statement", ("(", Row(members), ")", self._into(), ";"))
        if choice < 0.25 and depth < 3:
            first, second = self._member(depth + 1), self._member(depth + 1)
            return Tree("statement", ("(", first, "- ", second, ")", self._into(), ";"))
        return self._out() if choice < 0.4 else self._member(depth)

    def _member(self, depth: int) -> Tree:
        rng = self.rng
        choice = rng.random()
        if choice < 0.15:
            return Tree("statement", (f"{self._from() or '._'}{self._into()};",))
        if choice < 0.4:
            return Tree("statement", (f"{self._from() or '._'}{rng.choice(('>', '>>', '<', '<<'))}{self._into()};",))
        if choice < 0.5 and depth < 3:
            members = tuple(self._member(depth + 1) for _ in range(rng.choice((1, 2))))
            return Tree("statement", ("(", Row(members), ")", self._into(), ";"))
        type_ = rng.choice(TYPES)
        filters = tuple(self._filter(type_) for _ in range(rng.choice((1, 1, 2))))
        return Tree("statement", (type_, Row(filters, minimum=1), self._into(), ";"))

    def _filter(self, type_: str) -> Tree:
        rng = self.rng
        choice = rng.random()
        if choice < 0.4:
            return self._tag()
        if choice < 0.6 and type_ in RECURSIONS:
            return self._recursion(type_)
        if choice < 0.7 and type_ == "node":
            return Tree("filter", (f"({self.filters.box(exact=True)})",))
        if choice < 0.8:
            return self.filters.ids(type_)
        return Tree("filter", (f".{rng.choice(SETS)}",))

    def _tag(self) -> Tree:
        rng = self.rng
        tagged = rng.choice([element for element in self.data.known() if element.tags])
        key, value = rng.choice(tagged.tags)
        case = rng.choice(("", ",i"))
        test = rng.choice(("", "=", "!=", "~", "!~"))
        if "~" in test:
            return Tree("filter", (f"[{quoted(key)}{test}{quoted(rng.choice(SIMPLE_REGEXES))}{case}]",))
        return Tree("filter", (f"[{quoted(key)}{test}{quoted(value or 'a') if test else ''}]",))

    def _recursion(self, type_: str) -> Tree:
        rng = self.rng
        word, restriction = rng.choice(RECURSIONS[type_]), ""
        if rng.random() < 0.4:
            restriction = f":{quoted(rng.choice(vocabulary.ROLES))}"
            if word == "w" or (word == "bn" and type_ == "way"):
                restriction = rng.choice((":1", ":-1", ":2,-2"))
        name = rng.choice(SETS)
        return Tree("filter", (f"({word}{'' if name == '_' else '.' + name}{restriction})",))

    def _from(self) -> str:
        name = self.rng.choice(SETS)
        return "" if name == "_" else f".{name}"

    def _into(self) -> str:
        name = self.rng.choice(("_", *SETS))
        return "" if name == "_" else f"->.{name}"

    def _out(self) -> Tree:
        return Tree("statement", (f"{self._from()} out {self.rng.choice(MODES)};",))
