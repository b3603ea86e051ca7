//! The usage on Windows: `GetThreadTimes`, `GetProcessTimes` and `GetProcessMemoryInfo`.
//!
//! Figures with another meaning are left out: `GetProcessIoCounters` counts all reads and writes, also of caches and
//! pipes; the page faults are of all kinds; and `PeakWorkingSetSize` cannot be reset.

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

use super::Usage;
use crate::sys::thread::{self, Times};

/// Reads the CPU time of all threads of the process, in ticks as for [a thread](thread::times).
pub(super) fn of_process() -> Option<Usage> {
    let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle stands for this process and need not be closed; the pointers are to structures of our own.
    let succeeded = unsafe {
        let process = GetCurrentProcess();
        GetProcessTimes(process, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
    };
    (succeeded != 0).then(|| usage(Times::of_filetimes(user, kernel)))
}

/// Reads the CPU time of this thread.
pub(super) fn of_thread() -> Option<Usage> {
    thread::times().map(usage)
}

fn usage(times: Times) -> Usage {
    Usage { user: times.user, system: times.system, ..Usage::default() }
}

/// Returns the resident memory in bytes: the working set.
pub(super) fn resident() -> Option<u64> {
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    counters.cb = u32::try_from(size_of_val(&counters)).ok()?;
    // SAFETY: the handle stands for this process. The pointer is to a structure of our own, and the call is told its
    // size.
    let succeeded =
        unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counters, counters.cb) };
    let bytes = u64::try_from(counters.WorkingSetSize).ok()?;
    (succeeded != 0 && bytes > 0).then_some(bytes)
}
