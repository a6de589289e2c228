#!/bin/sh
# Installs the programs that the tests start, where they are missing; the tests start services of their own.
set -eu
. "$(dirname "$0")/packages.sh"

command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
    || command -v google-chrome-stable >/dev/null || need chromium
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || need firefox-esr
command -v ip >/dev/null || need iproute2
command -v ps >/dev/null || need procps
command -v soffice >/dev/null || need libreoffice-calc
command -v pdftotext >/dev/null || need poppler-utils
command -v redis-server >/dev/null || need redis-server
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need postgresql
{ command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh file)" ]; } || need fonts-wqy-microhei

install_missing "The tests"
