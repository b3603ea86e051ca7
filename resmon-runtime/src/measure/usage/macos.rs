//! The usage on macOS: `thread_info` for a thread, `getrusage(2)` and `proc_pid_rusage` for the process.

use std::mem::MaybeUninit;

use libc::rusage_info_v2;

use super::{Usage, rusage};
use crate::sys::thread;

/// Reads the usage of all threads of the process.
///
/// A write counts when it goes to storage, which may be some time after the call.
pub(super) fn of_process() -> Option<Usage> {
    let charged = rusage::read(libc::RUSAGE_SELF)?;
    let info = info();
    Some(Usage {
        user: charged.user + thread::uncharged()?,
        read: info.map(|info| info.ri_diskio_bytesread),
        written: info.map(|info| info.ri_diskio_byteswritten),
        ..charged
    })
}

/// Reads the usage of this thread: only the CPU time is known.
pub(super) fn of_thread() -> Option<Usage> {
    let times = thread::times()?;
    Some(Usage { user: times.user, system: times.system, ..Usage::default() })
}

/// Returns the resident memory in bytes.
pub(super) fn resident() -> Option<u64> {
    info().map(|info| info.ri_resident_size).filter(|&bytes| bytes > 0)
}

fn info() -> Option<rusage_info_v2> {
    let mut info = MaybeUninit::<rusage_info_v2>::uninit();
    // SAFETY: the pointer is to a structure of our own, of the kind that the call is told. It is cast because the call
    // is declared to take a pointer to a pointer.
    let result = unsafe {
        libc::proc_pid_rusage(libc::getpid(), libc::RUSAGE_INFO_V2, info.as_mut_ptr().cast())
    };
    // SAFETY: the call succeeded, so it has filled in the structure.
    (result == 0).then(|| unsafe { info.assume_init() })
}
