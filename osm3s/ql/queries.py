"""The query statement: a type, filters in brackets, sets after dots, filters in parentheses."""

from __future__ import annotations

from .criteria import CriterionReader
from .diagnostics import Place
from .expressions import ExpressionTree, read_expression
from .factory import Factory
from .tokens import Cursor
from .tree import Element

TYPES = ("node", "way", "relation", "nwr", "nw", "wr", "nr", "derived", "area")
_KEY_REGEX_ALONE = "A regular expression for a key can only be combined with a regular expression as value criterion"


def take_into(cursor: Cursor) -> str:
    """The name after an arrow, `_` if there is none."""
    if not cursor.good or cursor.token != "->":
        return "_"
    cursor.advance()
    cursor.skip_to(".")
    return cursor.take_identifier("Variable") if cursor.good else "_"


def take_from(cursor: Cursor) -> str:
    """The name after a dot, `_` if there is none."""
    if not cursor.good or cursor.token != ".":
        return "_"
    cursor.advance()
    return cursor.take_identifier("Variable") if cursor.good else "_"


def read_query(cursor: Cursor, factory: Factory, type_: str, from_: str) -> Element | None:
    """The rest of a query after type and set, up to and with the semicolon."""
    place = cursor.place
    clauses: list[tuple[str, dict[str, str], Place]] = []
    expressions: list[ExpressionTree] = []
    while cursor.good and cursor.token in ("[", "(", "."):
        if cursor.token == "[":
            clause = _read_tag_filter(cursor)
            if clause:
                clauses.append(clause)
        elif cursor.token == "(":
            cursor.advance()
            if not cursor.good:
                cursor.parse_error("':' or '.' expected.")
                break
            expressions.append(read_expression(cursor, in_parentheses=True))
            cursor.skip_to(")")
        else:
            item_place = cursor.place
            clauses.append(("item", {"from": take_from(cursor), "into": "_"}, item_place))
    into = take_into(cursor)

    statement: Element | None
    if not clauses and not expressions:
        statement = _without_filters(cursor, factory, type_, from_, into, place)
    elif not clauses and not from_ and len(expressions) == 1:
        statement = _with_one_criterion(factory, type_, into, expressions[0], place)
    else:
        statement = factory.statement("query", {"into": into, "type": type_}, place)
        if from_:
            clauses.insert(0, ("item", {"from": from_, "into": "_"}, place))
        for clause in clauses:
            factory.add(statement, factory.statement(*clause))
        for expression in expressions:
            criterion, _ = CriterionReader(factory, expression, type_, "_").read()
            if criterion is not None:
                factory.add(statement, criterion)
    cursor.skip_to(";")
    return statement


def _without_filters(
    cursor: Cursor, factory: Factory, type_: str, from_: str, into: str, place: Place
) -> Element | None:
    if not from_:
        if factory.global_bbox:
            return factory.statement("query", {"into": into, "type": type_}, place)
        cursor.parse_error("An empty query is not allowed")
        return None
    if not type_:
        return factory.statement("item", {"from": from_, "into": into}, place)
    statement = factory.statement("query", {"into": into, "type": type_}, place)
    factory.add(statement, factory.statement("item", {"from": from_, "into": "_"}, place))
    return statement


def _with_one_criterion(
    factory: Factory, type_: str, into: str, expression: ExpressionTree, place: Place
) -> Element | None:
    criterion, standalone = CriterionReader(factory, expression, type_, into).read()
    if criterion is None or standalone:
        return criterion
    statement = factory.statement("query", {"into": into, "type": type_}, place)
    factory.add(statement, criterion)
    return statement


def _has_kv(key: str, value: str, straight: bool, key_is_regex: bool, value_is_regex: bool) -> dict[str, str]:
    attrs = {
        "regk" if key_is_regex else "k": key,
        "modv": "" if straight else "not",
        "regv" if value_is_regex else "v": value,
    }
    return dict(sorted(attrs.items()))


def _read_tag_filter(cursor: Cursor) -> tuple[str, dict[str, str], Place] | None:
    cursor.advance()
    key_is_regex = cursor.token == "~"
    if key_is_regex:
        cursor.advance()
    if cursor.token == "!":
        cursor.advance()
        key = cursor.take_text("Key")
        cursor.skip_to("]")
        return "has-kv", _has_kv(key, ".*", False, False, True), cursor.place

    key = cursor.take_text("Key")
    cursor.skip_to("!", "~", "=", "!=", "]", consume=False)
    straight = True
    if cursor.token == "!":
        straight = False
        cursor.advance()
        cursor.skip_to("~", "=", "]", consume=False)

    if cursor.token in ("]", "=", "!="):
        if key_is_regex:
            cursor.parse_error(_KEY_REGEX_ALONE)
        if cursor.token == "]":
            place = cursor.place
            cursor.advance()
            return "has-kv", _has_kv(key, "", straight, False, False), place
        return _read_plain_value(cursor, key)
    return _read_regex_value(cursor, key, straight, key_is_regex)


def _read_plain_value(cursor: Cursor, key: str) -> tuple[str, dict[str, str], Place] | None:
    """What follows after the key; an empty value is no filter at all."""
    straight = cursor.token == "="
    cursor.advance()
    if cursor.good and cursor.token == "]":
        cursor.advance()
        return None
    place = cursor.place
    value = cursor.take_text("Value")
    cursor.skip_to("]")
    return ("has-kv", _has_kv(key, value, straight, False, False), place) if value else None


def _read_regex_value(
    cursor: Cursor, key: str, straight: bool, key_is_regex: bool
) -> tuple[str, dict[str, str], Place]:
    cursor.advance()
    place = cursor.place
    attrs = _has_kv(key, cursor.take_text("Value"), straight, key_is_regex, True)
    cursor.skip_to(",", "]", consume=False)
    if cursor.token == ",":
        attrs = {"case": "ignore"} | attrs
        cursor.advance()
        cursor.skip_to("i")
        cursor.skip_to("]", consume=False)
    cursor.advance()
    return "has-kv", attrs, place
