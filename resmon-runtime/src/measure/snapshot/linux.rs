//! The machine on Linux, read from `/proc/stat` and `/proc/meminfo`, which are kept open, and by `fstatvfs(3)`. In the
//! dev profile this takes a sixth of the time of a general library.

use std::env;
use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::cpu::{History, Sample, is_fresh};
use super::{Disk, Memory, Snapshot, percent};
use crate::sys::descriptor::Source;
use crate::sys::file::file_system;
use crate::sys::machine::online_cpus;
use crate::sys::proc::{self, Text};

/// The open files to read this machine. A file that could not be opened leaves its figures unknown.
#[derive(Debug)]
pub(crate) struct Machine {
    cpus: Option<u32>,
    stat: Option<Source>,
    meminfo: Option<Source>,
    /// The working directory at the start: a test may change or delete it.
    directory: Option<Source>,
    history: Mutex<History>,
    /// The latest reading of `/proc/loadavg`, and its time.
    runnable: Mutex<Option<(Instant, f64)>>,
    /// The latest reading of memory and disk.
    latest: Mutex<Option<Reading>>,
}

/// Memory and disk, with the time at which they were read.
type Reading = (Instant, Option<Memory>, Option<Disk>);

/// The highest age of a reading for the start of a test: the reading from the end of the test before may serve.
const MOMENT: Duration = Duration::from_millis(1);

/// The CPUs' counters when a test started.
pub(crate) type Start = Option<Sample>;

impl Machine {
    pub(crate) fn open() -> Self {
        Self {
            cpus: online_cpus(),
            stat: Source::open("/proc/stat".into(), 0),
            meminfo: Source::open("/proc/meminfo".into(), 0),
            directory: env::current_dir().ok().and_then(|path| Source::open(path, libc::O_PATH)),
            history: Mutex::default(),
            runnable: Mutex::default(),
            latest: Mutex::default(),
        }
    }

    /// Returns the number of logical CPUs that are online.
    pub(crate) fn cpus(&self) -> Option<u32> {
        self.cpus
    }

    /// Reads the machine before a test. Also returns the start for [`after`](Self::after).
    pub(crate) fn before(&self) -> (Snapshot, Start) {
        let (cpu, start) = self.usage(None);
        let (memory, disk) = self.recent();
        (Snapshot { cpu, memory, disk }, start)
    }

    /// Reads the machine after a test that began with `start`.
    pub(crate) fn after(&self, start: Start) -> Snapshot {
        let (cpu, _) = self.usage(start);
        let (memory, disk) = self.read();
        Snapshot { cpu, memory, disk }
    }

    /// Returns memory and disk: the latest reading if it is younger than [`MOMENT`], else a new one.
    fn recent(&self) -> (Option<Memory>, Option<Disk>) {
        let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match latest {
            Some((read, memory, disk)) if read.elapsed() < MOMENT => (memory, disk),
            _ => self.read(),
        }
    }

