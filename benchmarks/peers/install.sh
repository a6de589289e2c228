#!/bin/sh
# Installs the relays that ours is compared with, where they are missing: as root on Debian by apt-get; elsewhere it
# stops and prints the command. Debian's Janus service is left stopped: the comparison starts its own.
set -eu

missing=""
need() { missing="$missing $1"; }

command -v janus >/dev/null || need janus
command -v go >/dev/null || need golang-go
[ -d /usr/share/gocode/src/github.com/pion/webrtc ] || need golang-github-pion-webrtc.v3-dev
command -v ip >/dev/null || need iproute2
command -v unshare >/dev/null && command -v nsenter >/dev/null || need util-linux

[ -z "$missing" ] && exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The comparison needs programs that are not here. On Debian, install them with:" >&2
    echo "  sudo $install" >&2
    exit 1
fi
echo "Installing what the comparison needs:$missing"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt-get update && $install; } >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
