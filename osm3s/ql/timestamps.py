"""Dates in queries: `yyyy-mm-ddThh:mm:ssZ`, where only the digits are looked at."""

from __future__ import annotations

import calendar
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


LATEST_S = (1 << 32) - 2


def seconds_of(text: str) -> int:
    """Seconds since 1970, from 1 to LATEST_S. Fields beyond their range count as the end of it, so that the order of
    timestamps stays that of their texts. Raises ValueError if the text is none."""
    match = _DIGITS.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a timestamp")
    year, month, day, hour, minute, second = map(int, match.groups())
    if not 1970 <= year <= 2105:
        return 1 if year < 1970 else LATEST_S
    if month > 12:
        month, day, hour, minute, second = 12, 31, 23, 59, 59
    elif day > (days := calendar.monthrange(year, max(1, month))[1]):
        day, hour, minute, second = days, 23, 59, 59
    seconds = calendar.timegm((year, max(1, month), max(1, day), min(hour, 23), min(minute, 59), min(second, 59)))
    return min(max(1, seconds), LATEST_S)
