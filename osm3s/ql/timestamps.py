"""Dates in queries: `yyyy-mm-ddThh:mm:ssZ`, where only the digits are looked at."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]{4}).([0-9]{2}).([0-9]{2}).([0-9]{2}).([0-9]{2}).([0-9]{2})", re.DOTALL)
_BITS = (14, 4, 5, 5, 6, 6)
"""How many bits the reference keeps of year, month, day, hour, minute, second."""


def normal_form(text: str) -> str | None:
    """The timestamp in the usual spelling, each field cut to its bits; None if the text is none or all zeros."""
    match = _DIGITS.match(text)
    if not match:
        return None
    fields = [int(digits) & (1 << bits) - 1 for digits, bits in zip(match.groups(), _BITS, strict=True)]
    if not any(fields):
        return None
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*fields)
