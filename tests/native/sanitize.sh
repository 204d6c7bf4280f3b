#!/bin/sh
# sanitize.sh PYTHON [TEST…]: build the native core with ASan and UBSan in a copy of the tree and run tests there; without
# TEST those of the core and of the storage. OSM3S_SANITIZER_FLAGS: how to compile, besides the sanitizers.
set -e
python=$(realpath -s "$1")
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$root"
cp -r bin osm3s native tests setup.py pyproject.toml README.md demo "$copy"
rm -f "$copy"/osm3s/_native*
[ ! -d .venv ] || ln -s "$root/.venv" "$copy/.venv"
cd "$copy"
OSM3S_CFLAGS="${OSM3S_SANITIZER_FLAGS:--O1 -g} -fsanitize=address,undefined -fno-sanitize-recover=undefined"
OSM3S_CFLAGS="$OSM3S_CFLAGS -fno-omit-frame-pointer"
OSM3S_LDFLAGS="-fsanitize=address,undefined"
export OSM3S_CFLAGS OSM3S_LDFLAGS
"$python" setup.py --quiet build_ext --inplace --force 2>build.log || { cat build.log; exit 1; }
asan=$(gcc -print-file-name=libasan.so)
ubsan=$(gcc -print-file-name=libubsan.so)
[ $# -gt 0 ] || set -- tests/native tests/storage
# what the sanitizers say goes to stderr itself, so pytest must not take it
OSM3S_SANITIZED=1 OSM3S_SHARED=${OSM3S_SHARED:-$(realpath -m "$root/../shared")} \
    ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD="$asan $ubsan" \
    "$python" -m pytest -q --capture=sys -p no:cacheprovider "$@"
