#!/bin/sh
# Installs the relays that ours is compared with, where they are missing; the comparison starts a Janus of its own.
set -eu
. "$(dirname "$0")/../../tests/servers/packages.sh"

command -v janus >/dev/null || need janus
command -v go >/dev/null || need golang-go
[ -d /usr/share/gocode/src/github.com/pion/webrtc ] || need golang-github-pion-webrtc.v3-dev
command -v ip >/dev/null || need iproute2
command -v unshare >/dev/null && command -v nsenter >/dev/null || need util-linux

install_missing "The comparison"
