//! Windows: `GetThreadTimes`.
//!
//! It counts whole ticks of the system's clock, of 15.6 ms as a rule, each for the thread that runs when it comes: the
//! figures of a short test are 0 or a tick, and right on average. `QueryThreadCycleTime` counts more finely, but cycles,
//! which are not seconds.

use std::os::windows::io::AsRawHandle;
use std::thread::JoinHandle;
use std::time::Duration;

use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetCurrentThreadId, GetThreadId, GetThreadTimes, OpenThread,
    THREAD_QUERY_LIMITED_INFORMATION,
};

use super::Times;
use crate::duration;

/// The CPU time of a thread that is alive: its id, which no other thread has before it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock(u32);

impl Clock {
    pub(super) fn of(handle: &JoinHandle<()>) -> Option<Self> {
        // SAFETY: the handle is that of a thread that nobody has joined.
        let id = unsafe { GetThreadId(handle.as_raw_handle()) };
        (id != 0).then_some(Self(id))
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere there may be none")]
    pub(super) fn of_this_thread() -> Option<Self> {
        // SAFETY: the call only reads what the thread is.
        Some(Self(unsafe { GetCurrentThreadId() }))
    }

    pub(super) fn now(self) -> Duration {
        self.times().map_or(Duration::ZERO, |times| times.user + times.system)
    }

    fn times(self) -> Option<Times> {
        // SAFETY: the call makes a new handle or fails.
        let thread = unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, self.0) };
        if thread.is_null() {
            return None;
        }
        let times = of(thread);
        // SAFETY: the handle is our own and is not used any more.
        unsafe { CloseHandle(thread) };
        times
    }
}

/// What this thread has used.
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
