#!/bin/sh
# Installs the programs that the tests start, where they are missing: as root on Debian by apt-get; elsewhere it stops
# and prints the command. The services that Debian would start are left stopped: the tests start their own.
set -eu

missing=""
need() { missing="$missing $1"; }

command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
    || command -v google-chrome-stable >/dev/null || need chromium
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || need firefox-esr
command -v ip >/dev/null || need iproute2
command -v ps >/dev/null || need procps
command -v redis-server >/dev/null || need redis-server
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need postgresql
{ command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh file)" ]; } || need fonts-wqy-microhei

[ -z "$missing" ] && exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need programs that are not here. On Debian, install them with:" >&2
    echo "  sudo $install" >&2
    exit 1
fi
echo "Installing what the tests need:$missing"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt-get update && $install; } >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
