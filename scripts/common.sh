# Sourced by the other scripts: where things are, and how to get what is missing.

set -euo pipefail
shopt -s inherit_errexit
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
TARGET=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
export CARGO_TARGET_DIR=$TARGET
TOOLS=$TARGET/tools
SITE=$TARGET/bundle
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_install PACKAGE…: installs Debian packages, or says what to install where there is no apt.
apt_install() {
    have apt-get || die "please install what Debian calls: $*"
    say "installing $* (apt-get)"
    as_root apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# need PROGRAM PACKAGE…: installs the packages unless the program is there.
need() { have "$1" || apt_install "${@:2}"; }

need_rust() {
    have cargo || die "Rust is missing: install it from https://rustup.rs, then run this again"
    need cc build-essential
}

need_node() {
    have npm || apt_install nodejs npm
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || die "node $(node --version) is too old: 18 or newer is needed"
}

client_venv() { # DIRECTORY
    python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3-venv
    say "installing what the client tests need (pip)"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check -r end2end/clients/requirements.txt
}

# Prints the Python that runs the client tests, with all they need. One of them turns the server's clock.
clients_python() {
    compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || apt_install faketime
    echo "$(in_cache venv end2end/clients/requirements.txt client_venv)/bin/python"
}

# in_cache NAME FILE COMMAND…: prints the directory $TOOLS/NAME-(hash of FILE); COMMAND fills it, given the directory
# as last argument, the first time.
in_cache() {
    local hash dir
    hash=$(sha256sum "$2" | cut -c1-12)
    dir=$TOOLS/$1-$hash
    if [ ! -e "$dir/.complete" ]; then
        mkdir -p "$dir"
        "${@:3}" "$dir" >&2
        touch "$dir/.complete"
    fi
    echo "$dir"
}
