//! What processes use, from `/proc`, and what machine this is.

use crate::Failure;
use serde::Serialize;
use std::fs;

/// Ticks of `/proc/PID/stat` a second: the same on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What some processes have used since they began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Seconds of processor time.
    pub cpu_seconds: f64,
    /// Bytes that went to the disk on their behalf.
    pub written_bytes: u64,
}

impl Usage {
    /// Of a process and those of its children that have ended; if asked for, also of those that run.
    pub fn of(pid: u32, with_children: bool) -> Self {
        let mut usage = Self::of_one(pid);
        if with_children {
            for child in children(pid) {
                let child = Self::of_one(child);
                usage.cpu_seconds += child.cpu_seconds;
                usage.written_bytes += child.written_bytes;
            }
        }
        usage
    }

    fn of_one(pid: u32) -> Self {
        // Fields are counted from the closing bracket of the name, which may hold anything.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let ticks: u64 = fields.skip(11).take(4).filter_map(|text| text.parse::<u64>().ok()).sum();
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok());
        Self { cpu_seconds: ticks as f64 / TICKS_PER_SECOND, written_bytes: written.unwrap_or(0) }
    }

    /// What was used since an earlier look.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - earlier.cpu_seconds,
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }
}

/// Lets what programs have written so far reach the disk, so that it does not get there in the middle of a measurement.
pub fn write_out() -> Result<(), Failure> {
    if std::process::Command::new("sync").status()?.success() { Ok(()) } else { Err("sync failed".into()) }
}

/// Seconds of processor time that all programs have used since the machine started, and what its host took away.
pub fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user, nice, system, idle, waiting, interrupts (two kinds), stolen; what follows is part of user.
    let busy: u64 = ticks.iter().take(8).sum::<u64>() - ticks.iter().skip(3).take(2).sum::<u64>();
    busy as f64 / TICKS_PER_SECOND
}

/// The children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|text| text.trim().parse().ok()).collect::<Vec<_>>()).collect()
}

/// Bytes of all files in a directory whose names begin like this.
pub fn file_bytes(directory: &std::path::Path, prefix: &str) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// What the figures were measured on.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory_gib: u64,
    pub system: String,
}

impl Machine {
    /// How many processors it has.
    pub fn processors() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    /// This one.
    pub fn this() -> Self {
        let line = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let found = text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name));
            found.map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory_kib = line("/proc/meminfo", "MemTotal").split(' ').next().and_then(|text| text.parse::<u64>().ok());
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: line("/proc/cpuinfo", "model name"),
            processors: Self::processors(),
            memory_gib: (memory_kib.unwrap_or(0) + (1 << 19)) >> 20,
            system: format!("Linux {}", release.trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let before = Usage::of(std::process::id(), false);
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 60 {
            std::hint::spin_loop();
        }
        assert!(Usage::of(std::process::id(), false).since(before).cpu_seconds > 0.0);
    }
}
