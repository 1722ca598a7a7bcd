#!/usr/bin/env bash
# From a fresh checkout to a running server with data to look at.
. "$(dirname "$0")/common.sh"
binary=$(bash scripts/build.sh | tail -n 1)
say "bringing the database up to date (${REACHLINE_DATABASE_URL:-sqlite://reachline.db})"
"$binary" migrate
say "loading the demo, unless there is data already"
"$binary" demo --if-empty
exec "$binary" serve
