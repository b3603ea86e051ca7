//! The process on macOS: `proc_pid_rusage`.

use std::mem::MaybeUninit;

use libc::rusage_info_v2;

/// Reads the usage of this process.
pub(crate) fn info() -> Option<rusage_info_v2> {
    let mut info = MaybeUninit::<rusage_info_v2>::uninit();
    // SAFETY: the pointer is to a structure of our own, of the kind that the call is told. It is cast because the call
    // is declared to take a pointer to a pointer.
    let result = unsafe {
        libc::proc_pid_rusage(libc::getpid(), libc::RUSAGE_INFO_V2, info.as_mut_ptr().cast())
    };
    // SAFETY: the call succeeded, so it has filled in the structure.
    (result == 0).then(|| unsafe { info.assume_init() })
}
