"""Elements in the order that an import needs: by type and id, the newest version of an element last."""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.update.input_file import InputFile

MOST_HELD = 4_000_000
"""Elements that are held in memory to be sorted, some 150 bytes each; a larger file must be sorted."""
BATCH_ELEMENTS = 20_000


def import_order(
    source: InputFile, batches: Iterator[Batch] | None = None, most_held: int = MOST_HELD
) -> Iterator[Batch]:
    """The batches of a file (`batches`, if they have been asked for already), sorted if the file is not and has at most
    `most_held` elements."""
    batches = source.batches() if batches is None else batches
    if not source.may_be_unsorted:
        yield from batches
        return
    held: list[Batch] = []
    n = 0
    for batch in batches:
        held.append(batch)
        n += len(batch)
        if n > most_held:
            break
    else:
        yield from _sorted(held)
        return
    yield from held
    held.clear()
    yield from batches


def _sorted(batches: list[Batch]) -> Iterator[Batch]:
    order = lib.osm3s_batch_order_new()
    if order == ffi.NULL:
        check(lib.OSM3S_NOMEM)
    order = ffi.gc(order, lib.osm3s_batch_order_free)
    for batch in batches:
        check(lib.osm3s_batch_order_add(order, batch.c))
    if check(lib.osm3s_batch_order_sort(order)):
        yield from batches
        return
    into = Batch()
    while check(lib.osm3s_batch_order_next(order, into.c, BATCH_ELEMENTS)):
        yield into
