//! How much memory a command takes that works through a large file.

use crate::config;
use std::process::Command;

/// After how many milliseconds the allocator gives freed memory back to the system.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Begins the command anew, in the same process, with memory given back at once. An import of four million rows takes 90
/// MiB so and 132 MiB otherwise, for a fifth more time. The allocator reads its settings from the environment, and
/// only when a program starts.
pub fn give_back_at_once() {
    if config::variable(PURGE_DELAY).is_some() {
        return;
    }
    #[cfg(unix)]
    if let Ok(program) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        let mut given = std::env::args_os();
        let name = given.next().unwrap_or_else(|| program.clone().into_os_string());
        // It comes back only where that failed: the command works as well, in more memory.
        let error = Command::new(program).arg0(name).args(given).env(PURGE_DELAY, "0").exec();
        tracing::debug!(%error, "the command could not be begun anew");
    }
}

/// Lets the system give memory by pages of 4 KiB rather than of 2 MiB, which are faster and of which much stays empty: a
/// command that works through a large file would take half as much again.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        // It works as well, in more memory.
        tracing::debug!(%error, "huge pages stay in use");
    }
}
