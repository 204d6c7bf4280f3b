#!/bin/sh
# rules_delta_loop.sh DB_DIR: as rules_loop.sh, but every hour, and after the first time by DB_DIR/rules/areas_delta.osm3s,
# which looks at relations that have changed since. Needs a database that keeps superseded versions.
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/with_python" osm3s.cli.rules_loop --delta "$@"
