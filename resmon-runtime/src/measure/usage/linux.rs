//! The usage of threads and of the process on Linux.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::runner::Runner;
use super::{Usage, rusage};
use crate::measure::own_thread;
use crate::sys::descriptor::Source;
use crate::sys::machine::page_size;
use crate::sys::proc::{self, Text};
use crate::sys::process::{rusage as resources, threads};
use crate::sys::thread::is_main_thread;

/// The open files to read this process.
#[derive(Debug)]
pub(crate) struct Process {
    runner: Runner,
    statm: Option<Source>,
    page: u64,
    peak: Option<Source>,
    /// The highest peak of the process before a reset of the kernel's peak, in bytes. `None` if nobody asks for it.
    highest: Option<AtomicU64>,
    /// Whether the kernel counts storage I/O. Where it does not, it reports zero.
    counts_io: bool,
}

impl Process {
    /// Opens the files. `are_tests_known` if every test of the process has a guard. `keeps_peak` if the peak of the
    /// process is wanted, whatever is reset.
    pub(crate) fn open(are_tests_known: bool, keeps_peak: bool) -> Self {
        Self {
            runner: Runner::of_this_process(are_tests_known),
            statm: Source::open("/proc/self/statm".into(), 0),
            page: page_size(),
            peak: Source::to_write("/proc/self/clear_refs".into()),
            highest: keeps_peak.then(AtomicU64::default),
            counts_io: Path::new("/proc/self/io").exists(),
        }
    }

    /// Returns the resident memory in bytes: the second field of `proc_pid_statm(5)`, which counts pages.
    pub(crate) fn resident(&self) -> Option<u64> {
        let statm = self.statm.as_ref()?.text::<96>()?;
        let [_, pages] = proc::numbers(statm.as_c_str(), c"")?;
        (pages > 0).then(|| pages * self.page)
    }

    /// Whether the test that begins on this thread is alone in the process, if no other guard is open. In doubt
    /// `false`: there may be tests without a guard, and threads that an earlier test has left.
    pub(super) fn is_test_alone(&self) -> bool {
        match self.runner {
            Runner::OneTest | Runner::AllKnown => true,
            // Tests run on the main thread, or on another one while the main thread waits.
            Runner::OneAtATime => {
                threads() == Some(1 + u64::from(!is_main_thread()) + own_thread::count())
            }
            Runner::Several => threads() == Some(1 + own_thread::count()),
        }
    }

    /// Whether the kernel's memory peak is that of the test, because the test is alone in the process or its only
    /// thread. Then no sampler is needed.
    pub(crate) fn needs_no_sampler(&self) -> bool {
        self.peak.is_some() && (self.runner == Runner::OneTest || threads() == Some(1))
    }

    /// Resets the [`peak`]. Returns `false` where that is not possible.
    pub(super) fn reset_peak(&self) -> bool {
        self.note_peak();
        // 5 resets the peak of resident memory only: see proc_pid_clear_refs(5).
        let mut reset = |mut file: &File| file.write_all(b"5");
        self.peak.as_ref().is_some_and(|file| file.with(&mut reset).is_some())
    }

    /// Returns the peak of resident memory since the start of the process in bytes, if it is kept.
    pub(crate) fn highest_peak(&self) -> Option<u64> {
        self.note_peak();
        let highest = self.highest.as_ref()?.load(Ordering::Relaxed);
        Some(highest).filter(|&peak| peak > 0)
    }

    /// Keeps the peak since the last reset: `ru_maxrss` of `getrusage(2)`, in KiB.
    fn note_peak(&self) {
        let Some(highest) = &self.highest else { return };
        let kib = resources(libc::RUSAGE_SELF).map_or(0, |usage| usage.ru_maxrss);
        highest.fetch_max(u64::try_from(kib).unwrap_or(0) * 1024, Ordering::Relaxed);
    }

    /// Removes the figures that this kernel does not count.
    pub(super) fn known(&self, usage: Usage) -> Usage {
        if self.counts_io { usage } else { Usage { read: None, written: None, ..usage } }
    }
}

/// Reads the usage of all threads of the process.
pub(super) fn of_process() -> Option<Usage> {
    rusage::read(libc::RUSAGE_SELF)
}

/// Reads the usage of this thread.
pub(super) fn of_thread() -> Option<Usage> {
    rusage::read(libc::RUSAGE_THREAD)
}

/// Returns the peak of resident memory since the [last reset](Process::reset_peak), in bytes: `VmHWM` of
/// `proc_pid_status(5)`.
pub(super) fn peak() -> Option<u64> {
    let status = Text::<2048>::read("/proc/self/status")?;
    proc::kib(status.as_c_str(), c"\nVmHWM:").filter(|&peak| peak > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_what_the_status_says() {
        let process = Process::open(false, false);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = rss.trim().trim_end_matches(" kB").parse().unwrap();
        let resident = process.resident().unwrap();
        // Other tests of this process allocate meanwhile.
        assert!(resident.abs_diff(kib * 1024) < 64 << 20, "{resident}, {kib} kB");
        assert!(peak().unwrap() + (64 << 20) > resident);
    }

    #[test]
    fn a_reset_does_not_lower_the_peak_of_the_process() {
        let process = Process::open(false, true);
        let memory = vec![1_u8; 64 << 20];
        assert_eq!(memory.iter().step_by(4096).count(), 16384);
        drop(memory);
        let before = process.highest_peak().unwrap();
        assert!(before > 64 << 20);
        assert!(process.reset_peak() && peak().unwrap() < before);
        assert!(process.highest_peak().unwrap() >= before);
    }

    #[test]
    fn a_thread_is_charged_for_what_it_does() {
        let before = of_thread().unwrap();
        let start = std::time::Instant::now();
        while of_thread().unwrap().since(before).user.as_millis() < 50 {
            assert!(start.elapsed().as_secs() < 60);
        }
        let other = std::thread::spawn(|| of_thread().unwrap()).join().unwrap();
        assert!(other.user.as_millis() < 50);
        let all = of_process().unwrap();
        assert!(all.user + all.system >= before.user);
    }
}
