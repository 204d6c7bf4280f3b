#!/bin/sh
# reboot.sh: starts what an Overpass server consists of, for a crontab with the time @reboot. (Under systemd, use units
# instead: see README.md.) What a killed process has left needs no cleaning up.
EXEC_DIR=${EXEC_DIR:-}   # the directory of this file
DB_DIR=${DB_DIR:-}       # the database
DIFF_DIR=${DIFF_DIR:-}   # the archive of diffs
DIFF_URL=${DIFF_URL:-https://planet.openstreetmap.org/replication/minute}

if [ -z "$DB_DIR" ] || [ -z "$EXEC_DIR" ] || [ -z "$DIFF_DIR" ]; then
    echo "To use this script, you must do the following things:"
    echo "- edit the definitions of DB_DIR, EXEC_DIR, and DIFF_DIR in this file according to your local settings"
    echo "- put this file into your crontab, with time spec @reboot"
    exit 0
fi

OVERPASS_DB_DIR=$DB_DIR
export OVERPASS_DB_DIR
"$EXEC_DIR/dispatcher" --osm-base --attic --rate-limit=2 --space=10737418240 --db-dir="$DB_DIR" --daemon \
    >>"$EXEC_DIR/osm_base.out" 2>&1 || exit
if [ -s "$DB_DIR/replicate_id" ]; then
    nohup "$EXEC_DIR/fetch_osc.sh" auto "$DIFF_URL" "$DIFF_DIR" >>"$EXEC_DIR/fetch_osc.out" 2>&1 &
    nohup "$EXEC_DIR/apply_osc_to_db.sh" "$DIFF_DIR" auto --meta=no >>"$EXEC_DIR/apply_osc_to_db.out" 2>&1 &
fi
