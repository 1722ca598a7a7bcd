#!/usr/bin/env bash
# The tests of survival in their long form: 100 times `kill -9` under load, and everything else that may happen to a
# server, its database, its disk and its clock. REACHLINE_SOAK_ROUNDS=N sets how often each is done.
# Arguments are pytest's, such as `-k disk`.
. "$(dirname "$0")/common.sh"
. scripts/postgres.sh
trap stop_postgres EXIT
trap 'exit 130' INT TERM

[ -n "${REACHLINE_BINARY:-}" ] || need_rust
PYTHON=$(clients_python)
start_postgres
REACHLINE_BINARY=${REACHLINE_BINARY:-$(bash scripts/build.sh | tail -n 1)}
export REACHLINE_BINARY REACHLINE_SOAK=1
cd end2end/clients
"$PYTHON" -m pytest -p no:cacheprovider --timeout=3600 --durations=0 -v -rP test_survival.py test_outages.py test_processes.py test_backup.py "$@"
