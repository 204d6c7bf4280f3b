#!/bin/sh
exec "$(dirname -- "$(readlink -f -- "$0")")/with_python" osm3s.cli.download_clone "$@"
