#!/usr/bin/env bash
# Measures speed: the release binary on SQLite and on a throw-away Postgres that syncs to disk, beside the limit. The
# table is for the README; everything goes to $TARGET/bench.json. Arguments are those of `bench run`: --short, --rounds …
. "$(dirname "$0")/common.sh"
. scripts/postgres.sh
need_rust
reachline=$(bash scripts/build.sh | tail -n 1)
say "building the benchmark"
REACHLINE_SITE_DIR=$SITE cargo build --release -p bench >&2
have sqlite3 || apt_install sqlite3 || say "without sqlite3, exports are not measured"
have strace || apt_install strace || say "without strace, syncs to disk are not counted"

# Where a sync reaches a disk: /tmp may be memory.
DIRECTORY=$(mktemp -d /var/tmp/reachline-bench.XXXXXX)
trap 'stop_postgres; rm -rf "$DIRECTORY"' EXIT
trap 'exit 130' INT TERM
# Programs of its own, so that a build meanwhile changes nothing.
cp "$reachline" "$TARGET/release/bench" "$DIRECTORY/"
start_cluster /var/tmp
PATH=$PG_BIN:$PATH
"$DIRECTORY/bench" run --reachline "$DIRECTORY/reachline" --directory "$DIRECTORY" --out "$TARGET/bench.json" \
    --postgres-url "$PG_URL" --postgres-pid "$(head -n 1 "$PG_DIR/data/postmaster.pid")" "$@"
