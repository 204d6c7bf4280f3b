"""The functions of evaluators: for each, what its call must look like and which element it becomes."""

from __future__ import annotations

from . import words
from .evaluators import Context, EvaluatorReader, FunctionReader
from .tree import Element
from .words import GEOMETRY, STRING


def _element_function(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    if not reader.is_plain_call(node, arguments=False) or not reader.in_element(node, context):
        return None
    return reader.new(words.ELEMENT_FUNCTIONS[name], node)


def _member_function(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    if not reader.is_plain_call(node, arguments=False):
        return None
    if context < Context.MEMBER:
        reader.error(f"{reader.call(node)} must be called in a context where it can evaluate an element's member", node)
        return None
    return reader.new(words.MEMBER_FUNCTIONS[name], node)


def _string_function(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    return _unary(reader, node, name, words.STRING_FUNCTIONS[name], context, STRING)


def _geometry_function(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    return _unary(reader, node, name, words.GEOMETRY_FUNCTIONS[name], context, GEOMETRY)


def _unary(
    reader: EvaluatorReader, node: int, name: str, element_name: str, context: Context, type_: str
) -> Element | None:
    if not reader.is_plain_call(node, arguments=True):
        return None
    element = reader.new(element_name, node)
    reader.add(element, reader.tree.right[node], context, type_, f"{name}(...) needs an argument", node)
    return element


def _enumerator(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    if not reader.is_plain_call(node, arguments=True) or not reader.in_element(node, context):
        return None
    element = reader.new(words.ENUMERATORS[name], node)
    complaint = f"{name}(...) needs an argument"
    reader.add(element, reader.tree.right[node], Context.MEMBER, STRING, complaint, node)
    return element


def _list_function(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    return _binary(reader, node, name, words.LIST_FUNCTIONS[name], context, "evualator")


def _point(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    return _binary(reader, node, name, "eval-point", context, "evaluator")


def _binary(
    reader: EvaluatorReader, node: int, name: str, element_name: str, context: Context, evaluator: str
) -> Element | None:
    tree = reader.tree
    if not reader.is_plain_call(node, arguments=True):
        return None
    element = reader.new(element_name, node)
    pair = tree.right[node]
    if tree.token[pair] == "," and tree.left[pair] and tree.right[pair]:
        a_an = f"argument of {name}(...) must be an {evaluator}"
        reader.add(element, tree.left[pair], context, STRING, f"First {a_an}", node)
        reader.add(element, tree.right[pair], context, STRING, f"Second {a_an}", node, name.startswith("lrs_"))
    else:
        reader.error(f"{name}(...) needs two arguments", node)
    return element


def _shape(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    tree = reader.tree
    if not reader.is_plain_call(node, arguments=True):
        return None
    element = reader.new(words.SHAPES[name], node)
    for argument in tree.arguments(tree.right[node]):
        complaint = f"Every argument of {name}(...) must be an evaluator"
        reader.add(element, argument, context, GEOMETRY, complaint, argument)
    return element


def _aggregator(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    tree = reader.tree
    is_call = tree.token[node] == "("
    argument = tree.right[node] if is_call else tree.right[tree.right[node]]
    complaint = f"{name}(...) needs an argument"
    if not argument:
        reader.error(complaint, node)
        return None
    element = reader.new(words.AGGREGATORS[name], node, **{"from": "_" if is_call else tree.token[tree.left[node]]})
    reader.add(element, argument, Context.ELEMENT, GEOMETRY if name == "gcat" else STRING, complaint, node)
    return element


def _set_count(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    tree = reader.tree
    is_call = tree.token[node] == "("
    if not tree.is_leaf(tree.left[node] if is_call else tree.left[tree.right[node]]):
        reader.error("Function name expected, compound expression found", node)
        return None
    if not reader.has_arguments(node, arguments=True):
        return None
    counted = tree.token[tree.right[node] if is_call else tree.right[tree.right[node]]]
    if counted not in words.COUNTED_SETS:
        reader.error(
            '"count" accepts only one of "nodes", "ways", "relations", "deriveds", "nwr", "nw", "wr", or "nr" '
            "as type argument.",
            node,
        )
        return None
    from_ = "_" if is_call else tree.token[tree.left[node]]
    return reader.new("eval-set-count", node, **{"from": from_, "type": counted})


def _is_tag(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    if not reader.is_plain_call(node, arguments=True) or not reader.in_element(node, context):
        return None
    key = reader.tree.right[node]
    if not reader.tree.is_leaf(key):
        reader.error("is_tag(key) needs a simple string as argument", node)
        return None
    return reader.new("eval-is-tag", node, k=reader.value(key))


def _counter(reader: EvaluatorReader, node: int, name: str, context: Context) -> Element | None:
    tree = reader.tree
    if not reader.is_plain_call(node, arguments=None) or not reader.in_element(node, context):
        return None
    argument = tree.right[node]
    element = reader.new("eval-prop-count", node, type=words.COUNTERS[name])
    if name == "count_tags":
        return element if reader.has_arguments(node, arguments=False) else None
    members_type = argument
    if name.endswith("by_role"):
        members_type = 0
        if not argument:
            reader.error(f"{name}() must have the name of the wanted role as argument", node)
            return None
        role = argument
        if tree.token[argument] == "," and tree.left[argument] and tree.right[argument]:
            role, members_type = tree.left[argument], tree.right[argument]
        if not tree.is_leaf(role):
            reader.error(f"{name}() needs a single literal expression as argument for the wanted role", node)
            return None
        element.attrs["role"] = reader.value(role)
    if members_type:
        word = tree.token[members_type]
        if not tree.is_leaf(members_type) or word not in words.MEMBER_TYPES:
            which = "as second argument" if name.endswith("by_role") else "as an argument"
            reader.error(f"{name}(...) can only have one of the words nodes, ways, or relations {which}", node)
            return None
        element.attrs["members_type"] = "relations" if word == "rels" else word
    return element


def _readers() -> dict[str, FunctionReader]:
    kinds: list[tuple[dict[str, str], FunctionReader]] = [
        (words.ELEMENT_FUNCTIONS, _element_function),
        (words.MEMBER_FUNCTIONS, _member_function),
        (words.STRING_FUNCTIONS, _string_function),
        (words.GEOMETRY_FUNCTIONS, _geometry_function),
        (words.LIST_FUNCTIONS, _list_function),
        (words.AGGREGATORS, _aggregator),
        (words.ENUMERATORS, _enumerator),
        (words.SHAPES, _shape),
        (words.COUNTERS, _counter),
    ]
    readers: dict[str, FunctionReader] = {
        "pt": _point,
        "count": _set_count,
        "is_tag": _is_tag,
    }
    for functions, reader in kinds:
        readers.update(dict.fromkeys(functions, reader))
    return readers


FUNCTIONS = _readers()
