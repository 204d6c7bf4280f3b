"""QL read as a tree of statements. What is wrong gives a message, and reading goes on as the reference does."""

from __future__ import annotations

from collections.abc import Callable

from osm3s.constants import MAX_NESTING

from .diagnostics import Place
from .evaluators import Context, EvaluatorReader
from .expressions import read_expression
from .factory import Factory
from .header import read_settings
from .queries import TYPES, read_query, take_from, take_into
from .simple_statements import SIMPLE_STATEMENTS, read_timeline
from .tokens import Cursor
from .tree import Element, Script
from .words import CONTAINER, STRING

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
        attrs = read_settings(cursor, self.factory)
        root = self.factory.script(attrs, cursor.place, "ql")
        if attrs:
            cursor.skip_to(";")
        while cursor.good:
            statement = self.statement(0)
            if statement is not None:
                self.factory.add(root, statement)
        return root

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
            return read_timeline(cursor, self.factory)

        from_ = self._set_prefix()
        word = cursor.token if cursor.good else ""
        if word == "compare":
            return self._compare(from_, depth)
        simple = SIMPLE_STATEMENTS.get(word)
        if simple:
            return simple(cursor, self.factory, from_)
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


_BLOCKS: dict[str, Callable[[StatementReader, int], Element]] = {
    "(": StatementReader._union,
    "foreach": StatementReader._foreach,
    "for": StatementReader._for,
    "complete": StatementReader._complete,
    "if": StatementReader._if,
    "retro": StatementReader._retro,
}
