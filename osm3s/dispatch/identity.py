"""The number by which a client's address is known for rate limits, as the reference derives it."""

from __future__ import annotations


def client_token(address: str) -> int:
    """u32 of an IPv4 or IPv6 address (its upper 64 bits folded); 0 without an address: never limited."""
    if not address:
        return 0
    if "." in address:
        token = 0
        for part in address.rpartition(":")[2].split("."):
            token = token << 8 | _number(part, 10)
        return token & 0xFFFFFFFF
    front, gap, back = address.partition("::")
    groups = [_number(group, 16) for group in front.split(":")]
    if gap:
        tail = [_number(group, 16) for group in back.split(":")]
        groups += [0] * (8 - len(groups) - len(tail)) + tail
    groups = (groups + [0] * 4)[:4]
    return (groups[0] ^ groups[2]) << 16 | (groups[1] ^ groups[3])


def _number(digits: str, base: int) -> int:
    try:
        return int(digits, base) & (0xFFFF if base == 16 else 0xFF)
    except ValueError:
        return 0
