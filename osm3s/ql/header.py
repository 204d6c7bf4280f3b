"""The settings in front of the statements: `[key:value]`, as attributes of the root element."""

from __future__ import annotations

from .factory import Factory
from .formats import FORMATS, read_config
from .tokens import Cursor


def read_settings(cursor: Cursor, factory: Factory) -> dict[str, str]:
    """All settings as attributes sorted by name; of a repeated one the last counts."""
    attrs: dict[str, str] = {}
    while cursor.good and cursor.token == "[":
        _read_setting(cursor, factory, attrs)
    return dict(sorted(attrs.items()))


def _read_setting(cursor: Cursor, factory: Factory, attrs: dict[str, str]) -> None:
    """Read one setting into `attrs`."""
    cursor.advance()
    keyword = cursor.take_identifier("Keyword")
    cursor.skip_to(":")
    value = cursor.take_text("Value")
    if keyword == "out":
        _read_output_format(cursor, factory, attrs, value)
    elif keyword in ("diff", "adiff"):
        _read_diff(cursor, attrs, keyword, value)
    elif keyword == "bbox":
        attrs["bbox"] = _read_bbox(cursor, value)
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


def _read_output_format(cursor: Cursor, factory: Factory, attrs: dict[str, str], value: str) -> None:
    attrs["output"] = value
    if value in FORMATS:
        config = read_config(value, cursor)
        attrs["output-config"] = config.text() if config else ""
        factory.known_format = value
    else:
        cursor.parse_error(f"Unknown output format: {value}")
    cursor.skip_to("]")


def _read_diff(cursor: Cursor, attrs: dict[str, str], keyword: str, value: str) -> None:
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


def _read_bbox(cursor: Cursor, value: str) -> str:
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
