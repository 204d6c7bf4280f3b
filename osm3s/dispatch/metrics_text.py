"""What the dispatcher knows, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from osm3s.dispatch.state import State


def metrics_text(state: State) -> str:
    """Durations are seconds, spaces bytes. Counters begin with the dispatcher."""
    readers, writer = state.readers, state.writer
    admission, limits = readers.admission, readers.admission.limits
    lines: list[str] = []

    def put(name: str, kind: str, meaning: str, *samples: str) -> None:
        lines.extend((f"# HELP osm3s_{name} {meaning}", f"# TYPE osm3s_{name} {kind}"))
        lines.extend(f"osm3s_{name}{sample}" for sample in samples)

    put("queries_started_total", "counter", "Queries that were admitted.", f" {admission.started}")
    put("queries_finished_total", "counter", "Queries that came to their end.", f" {admission.finished}")
    put(
        "queries_refused_total",
        "counter",
        "Queries that were not admitted.",
        f'{{reason="rate_limited"}} {admission.rate_limited}',
        f'{{reason="load"}} {admission.load_shedded}',
        f'{{reason="duplicate"}} {admission.duplicates}',
    )
    put("queries_running", "gauge", "Queries that read now.", f" {len(readers.active)}")
    put("queries_waiting", "gauge", "Queries that wait for a slot or for less load.", f" {len(readers.waiting)}")
    put("space_available_bytes", "gauge", "What all queries together may claim.", f" {limits.space_bytes}")
    put("space_claimed_bytes", "gauge", "What the running queries claim.", f" {admission.claimed_space_bytes}")
    put("time_available_seconds", "gauge", "What all queries together may claim.", f" {limits.time_units}")
    put("time_claimed_seconds", "gauge", "What the running queries claim.", f" {admission.claimed_time_units}")
    put("rate_limit", "gauge", "Slots per client; 0 is no limit.", f" {limits.rate_limit}")
    put("clients_connected", "gauge", "Processes that have a connection.", f" {len(state.connections)}")
    put("writers", "gauge", "Processes that write or wait for it.", f" {bool(writer.pid) + len(writer.waiting)}")
    put("database_version", "counter", "Number of the newest commit.", f" {writer.version.txn_id}")
    for name, meaning, histogram in (
        ("query_duration_seconds", "From the admission of a query to its end.", readers.durations),
        ("query_wait_seconds", "From the request of a query to its admission.", readers.waits),
    ):
        lines += [f"# HELP osm3s_{name} {meaning}", f"# TYPE osm3s_{name} histogram"]
        lines += histogram.samples(f"osm3s_{name}")
    return "\n".join(lines) + "\n"
