"""The output formats and the configuration that csv and popup take in parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .diagnostics import Diagnostics
from .tokens import Cursor

FORMATS = ("xml", "json", "csv", "custom", "popup")
DEFAULT_SEPARATOR = "\t"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_C_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_C_ESCAPE_TABLE = dict.fromkeys(range(32), "?") | {ord(char): escape for char, escape in _C_ESCAPES.items()}


def supports_diff(format_: str) -> bool:
    return format_ == "xml"


def quoted(text: str) -> str:
    """The text as a QL string with quotation marks."""
    return f'"{text.translate(_C_ESCAPE_TABLE)}"'


def escaped(text: str) -> str:
    """The text as a QL string without the quotation marks."""
    return text.translate(_C_ESCAPE_TABLE)


@dataclass(slots=True)
class CsvConfig:
    """`fields` are (name, is special) pairs; a special one is a property like id, others are tag keys."""

    fields: list[tuple[str, bool]] = field(default_factory=list)
    header: bool = True
    separator: str = DEFAULT_SEPARATOR

    def text(self, quote_special: bool = True) -> str:
        """As in a query. The reference forgets the quotation marks of special fields (`quote_special` false)."""
        fields = ",".join(_csv_field_text(name, special, quote_special) for name, special in self.fields)
        if self.separator != DEFAULT_SEPARATOR:
            return f"({fields};{'true' if self.header else 'false'};{quoted(self.separator)})"
        return f"({fields})" if self.header else f"({fields};false)"


def _csv_field_text(name: str, special: bool, quote_special: bool) -> str:
    if not special:
        return quoted(name)
    return f"::{quoted(name) if quote_special and not _WORD.fullmatch(name) else name}"


@dataclass(slots=True)
class PopupTest:
    """A tag test: whether `value` (a regular expression) matches the value of `key`, or does not."""

    key: str
    value: str
    straight: bool


@dataclass(slots=True)
class PopupCategory:
    """`groups` are lists of tests; `title_key` is the tag whose value names an element."""

    title: str = ""
    groups: list[list[PopupTest]] = field(default_factory=list)
    title_key: str = ""

    def text(self) -> str:
        groups = "".join("".join(map(_popup_test_text, group)) + ";" for group in self.groups)
        title_key = f"{quoted(self.title_key)};" if self.title_key else ""
        return f"({quoted(self.title)};{groups}{title_key})"


@dataclass(slots=True)
class PopupConfig:
    categories: list[PopupCategory] = field(default_factory=list)

    def text(self) -> str:
        return "".join(category.text() for category in self.categories)


def _popup_test_text(test: PopupTest) -> str:
    return f"[{quoted(test.key)}{'' if test.straight else '!'}~{quoted(test.value)}]"


FormatConfig = CsvConfig | PopupConfig | None


def read_config(format_: str, cursor: Cursor) -> FormatConfig:
    """Read what the format takes in parentheses; the cursor stands after the format's name."""
    if format_ == "csv":
        return _read_csv(cursor)
    return _read_popup(cursor) if format_ == "popup" else None


def config_from_text(format_: str, text: str) -> FormatConfig:
    """The configuration in the attribute `output-config`; whatever is wrong with it is overlooked."""
    return read_config(format_, Cursor(text, Diagnostics())) if text else None


def translated_config(format_: str, text: str) -> str:
    """The configuration as the reference shows it in a translation of QL; it forgets that of popup."""
    config = config_from_text(format_, text)
    return config.text(quote_special=False) if isinstance(config, CsvConfig) else ""


def _read_csv(cursor: Cursor) -> CsvConfig:
    config = CsvConfig()
    cursor.skip_to("(", consume=False)
    if cursor.token != "(":
        return config
    more = True
    while more:
        cursor.advance()
        special = cursor.token == "::"
        if special:
            cursor.advance()
        config.fields.append((cursor.take_text("CSV format specification"), special))
        cursor.skip_to(",", ";", ")", consume=False)
        more = cursor.good and cursor.token == ","
    if cursor.token == ";":
        cursor.advance()
        config.header = cursor.take_text("CSV output header line (true or false)") != "false"
        cursor.skip_to(";", ")", consume=False)
    if cursor.token == ";":
        cursor.advance()
        config.separator = cursor.take_text("CSV separator character")
    cursor.skip_to(")")
    return config


def _read_popup(cursor: Cursor) -> PopupConfig:
    config = PopupConfig()
    cursor.skip_to("(", "]", consume=False)
    while cursor.good and cursor.token == "(":
        cursor.advance()
        category = PopupCategory(cursor.take_text("title"))
        cursor.skip_to(";", ")")
        while cursor.good and cursor.token == "[":
            group = []
            while cursor.good and cursor.token == "[":
                group.append(_read_popup_test(cursor))
            cursor.skip_to(";")
            category.groups.append(group)
        if cursor.token != ")":
            category.title_key = cursor.take_text("title key")
            cursor.skip_to(";")
        cursor.skip_to(")")
        config.categories.append(category)
    return config


def _read_popup_test(cursor: Cursor) -> PopupTest:
    cursor.advance()
    test = PopupTest(cursor.take_text("Key"), ".", True)
    cursor.skip_to("!", "~", "=", "!=", "]", consume=False)
    if cursor.token == "!":
        test.straight = False
        cursor.advance()
        cursor.skip_to("~", "=", "]", consume=False)
    if cursor.token in ("=", "!="):
        test.straight = cursor.token == "="
        cursor.advance()
        test.value = "^" + cursor.take_text("Value") + "$"
    elif cursor.token == "~":
        cursor.advance()
        test.value = cursor.take_text("Value")
    cursor.skip_to("]")
    return test
