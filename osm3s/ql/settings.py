"""The settings of a query, read from the root of its tree.

`[timeout:N]`: after how many seconds the query is stopped; 180 if nothing is said. The server takes it as what the
query will need, so that it may refuse queries that want much when there is little left.
Example: `[timeout:25];node(5);out;`

`[maxsize:N]`: how many bytes the sets of the query may take; 512 Mi if nothing is said. Also `k M G ki Mi Gi`.
Example: `[maxsize:64Mi];node(5);out;`

`[bbox:south,west,north,east]`: a box that holds for every query with a filter more than an id, and for those without
any.
Example: `[bbox:51,7,51.015,7.015];way;out ids;`

Cost: none.
"""

from __future__ import annotations

from dataclasses import dataclass

from .checks import number_with_suffix, usable_box
from .formats import CsvConfig, PopupConfig, config_from_text
from .timestamps import normal_form
from .tree import Element

Bbox = tuple[float, float, float, float]
"""South, west, north, east in degrees; west may exceed east: the box then crosses the antimeridian."""


@dataclass(slots=True, frozen=True)
class Settings:
    """What holds for the whole query. Timestamps are `yyyy-mm-ddThh:mm:ssZ`."""

    timeout_s: int
    maxsize_bytes: int
    output: str
    csv: CsvConfig | None
    """Set if, and only if, the output is csv."""
    popup: PopupConfig | None
    """Set if, and only if, the output is popup."""
    bbox: Bbox | None
    """None also for a box that is upside down, which restricts nothing."""
    date: str | None
    """The time at which to look at the data; None: now."""
    from_: str | None
    """The earlier end of a diff; None: no diff."""
    augmented: bool
    """Whether a diff shows what became of objects that are gone."""

    @classmethod
    def of(cls, root: Element) -> Settings:
        """The settings of a tree that was checked."""
        output = root.get("output")
        config = config_from_text(output, root.get("output-config"))
        return cls(
            timeout_s=number_with_suffix(root.get("timeout")) % 2**32,
            maxsize_bytes=number_with_suffix(root.get("element-limit")),
            output=output,
            csv=(config if isinstance(config, CsvConfig) else CsvConfig()) if output == "csv" else None,
            popup=(config if isinstance(config, PopupConfig) else PopupConfig()) if output == "popup" else None,
            bbox=usable_box(root.get("bbox")),
            date=normal_form(root.get("date")),
            from_=normal_form(root.get("from")),
            augmented=root.get("augmented") == "deletions",
        )
