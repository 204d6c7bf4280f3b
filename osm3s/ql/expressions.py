"""Tokens between two brackets as a tree of operators: the common form of filter arguments and evaluators.

A tree is built for any sequence of tokens, sensible or not; whoever reads it decides what it means. Node 0 is a root
with an empty token whose right side is the tree. A missing side is node 0 as well, so that a reader may always ask for
the token of a side and sees an empty one.
"""

from __future__ import annotations

from array import array

from .diagnostics import NOWHERE, Place
from .tokens import Cursor

PRIORITY = {
    ",": 1,
    "=": 2,
    "?": 3,
    ":": 4,
    "||": 5,
    "&&": 6,
    "==": 7,
    "!=": 7,
    "<": 8,
    "<=": 8,
    ">": 8,
    ">=": 8,
    "+": 10,
    "-": 10,
    "*": 11,
    "/": 11,
    "%": 11,
    ".": 12,
    "->": 12,
    "!": 13,
    "::": 15,
}
UNARY_PRIORITY = 13
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


class ExpressionTree:
    """Nodes in the order of their tokens; `left` and `right` hold node numbers, 0 for none.

    Arrays, since a list of ids has two nodes for each.
    """

    __slots__ = ("_columns", "_lines", "left", "right", "token")

    def __init__(self) -> None:
        self.token: list[str] = [""]
        self.left = array("i", (0,))
        self.right = array("i", (0,))
        self._lines = array("i", (NOWHERE.line,))
        self._columns = array("i", (NOWHERE.column,))

    def place(self, node: int) -> Place:
        return Place(self._lines[node], self._columns[node])

    @property
    def top(self) -> int:
        return self.right[0]

    def is_leaf(self, node: int) -> bool:
        return not self.left[node] and not self.right[node]

    def arguments(self, node: int) -> list[int]:
        """The operands of a left-leaning row of commas, in the order of the text."""
        operands = []
        while self.token[node] == ",":
            operands.append(self.right[node])
            node = self.left[node]
        operands.append(node)
        operands.reverse()
        return operands

    def leftmost(self, node: int) -> int:
        while self.left[node]:
            node = self.left[node]
        return node

    def drop_leftmost_operator(self, node: int) -> int:
        """Replace the lowest operator on the left edge by its right side, and return the node now on top."""
        parent = 0
        while self.left[node] and self.left[self.left[node]]:
            parent, node = node, self.left[node]
        if not parent:
            return self.right[node]
        self.left[parent] = self.right[node]
        return self.top

    def _attach(self, token: str, place: Place, parent: int) -> int:
        """A new node that takes the parent's right side as its own left side."""
        node = len(self.token)
        self.token.append(token)
        self._lines.append(place.line)
        self._columns.append(place.column)
        self.left.append(self.right[parent])
        self.right.append(0)
        self.right[parent] = node
        return node


def read_expression(cursor: Cursor, in_parentheses: bool) -> ExpressionTree:
    """Read up to a `;`, an arrow, the end, or (if `in_parentheses`) the bracket that closes an outer one."""
    tree = ExpressionTree()
    open_nodes = [0]
    brackets = [0]  # positions of the opening brackets in `open_nodes`; the first is that of the root
    while cursor.good and cursor.token != ";" and cursor.token != "->":
        token = cursor.token
        if token in _OPENING:
            open_nodes.append(tree._attach(token, cursor.place, open_nodes[-1]))
            brackets.append(len(open_nodes) - 1)
        elif token in _CLOSING:
            if len(brackets) > 1:
                del open_nodes[brackets.pop() :]
            elif in_parentheses:
                return tree
            else:
                cursor.parse_error(f"Unmatched {token}")
        else:
            _add_operator_or_operand(tree, open_nodes, brackets[-1], cursor)
        cursor.advance()
    if len(brackets) > 1:
        cursor.parse_error(f"Left {tree.token[open_nodes[brackets[-1]]]} not closed.")
    return tree


def _add_operator_or_operand(tree: ExpressionTree, open_nodes: list[int], bracket: int, cursor: Cursor) -> None:
    token = cursor.token
    priority = PRIORITY.get(token, 0)
    # after an operand, "-5" is a minus and a five
    splits = token[0] == "-" and len(token) >= 2 and tree.right[open_nodes[-1]] != 0
    if splits:
        priority = PRIORITY["-"]
    if priority:
        while len(open_nodes) - 1 > bracket and PRIORITY[tree.token[open_nodes[-1]]] >= priority:
            open_nodes.pop()
        open_nodes.append(tree._attach("-" if splits else token, cursor.place, open_nodes[-1]))
        if splits:
            tree._attach(token[1:], cursor.place, open_nodes[-1])
    elif not tree.right[open_nodes[-1]]:
        tree._attach(token, cursor.place, open_nodes[-1])
    else:
        cursor.parse_error(f'Operator expected, but "{token}"found.')
