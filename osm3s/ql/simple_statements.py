"""The statements without a body, each read from its keyword to its semicolon."""

from __future__ import annotations

from collections.abc import Callable

from .criteria import CLOSURES
from .evaluators import Context, EvaluatorReader
from .expressions import read_expression
from .factory import Factory
from .queries import take_into
from .tokens import Cursor
from .tree import Element

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


def read_timeline(cursor: Cursor, factory: Factory) -> Element:
    """The only one that takes no set before it."""
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
    return factory.statement("timeline", attrs, place)


def _out(cursor: Cursor, factory: Factory, from_: str) -> Element:
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
    statement = factory.statement("print", attrs, cursor.place)
    cursor.skip_to(";")
    return statement


def _make(cursor: Cursor, factory: Factory, from_: str) -> Element:
    return _derive(cursor, factory, "make", from_, Context.MAKE)


def _convert(cursor: Cursor, factory: Factory, from_: str) -> Element:
    return _derive(cursor, factory, "convert", from_, Context.CONVERT)


def _derive(cursor: Cursor, factory: Factory, name: str, from_: str, context: Context) -> Element:
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
    statement = factory.statement(name, attrs, place)
    for assignment in assignments:
        if assignment is not None:
            factory.add(statement, assignment)
    cursor.skip_to(";")
    return statement


def _closure(cursor: Cursor, factory: Factory, from_: str) -> Element:
    place = cursor.place
    type_ = CLOSURES[cursor.token]
    cursor.advance()
    into = take_into(cursor)
    cursor.skip_to(";")
    return factory.statement("recurse", {"from": from_ or "_", "into": into, "type": type_}, place)


def _is_in(cursor: Cursor, factory: Factory, from_: str) -> Element:
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
    return factory.statement("coord-query", attrs, place)


def _map_to_area(cursor: Cursor, factory: Factory, from_: str) -> Element:
    place = cursor.place
    cursor.advance()
    into = take_into(cursor)
    cursor.skip_to(";")
    return factory.statement("map-to-area", {"from": from_ or "_", "into": into}, place)


def _local(cursor: Cursor, factory: Factory, from_: str) -> Element:
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
    return factory.statement("localize", dict(sorted(attrs.items())), place)


SIMPLE_STATEMENTS: dict[str, Callable[[Cursor, Factory, str], Element]] = {
    "out": _out,
    "make": _make,
    "convert": _convert,
    "is_in": _is_in,
    "map_to_area": _map_to_area,
    "local": _local,
    **dict.fromkeys(CLOSURES, _closure),
}
"""Keyword -> how to read the statement, given the name before it (empty if there is none)."""
