//! The CPU time of a thread on Windows: `GetThreadTimes`.
//!
//! The call counts whole ticks of the system's clock, usually 15.6 ms, each for the thread that runs at that moment.
//! The figures of a short test are 0 or a tick, and right on average. `QueryThreadCycleTime` counts more finely, but in
//! cycles instead of seconds.

use windows_sys::Win32::Foundation::{FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};

use super::Times;
use crate::sys::duration;

/// Returns the CPU time of this thread.
pub(crate) fn times() -> Option<Times> {
    // SAFETY: the handle stands for whichever thread uses it, and need not be closed.
    of(unsafe { GetCurrentThread() })
}

fn of(thread: HANDLE) -> Option<Times> {
    let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the pointers are to structures of our own. A handle that is none makes the call fail.
    let succeeded = unsafe {
        GetThreadTimes(thread, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
    };
    (succeeded != 0).then(|| Times::of_filetimes(user, kernel))
}

impl Times {
    pub(crate) fn of_filetimes(user: FILETIME, kernel: FILETIME) -> Self {
        let duration =
            |time: FILETIME| duration::of_filetime(time.dwHighDateTime, time.dwLowDateTime);
        Self { user: duration(user), system: duration(kernel) }
    }
}