    fn read(&self) -> (Option<Memory>, Option<Disk>) {
        let (memory, disk) = (self.memory(), self.disk());
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), memory, disk));
        (memory, disk)
    }

    /// Reads memory while tests run, and the CPUs' counters, so that the recent usage covers a short window.
    pub(crate) fn sample(&self) -> Option<Memory> {
        self.counters(&mut self.history(), Instant::now());
        self.memory()
    }

    fn memory(&self) -> Option<Memory> {
        let meminfo = self.meminfo()?;
        let total = proc::kib(meminfo.as_c_str(), c"MemTotal:")?;
        Some(Memory { total, available: proc::kib(meminfo.as_c_str(), c"\nMemAvailable:")? })
    }

    /// Returns the memory of the machine in bytes, also where the available memory is unknown.
    pub(crate) fn memory_total(&self) -> Option<u64> {
        proc::kib(self.meminfo()?.as_c_str(), c"MemTotal:")
    }

    /// Reads `proc_meminfo(5)`. `MemTotal` and `MemAvailable` are the first and the third line since Linux 3.14.
    fn meminfo(&self) -> Option<Text<128>> {
        self.meminfo.as_ref()?.text()
    }

    pub(crate) fn disk(&self) -> Option<Disk> {
        let mut stat = None;
        self.directory.as_ref()?.with(&mut |directory| {
            stat = Some(file_system(directory)?);
            Ok(())
        })?;
        let stat = stat?;
        #[allow(clippy::unnecessary_cast, reason = "the fields are narrower on 32-bit systems")]
        let bytes = |blocks| (blocks as u64).saturating_mul(stat.f_frsize as u64);
        Some(Disk {
            total: bytes(stat.f_blocks),
            used: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
            free: bytes(stat.f_bavail),
        })
    }

    fn usage(&self, start: Start) -> (Option<f64>, Start) {
        let now = Instant::now();
        let mut history = self.history();
        let sample = self.counters(&mut history, now);
        if sample.is_none() {
            // The counters cannot be read any more, and the history is not about now.
            return (self.runnable(now), None);
        }
        let usage = match start {
            Some(start) => history.since(start),
            None => history.recent(),
        };
        (usage.or_else(|| self.runnable(now)), sample)
    }

    /// Reads the CPUs' counters, unless the newest sample is fresh. Returns that sample.
    fn counters(&self, history: &mut History, now: Instant) -> Option<Sample> {
        history.fresh(now).or_else(|| {
            let counters = self.stat.as_ref()?.text::<256>()?;
            let (busy, total) = ticks(counters.as_c_str())?;
            let sample = Sample { at: now, busy, total };
            history.push(sample);
            Some(sample)
        })
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the share of the CPUs that have something to run now, in %, for when no usage is known. The number is in
    /// the fourth field of `/proc/loadavg`, which is read no more often than the CPUs' counters.
    fn runnable(&self, now: Instant) -> Option<f64> {
        let mut latest = self.runnable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, percent)) = latest.filter(|&(at, _)| is_fresh(at, now)) {
            return Some(percent);
        }
        let percent = self.read_runnable()?;
        *latest = Some((now, percent));
        Some(percent)
    }

    fn read_runnable(&self) -> Option<f64> {
        let loadavg = Text::<128>::read("/proc/loadavg")?;
        let loadavg = loadavg.as_c_str().to_str().ok()?;
        let (runnable, _) = loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?;
        Some(percent(runnable.parse().ok()?, self.cpus?.into()))
    }
}

/// Parses busy and total ticks from the line `cpu` of `proc_stat(5)`: user, nice, system, idle, iowait, irq, softirq,
/// steal. The two fields after these, guest time, are already part of user and nice.
fn ticks(stat: &CStr) -> Option<(u64, u64)> {
    let ticks = proc::numbers(stat, c"cpu ")?;
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks;
    let busy = user + nice + system + irq + softirq + steal;
    Some((busy, busy + idle + iowait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_line_of_a_kernel_reads_as_its_manual_says() {
        let stat =
            c"cpu  100 20 30 700 50 1 2 3 40 5\ncpu0 50 10 15 350 25 0 1 1 20 2\ncpu1 0\nintr 1\n";
        assert_eq!(ticks(stat), Some((156, 906)));
        assert_eq!(ticks(c""), None);
        assert_eq!(ticks(c"cpu  1 2 3"), None);
        assert_eq!(ticks(c"cpu  1 2 3 4 5 6 x 8"), None);
    }

    #[test]
    fn a_sample_within_a_test_shortens_the_next_window() {
        let machine = Machine::open();
        let oldest = || machine.history().oldest().unwrap();
        machine.before();
        let sampled = Instant::now();
        machine.sample();
        std::thread::sleep(Duration::from_millis(210));
        machine.sample();
        std::thread::sleep(Duration::from_millis(210));
        let before_the_next = Instant::now();
        machine.before();
        assert!(oldest() >= sampled && before_the_next.duration_since(oldest()).as_millis() >= 200);
    }

    #[test]
    fn closed_files_give_nothing_rather_than_something_old() {
        let machine = Machine { stat: None, meminfo: None, directory: None, ..Machine::open() };
        let (snapshot, start) = machine.before();
        assert!(start.is_none() && snapshot.memory.is_none() && snapshot.disk.is_none());
        assert!(snapshot.cpu.is_some_and(|cpu| cpu > 0.0 && cpu <= 100.0));
    }
}
