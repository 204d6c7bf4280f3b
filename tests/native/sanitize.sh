#!/bin/sh
# sanitize.sh PYTHON: build the native core with ASan and UBSan in a copy of the tree and run the tests of the core there.
set -e
python=$(realpath -s "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$root"
cp -r osm3s native tests setup.py pyproject.toml README.md demo "$copy"
rm -f "$copy"/osm3s/_native*
cd "$copy"
flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
OSM3S_CFLAGS="$flags" OSM3S_LDFLAGS="-fsanitize=address,undefined" "$python" setup.py --quiet build_ext --inplace --force
asan=$(gcc -print-file-name=libasan.so)
ubsan=$(gcc -print-file-name=libubsan.so)
OSM3S_SHARED=${OSM3S_SHARED:-$(realpath -m "$root/../shared")} ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
    UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD="$asan $ubsan" \
    "$python" -m pytest -q -p no:cacheprovider tests/native
