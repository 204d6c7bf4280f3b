"""Bytes and snapshots: the block files, the index, and the one way in which a change becomes visible."""
