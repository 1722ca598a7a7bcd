#!/usr/bin/env bash
# All tests, from nothing. It ends with one line "SUITE: N passed, N failed" each; a failure, and anything that is
# needed and missing, makes the exit code non-zero. SUITES="unit clients" runs some of them only.
. "$(dirname "$0")/common.sh"
. scripts/postgres.sh
SUITES=${SUITES:-checks unit clients journeys}
RESULTS=()
FAILED=0
LOG=$(mktemp)
trap 'stop_postgres; rm -f "$LOG"' EXIT
trap 'exit 130' INT TERM

wanted() { [[ " $SUITES " == *" $1 "* ]]; }

report() { # SUITE PASSED FAILED
    RESULTS+=("$1: $2 passed, $3 failed")
    [ "$3" = 0 ] || FAILED=1
}

# run_suite SUITE LINES COMMAND…: runs a test runner and reports what it counts in those LINES of its output.
run_suite() {
    local name=$1 lines=$2 status=0 began=$SECONDS summary passed failed
    say "$name"
    "${@:3}" 2>&1 | tee "$LOG" || status=$?
    summary=$(sed 's/\x1b\[[0-9;]*m//g' "$LOG" | grep -aE "$lines" || true)
    # A summary need not name each kind: what it does not name is 0.
    count() { { grep -oE "[0-9]+ ($1)" <<<"$summary" || true; } | awk '{ n += $1 } END { print n + 0 }'; }
    passed=$(count passed)
    failed=$(count 'failed|errors?|timed out|flaky|did not run|interrupted')
    # A runner that broke off, or that found nothing to run, has failed, whatever it counted.
    if [ "$status" != 0 ] || [ "$passed" = 0 ]; then failed=$((failed > 0 ? failed : 1)); fi
    report "$name" "$passed" "$failed"
    say "$name took $((SECONDS - began)) s"
}

lint() {
    cargo clippy --workspace --exclude frontend --all-targets -- -D warnings || return 1
    # Debian's Rust, where that builds the browser's half, has no clippy.
    [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] ||
        cargo clippy -p frontend -p app --lib --target wasm32-unknown-unknown --target-dir "$TARGET/wasm" -- -D warnings
}

# Format, lints, and that the browser's half builds: domain included, which must compile to wasm.
checks() {
    local passed=0 failed=0 check
    for check in "cargo fmt --all --check" "bash scripts/site.sh" lint; do
        say "checks: $check"
        if ($check) >&2; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    done
    report checks "$passed" "$failed"
}

unit() {
    local which=(--workspace --exclude frontend)
    if have cargo-nextest; then
        run_suite unit '^ *Summary' cargo nextest run "${which[@]}" --no-fail-fast
    else
        run_suite unit '^test result:' cargo test "${which[@]}" --no-fail-fast
    fi
}

clients() {
    local python
    python=$(clients_python)
    run_suite clients '^=+ .* in [0-9.]+s' "$python" -m pytest -p no:cacheprovider --timeout=300 --durations=5 end2end/clients
}

journeys() {
    need_node
    have chromium || have chromium-browser || have google-chrome || [ -n "${REACHLINE_CHROMIUM:-}" ] || apt_install chromium
    say "installing what the journeys need (npm)"
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix end2end --no-audit --no-fund --loglevel=error >&2
    run_suite journeys '^ +[0-9]+ (passed|failed|flaky|did not run|interrupted)' npx --prefix end2end playwright test -c end2end
}

need_rust
# The figures are tested against both databases by tests of these suites.
if wanted unit || wanted clients; then start_postgres; fi
if wanted checks; then checks; fi
if wanted unit; then unit; fi
if wanted clients || wanted journeys; then
    if REACHLINE_BINARY=$(bash scripts/build.sh | tail -n 1) && [ -x "$REACHLINE_BINARY" ]; then
        export REACHLINE_BINARY
        if wanted clients; then clients; fi
        if wanted journeys; then journeys; fi
    else
        report build 0 1
    fi
fi
printf '%s\n' "${RESULTS[@]}"
exit "$FAILED"
