"""Random scripts: settings, statements nested in each other, and at least one output at the end."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import vocabulary
from .dataset import DataSet
from .random_evaluators import SETS, Evaluators, Place, quoted
from .random_filters import Filters
from .random_settings import Settings
from .trees import Row, Tree

TYPES = ("node", "node", "node", "way", "way", "way", "rel", "relation", "nwr", "nwr", "nw", "wr", "nr")
MAX_DEPTH = 3


def random_query(rng: Random, data: DataSet) -> Tree:
    return _Maker(rng, data).script()


class _Maker:
    def __init__(self, rng: Random, data: DataSet) -> None:
        self.rng = rng
        self.data = data
        self.evaluators = Evaluators(rng, data, geometric=not data.way_nodes_missing)
        self.filters = Filters(rng, data, self.evaluators)
        self.depth = 0
        self.loops = 0
        self.in_diff = False

    def script(self) -> Tree:
        rng = self.rng
        settings = Settings(rng, self.data, self.filters)
        self.in_diff = settings.diff
        statements = self._prelude() if rng.random() < 0.6 else []
        statements += [self._selection() for _ in range(rng.choice((1, 1, 2)))]
        statements += [self.statement() for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]
        statements.append(self._out())
        if rng.random() < 0.6:
            statements += [self._out_of(name) for name in sorted(set(self.evaluators.sets))]
        return Tree("script", (settings.tree, Row(tuple(statements), rng.choice(("", "", "\n")), 1)))

    def _prelude(self) -> list[Tree]:
        """Sets that have something in them."""
        statements = []
        for name in self.rng.sample(SETS, self.rng.randint(1, 4)):
            self.evaluators.sets.append(name)
            type_ = self.rng.choice(TYPES)
            into = "" if name == "_" else f"->.{name}"
            statements.append(self._new(type_, self.filters.ids(type_, (3, 5, 10)), into, ";"))
        return statements

    # --- statements ------------------------------------------------------------------------------------------------

    def statement(self) -> Tree:
        makers: list[tuple[float, Callable[[], Tree]]] = [(8, self._selection), (3, self._recurse), (3, self._out)]
        makers += [(1, self._item), (3, self._make), (3, self._convert), (0.6, self._local)]
        makers += [(2, self._is_in), (1, self._map_to_area)] if self.data.areas else []
        makers += [(1, self._timeline)] if self.data.history else []
        makers += [(3 if self.in_diff else 0.1, self._compare)] if not self.loops else []
        if self.depth < MAX_DEPTH:
            makers += [(2, self._foreach), (2, self._for), (1, self._complete), (1, self._if)]
            makers += [(1, self._retro)] if self.data.history and not self.in_diff and not self.data.areas else []
        maker = self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]
        return maker()

    def _selection(self) -> Tree:
        """A statement that makes a set."""
        makers: list[tuple[float, Callable[[], Tree]]] = [(8, self._query)]
        if self.depth < MAX_DEPTH:
            makers += [(3, self._union), (1, self._difference)]
        maker = self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]
        return maker()

    def _new(self, *parts: str | Tree | Row) -> Tree:
        return Tree("statement", parts)

    def _from(self) -> str:
        name = self.rng.choice(self.evaluators.sets if self.rng.random() < 0.93 else SETS)
        return "" if name == "_" and self.rng.random() < 0.85 else f".{name}"

    def _into(self) -> str:
        name = self.rng.choice(("_", "_", "_", *SETS))
        if name not in self.evaluators.sets:
            self.evaluators.sets.append(name)
        return "" if name == "_" and self.rng.random() < 0.9 else f"->.{name}"

    def _query(self) -> Tree:
        choice = self.rng.random()
        type_ = "derived" if choice < 0.03 else self.rng.choice(TYPES)
        if self.data.areas and choice > 0.85:
            type_ = "area"
        return self._new(type_, self.filters.filters(type_), self._into(), ";")

    def _member(self) -> Tree:
        makers: list[tuple[float, Callable[[], Tree]]] = [(6, self._selection), (3, self._recurse), (2, self._item)]
        makers += [(0.5, self._make), (0.5, self._convert), (0.2, self._local)]
        makers += [(1, self._is_in), (0.5, self._map_to_area)] if self.data.areas else []
        makers += [(0.5, self._timeline)] if self.data.history else []
        if self.depth < MAX_DEPTH:
            makers += [(0.3, self._foreach), (0.2, self._for), (0.3, self._complete)]
        return self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]()

    def _looped(self) -> Row:
        """The body of a loop: in a diff, nothing is printed there."""
        self.loops += 1
        body = self._body()
        self.loops -= 1
        return body

    def _deeper(self, maker: Callable[[], Tree], counts: tuple[int, ...]) -> tuple[Tree, ...]:
        self.depth += 1
        statements = tuple(maker() for _ in range(self.rng.choice(counts)))
        self.depth -= 1
        return statements

    def _union(self) -> Tree:
        statements = self._deeper(self._member, (1, 2, 2, 3))
        return self._new("(", Row(statements), ")", self._into(), ";")

    def _difference(self) -> Tree:
        first, second = self._deeper(self._member, (2,))
        return self._new("(", first, "- ", second, ")", self._into(), ";")

    def _item(self) -> Tree:
        into = self._into() if self.rng.random() < 0.5 else ""
        return self._new(self._from() or "._", into, ";")

    def _recurse(self) -> Tree:
        return self._new(self._from() or "._", self.rng.choice((">", ">", ">>", "<", "<<")), self._into(), ";")

    # --- blocks ----------------------------------------------------------------------------------------------------

    def _body(self) -> Row:
        return Row(self._deeper(self.statement, (1, 1, 2, 3)))

    def _loop_set(self) -> tuple[str, str]:
        """The result set of a loop and its name."""
        name = self.rng.choice(("_", "a", "b", "c"))
        if name not in self.evaluators.sets:
            self.evaluators.sets.append(name)
        return ("" if name == "_" else f"->.{name}"), name

    def _foreach(self) -> Tree:
        from_ = self._from()
        into, _ = self._loop_set()
        return self._new(f"foreach{from_}{into}{{", self._looped(), "}")

    def _for(self) -> Tree:
        from_ = self._from()
        into, name = self._loop_set()
        keys = self.rng.random() < 0.15
        criterion = Tree("criterion", ("keys()",)) if keys else self.evaluators.string(Place.ELEMENT, 1)
        self.evaluators.values.append(name)
        body = self._looped()
        if self.rng.random() < 0.8:
            self.evaluators.values.pop()
        return self._new(f"for{from_}{into}(", criterion, "){", body, "}")

    def _complete(self) -> Tree:
        rng = self.rng
        limit = rng.choice(("(1)", "(2)", "(3)"))
        from_ = self._from()
        into, _ = self._loop_set()
        return self._new(f"complete{limit}{from_}{into}{{", self._looped(), "}")

    def _if(self) -> Tree:
        condition = self.evaluators.string(Place.SET, 1)
        if self.rng.random() < 0.5:
            return self._new("if(", condition, "){", self._body(), "}")
        return self._new("if(", condition, "){", self._body(), "}else{", self._body(), "}")

    def _retro(self) -> Tree:
        time = quoted(self.filters.time()) if self.rng.random() < 0.8 else 'u(t["created"])'
        return self._new("retro(", Tree("string", (time,)), "){", self._body(), "}")

    def _compare(self) -> Tree:
        rng = self.rng
        delta = Tree("delta", ("(delta:", self.evaluators.string(Place.ELEMENT, 1), ")"), ("",))
        if rng.random() < 0.5:
            delta = Tree("delta", ("",))
        from_ = self._from()
        head = (f"{from_}{' ' if from_ else ''}compare", delta, self._into())
        if rng.random() < 0.3 and self.depth < MAX_DEPTH:
            return self._new(*head, "{", self._looped(), "}")
        return self._new(*head, ";")

    # --- areas and versions ----------------------------------------------------------------------------------------

    def _is_in(self) -> Tree:
        if self.rng.random() < 0.5:
            return self._new(f"is_in({','.join(self.filters.some_place())})", self._into(), ";")
        return self._on_set("is_in")

    def _map_to_area(self) -> Tree:
        return self._on_set("map_to_area")

    def _on_set(self, word: str) -> Tree:
        from_ = self._from()
        return self._new(f"{from_}{' ' if from_ else ''}{word}", self._into(), ";")

    def _timeline(self) -> Tree:
        """Of something that is there, or was."""
        rng = self.rng
        element = rng.choice(list(self.data.versions()))
        number = f",{element.version.number}" if rng.random() < 0.3 else ""
        kind = rng.choice(("rel", "relation")) if element.kind == "relation" else element.kind
        return self._new(f"timeline({kind},{element.id}{number})", self._into(), ";")

    # --- derived objects -------------------------------------------------------------------------------------------

    def _make(self) -> Tree:
        return self._derive("make", Place.SET)

    def _convert(self) -> Tree:
        return self._derive("convert", Place.ELEMENT)

    def _derive(self, word: str, place: Place) -> Tree:
        rng = self.rng
        keys = rng.sample(vocabulary.KEYS, rng.choice((0, 1, 1, 2, 3)))
        assignments = [self._assignment(key, place) for key in keys]
        if rng.random() < 0.3:
            assignments.append(Tree("assignment", ("::id=", self.evaluators.string(place, 2))))
        if rng.random() < 0.4 and self.evaluators.geometric:
            assignments.append(Tree("assignment", ("::geom=", self.evaluators.geometry(place))))
        if rng.random() < 0.35:
            assignments.append(self._generic(place))
        rng.shuffle(assignments)
        type_ = rng.choice(("x", "item", "node", "way", "count"))
        from_ = self._from() if word == "convert" else ""
        row = Row(tuple(assignments), ",")
        return self._new(f"{from_}{' ' if from_ else ''}{word} {type_} ", row, self._into(), ";")

    def _assignment(self, key: str, place: Place) -> Tree:
        if place == Place.ELEMENT and self.rng.random() < 0.1:
            return Tree("assignment", (f"!{quoted(key)}",))
        return Tree("assignment", (f"{quoted(key)}=", self.evaluators.string(place, 1)))

    def _generic(self, place: Place) -> Tree:
        rng = self.rng
        if place == Place.ELEMENT:
            value = Tree("string", ("::",)) if rng.random() < 0.7 else self._with_generic()
            return Tree("assignment", ("::=", value))
        function = rng.choice(("u", "set", "min", "max", "sum"))
        name = rng.choice(self.evaluators.sets)
        own = "" if name == "_" else f"{name}."
        return Tree("assignment", (f"{name}::={own}{function}(::)",))

    def _with_generic(self) -> Tree:
        return Tree("string", ("::+(", self.evaluators.string(Place.ELEMENT, 2), ")"))

    def _local(self) -> Tree:
        rng = self.rng
        if not self.evaluators.geometric:
            return self._item()
        box = f"({self.filters.box()})" if rng.random() < 0.4 else ""
        from_ = self._from()
        return self._new(f"{from_}{' ' if from_ else ''}local {rng.choice(('l', 'll', 'llb'))}{box}", self._into(), ";")

    # --- output ----------------------------------------------------------------------------------------------------

    def _out(self) -> Tree:
        return self._out_of(self._from().lstrip("."))

    def _out_of(self, name: str) -> Tree:
        rng = self.rng
        if self.loops and self.in_diff:
            return self._item()
        words = []
        if rng.random() < 0.75:
            modes = ["ids", "skel", "body", "tags", "count"] + (["meta"] * 2 if self.data.level != "data" else [])
            words.append(rng.choice(modes))
        if rng.random() < 0.45 and self.evaluators.geometric:
            words.append("geom" if self.data.members_missing else rng.choice(("geom", "geom", "bb", "center")))
            if words[-1] == "geom" and rng.random() < 0.25:
                words.append(f"({self.filters.box()})")
        if rng.random() < 0.3:
            words.append(rng.choice(("qt", "qt", "asc")))
        if rng.random() < 0.05:
            words.append("noids")
        if rng.random() < 0.08:
            words.append(rng.choice(("0", "1", "2", "5", "1.5")))
        if rng.random() < 0.3:
            rng.shuffle(words)
        row = Row(tuple(Tree("word", (f" {word}",)) for word in words))
        own = "" if name in ("", "_") else f".{name}"
        return self._new(f"{own} out", row, ";")
