# To be read by scripts (`. packages.sh`) that install programs where they are missing: as root on Debian by apt-get;
# elsewhere they stop and print the command. Services that Debian would start are left stopped.
missing=""
need() { missing="$missing $1"; }

# What for, in a word or two: "The tests", "The comparison".
install_missing() {
    [ -z "$missing" ] && return 0
    install="apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$1: programs are missing. On Debian, install them with:" >&2
        echo "  sudo $install" >&2
        return 1
    fi
    echo "$1: installing$missing"
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    { apt-get update && $install; } >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
}
