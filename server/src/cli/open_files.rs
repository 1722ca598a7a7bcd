//! How many files and connections a server may have open.

use crate::config::Config;
use crate::http::connections::REFUSALS_MAX;

/// What a server has open besides connections of clients and of the database: its listener, files that are being exported,
/// mail and webhooks on their way.
const OTHERS: u64 = 128;
/// Files of a connection to an SQLite database: the database, what is written ahead of it, and their index.
const FILES_OF_A_CONNECTION: u64 = 4;

/// Connections of clients that there may be: as many as configured, or as the system's limit on open files leaves. That is
/// raised as far as it may be, as a usual one of 1,024 is used up by clients that keep their connections, and then nothing
/// can be opened: no database, no file.
pub fn clients_max(config: &Config) -> usize {
    let Some(open_files_max) = raised_limit() else { return config.clients_max };
    let left = left_for_clients(open_files_max, config.connections_max);
    if left < config.clients_max {
        tracing::warn!(
            open_files_max,
            clients_max = left,
            "fewer clients than configured: raise the limit on open files"
        );
    }
    config.clients_max.min(left)
}

/// What a limit on open files leaves for clients: half of it at least, if everything else needs more.
fn left_for_clients(open_files_max: u64, connections_max: u32) -> usize {
    let others = OTHERS + REFUSALS_MAX as u64 + FILES_OF_A_CONNECTION * u64::from(connections_max);
    let left = open_files_max.saturating_sub(others).max(open_files_max / 2).max(1);
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// This process's limit on open files, raised as far as it may be; `None` if there is none.
#[cfg(target_os = "linux")]
fn raised_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(not(target_os = "linux"))]
fn raised_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_files_to_the_rest() {
        for (open_files_max, connections_max, expected) in
            [(1_024, 10, 728), (20_000, 10, 19_704), (256, 10, 128), (256, 1_000, 128), (1, 1, 1), (0, 1, 1)]
        {
            assert_eq!(left_for_clients(open_files_max, connections_max), expected, "{open_files_max}");
        }
    }
}
