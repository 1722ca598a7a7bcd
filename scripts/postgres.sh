# Sourced by test.sh and bench.sh: a throw-away Postgres cluster, in a temporary directory, gone when they end.

postgres_bin() {
    local initdb
    initdb=$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    dirname "${initdb:-$(command -v initdb || echo /missing/initdb)}"
}

# It refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

# Sets REACHLINE_TEST_POSTGRES_URL, unless it names a server already.
start_postgres() {
    [ -z "${REACHLINE_TEST_POSTGRES_URL:-}" ] || return 0
    start_cluster /tmp -c fsync=off -c full_page_writes=off -c max_connections=300
    export REACHLINE_TEST_POSTGRES_URL=$PG_URL
}

# start_cluster DIRECTORY OPTION…: a new cluster below that directory, with its options. Sets PG_URL, PG_BIN and PG_DIR.
start_cluster() {
    [ -x "$(postgres_bin)/initdb" ] || apt_install postgresql
    PG_BIN=$(postgres_bin)
    [ -x "$PG_BIN/initdb" ] || die "Postgres is missing: its server programs are needed (initdb, pg_ctl, postgres)"
    say "starting a throw-away Postgres ($PG_BIN)"
    PG_DIR=$(mktemp -d "$1/reachline-postgres.XXXXXX")
    [ "$(id -u)" != 0 ] || chown postgres "$PG_DIR"
    (cd / && as_postgres "$PG_BIN/initdb" -D "$PG_DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync) >/dev/null
    local port options
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 10000))
        options="-p $port -k $PG_DIR -c listen_addresses=127.0.0.1 ${*:2}"
        if (cd / && as_postgres "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -l "$PG_DIR/log" -w -o "$options" start) >/dev/null; then
            PG_URL=postgres://postgres@127.0.0.1:$port/postgres
            return 0
        fi
    done
    cat "$PG_DIR/log" >&2
    die "Postgres did not start"
}

stop_postgres() {
    [ -n "${PG_DIR:-}" ] || return 0
    (cd / && as_postgres "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -m immediate stop) >/dev/null 2>&1 || true
    rm -rf "$PG_DIR"
}
