//! macOS: `thread_info` of Mach, with `THREAD_BASIC_INFO`, and the clock that a thread has of itself.

use std::mem::MaybeUninit;
use std::time::Duration;

use libc::thread_basic_info;

use super::Times;
use crate::duration;

/// What this thread has used.
///
/// `thread_info` divides it, and may say what was so when the thread was last given a CPU: some kernels charge a thread
/// only then. The rest is known from the clock of the thread, as a sum, and taken to be that of its own code.
pub(crate) fn times() -> Option<Times> {
    let (charged, rest) = charged_and_rest()?;
    Some(Times { user: charged.user + rest, ..charged })
}

/// What of it is missing in the times of the process.
pub(crate) fn uncharged() -> Option<Duration> {
    Some(charged_and_rest()?.1)
}

fn charged_and_rest() -> Option<(Times, Duration)> {
    let charged = charged()?;
    let rest = super::cpu_time()?.saturating_sub(charged.user + charged.system);
    Some((charged, rest))
}

/// Reads what the thread has been charged for.
fn charged() -> Option<Times> {
    // The port is the thread's, and need not be given back, as one of `mach_thread_self` would.
    // SAFETY: the calls only read what this thread is.
    let port = unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) };
    let mut info = MaybeUninit::<thread_basic_info>::uninit();
    let mut count = libc::THREAD_BASIC_INFO_COUNT;
    let flavor = libc::THREAD_BASIC_INFO.cast_unsigned();
    // SAFETY: the pointers are to a structure of our own and to its size in the unit of this call, which writes no more
    // than that.
    let result =
        unsafe { libc::thread_info(port, flavor, info.as_mut_ptr().cast(), &raw mut count) };
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
