"""Numbers and texts that are part of the contract with clients; everything else is stated where it is used."""

OSM3S_VERSION = "0.7.62"
SOURCE_HASH = "7c32a7d5d2eb05d3078b2b6736d177ed7d71cd69"
GENERATOR = "Overpass API 0.7.62 7c32a7d5"
"""Printed in every answer. Clients compare it, so it names the version of the language, not of this program."""

COPYRIGHT = "The data included in this document is from www.openstreetmap.org. The data is made available under ODbL."

DEFAULT_TIMEOUT_S = 180
DEFAULT_MAXSIZE_BYTES = 536_870_912
MAX_QUERY_BYTES = 16 * 1024 * 1024
MAX_BODY_BYTES = MAX_QUERY_BYTES + 64 * 1024
"""Longest body of a request: a query and the other fields of a form."""
DEFAULT_SLOW_QUERY_S = 10
"""Queries that take this long are logged with their plans."""
MAX_NESTING = 1023
"""Deepest nesting of statements a query may have."""

WAY_AREA_OFFSET = 2_400_000_000
RELATION_AREA_OFFSET = 3_600_000_000
"""A stored area has the id of the way or relation it was made from plus one of these."""
