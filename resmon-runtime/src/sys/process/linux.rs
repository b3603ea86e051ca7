//! The process on Linux.

use std::mem::MaybeUninit;

/// Counts the threads of this process: the links of the directory `/proc/self/task`, less two.
pub(crate) fn threads() -> Option<u64> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path ends in NUL and the pointer is to a `stat` of our own, which is read only after the call has
    // filled it in.
    let links = unsafe {
        if libc::stat(c"/proc/self/task".as_ptr(), stat.as_mut_ptr()) != 0 {
            return None;
        }
        stat.assume_init().st_nlink
    };
    #[allow(clippy::unnecessary_cast, reason = "it differs by system")]
    Some((links as u64).saturating_sub(2))
}
