//! The binary `reachline`.

use std::process::ExitCode;

/// Events are answered in microseconds: the allocator shows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::run()
}
