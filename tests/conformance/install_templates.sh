#!/bin/sh
# install_templates.sh DB_DIR: the output templates a state of the conformance kit asks for.
# They are data that an operator chooses. Ours have our own text; with REFERENCE=<prefix of an OSM3S installation>
# the templates of that installation are used, so that the answers can be compared byte by byte.
set -e
cp -r dbdir-template/templates "$1/"
if [ -n "$REFERENCE" ]; then
    cp "$REFERENCE"/templates/*.wiki "$1/templates/"
fi
