"""The text of `dispatcher --status`, parsed by monitoring programs: order and wording are those of the reference."""

from __future__ import annotations

from osm3s.dispatch.connection import Connection, Role
from osm3s.dispatch.state import State

OPENING_CODE = 0x20106
READING_CODE = 0x20200
"""The reference's numbers of the requests that put a query into its present state."""


def state_code(connection: Connection) -> int:
    return OPENING_CODE if connection.role is Role.OPENING else READING_CODE


def status_text(state: State, not_yet_opened: int, now_s: float, epoch_offset_s: float) -> str:
    """epoch_offset_s: what to add to the times of the state machine to get seconds since 1970."""
    admission = state.readers.admission
    limits = admission.limits
    lines = [
        f"Number of not yet opened connections: {not_yet_opened}",
        f"Number of connected clients: {len(state.connections) - not_yet_opened}",
        f"Rate limit: {limits.rate_limit}",
        f"Total available space: {limits.space_bytes}",
        f"Total claimed space: {admission.claimed_space_bytes}",
        f"Average claimed space: {admission.average_space_bytes}",
        f"Total available time units: {limits.time_units}",
        f"Total claimed time units: {admission.claimed_time_units}",
        f"Average claimed time units: {admission.average_time_units}",
        f"Counter of started requests: {admission.started}",
        f"Counter of finished requests: {admission.finished}",
        f"Counter of load shedded requests: {admission.load_shedded}",
        f"Counter of rate limited requests: {admission.rate_limited}",
        f"Counter of as duplicate rejected requests: {admission.duplicates}",
    ]
    for reader in state.readers.active.values():
        claim = reader.claim
        assert claim is not None
        since = int(reader.since_s + epoch_offset_s)
        lines.append(f"{state_code(reader)} {reader.pid} {claim.token} {claim.maxsize_bytes} {claim.timeout_s} {since}")
    reading = sorted(reader.pid for reader in state.readers.active.values() if reader.role is Role.READING)
    lines += [f"pending\t{pid}" for pid in reading]
    lines += [f"quota\t{token} {int(until_s + epoch_offset_s)}" for token, until_s in admission.cooldowns(now_s)]
    return "\n".join(lines) + "\n"
