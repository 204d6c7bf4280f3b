#!/bin/sh
# rules_loop.sh DB_DIR: makes areas by the rules in DB_DIR/rules/areas.osm3s again and again, until it is stopped.
# Needed for rules of one's own only: without it, areas follow every update of the map. Log: DB_DIR/rules_loop.log
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/with_python" osm3s.cli.rules_loop "$@"
