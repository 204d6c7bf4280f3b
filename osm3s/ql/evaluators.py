"""Expression trees read as evaluators, in the contexts that decide which functions make sense."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from osm3s.constants import MAX_NESTING

from . import words
from .diagnostics import Diagnostics, Place
from .expressions import ExpressionTree
from .numbers import whole_float, whole_integer
from .tokens import unquote
from .tree import Element
from .words import CONTAINER, GEOMETRY, STRING

ANY_TYPE = (STRING, CONTAINER, GEOMETRY)


class Context(IntEnum):
    """Where an expression stands; the later ones may use what the earlier ones may."""

    MAKE = 0
    """An assignment of a make statement."""
    CONVERT = 1
    """An assignment of a convert statement."""
    SET = 2
    ELEMENT = 3
    MEMBER = 4


def type_of(evaluator: Element) -> str:
    """What the evaluator yields: "string", "geometry" or "container"."""
    while evaluator.name == "eval-ternary":
        if len(evaluator.children) < 2:
            return STRING
        evaluator = evaluator.children[1]
    if evaluator.name in words.GEOMETRY_ELEMENTS:
        return GEOMETRY
    return CONTAINER if evaluator.name == "eval-all-keys" else STRING


class EvaluatorReader:
    """Reads the nodes of one tree; a node that makes no sense gives messages and None."""

    __slots__ = ("_depth", "diagnostics", "functions", "tree")

    def __init__(self, tree: ExpressionTree, diagnostics: Diagnostics) -> None:
        from .functions import FUNCTIONS  # which is written in terms of this class

        self.tree = tree
        self.diagnostics = diagnostics
        self.functions = FUNCTIONS
        self._depth = 0

    def read(self, node: int, context: Context, expected: tuple[str, ...]) -> Element | None:
        """The evaluator at the node, or in an assignment context (then `expected` is empty) a set-prop."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            self.diagnostics.abort(f"Nesting of evaluators is limited to {MAX_NESTING} levels", self.tree.place(node))
        try:
            return self._read(node, context, expected)
        finally:
            self._depth -= 1

    def _read(self, node: int, context: Context, expected: tuple[str, ...]) -> Element | None:
        tree = self.tree
        while tree.token[node] == "(" and not tree.left[node] and tree.right[node]:
            node = tree.right[node]
        token = tree.token[node]
        if token == "(":
            if tree.left[node]:
                return self._function(node, tree.token[tree.left[node]], context, expected)
            self._static_error("Empty parentheses cannot be evaluated.", node)
            return None
        if token == ".":
            call = tree.right[node]
            if tree.left[node] and call and tree.token[call] == "(" and tree.left[call]:
                return self._function(node, tree.token[tree.left[call]], context, expected)
            return self._fitting(self._set_key(node, context), node, expected)
        if token == "":
            self.error("Evaluator expected, but empty token found.", node)
            return None
        return self._operator_or_constant(node, token, context, expected)

    def _operator_or_constant(
        self, node: int, token: str, context: Context, expected: tuple[str, ...]
    ) -> Element | None:
        tree = self.tree
        element = self._fitting(self._operator(node, token, context), node, expected)
        if element is None and tree.is_leaf(node):
            element = self._fitting(self._constant(node, token), node, expected)
        if element is not None:
            return element
        if tree.left[node]:
            if tree.right[node]:
                self.error(f'"{token}" cannot be used as binary operator', node)
            else:
                self.error(f'"{token}" needs a right hand side argument', node)
        elif tree.right[node]:
            self.error(f'"{token}" cannot be used as unary operator', node)
            return self.read(tree.right[node], context, expected)
        else:
            self.error(f'Token "{token}" has not been recognized as statement', node)
        return None

    # --- helpers ------------------------------------------------------------------------------------------------------

    def error(self, text: str, node: int) -> None:
        self.diagnostics.parse_error(text, self.tree.place(node))

    def _static_error(self, text: str, node: int) -> None:
        self.diagnostics.static_error(text, self.tree.place(node))

    def new(self, name: str, node: int, **attrs: str) -> Element:
        return Element(name, attrs, line=self.tree.place(node).line)

    def value(self, node: int) -> str:
        return unquote(self.tree.token[node], self.diagnostics)

    def _fitting(self, element: Element | None, node: int, expected: tuple[str, ...]) -> Element | None:
        """The element if its type is one of those expected."""
        if element is None or not expected:
            return element
        found = type_of(element)
        if found in expected:
            return element
        self._static_error(
            f'Evaluator for {" or ".join(expected)} expected, but function "{element.name}" '
            f"is an evaluator for {found}.",
            node,
        )
        return None

    def add(
        self,
        parent: Element,
        node: int,
        context: Context,
        type_: str,
        complaint: str,
        at: int,
        column_as_line: bool = False,
    ) -> None:
        """Read an operand and add it; if there is none, complain at the operator.

        For one complaint the reference takes the column for the line (`column_as_line`).
        """
        child = self.read(node, context, (type_,))
        if child is not None:
            parent.children.append(child)
            return
        place = self.tree.place(at)
        self.diagnostics.parse_error(complaint, Place(place.column, place.column) if column_as_line else place)

    # --- operators and constants --------------------------------------------------------------------------------------

    def _operator(self, node: int, token: str, context: Context) -> Element | None:
        tree = self.tree
        if token in "=!" and context <= Context.CONVERT:
            return self._assignment(node, context)
        if token == "[":
            return self._tag_value(node, context)
        if token == "::":
            return self.new("eval-generic", node) if tree.is_leaf(node) else None
        if context <= Context.CONVERT or not tree.right[node]:
            return None
        if not tree.left[node]:
            return self._prefix(node, token, context) if token in words.PREFIX_OPERATORS else None
        if token == "?":
            return self._ternary(node, context)
        if token not in words.BINARY_OPERATORS:
            return None
        element = self.new(words.BINARY_OPERATORS[token], node)
        needs = f'Operator "{token}" needs a'
        self.add(element, tree.left[node], context, STRING, f"{needs} left-hand-side argument", node)
        self.add(element, tree.right[node], context, STRING, f"{needs} right-hand-side argument", node)
        return element

    def _prefix(self, node: int, token: str, context: Context) -> Element:
        element = self.new(words.PREFIX_OPERATORS[token], node)
        complaint = f'Operator "{token}" needs a right-hand-side argument'
        self.add(element, self.tree.right[node], context, STRING, complaint, node)
        return element

    def _ternary(self, node: int, context: Context) -> Element:
        tree = self.tree
        element = self.new("eval-ternary", node)
        choice = tree.right[node]
        if tree.token[choice] != ":":
            self.error('Operator "?" must have a ":" operator as right-hand-side argument', node)
            return element
        self.add(element, tree.left[node], context, STRING, 'Operator "?" needs a left-hand-side argument', node)
        operator = 'Operator ":" of operator "?" needs a'
        first = self.read(tree.left[choice], context, ANY_TYPE)
        if first is not None:
            element.children.append(first)
        else:
            self.error(f"{operator} left-hand-side argument", node)
        self.add(
            element,
            tree.right[choice],
            context,
            type_of(first) if first else STRING,
            f"{operator} right-hand-side argument with the same return type as the left-hand-side argument",
            node,
        )
        return element

    def _constant(self, node: int, token: str) -> Element | None:
        if token[0] not in "\"'" and whole_integer(token) is None and whole_float(token) is None:
            self.error(
                f'Put quotation marks around "{token}" if it should be a constant and not a tag evaluation.', node
            )
            return None
        return self.new("eval-fixed", node, v=self.value(node))

    def _tag_value(self, node: int, context: Context) -> Element | None:
        tree = self.tree
        if not self.in_element(node, context):
            return None
        name = tree.left[node]
        if not name or not tree.is_leaf(name) or tree.token[name] != "t":
            self.error('Tag evaulation needs function name "t" before the left bracket', node)
            return None
        if not tree.right[node]:
            self.error('Operator "[" needs a tag key as argument', node)
            return None
        element = self.new("eval-value", node)
        self.add(element, tree.right[node], context, STRING, "t[...] needs an argument", node)
        return element

    def _set_key(self, node: int, context: Context) -> Element | None:
        tree = self.tree
        from_, key = tree.token[tree.left[node]], tree.token[tree.right[node]]
        if context <= Context.CONVERT or not from_ or not key:
            return None
        return self.new("eval-set-key", node, **{"from": from_, "key": key})

    # --- assignments --------------------------------------------------------------------------------------------------

    def _assignment(self, node: int, context: Context) -> Element | None:
        tree = self.tree
        target, value = tree.left[node], tree.right[node]
        if tree.token[node] == "!" and value:
            return self._set_prop(node, keytype="tag", k=self.value(value))
        if not target:
            self.error("To set a property it must have a name to the left of the equal sign", node)
            return None
        if not value:
            self.error("To set a property it must have a value to the right of the equal sign", node)
            return None
        attrs = self._assigned(node, target, context)
        if attrs is None:
            return None
        element = self._set_prop(node, **attrs)
        self.add(
            element,
            value,
            Context.ELEMENT if context == Context.CONVERT else Context.SET,
            GEOMETRY if attrs.get("keytype") == "geometry" else STRING,
            "Property assignment needs a right-hand-side value",
            node,
        )
        return element

    def _assigned(self, node: int, target: int, context: Context) -> dict[str, str] | None:
        """The attributes that say what an assignment sets."""
        tree = self.tree
        if tree.token[target] != "::":
            if tree.is_leaf(target):
                return {"keytype": "tag", "k": self.value(target)}
            self.error(
                f'if special character "{tree.token[target]}" is present in property name '
                "then the property name must be in quotes",
                node,
            )
            return None
        if tree.right[target]:
            keytype = {"id": "id", "geom": "geometry"}.get(tree.token[tree.right[target]])
            if keytype:
                return {"keytype": keytype}
            self.error('The only allowed special properties are "id" and "geometry"', node)
            return {}
        if tree.left[target]:
            return {"keytype": "generic", "from": tree.token[tree.left[target]]}
        if context == Context.CONVERT:
            return {"keytype": "generic"}
        self.error("The generic tag set property can only be called from convert", node)
        return {}

    def _set_prop(self, node: int, **attrs: str) -> Element:
        element = self.new("set-prop", node, **attrs)
        if attrs.get("keytype", "tag") == "tag" and not attrs.get("k"):
            self._static_error(
                'For the statement "set-prop" in mode "keytype"="tag", the attribute "k" must be nonempty.', node
            )
        return element

    # --- calls --------------------------------------------------------------------------------------------------------

    def _function(self, node: int, name: str, context: Context, expected: tuple[str, ...]) -> Element | None:
        reader = self.functions.get(name)
        if reader is None:
            self.error(f'Function "{name}" not known', node)
            return None
        return self._fitting(reader(self, node, name, context), node, expected)

    def in_element(self, node: int, context: Context) -> bool:
        if context >= Context.ELEMENT:
            return True
        self.error(f"{self.call(node)} must be called in a context where it can evaluate an element", node)
        return False

    def call(self, node: int) -> str:
        """How messages name the function at a node."""
        tree = self.tree
        if tree.token[node] == "(" and tree.left[node]:
            return tree.token[tree.left[node]] + "(...)"
        return tree.token[tree.left[tree.right[node]]] + "(...)"

    def is_plain_call(self, node: int, arguments: bool | None) -> bool:
        """Whether it is `name(…)` without a set, with or without arguments (None: either)."""
        tree = self.tree
        is_call = tree.token[node] == "("
        name = tree.left[node] if is_call else tree.left[tree.right[node]]
        if not tree.is_leaf(name):
            self.error("Function name expected, compound expression found", node)
            return False
        if not is_call:
            self.error(f"{self.call(node)} cannot have an input set", node)
            return False
        return arguments is None or self.has_arguments(node, arguments)

    def has_arguments(self, node: int, arguments: bool) -> bool:
        tree = self.tree
        found = bool(tree.right[node] if tree.token[node] == "(" else tree.right[tree.right[node]])
        if found != arguments:
            complaint = "must have one or more arguments" if arguments else "does not accept any arguments"
            self.error(f"{self.call(node)} {complaint}", node)
        return found == arguments


FunctionReader = Callable[[EvaluatorReader, int, str, Context], Element | None]
"""Reads the call at a node, given the name of the function."""
