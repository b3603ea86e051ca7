//! macOS: `thread_info` of Mach, with `THREAD_BASIC_INFO`.

use std::mem::MaybeUninit;
use std::time::Duration;

use libc::{mach_port_t, thread_basic_info};

use super::Times;
use crate::duration;

/// The CPU time of a thread that is alive.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Clock(mach_port_t);

impl Clock {
    pub(super) fn of_this_thread() -> Option<Self> {
        // The port is the thread's, and need not be given back, as one of `mach_thread_self` would.
        // SAFETY: the calls only read what the thread is.
        let port = unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) };
        // `MACH_PORT_NULL`.
        (port != 0).then_some(Self(port))
    }

    pub(super) fn now(self) -> Duration {
        self.times().map_or(Duration::ZERO, |times| times.user + times.system)
    }

    fn times(self) -> Option<Times> {
        let mut info = MaybeUninit::<thread_basic_info>::uninit();
        let mut count = libc::THREAD_BASIC_INFO_COUNT;
        let flavor = libc::THREAD_BASIC_INFO.cast_unsigned();
        // SAFETY: the pointers are to a structure of our own and to its size in the unit of this call, which writes no
        // more than that.
        let result =
            unsafe { libc::thread_info(self.0, flavor, info.as_mut_ptr().cast(), &raw mut count) };
        if result != libc::KERN_SUCCESS || count < libc::THREAD_BASIC_INFO_COUNT {
            return None;
        }
        // SAFETY: the call succeeded and has filled in the whole of it.
        let info = unsafe { info.assume_init() };
        let (user, system) = (info.user_time, info.system_time);
        Some(Times {
            user: duration::of_time_value(user.seconds, user.microseconds)?,
            system: duration::of_time_value(system.seconds, system.microseconds)?,
        })
    }
}

/// What this thread has used.
pub(crate) fn times() -> Option<Times> {
    Clock::of_this_thread()?.times()
}
