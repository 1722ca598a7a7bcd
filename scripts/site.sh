#!/usr/bin/env bash
# Builds what the browser gets (wasm, script, style) into $TARGET/bundle. Unchanged parts are not built again.
. "$(dirname "$0")/common.sh"
need_rust
need_node

exec 9>"$TARGET/bundle.lock"
flock 9

# Where the standard library for wasm comes from: rustup's toolchain, or Debian's Rust, which builds it from source.
has_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }
wasm_route() {
    has_target && echo direct && return
    if have rustup && [ ! -e /usr/share/doc/rust-web-src ]; then
        say "adding the wasm32 target to Rust (rustup)"
        timeout 300 rustup target add wasm32-unknown-unknown >&2 && has_target && echo direct && return
    fi
    if [ ! -e /usr/share/doc/rust-web-src ] || ! have wasm-ld; then
        apt_install rustc-web cargo-web rust-web-src lld
    fi
    echo debian
}

wasm_cargo() {
    local common=(--target wasm32-unknown-unknown --target-dir "$TARGET/wasm" --profile wasm -p frontend -p domain)
    if [ "$ROUTE" = direct ]; then
        cargo "$1" "${common[@]}" "${@:2}"
    else
        RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld \
            /usr/bin/cargo "$1" "${common[@]}" -Z build-std=std,panic_abort "${@:2}"
    fi
}

install_bindgen() { # VERSION DIRECTORY
    say "installing wasm-bindgen $1 (takes about 3 minutes, once)"
    local install=(cargo install --quiet wasm-bindgen-cli --version "$1" --bin wasm-bindgen --root "$2" --target-dir "$TOOLS/build")
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off
    # The versions that it was released with are not in every mirror of crates.io: what the first try says of it is no error.
    "${install[@]}" --locked 2>/dev/null || "${install[@]}"
    rm -rf "$TOOLS/build"
}

npm_install() { # DIRECTORY
    say "installing esbuild and wasm-opt (npm)"
    cp frontend/package.json frontend/package-lock.json "$1/"
    npm ci --prefix "$1" --no-audit --no-fund --loglevel=error
}

ROUTE=$(wasm_route)
say "building the browser's half ($ROUTE; the first time takes minutes)"
wasm_cargo build --lib

version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)
bindgen=$TOOLS/wasm-bindgen-$version/bin/wasm-bindgen
[ -x "$bindgen" ] || (install_bindgen "$version" "$TOOLS/wasm-bindgen-$version") >&2
node frontend/bundle.mjs "$TARGET/wasm/wasm32-unknown-unknown/wasm/frontend.wasm" "$bindgen" \
    "$(in_cache npm frontend/package-lock.json npm_install)" "$SITE" >&2
