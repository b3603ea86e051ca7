//! The process, as far as system calls tell of it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use std::mem::MaybeUninit;

#[cfg(target_os = "linux")]
pub(crate) use self::linux::threads;
#[cfg(target_os = "macos")]
pub(crate) use self::macos::info;
#[cfg(windows)]
pub(crate) use self::windows::{times, working_set};

/// Reads the usage of the process or, on Linux, of the thread, by `getrusage(2)`. `who` is one of its constants.
#[cfg(unix)]
pub(crate) fn rusage(who: libc::c_int) -> Option<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to a structure of our own.
    if unsafe { libc::getrusage(who, usage.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it has filled in the structure.
    Some(unsafe { usage.assume_init() })
}
