//! The usage on Windows: `GetThreadTimes`, `GetProcessTimes` and `GetProcessMemoryInfo`.
//!
//! Figures with another meaning are left out: `GetProcessIoCounters` counts all reads and writes, also of caches and
//! pipes; the page faults are of all kinds; and `PeakWorkingSetSize` cannot be reset.

use super::Usage;
use crate::sys::process;
pub(super) use crate::sys::process::working_set as resident;
use crate::sys::thread::{self, Times};

/// Reads the CPU time of all threads of the process, in ticks as for [a thread](thread::times).
pub(super) fn of_process() -> Option<Usage> {
    process::times().map(usage)
}

/// Reads the CPU time of this thread.
pub(super) fn of_thread() -> Option<Usage> {
    thread::times().map(usage)
}

fn usage(times: Times) -> Usage {
    Usage { user: times.user, system: times.system, ..Usage::default() }
}
