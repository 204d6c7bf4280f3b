#!/bin/sh
self=$(readlink -f -- "$0")
exec "${self%/*}/with_python" osm3s.cli.fetch_osc "$@"
