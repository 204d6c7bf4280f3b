"""QL read as a tree of statements. What is wrong gives a message, and reading goes on as the reference does."""

from __future__ import annotations

from collections.abc import Callable

from osm3s.constants import MAX_NESTING

from .criteria import CLOSURES
from .diagnostics import Place
from .evaluators import Context, EvaluatorReader
from .expressions import read_expression
from .factory import Factory
from .formats import FORMATS, FormatConfig, read_config
from .queries import TYPES, read_query, take_from, take_into
from .tokens import Cursor
from .tree import Element, Script
from .words import CONTAINER, STRING

_OUT_WORDS = {
    "ids": ("mode", "ids_only"),
    "skel": ("mode", "skeleton"),
    "body": ("mode", "body"),
    "tags": ("mode", "tags"),
    "meta": ("mode", "meta"),
    "count": ("mode", "count"),
    "quirks": ("mode", "quirks"),
    "asc": ("order", "id"),
    "qt": ("order", "quadtile"),
    "geom": ("geometry", "full"),
    "bb": ("geometry", "bounds"),
    "center": ("geometry", "center"),
    "noids": ("ids", "no"),
}
_BLOCK_STEP = 2
"""Unions and loops over elements count as two levels of nesting, other blocks as one."""


class StatementReader:
    """Reads a whole QL text."""

    __slots__ = ("cursor", "factory")

    def __init__(self, text: str, factory: Factory) -> None:
        self.cursor = Cursor(text, factory.diagnostics)
        self.factory = factory

    def script(self) -> Script:
        cursor = self.cursor
        attrs: dict[str, str] = {}
        config: FormatConfig = None
        while cursor.good and cursor.token == "[":
            config = self._setting(attrs, config)
        root = self.factory.script(dict(sorted(attrs.items())), cursor.place, "ql")
        if attrs:
            cursor.skip_to(";")
        while cursor.good:
            statement = self.statement(0)
            if statement is not None:
                self.factory.add(root, statement)
        return root

    # --- settings -----------------------------------------------------------------------------------------------------

    def _setting(self, attrs: dict[str, str], config: FormatConfig) -> FormatConfig:
        """Read one setting into `attrs`; returns the configuration of the output format that now holds."""
        cursor = self.cursor
        cursor.advance()
        keyword = cursor.take_identifier("Keyword")
        cursor.skip_to(":")
        value = cursor.take_text("Value")
        if keyword == "out":
            return self._output_format(attrs, value, config)
        if keyword in ("diff", "adiff"):
            self._diff(attrs, keyword, value)
        elif keyword == "bbox":
            attrs["bbox"] = self._bbox(value)
        elif keyword in ("maxsize", "timeout"):
            parts = [value]
            while cursor.good and cursor.token != "]":
                parts.append(cursor.token)
                cursor.advance()
            cursor.skip_to("]")
            attrs["element-limit" if keyword == "maxsize" else keyword] = " ".join(parts)
        else:
            cursor.skip_to("]")
            attrs[keyword] = value
        return config

    def _output_format(self, attrs: dict[str, str], value: str, config: FormatConfig) -> FormatConfig:
        cursor = self.cursor
        attrs["output"] = value
        if value in FORMATS:
            config = read_config(value, cursor)
            attrs["output-config"] = config.text() if config else ""
            self.factory.known_format = value
        else:
            cursor.parse_error(f"Unknown output format: {value}")
        cursor.skip_to("]")
        return config

    def _diff(self, attrs: dict[str, str], keyword: str, value: str) -> None:
        cursor = self.cursor
        if keyword == "adiff":
            attrs["augmented"] = "deletions"
        attrs["from"] = value
        cursor.skip_to(",", "]", consume=False)
        if cursor.token == ",":
            cursor.advance()
            attrs["date"] = cursor.take_text("Value")
            cursor.skip_to("]")
        else:
            cursor.advance()

    def _bbox(self, value: str) -> str:
        cursor = self.cursor
        cursor.skip_to(",", "]", consume=False)
        for remaining in (2, 1, 0):
            if cursor.token == ",":
                cursor.advance()
                value += "," + cursor.take_text("Value")
                if remaining:
                    cursor.skip_to(",", "]", consume=False)
                else:
                    cursor.skip_to("]")
        return value

    # --- statements ---------------------------------------------------------------------------------------------------

    def statement(self, depth: int) -> Element | None:
        """One statement; None if it makes no sense, which messages have said."""
        cursor = self.cursor
        if not cursor.good:
            return None
        if depth > MAX_NESTING:
            cursor.diagnostics.abort(f"Nesting of statements is limited to {MAX_NESTING} levels", cursor.place)
        block = _BLOCKS.get(cursor.token)
        if block:
            return block(self, depth)
        if cursor.token == "timeline":
            return self._timeline()

        from_ = self._set_prefix()
        word = cursor.token if cursor.good else ""
        if word == "compare":
            return self._compare(from_, depth)
        simple = _SIMPLE.get(word)
        if simple:
            return simple(self, from_)
        type_ = ""
        if not from_ and cursor.token != "out":
            type_ = "relation" if cursor.token == "rel" else cursor.token
            if type_ not in TYPES:
                cursor.parse_error(f'Unknown type "{type_}"')
            cursor.advance()
        if cursor.good and cursor.token == ".":
            from_ = self._set_prefix() or from_
        return read_query(cursor, self.factory, type_, from_)

    def _set_prefix(self) -> str:
        """Whatever stands after a dot."""
        cursor = self.cursor
        if not cursor.good or cursor.token != ".":
            return ""
        cursor.advance()
        if not cursor.good:
            return ""
        name = cursor.token
        cursor.advance()
        return name

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _block(self, depth: int) -> list[Element]:
        """Statements between parentheses or braces."""
        cursor = self.cursor
        cursor.skip_to("(", "{", consume=False)
        if not cursor.good:
            return []
        closing = ")" if cursor.token == "(" else "}"
        cursor.advance()
        return self._statements_until(closing, depth)

    def _statements_until(self, closing: str, depth: int) -> list[Element]:
        cursor = self.cursor
        statements = []
        while cursor.good and cursor.token != closing:
            statement = self.statement(depth)
            if statement is not None:
                statements.append(statement)
        if cursor.good:
            cursor.advance()
        return statements

    def _assemble(
        self, name: str, attrs: dict[str, str], place: Place, children: list[Element], condition: Element | None = None
    ) -> Element:
        statement = self.factory.statement(name, attrs, place)
        if condition is not None or name == "for":
            self.factory.add(statement, condition)
        for child in children:
            self.factory.add(statement, child)
        return statement

    def _skip_optional_semicolon(self) -> None:
        if self.cursor.token == ";":
            self.cursor.advance()

    def _condition(self, context: Context, expected: tuple[str, ...] = (STRING,)) -> Element | None:
        """An evaluator up to a closing parenthesis, which stays."""
        tree = read_expression(self.cursor, in_parentheses=True)
        return EvaluatorReader(tree, self.cursor.diagnostics).read(tree.top, context, expected)

    def _union(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.skip_to("(")
        members: list[Element | None] = []
        is_difference = False
        if cursor.good and cursor.token != ")":
            members.append(self.statement(depth + _BLOCK_STEP))
            if cursor.token == "-":
                is_difference = True
                cursor.advance()
        if cursor.good and cursor.token != ")":
            members.append(self.statement(depth + _BLOCK_STEP))
            if is_difference and cursor.token != ")":
                cursor.parse_error("difference always requires two operands")
                cursor.skip_to(")", consume=False)
        members.extend(self._statements_until(")", depth + _BLOCK_STEP))
        into = take_into(cursor)
        cursor.skip_to(";")
        name = "difference" if is_difference else "union"
        return self._assemble(name, {"into": into}, place, [member for member in members if member is not None])

    def _foreach(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        attrs = {"from": take_from(cursor), "into": take_into(cursor)}
        body = self._block(depth + _BLOCK_STEP)
        self._skip_optional_semicolon()
        return self._assemble("foreach", attrs, place, body)

    def _for(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        attrs = {"from": take_from(cursor), "into": take_into(cursor)}
        cursor.skip_to("(")
        condition = self._condition(Context.ELEMENT, (STRING, CONTAINER))
        cursor.skip_to(")")
        body = self._block(depth + _BLOCK_STEP)
        self._skip_optional_semicolon()
        return self._assemble("for", attrs, place, body, condition)

    def _complete(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        maxnum = ""
        if cursor.token == "(":
            cursor.advance()
            maxnum = cursor.take_text("maximum loop number")
            cursor.skip_to(")")
        attrs = {"from": take_from(cursor), "into": take_into(cursor), "maxnum": maxnum}
        body = self._block(depth + 1)
        self._skip_optional_semicolon()
        return self._assemble("complete", attrs, place, body)

    def _if(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        cursor.skip_to("(")
        condition = self._condition(Context.SET)
        cursor.skip_to(")")
        body = self._block(depth + 1)
        if cursor.good and cursor.token == "else":
            cursor.advance()
            otherwise = self._block(depth + 1)
            if otherwise:
                body += [Element("else", line=place.line), *otherwise]
        self._skip_optional_semicolon()
        return self._assemble("if", {}, place, body, condition)

    def _retro(self, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        cursor.skip_to("(")
        condition = self._condition(Context.SET)
        cursor.skip_to(")")
        body = self._block(depth + 1)
        self._skip_optional_semicolon()
        return self._assemble("retro", {}, place, body, condition)

    def _compare(self, from_: str, depth: int) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        condition = None
        if cursor.token == "(":
            cursor.skip_to("(")
            if cursor.token == "delta":
                cursor.skip_to("delta")
                cursor.skip_to(":")
                condition = self._condition(Context.ELEMENT)
            cursor.skip_to(")")
        into = take_into(cursor)
        body: list[Element] = []
        if cursor.token in ("(", "{"):
            body = self._block(depth + 1)
            self._skip_optional_semicolon()
        else:
            cursor.skip_to(";")
        return self._assemble("compare", {"from": from_ or "_", "into": into}, place, body, condition)

    # --- single statements --------------------------------------------------------------------------------------------

    def _timeline(self) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        cursor.skip_to("(")
        type_ = cursor.take_text("OSM base type")
        cursor.skip_to(",")
        ref = cursor.take_text("OSM element id")
        cursor.skip_to(",", ")", consume=False)
        version = ""
        if cursor.token == ",":
            cursor.advance()
            version = cursor.take_text("Number")
        cursor.skip_to(")")
        into = take_into(cursor)
        cursor.skip_to(";")
        attrs = {"into": into, "ref": ref, "type": "relation" if type_ == "rel" else type_, "version": version}
        return self.factory.statement("timeline", attrs, place)

    def _out(self, from_: str) -> Element:
        cursor = self.cursor
        cursor.advance()
        attrs = {"e": "", "from": from_ or "_", "geometry": "skeleton", "ids": "yes", "limit": ""}
        attrs |= {"mode": "body", "n": "", "order": "id", "s": "", "w": ""}
        while cursor.good and cursor.token != ";":
            token = cursor.token
            if token in _OUT_WORDS:
                attribute, value = _OUT_WORDS[token]
                attrs[attribute] = value
            elif "0" <= token[0] <= "9":
                attrs["limit"] = token
            elif token == "(":
                cursor.advance()
                for side in "swne":
                    attrs[side] = cursor.take_text("Number")
                    if side != "e":
                        cursor.skip_to(",")
                cursor.skip_to(")", consume=False)
            else:
                cursor.parse_error(f'Invalid parameter for print: "{token}"')
            cursor.advance()
        statement = self.factory.statement("print", attrs, cursor.place)
        cursor.skip_to(";")
        return statement

    def _make(self, from_: str) -> Element:
        return self._assignments("make", from_, Context.MAKE)

    def _convert(self, from_: str) -> Element:
        return self._assignments("convert", from_, Context.CONVERT)

    def _assignments(self, name: str, from_: str, context: Context) -> Element:
        cursor = self.cursor
        cursor.advance()
        type_ = cursor.take_identifier("Element class name") if cursor.token != ";" else ""
        tree = read_expression(cursor, in_parentheses=False)
        assignments = []
        if tree.top:
            reader = EvaluatorReader(tree, cursor.diagnostics)
            first, *others = tree.arguments(tree.top)
            # the reference reads them from the last to the first
            nodes = [first, *(node for node in others if node)]
            assignments = [reader.read(node, context, ()) for node in reversed(nodes)]
            assignments.reverse()
        attrs = {"from": from_} if from_ else {}
        attrs |= {"into": take_into(cursor), "type": type_}
        place = cursor.place
        statement = self._assemble(name, attrs, place, [each for each in assignments if each is not None])
        cursor.skip_to(";")
        return statement

    def _closure(self, from_: str) -> Element:
        cursor = self.cursor
        place = cursor.place
        type_ = CLOSURES[cursor.token]
        cursor.advance()
        into = take_into(cursor)
        cursor.skip_to(";")
        return self.factory.statement("recurse", {"from": from_ or "_", "into": into, "type": type_}, place)

    def _is_in(self, from_: str) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        lat = lon = ""
        if cursor.token == "(":
            cursor.advance()
            lat = cursor.take_text("Number")
            cursor.skip_to(",", ")", consume=False)
            if cursor.token == ",":
                cursor.advance()
                lon = cursor.take_text("Number")
                cursor.skip_to(")", consume=False)
            cursor.advance()
        into = take_into(cursor)
        cursor.skip_to(";")
        attrs = {"from": from_ or "_", "into": into, "lat": lat, "lon": lon}
        return self.factory.statement("coord-query", attrs, place)

    def _map_to_area(self, from_: str) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        into = take_into(cursor)
        cursor.skip_to(";")
        return self.factory.statement("map-to-area", {"from": from_ or "_", "into": into}, place)

    def _local(self, from_: str) -> Element:
        cursor = self.cursor
        place = cursor.place
        cursor.advance()
        type_ = "l"
        if cursor.token not in (";", "->", "("):
            type_ = cursor.token
            cursor.advance()
        box = dict.fromkeys("swne", "")
        if cursor.token == "(":
            cursor.advance()
            for side in "swne":
                if side == "s" or cursor.token == ",":
                    if side != "s":
                        cursor.advance()
                    box[side] = cursor.take_text("Value")
                    cursor.skip_to(",", ")", consume=False)
            cursor.advance()
        into = take_into(cursor)
        cursor.skip_to(";")
        attrs = box | {"from": from_ or "_", "into": into, "type": type_}
        return self.factory.statement("localize", dict(sorted(attrs.items())), place)


_BLOCKS: dict[str, Callable[[StatementReader, int], Element]] = {
    "(": StatementReader._union,
    "foreach": StatementReader._foreach,
    "for": StatementReader._for,
    "complete": StatementReader._complete,
    "if": StatementReader._if,
    "retro": StatementReader._retro,
}
_SIMPLE: dict[str, Callable[[StatementReader, str], Element]] = {
    "out": StatementReader._out,
    "make": StatementReader._make,
    "convert": StatementReader._convert,
    "is_in": StatementReader._is_in,
    "map_to_area": StatementReader._map_to_area,
    "local": StatementReader._local,
    **dict.fromkeys(CLOSURES, StatementReader._closure),
}
