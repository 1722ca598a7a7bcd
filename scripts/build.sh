#!/usr/bin/env bash
# Builds the release binary, the site's files inside. Its path is the last line on standard output.
. "$(dirname "$0")/common.sh"
bash scripts/site.sh >&2
say "building the server (the first time takes minutes)"
REACHLINE_SITE_DIR=$SITE cargo build --release -p server --bin reachline >&2
echo "$TARGET/release/reachline"
