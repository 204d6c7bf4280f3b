"""Random queries in one context: at a date, in `retro`, a difference, a body of `compare`, about areas, or now.

Ids, tags, times and places are those of the data, and sets are read again and again, so that few answers are empty:
what rarely meets in queries of the whole language meets here often.
"""

from __future__ import annotations

import re
from random import Random

from .dataset import KINDS, DataSet
from .trees import Row, Tree

CONTEXTS = ("now", "date", "retro", "diff", "adiff", "compare", "areas")
TYPES = ("node", "way", "rel", "nwr", "nwr", "wr", "nw", "nr")
SETS = ("_", "a", "a", "b")
DEGREES = (0.0003, 0.01, 1, 5)
WAY_AREA, RELATION_AREA = 2_400_000_000, 3_600_000_000
_SAFE = re.compile(r"[A-Za-z0-9_: ]*")


def fits(context: str | None, data: DataSet) -> bool:
    """Whether the data are such that the context can be asked about, in which ways have all their nodes."""
    if context is None:
        return True
    there = {version.key for version in data.versions()}
    if not all((0, ref) in there for version in data.versions() for ref in version.refs):
        return False
    if context == "areas":
        return data.areas
    return not data.areas and not data.polar and (data.history or context == "now")


def random_query_in(context: str, rng: Random, data: DataSet) -> Tree:
    return _Maker(context, rng, data).script()


