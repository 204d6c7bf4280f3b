#!/usr/bin/env bash
# machine.sh PROJECT WORK NAME: boots the system of this machine, with its systemd, in a container; SIGTERM shuts it down.
# What it writes goes to a file system in memory, its network is its own, and of the services of this machine it starts
# none. The project is at /opt/osm3s in it, WORK at /srv/work.
set -euo pipefail
if [ "${IN_OWN_MOUNTS:-}" != yes ]; then
    IN_OWN_MOUNTS=yes exec unshare --mount --propagation private "$0" "$@"
fi
project=$1 work=$2 name=$3
mkdir "$work/machine"
mount -t tmpfs -o mode=755 tmpfs "$work/machine"
mkdir "$work/machine/changes" "$work/machine/merging" "$work/machine/root"
mount -t overlay overlay "$work/machine/root" \
    -o "lowerdir=/,upperdir=$work/machine/changes,workdir=$work/machine/merging"
rm -rf "$work/machine/root/etc/systemd/system/"* "$work/machine/root/opt/osm3s"
mkdir -p "$work/machine/root/opt/osm3s"
exec systemd-nspawn --quiet --directory="$work/machine/root" --machine="$name" --register=no --keep-unit \
    --private-network --link-journal=no --console=pipe --bind-ro="$project:/opt/osm3s" --bind-ro="$work:/srv/work" \
    --boot systemd.log_target=journal
