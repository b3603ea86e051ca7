//! The process on Windows: `GetProcessTimes` and `GetProcessMemoryInfo`.

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

use crate::sys::thread::Times;

/// Returns the CPU time of all threads of the process.
pub(crate) fn times() -> Option<Times> {
    let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle stands for this process and need not be closed; the pointers are to structures of our own.
    let succeeded = unsafe {
        let process = GetCurrentProcess();
        GetProcessTimes(process, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
    };
    (succeeded != 0).then(|| Times::of_filetimes(user, kernel))
}

/// Returns the working set in bytes.
pub(crate) fn working_set() -> Option<u64> {
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    counters.cb = u32::try_from(size_of_val(&counters)).ok()?;
    // SAFETY: the handle stands for this process. The pointer is to a structure of our own, and the call is told its
    // size.
    let succeeded =
        unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counters, counters.cb) };
    let bytes = u64::try_from(counters.WorkingSetSize).ok()?;
    (succeeded != 0 && bytes > 0).then_some(bytes)
}
