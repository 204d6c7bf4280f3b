"""`translate_xapi`: print what an XAPI predicate is in Overpass XML."""

from __future__ import annotations

import os
import sys

from osm3s.errors import XapiError
from osm3s.ql.xapi import to_overpass_xml

HELP = """\
translate_xapi: prints an XAPI predicate as Overpass XML.

  translate_xapi 'node[amenity=cafe|bar][bbox=7.0,51.0,8.0,52.0]'

  --force-meta   print metadata as if the predicate had [@meta]

Exit status: 0, or 1 and a line that begins "Error: " on standard output.
"""


def main() -> int:
    arguments = sys.argv[1:]
    if arguments in ([], ["--help"]):
        (sys.stdout if arguments else sys.stderr).write(HELP)
        return 0 if arguments else 1
    force_meta = len(arguments) == 2 and arguments[0] == "--force-meta"
    try:
        if len(arguments) > 1 + force_meta:
            raise XapiError("One predicate is expected. Put it in quotation marks.")
        text = os.fsencode(arguments[-1]).decode("utf-8", "surrogateescape")
        translation = to_overpass_xml(text, force_meta)
    except XapiError as error:
        print(error)  # on standard output, where callers look for the query
        return error.exit_status
    sys.stdout.buffer.write(translation.encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
