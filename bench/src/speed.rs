//! How fast the machine is while something is measured on it: a virtual one is as fast as its neighbours leave it.

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked how fast it is.
const LOOK: Duration = Duration::from_secs(1);
/// Steps of the work that processors are told by: a fraction of a millisecond.
const STEPS: u64 = 200_000;

/// How fast it was, about every second.
#[derive(Debug, Default, Serialize)]
pub struct Looks {
    /// The processor time of a fixed piece of work, in microseconds.
    pub work_us: Vec<f64>,
    /// How long the disk took for a write with its sync, in milliseconds, those since the look before. Large writes take
    /// longer than small ones; of some file systems the disk is not known.
    pub write_ms: Vec<f64>,
}

/// Looks, on a thread of its own.
pub struct Speed {
    stop: Sender<()>,
    looks: JoinHandle<Looks>,
}

impl Speed {
    /// Begins to look at the processors and at the disk that a directory is on.
    pub fn watch(directory: &Path) -> Self {
        let (stop, stopped) = channel();
        let device = device_of(directory);
        let looks = std::thread::spawn(move || {
            let written =
                || Written::by(&fs::read_to_string("/proc/diskstats").unwrap_or_default(), device.as_deref()?);
            let (mut looks, mut before) = (Looks { work_us: vec![work_us()], write_ms: Vec::new() }, written());
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                looks.work_us.push(work_us());
                let now = written();
                looks.write_ms.extend(before.zip(now).and_then(|(before, now)| now.since(before)));
                before = now;
            }
            looks
        });
        Self { stop, looks }
    }

    /// Ends, and says what was seen.
    pub fn stop(self) -> Looks {
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
    for step in 0..STEPS {
        state = black_box(state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(step));
    }
    let after = used();
    (after.tv_sec - before.tv_sec) as f64 * 1e6 + (after.tv_nsec - before.tv_nsec) as f64 / 1e3
}

/// What a disk has done since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    writes: u64,
    /// Milliseconds that these writes, and syncs, took.
    ms: u64,
}

impl Written {
    /// By a device, as `8:0`, from the text of `/proc/diskstats`.
    fn by(diskstats: &str, device: &str) -> Option<Self> {
        let (major, minor) = device.split_once(':')?;
        diskstats.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok());
            // After the numbers and the name: writes and the time they took are the fifth and the eighth field; the last
            // two of newer kernels are of syncs.
            let is_it = fields.get(..2) == Some(&[major, minor]);
            is_it.then(|| Some(Self { writes: number(7)?, ms: number(10)? + number(19).unwrap_or(0) }))?
        })
    }

    /// How long a write took since an earlier look, in milliseconds, if there was one.
    fn since(self, earlier: Self) -> Option<f64> {
        let writes = self.writes.checked_sub(earlier.writes).filter(|writes| *writes > 0)?;
        Some(self.ms.saturating_sub(earlier.ms) as f64 / writes as f64)
    }
}

/// The device, as `8:0`, of the file system that a directory is in.
fn device_of(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let holds = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let (device, point) = (*fields.get(2)?, *fields.get(4)?);
        directory.starts_with(point).then(|| (point.len(), device.to_owned()))
    };
    Some(mounts.lines().filter_map(holds).max()?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_at_each_look() {
        let speed = Speed::watch(Path::new("."));
        std::thread::sleep(LOOK + LOOK / 2);
        let looks = speed.stop();
        assert!(looks.work_us.len() >= 2 && looks.work_us.iter().all(|us| *us > 0.0), "{looks:?}");
    }

    #[test]
    fn a_write_is_told_with_its_sync() {
        let text = |writes: u64, ms: u64, sync_ms: u64| {
            format!(
                " 254 1 vda1 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n \
                 254 0 vda 90 1 70 50 {writes} 2 800 {ms} 0 60 70 0 0 0 0 30 {sync_ms}\n"
            )
        };
        let written = |text: &str| Written::by(text, "254:0").unwrap();
        let (before, after) = (written(&text(100, 40, 20)), written(&text(300, 60, 40)));
        assert_eq!((before, after), (Written { writes: 100, ms: 60 }, Written { writes: 300, ms: 100 }));
        assert_eq!((after.since(before), after.since(after)), (Some(0.2), None));
        // A kernel that does not count syncs, and a device that is not there.
        let older = "8 0 sda 90 1 70 50 100 2 800 40 0 60 70";
        assert_eq!(Written::by(older, "8:0"), Some(Written { writes: 100, ms: 40 }));
        assert_eq!(Written::by(older, "8:1"), None);
    }

    #[test]
    fn each_directory_is_on_a_device() {
        let device = device_of(Path::new(".")).unwrap();
        assert!(
            device
                .split_once(':')
                .is_some_and(|(major, minor)| major.parse::<u32>().is_ok() && minor.parse::<u32>().is_ok())
        );
    }
}
