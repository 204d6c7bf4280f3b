"""The words of QL: comments and white space out, tokens in, and the ways a parser gets back on its feet.

At the end of the input the last token stays visible while `good` is false; the reference's messages quote it.
"""

from __future__ import annotations

import re
from collections import deque

from .diagnostics import NOWHERE, Diagnostics, Place

_SPACE = re.compile(r"[ \t\n\v\f\r]*+")
_TOKEN_PATTERN = (
    r"[A-Za-z_][A-Za-z0-9_]*+"
    r"|(?:[0-9]|-(?=[0-9.]))[0-9]*+(?:\.[0-9]*+)?(?:e-?[0-9]*+)?"
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\\Z)?'
    r"|'[^'\\]*+(?:\\.[^'\\]*+)*+(?:'|\\\Z)?"
    r"|->|::|==|!=|\|\||&&|<<|<=|>>|>="
    r"|."
)
_TOKEN = re.compile(_TOKEN_PATTERN, re.DOTALL)
_SPACE_AND_TOKEN = re.compile(rf"[ \t\n\v\f\r]*+(?!/[/*])({_TOKEN_PATTERN})", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{0,4})|(.)|\Z)", re.DOTALL
)
_STRING_OR_COMMENT = re.compile(r"""\"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|/\*.*?\*/""", re.DOTALL)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_STRAY_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_IDENTIFIER_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS = frozenset("0123456789")
_TEXT_START = _IDENTIFIER_START | _DIGITS


def _as_bytes(surrogate: str) -> str:
    """Half of a surrogate pair as its three bytes, which are not valid UTF-8."""
    return surrogate.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def encodable(text: str) -> str:
    """The text with all that UTF-8 cannot express as surrogate escapes."""
    return text if text.isascii() else _STRAY_SURROGATE.sub(lambda match: _as_bytes(match[0]), text)


def unquote(token: str, diagnostics: Diagnostics) -> str:
    """The value of a token: what is between the quotation marks with escapes resolved, or the token itself."""
    if token[:1] not in ('"', "'"):
        return token
    inner = token[1:-1]
    if "\\" not in inner:
        return inner

    def resolve(match: re.Match[str]) -> str:
        high, low, digits, character = match.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
        if digits is None:
            return {"n": "\n", "t": "\t"}.get(character, character or "")
        code = int(digits, 16) if digits else 0
        if code < 0x20:
            diagnostics.parse_error("Invalid UTF-8 character (value below 32) in escape sequence.", NOWHERE)
            return ""
        return _as_bytes(chr(code)) if 0xD800 <= code < 0xE000 else chr(code)

    return _ESCAPE.sub(resolve, inner)


