"""Random filters of query statements."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from osm3s.constants import RELATION_AREA_OFFSET, WAY_AREA_OFFSET

from . import vocabulary
from .dataset import KINDS, DataSet, Element, degrees
from .random_evaluators import SETS, Evaluators, Place, quoted
from .trees import Row, Tree

AROUND_THE_WORLD_SHARE = 0.005  # of boxes: the reference takes seconds for them
_KINDS_OF = {"node": ("node",), "way": ("way",), "rel": ("relation",), "relation": ("relation",)}
_KINDS_OF |= {
    "area": ("way",),
    "nwr": KINDS,
    "nw": ("node", "way"),
    "wr": ("way", "relation"),
    "nr": ("node", "relation"),
}


def kinds_of(type_: str) -> tuple[str, ...]:
    return _KINDS_OF.get(type_, ())


class Filters:
    """Each filter is a tree of the kind "filter", in parentheses or brackets."""

    def __init__(self, rng: Random, data: DataSet, evaluators: Evaluators) -> None:
        self.rng = rng
        self.data = data
        self.evaluators = evaluators
        self.with_meta = data.level != "data"

    def filters(self, type_: str) -> Tree:
        """Between the type and the semicolon: mostly one, which finds something."""
        rng = self.rng
        if type_ == "derived":
            filters = [Tree("filter", (f".{self._known_set()}",))]
            filters += [self._tag() if rng.random() < 0.7 else self._if() for _ in range(rng.choice((0, 1)))]
            return Tree("filters", (Row(tuple(filters), minimum=1),))
        filters = [self._strong(type_)]
        filters += [self.filter(type_) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2)))]
        rng.shuffle(filters)
        return Tree("filters", (Row(tuple(filters), minimum=1),))

    def filter(self, type_: str) -> Tree:
        weak: list[tuple[float, Callable[[], Tree]]] = [(4, self._tag), (2, self._negative_tag), (3, self._if)]
        if self.with_meta:
            weak += [(1, self._newer), (1, lambda: self._user(type_))]
        if self.data.history:
            weak += [(2, self._changed), (1, self._newer)]
        if self.data.areas:
            weak += [(3, lambda: self._area_or_pivot(type_))]
        weak.append((8, lambda: self._strong(type_)))
        maker = self.rng.choices([maker for _, maker in weak], [weight for weight, _ in weak])[0]
        return maker()

    def _strong(self, type_: str) -> Tree:
        makers: list[tuple[float, Callable[[], Tree]]] = [(8, self._tag), (1, self._key_regex), (2, self._set)]
        makers += [(3, lambda: self.ids(type_)), (5 if type_ != "area" else 0, lambda: self._recursion(type_))]
        makers += [(0.7, lambda: self._user(type_))] if self.with_meta else []
        makers += [(3, self._changed)] if self.data.history else []
        makers += [(6, lambda: self._area_or_pivot(type_))] if self.data.areas else []
        if self.evaluators.geometric:
            rarely = 0.2 if self.data.wide else 1  # there they cost much time
            makers += [(5, lambda: self._bbox(type_)), (3 * rarely, self._around), (2.5 * rarely, self._poly)]
        maker = self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]
        return maker()

    def _known_set(self) -> str:
        return self.rng.choice(self.evaluators.sets if self.rng.random() < 0.92 else SETS)

    def _suffix(self) -> str:
        """The input set of a filter."""
        name = self._known_set()
        return "" if name == "_" else f".{name}"

    # --- tags ------------------------------------------------------------------------------------------------------

    def _some_tag(self) -> tuple[str, str]:
        """Of an element, or of none."""
        rng = self.rng
        tagged = [element for element in self.data.known() if element.tags]
        if tagged and rng.random() < 0.92:
            return rng.choice(rng.choice(tagged).tags)
        return rng.choice(vocabulary.KEYS), rng.choice(vocabulary.VALUES)

    def _text(self, text: str) -> str:
        """Without quotes where that is possible."""
        word = text.isascii() and (text.isalpha() or (text.isdigit() and text.isascii()))
        return text if word and self.rng.random() < 0.5 else quoted(text, self.rng)

    def _tag(self) -> Tree:
        rng = self.rng
        key, value = self._some_tag()
        name = self._text(key)
        choice = rng.random()
        if choice < 0.5:
            return Tree("filter", (f"[{name}]",))
        if choice < 0.8:
            return Tree("filter", (f"[{name}={self._text(value)}]",))
        return Tree("filter", (f"[{name}~{self._regex(vocabulary.REGEXES)}{self._case()}]",))

    def _case(self) -> str:
        return ",i" if self.rng.random() < 0.3 else ""

    def _regex(self, regexes: tuple[str, ...]) -> str:
        rng = self.rng
        return quoted(rng.choice(regexes if rng.random() < 0.98 else vocabulary.WRONG_REGEXES), rng)

    def _key_regex(self) -> Tree:
        keys, values = self._regex(vocabulary.KEY_REGEXES), self._regex(vocabulary.REGEXES)
        return Tree("filter", (f"[~{keys}~{values}{self._case()}]",))

    def _negative_tag(self) -> Tree:
        key, value = self._some_tag()
        name = self._text(key)
        choice = self.rng.random()
        if choice < 0.3:
            return Tree("filter", (f"[!{name}]",))
        if choice < 0.7:
            return Tree("filter", (f"[{name}!={self._text(value)}]",))
        return Tree("filter", (f"[{name}!~{self._regex(vocabulary.REGEXES)}{self._case()}]",))

    # --- places ----------------------------------------------------------------------------------------------------

    def box(self, exact: bool = False) -> str:
        """South, west, north, east. `exact`: on nodes, which only nodes are judged by in the same way everywhere."""
        rng = self.rng
        nodes = self.data.of("node")
        one, other = rng.choice(nodes), rng.choice(nodes)
        slack = 0 if exact else 100013 if self.data.wide else rng.choice((13, 1013, 1013, 100013))
        south, north = sorted((one.lat_e7, other.lat_e7))
        west, east = one.lon_e7, other.lon_e7
        if west > east and rng.random() >= AROUND_THE_WORLD_SHARE:
            west, east = east, west
        sides = [max(south - slack, -900000000), west - slack, min(north + slack, 900000000), east + slack]
        sides[1], sides[3] = max(sides[1], -1800000000), min(sides[3], 1800000000)
        if rng.random() < AROUND_THE_WORLD_SHARE / 5:
            return rng.choice(("-90,-180,90,180", "-90,0,90,0", "0,-180,90,180", "0,179,90,-179"))
        return ",".join(degrees(side) for side in sides)

    def _bbox(self, type_: str) -> Tree:
        exact = type_ == "node" and self.rng.random() < 0.4
        return Tree("filter", (f"({self.box(exact)})",))

    def _around(self) -> Tree:
        rng = self.rng
        radius = rng.choice(("0", "0.5", "10", "100", "1000", "1000") + (() if self.data.wide else ("3000",)))
        choice = rng.random()
        if choice < (0.05 if self.data.placeless else 0.5):
            return Tree("filter", (f"(around{self._suffix()}:{radius})",))
        points = [",".join(self.some_place()) for _ in range(1 if choice < 0.8 else rng.choice((2, 3)))]
        return Tree("filter", (f"(around:{radius},", Row(tuple(Tree("point", (p,)) for p in points), ",", 1), ")"))

    def some_place(self) -> tuple[str, str]:
        """On a node or beside one."""
        if self.rng.random() < 0.4:
            node = self.rng.choice(self.data.of("node"))
            return degrees(node.lat_e7), degrees(node.lon_e7)
        return self.evaluators.place_near()

    def _poly(self) -> Tree:
        corners = tuple(
            Tree("point", (" ".join(self.evaluators.place_near()),)) for _ in range(self.rng.choice((3, 3, 4, 5, 7)))
        )
        return Tree("filter", ('(poly:"', Row(corners, " ", 3), '")'))

    def _area_or_pivot(self, type_: str) -> Tree:
        """The input sets have areas, or closed ways, now and then."""
        choice = self.rng.random()
        if choice < 0.3:
            return Tree("filter", (f"(pivot{self._suffix()})",))
        if choice < 0.6:
            return Tree("filter", (f"(area:{self._area_id()})",))
        return Tree("filter", (f"(area{self._suffix()})",))

    def _area_id(self) -> int:
        """Mostly of an area that is there."""
        made = [relation.id + RELATION_AREA_OFFSET for relation in self.data.of("relation") if len(relation.members)]
        made += [way.id + WAY_AREA_OFFSET for way in self.data.of("way") if ("a", "a") in way.tags]
        return self.rng.choice(made[-4:])

    # --- ids, sets, recursion --------------------------------------------------------------------------------------

    def _some(self, type_: str) -> Element:
        candidates = [element for element in self.data.known() if element.kind in kinds_of(type_)]
        return self.rng.choice(candidates or self.data.known())

    def ids(self, type_: str, counts: tuple[int, ...] = (1, 1, 2, 3, 8)) -> Tree:
        rng = self.rng
        ids = [str(self._some(type_).id) for _ in range(rng.choice(counts))]
        if type_ == "area":
            ids = [str(self._area_id() if rng.random() < 0.7 else self._some("way").id) for _ in ids]
        if rng.random() < 0.1:
            ids.append(str(self._some(type_).id + 1))
        if len(ids) == 1 and rng.random() < 0.7:
            return Tree("filter", (f"({ids[0]})",))
        return Tree("filter", ("(id:", Row(tuple(Tree("id", (id_,)) for id_ in ids), ",", 1), ")"))

    def _set(self) -> Tree:
        return Tree("filter", (f".{self._known_set()}",))

    def _recursion(self, type_: str) -> Tree:
        rng = self.rng
        words = [">", ">>", "<", "<<"]
        words += ["r", "r"] if type_ not in ("derived", "area") else []
        words += {"node": ["w", "w", "w", "way_cnt", "way_link"], "way": ["bn", "bn"]}.get(type_, [])
        words += ["bn", "bw", "bw", "br", "br"] if type_ in ("rel", "relation") else []
        word = rng.choice(words)
        restriction = ""
        if word in ("way_cnt", "way_link"):
            lowest = rng.randint(1, 3)
            restriction = ":" + rng.choice((str(lowest), f"{lowest}-", f"{lowest}-{lowest + rng.randint(0, 2)}"))
        elif word in ("r", "bw", "br") or (word == "bn" and type_ in ("rel", "relation")):
            if self.data.roles and rng.random() < 0.4:
                restriction = f":{quoted(rng.choice(self.data.roles), rng)}"
        elif (word == "w" or (word == "bn" and type_ == "way")) and rng.random() < 0.4:
            positions = [str(rng.choice((1, 1, 2, 3, -1, -1, -2, 5))) for _ in range(rng.choice((1, 1, 2)))]
            restriction = ":" + ",".join(positions)
        return Tree("filter", (f"({word}{self._suffix()}{restriction})",))

    # --- versions and conditions -----------------------------------------------------------------------------------

    def time(self) -> str:
        """At which something happens, or a second before, or another one."""
        rng = self.rng
        time = rng.choice(list(self.data.versions())).version.timestamp
        if rng.random() < 0.3:
            time = time.replace(":00:00Z", ":00:01Z")
        if rng.random() < 0.3:
            time = f"{rng.randint(2009, 2024)}-{time[5:]}"
        return time

    def _newer(self) -> Tree:
        return Tree("filter", (f'(newer:"{self.time()}")',))

    def _changed(self) -> Tree:
        choice = self.rng.random()
        if choice < 0.2:
            return Tree("filter", ("(changed)",))
        if choice < 0.6:
            return Tree("filter", (f'(changed:"{self.time()}")',))
        return Tree("filter", (f'(changed:"{self.time()}","{self.time()}")',))

    def _user(self, type_: str) -> Tree:
        """`touched` only without relations: of those in a set, the reference overlooks it."""
        rng = self.rng
        uids = rng.sample([*vocabulary.USERS, 99], rng.choice((1, 1, 2)))
        with_touched = self.data.history and type_ in ("node", "way", "nw")
        touched = "_touched" if with_touched and rng.random() < 0.5 else ""
        if rng.random() < 0.5:
            return Tree("filter", (f"(uid{touched}:{','.join(map(str, uids))})",))
        names = [quoted(vocabulary.USERS.get(uid, "nobody"), rng) for uid in uids]
        return Tree("filter", (f"(user{touched}:{','.join(names)})",))

    def _if(self) -> Tree:
        return Tree("filter", ("(if:", self.evaluators.string(Place.ELEMENT, 1), ")"))
