//! The usage on macOS: `thread_info` for a thread, `getrusage(2)` and `proc_pid_rusage` for the process.

use super::{Usage, rusage};
use crate::sys::process::info;
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
