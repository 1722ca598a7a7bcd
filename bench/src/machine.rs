//! What processes use, from `/proc`, and what machine this is.

use crate::Failure;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::fs;
use std::hint::black_box;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked how fast the processors are, and by how many steps of work: a fraction of a millisecond.
const SPEED_LOOK: Duration = Duration::from_secs(1);
const SPEED_STEPS: u64 = 200_000;

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

/// Looks every second how fast the processors are: those of a virtual machine are as fast as its neighbours leave them.
pub struct Speed {
    stop: Sender<()>,
    looks: JoinHandle<Vec<f64>>,
}

impl Speed {
    /// Begins to look, on a thread of its own.
    pub fn watch() -> Self {
        let (stop, stopped) = channel();
        let looks = std::thread::spawn(move || {
            let mut looks = vec![work_us()];
            while stopped.recv_timeout(SPEED_LOOK) == Err(RecvTimeoutError::Timeout) {
                looks.push(work_us());
            }
            looks
        });
        Self { stop, looks }
    }

    /// The processor time that a fixed piece of work took at each look, in microseconds.
    pub fn stop(self) -> Vec<f64> {
        // It waits for nothing else.
        let _ = self.stop.send(());
        self.looks.join().unwrap_or_default()
    }
}

/// Does a fixed piece of work, and says how much processor time it took, in microseconds: waiting for a processor does not
/// count.
fn work_us() -> f64 {
    let used = || clock_gettime(ClockId::ThreadCPUTime);
    let (before, mut state) = (used(), 1_u64);
    for step in 0..SPEED_STEPS {
        state = black_box(state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(step));
    }
    let after = used();
    (after.tv_sec - before.tv_sec) as f64 * 1e6 + (after.tv_nsec - before.tv_nsec) as f64 / 1e3
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
    fn work_takes_time_at_each_look() {
        let speed = Speed::watch();
        std::thread::sleep(SPEED_LOOK + SPEED_LOOK / 2);
        let looks = speed.stop();
        assert!(looks.len() >= 2 && looks.iter().all(|us| *us > 0.0), "{looks:?}");
    }

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
