#!/bin/sh
# init_osm3s.sh PLANET DB_DIR EXEC_DIR [--meta ...]: a new database from a planet file or an extract, of any format and
# compression that update_database reads. Arguments and exit status are the reference's.
if [ -z "$3" ]; then
    echo "Usage:  $0  Planet_File  Database_Dir  Executable_Dir  [--meta]"
    echo "        where"
    echo "    Planet_File is the filename and path of the planet file or extract (.osm.pbf, .osm.bz2, .osm.gz, .osm),"
    echo "    Database_Dir is the directory the database should go into, and"
    echo "    Executable_Dir is the directory whose subdirectory bin contains update_database."
    echo "    Add --meta in the end if you want to use meta data."
    exit 0
fi
planet_file=$1
db_dir=$2
exec_dir=$3
shift 3
if [ ! -s "$planet_file" ]; then
    echo "File $planet_file doesn't exist."
    exit 1
fi
mkdir -p "$db_dir/" || exit 2
exec "$exec_dir/bin/update_database" --db-dir="$db_dir/" "$@" "$planet_file"
