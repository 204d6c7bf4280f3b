"""What the lock file of a writer says: its pid, and on a second line whether it writes without a dispatcher."""

from __future__ import annotations

ALONE = "without a dispatcher"
LONGEST = 100


def lock_text(pid: int, *, alone: bool = False) -> str:
    return f"{pid}\n{ALONE}\n" if alone else f"{pid}\n"


def read_lock(text: str) -> tuple[int, bool]:
    """The pid, and whether it writes alone. Raises ValueError."""
    pid, _, rest = text.partition("\n")
    return int(pid), rest.strip() == ALONE
