"""Evaluators and assignments printed as QL, with the oddities of the reference."""

from __future__ import annotations

from . import words
from .attributes import exists
from .expressions import PRIORITY, UNARY_PRIORITY
from .formats import escaped, quoted
from .numbers import float_text, whole_float, whole_integer
from .tree import Element

_HIGHEST = 1000
_WITH_EMPTY_STRING = frozenset(
    ["eval-version", "eval-timestamp", "eval-changeset", "eval-uid", "eval-user", "eval-geometry"]
)
_BINARY = {name: operator for operator, name in words.BINARY_OPERATORS.items()}
_PREFIX = {name: operator for operator, name in words.PREFIX_OPERATORS.items()}
_AGGREGATORS = {name: function for function, name in words.AGGREGATORS.items()}
_SIMPLE = {name: function for function, name in (words.ELEMENT_FUNCTIONS | words.MEMBER_FUNCTIONS).items()}
_CALLS = {
    name: function
    for functions in (
        words.STRING_FUNCTIONS,
        words.GEOMETRY_FUNCTIONS,
        words.LIST_FUNCTIONS,
        words.ENUMERATORS,
        words.SHAPES,
    )
    for function, name in functions.items()
}
"""Functions whose arguments the reference prints without anything between them."""


def print_assignment(element: Element) -> str:
    """A set-prop of make or convert."""
    value = element.evaluator()
    shown = print_evaluator(value)
    keytype = element.get("keytype")
    if keytype == "geometry":
        return "::geom=" + shown
    key = element.get("k") if keytype == "tag" else ""
    if not key:
        return f"{element.get('from')}::={shown}"
    return f"{escaped(key)}={shown}" if value else "!" + escaped(key)


def print_evaluator(element: Element | None) -> str:
    """An evaluator; nothing for none."""
    if element is None:
        return ""
    name = element.name
    arguments = [child for child in element.children if exists(child.name)]
    if name in _SIMPLE:
        return _SIMPLE[name] + ('("")' if name in _WITH_EMPTY_STRING else "()")
    if name in _BINARY:
        operands = [_operand(each, PRIORITY[_BINARY[name]]) for each in arguments] + ["", ""]
        return operands[0] + _BINARY[name] + operands[1]
    if name in _PREFIX:
        return _PREFIX[name] + "".join(_operand(each, UNARY_PRIORITY) for each in arguments)
    if name in _CALLS:
        return f"{_CALLS[name]}({''.join(map(print_evaluator, arguments))})"
    if name in _AGGREGATORS:
        return f"{_set(element)}{_AGGREGATORS[name]}({''.join(map(print_evaluator, arguments))})"
    return _print_other(element)


def _print_other(element: Element) -> str:
    arguments = [print_evaluator(child) for child in element.children]
    match element.name:
        case "eval-fixed":
            return _constant(element.get("v"))
        case "eval-value":
            return f't["{"".join(arguments)}"]'
        case "eval-generic":
            return "::"
        case "eval-is-tag":
            return f"is_tag({quoted(element.get('k'))})"
        case "eval-set-key":
            return f"{element.get('from')}.{element.get('key')}"
        case "eval-set-count":
            counted = element.get("type")
            return f"{_set(element)}count({'node' if counted == 'nodes' else counted})"
        case "eval-prop-count":
            return _property_count(element)
        case "eval-point":
            return f"pt({','.join(arguments)})"
        case "eval-ternary":
            operands = [_operand(child, PRIORITY["?"]) for child in element.children] + ["", "", ""]
            return f"{operands[0]}?{operands[1]}:{operands[2]}"
    return ""


def _set(element: Element) -> str:
    return "" if element.get("from") == "_" else element.get("from") + "."


def _operand(element: Element, priority: int) -> str:
    shown = print_evaluator(element)
    return f"({shown})" if _priority(element) < priority else shown


def _priority(element: Element) -> int:
    if element.name in _BINARY:
        return PRIORITY[_BINARY[element.name]]
    if element.name in _PREFIX:
        return UNARY_PRIORITY
    return PRIORITY["?"] if element.name == "eval-ternary" else _HIGHEST


def _constant(value: str) -> str:
    integer = whole_integer(value)
    if integer is not None:
        return str(integer)
    number = whole_float(value)
    return quoted(value) if number is None else float_text(number)


def _property_count(element: Element) -> str:
    arguments = []
    if element.get("type").endswith("by_role"):
        arguments.append(quoted(element.get("role")))
    members = element.get("members_type")
    if members != "all":
        arguments.append("relations" if members == "rels" else members)
    return f"count_{element.get('type')}({','.join(arguments)})"