class Cursor:
    """The current token of a text, with its line and column, and the reference's ways to resynchronise."""

    __slots__ = (
        "_column",
        "_counted_line_start",
        "_counted_to",
        "_end",
        "_lagging",
        "_line",
        "_line_start",
        "_line_start_after",
        "diagnostics",
        "good",
        "line",
        "start",
        "text",
        "token",
    )

    def __init__(self, text: str, diagnostics: Diagnostics) -> None:
        self.text = text
        self.diagnostics = diagnostics
        self.token = ""
        self.good = True
        self.line = 1
        self.start = 0
        self._end = 0
        self._line = 1
        self._line_start = 0
        self._line_start_after = 0
        self._counted_line_start = 0
        self._counted_to = 0
        self._column = 1
        self._lagging: deque[int] | None = None
        self.advance()

    @property
    def place(self) -> Place:
        """Of the current token. Counted on from the token asked for last: a whole query may be a single line."""
        if self._counted_line_start != self._line_start:
            self._counted_line_start = self._counted_to = self._line_start
            self._column = 1
        passed = self.text[self._counted_to : self.start]
        self._counted_to = self.start
        self._column += len(passed)
        if not passed.isascii() or "\\" in passed or "/*" in passed:  # as the reference counts
            self._column += len(passed.encode("utf-8", "surrogateescape")) - len(passed)
            for string in _STRING_OR_COMMENT.findall(passed):
                self._column -= 1 if string.startswith("/*") else len(_ESCAPED.findall(string))
        return Place(self.line, self._column)

    def advance(self) -> None:
        """Go to the next token, or set `good` to false and keep the last one."""
        text = self.text
        begin = self._end
        line_before = self._line
        if self._line_start_after:
            self._line_start = self._line_start_after
            self._line_start_after = 0
        match = _SPACE_AND_TOKEN.match(text, begin)
        if match:
            token = match[1]
            start = self.start = match.start(1)
            if start > begin:
                newlines = text.count("\n", begin, start)
                if newlines:
                    self._line += newlines
                    self._line_start = text.rfind("\n", begin, start) + 1
        else:  # a comment, or the end
            self._skip_comments()
            match = _TOKEN.match(text, self.start)
            if match is None:
                self.good = False
                self._end = self.start
                self.line = self._lagging[0] if self._lagging else self._line
                return
            token = match[0]
        self.token = token
        self._end = match.end()
        self.line = self._line
        if self._lagging is not None or token > "\x7f":
            self._follow_lag(line_before if self.start > begin else None)
        if token[0] in "\"'" and "\n" in token:
            self._line += self._counted_newlines(token)
            self._line_start_after = text.rfind("\n", self.start, self._end) + 1

    def _skip_comments(self) -> None:
        """Set `start` behind white space and comments."""
        text = self.text
        begin = position = self._end
        while True:
            after_space = end = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty text
            is_line_comment = text.startswith("//", end)
            if is_line_comment:
                end = text.find("\n", end) + 1
            elif text.startswith("/*", end):
                end = text.find("*/", end + 2) + 1
                end += end > 0
            elif end == position:
                break
            is_open = end == 0
            end = end or len(text)
            newlines = text.count("\n", position, end)
            if newlines:
                self._line_start = text.rfind("\n", position, end) + 1
            if not is_open or after_space > begin:  # an open comment right after a token: its lines are not counted
                self._line += newlines + (is_open and is_line_comment)
            position = end
        self.start = position

    @staticmethod
    def _counted_newlines(token: str) -> int:
        """Newlines that count as such: the reference overlooks those right after a backslash."""
        escaped = sum(match[4] == "\n" for match in _ESCAPE.finditer(token)) if "\\" in token else 0
        return token.count("\n") - escaped

    def _follow_lag(self, gap_line: int | None) -> None:
        """After an unquoted non-ASCII character the reference's line numbers lag behind by its further bytes.

        Kept is the line of each byte that is read but not yet counted as passed.
        """
        token = self.token
        queue = self._lagging
        if queue is None:
            queue = self._lagging = deque()
        elif gap_line is not None:
            queue.append(gap_line)
            queue.popleft()
        size = len(token.encode("utf-8", "surrogateescape"))
        if "\n" in token:
            line = self._line
            for part in token.split("\n"):
                queue.extend([line] * (len(part.encode("utf-8", "surrogateescape")) + 1))
                line += 1
            queue.pop()
        else:
            queue.extend([self._line] * size)
        self.line = queue[0]
        passed = 1 if token > "\x7f" else size
        for _ in range(min(passed, len(queue))):
            queue.popleft()
        if not queue:
            self._lagging = None

    # --- reading one token --------------------------------------------------------------------------------------------

    def parse_error(self, text: str) -> None:
        """Complain at the current token."""
        self.diagnostics.parse_error(text, self.place)

    def take_text(self, kind: str) -> str:
        """A word, number or quoted string; anything else stays and is an error."""
        token = self.token
        if self.good and token:
            first = token[0]
            if first in _TEXT_START or first in "\"'" or (first == "-" and token[1:2] in _DIGITS):
                value = unquote(token, self.diagnostics)
                self.advance()
                return value
        self.parse_error(f"{kind} expected - '{token}' found.")
        return ""

    def take_identifier(self, kind: str) -> str:
        """A word; anything else stays and is an error."""
        token = self.token
        if self.good and token and token[0] in _IDENTIFIER_START:
            self.advance()
            return token
        self.parse_error(f"{kind} expected - '{token}' found.")
        return ""

    def skip_to(self, *targets: str, consume: bool = True) -> None:
        """Go to the next token that is one of the targets, and past it; complain if anything was in between."""
        if self.token not in targets:
            quoted = [f"'{target}'" for target in targets]
            many = len(quoted) > 2
            expected = f"{', '.join(quoted[:-1])}, or {quoted[-1]} " if many else " or ".join(quoted)
            self.parse_error(f"{expected} expected - '{self.token}' found.")
            self.advance()
        while self.good and self.token not in targets:
            self.advance()
        if not self.good:
            self.parse_error("Unexpected end of input.")
        elif consume:
            self.advance()
