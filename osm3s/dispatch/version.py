"""The version of the data that readers see."""

from __future__ import annotations

from typing import NamedTuple


class Version(NamedTuple):
    """What a commit publishes. `txn_id` grows with every commit; 0 means that it is not known yet."""

    txn_id: int = 0
    timestamp: str = ""
    replicate_id: str = ""
