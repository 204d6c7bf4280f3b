"""Numbers in texts, read and printed as the C library does it: longest valid prefix, 64 bits, 14 digits."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_INTEGER_ANY_BASE = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:"
    r"0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    r"|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?"
    r"|[nN][aA][nN](?:\([0-9a-zA-Z_]*\))?))"
)
_MAX = 2**63 - 1
_MIN = -(2**63)
_MAX_DIGITS = 400  # more digits cannot change a saturated 64-bit value


def _saturate(text: str, base: int) -> int:
    sign = text[:1] if text[:1] in ("+", "-") else ""
    digits = text[len(sign) :].lstrip("0xX")
    if len(digits) > _MAX_DIGITS:
        return _MIN if sign == "-" else _MAX
    return max(_MIN, min(_MAX, int(f"{sign}{digits or 0}", base)))


def integer_prefix(text: str) -> int:
    """The decimal integer at the start of the text, 0 if there is none; saturates at 64 bits."""
    match = _INTEGER.match(text)
    return _saturate(match[1], 10) if match else 0


def integer_any_base(text: str) -> tuple[int, int]:
    """Integer at the start of the text (0x: hexadecimal, leading 0: octal) and where it ends; (0, 0) if none."""
    match = _INTEGER_ANY_BASE.match(text)
    if not match:
        return 0, 0
    digits = match[2]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return _saturate(match[1] + digits, base), match.end()


def whole_integer(text: str) -> int | None:
    """The integer if the whole text is one, in any base."""
    value, end = integer_any_base(text)
    return value if end and end == len(text) else None


def _to_float(digits: str) -> float:
    if "x" in digits or "X" in digits:
        try:
            return float.fromhex(digits)
        except OverflowError:
            return float("-inf") if digits.startswith("-") else float("inf")
    return float(digits.partition("(")[0])


def float_prefix(text: str) -> float:
    """The float at the start of the text, 0.0 if there is none."""
    match = _FLOAT.match(text)
    return _to_float(match[1]) if match else 0.0


def float_prefix_end(text: str) -> int:
    """Where the float at the start of the text ends, 0 if there is none."""
    match = _FLOAT.match(text)
    return match.end() if match else 0


def whole_float(text: str) -> float | None:
    """The float if the whole text is one."""
    match = _FLOAT.fullmatch(text)
    return _to_float(match[1]) if match else None


def float_text(value: float) -> str:
    """At most 14 significant digits, as the reference prints floats."""
    return f"{value:.14g}"