class _Maker:
    def __init__(self, context: str, rng: Random, data: DataSet) -> None:
        self.context, self.rng, self.data = context, rng, data
        self.versions = list(data.versions())
        tags = [tag for version in self.versions for tag in version.tags]
        self.tags = [tag for tag in tags if tag[0] and all(map(_SAFE.fullmatch, tag))] or [("name", "x")]

    def script(self) -> Tree:
        maker = {"retro": self._retro, "compare": self._compare, "areas": self._about_areas}
        body = maker.get(self.context, self._statements)()
        start = tuple(Tree("statement", (f"{self._source()}{into};",)) for into in ("->.a", "->.b", ""))
        if self.context == "areas":
            start = (*start[:1], Tree("statement", (f"{self._area()}->.x;",)))
        return Tree("script", (self._settings(), Row((*start, *body), minimum=1)))

    def _settings(self) -> str:
        times = sorted((self._time(), self._time()))
        if self.context in ("adiff", "compare"):
            word = "adiff" if self.context == "adiff" else "diff"
            return f'[{word}:"{times[0]}","{times[1]}"];'
        if self.context == "diff":  # also backwards
            return f'[diff:"{self._time()}","{self._time()}"];'
        if self.context == "date" or (self.context == "retro" and self.rng.random() < 0.3):
            return f'[date:"{self._time()}"];'
        return ""

    # --- what there is ----------------------------------------------------------------------------------------------

    def _time(self) -> str:
        time = self.rng.choice(self.versions).version.timestamp
        if self.rng.random() < 0.3:
            time = time.replace(":00:00Z", ":00:01Z")
        return time if self.rng.random() < 0.7 else f"{self.rng.randint(2009, 2024)}-{time[5:]}"

    def _ids(self, kind: str) -> str:
        ids = [version.id for version in self.versions if version.kind == kind] or [1]
        return ",".join(map(str, {self.rng.choice(ids) for _ in range(self.rng.choice((1, 1, 2, 5)))}))

    def _source(self) -> str:
        """A query for some elements."""
        kind, choice = self.rng.choice(KINDS), self.rng.random()
        if choice < 0.15:
            return f'nwr["{self.rng.choice(self.tags)[0]}"]'
        return f"{kind if choice < 0.85 else 'nwr'}(id:{self._ids(kind)})"

    def _place(self) -> tuple[float, float]:
        node = self.rng.choice([version for version in self.versions if version.kind == "node"] or self.versions)
        return node.lat_e7 / 1e7, node.lon_e7 / 1e7

    def _box(self, size: float) -> str:
        """South, west, north, east, none of which is the place of an element."""
        lat, lon = self._place()
        sides = max(-90, lat - size * 1.1234567), max(-180, lon - size * 1.2345671), lat + size, lon + size * 1.0001
        return ",".join(f"{side:.7f}" for side in (*sides[:2], min(90, sides[2]), min(180, sides[3])))

    # --- statements -------------------------------------------------------------------------------------------------

    def _statements(self) -> tuple[Tree, ...]:
        return tuple(self._statement() for _ in range(self.rng.choice((1, 2, 3))))

    def _statement(self) -> Tree:
        rng = self.rng
        key, choice = rng.choice(self.tags)[0], rng.random()
        set_, selection, printed = f".{rng.choice(SETS)}", self._selection(), self._out()
        if choice < 0.1:
            text = f"foreach{set_}{{{selection};{printed}}}"
        elif choice < 0.15:
            text = f'for{set_}(t["{key}"]){{{selection};{printed}}}'
        elif choice < 0.2:
            text = f"complete({rng.randint(1, 3)}){set_}->.c{{{selection};}}out ids;"
        elif choice < 0.25:
            text = f"{selection};if({rng.choice(('count(ways)', 'count(nodes)>1'))}){{{printed}}}else{{{self._out()}}}"
        elif choice < 0.3:
            text = f"{selection};local {rng.choice(('l', 'll', 'llb'))};out geom;"
        elif choice < 0.35:
            kind = rng.choice(KINDS)
            text = f"timeline({kind},{self._ids(kind).partition(',')[0]});out;" if self.data.history else printed
        elif choice < 0.4:
            text = f'nwr(changed:"{self._time()}","{self._time()}");{printed}' if self.data.history else printed
        else:
            text = f"{selection};{printed}"
        return Tree("statement", (text,))

    def _selection(self, depth: int = 0) -> str:
        rng = self.rng
        choice, set_, type_ = rng.random(), rng.choice(SETS), rng.choice(TYPES)
        if choice < 0.4:
            return f"{type_}.{set_}{self._filter()}"
        if choice < 0.5:
            return f"{type_}.{set_}.{rng.choice(SETS)}"
        if choice < 0.65:
            recursions = {
                "node": ("w", "w:1,-1", "r", "way_cnt:1-", "way_link:1-"),
                "way": ("r", "bn", "bn:1"),
                "rel": ("r", "bn", "bw", "br"),
                "nwr": (">", "<", ">>", "<<"),
            }
            type_ = rng.choice(tuple(recursions))
            word, colon, positions = rng.choice(recursions[type_]).partition(":")
            return f"{type_}({word}.{set_}{colon}{positions})"
        if choice < 0.75:
            return f".{set_} {rng.choice(('>', '>>', '<', '<<'))}"
        if choice < 0.83:
            return f"{type_}(around.{set_}:{rng.choice((10, 1000, 100000))})"
        if choice < 0.9 or depth > 1:
            return self._source()
        return f"({self._selection(depth + 1)};{rng.choice(('', '- '))}{self._selection(depth + 1)};)"

    def _filter(self) -> str:
        rng = self.rng
        (key, value), (lat, lon), size = rng.choice(self.tags), self._place(), rng.choice(DEGREES)
        return rng.choice(
            (
                "",
                "",
                f'["{key}"]',
                f'["{key}"="{value}"]',
                f'["{key}"!="{value}"]',
                f"({self._box(size)})",
                f'(newer:"{self._time()}")',
                f'(if:t["{key}"]=="{value}")',
                rng.choice(("(if:version()>1)", "(if:count_members()>2)", "(if:length()>100)", "(if:is_closed())")),
                f"(around:{size * 100000:.0f},{lat},{lon})",
            )
        )

    def _out(self) -> str:
        rng = self.rng
        key, set_ = rng.choice(self.tags)[0], rng.choice(SETS)
        return rng.choice(
            (
                "out meta;",
                "out meta geom;",
                "out ids bb;",
                "out tags center;",
                f"out ids geom({self._box(1)});",
                "out count;",
                f".{set_} out meta;",
                f".{set_} out meta geom;",
                f"make x n=u({set_}.count(ways)),v={set_}.set(version()),l={set_}.sum(length());out;",
                f'make x t={set_}.set(t["{key}"]),c={set_}.sum(count_members()),::geom={set_}.gcat(geom());out geom;',
                f'convert x ::id=id(),v=version(),t=t["{key}"],l=length(),lat=lat();out;',
                "convert x ::=::,::geom=geom();out geom;",
            )
        )

    # --- contexts ---------------------------------------------------------------------------------------------------

    def _retro(self) -> tuple[Tree, ...]:
        body = Tree("statement", (f'retro("{self._time()}"){{', Row(self._statements(), minimum=1), "}"))
        if self.rng.random() < 0.15:
            body = Tree("statement", (f'retro("{self._time()}"){{', self._statement(), body, "}"))
        return (body,)

    def _compare(self) -> tuple[Tree, ...]:
        rng = self.rng
        delta = rng.choice(("", "", 'delta:t["name"]', "delta:count_members()", "delta:version()", "delta:length()"))
        from_, into = rng.choice(("", ".a ", ".b ")), rng.choice(("", "->.a", "->.c"))
        head, body = f"{from_}compare({delta}){into}{{", Row(self._statements(), minimum=1)
        printed = rng.choice(("out ids;", ".a out meta;", ".c out meta geom;", ".b out ids bb;"))
        return (Tree("statement", (head, body, "};")), Tree("statement", (printed,)))

    def _about_areas(self) -> tuple[Tree, ...]:
        return tuple(Tree("statement", (self._area_statement(),)) for _ in range(self.rng.choice((2, 3, 4, 6))))

    def _area(self) -> str:
        """A statement that finds areas."""
        rng = self.rng
        (key, value), (lat, lon) = rng.choice(self.tags), self._place()
        return rng.choice(
            (
                f"area({self._area_id()})",
                f"area(id:{self._area_id()},{self._area_id()})",
                f'area["{key}"]',
                f'area.x["{key}"="{value}"]',
                "area.x",
                f"is_in({lat},{lon})",
                ".a is_in",
                ".a map_to_area",
                "area(pivot.a)",
            )
        )

    def _area_id(self) -> int:
        kind = self.rng.choice(("way", "relation"))
        return int(self._ids(kind).partition(",")[0]) + (WAY_AREA if kind == "way" else RELATION_AREA)

    def _area_statement(self) -> str:
        rng = self.rng
        type_, filter_, printed = rng.choice(TYPES), self._filter(), self._out()
        set_ = rng.choice((".x", ".y", ".a", ""))
        return rng.choice(
            (
                f"{self._area()}->.{rng.choice('xy')};",
                f"{self._area()};",
                f"{type_}(area{set_ if rng.random() < 0.8 else f':{self._area_id()}'}){filter_};{printed}",
                f"{type_}(area.x)(area.y);out ids;",
                f"{type_}(pivot{set_});{printed}",
                f"{set_ or '._'} out {rng.choice(('ids', 'tags', 'meta', 'count', 'body geom', 'ids bb', 'center'))};",
                f"({self._area()};{self._area()};)->.x;",
                f"({self._area()};- area.x;);out ids;",
                f"foreach.x{{out ids;{type_}(area);out ids;}}",
                ".x convert z ::=::,::id=id(),t=type();out;",
                'make z n=x.count(nwr),t=x.set(t["name"]),i=x.min(id());out;',
            )
        )
