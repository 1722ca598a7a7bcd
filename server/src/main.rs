//! The binary `reachline`.

use std::process::ExitCode;

/// Events are answered in microseconds: the allocator shows. It asks for no huge pages (its feature `no_thp`): two megabytes
/// are cleared for each that is touched, in one go, and what counting needs is given back and touched again every second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::run()
}
