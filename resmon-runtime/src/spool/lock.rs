//! Locks that the system takes back when their process dies.
//!
//! They are those of POSIX, which belong to a process: a forked child does not inherit them, so that one that lives
//! on does not make its dead parent look alive. They are lost when the process closes any descriptor of
//! the file, so a file that is locked here is opened once.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// With others of this kind.
    #[cfg(feature = "tinybird")]
    Shared,
    /// Alone.
    Exclusive,
}

/// Takes the lock unless another process is in the way.
pub(super) fn try_lock(file: &File, kind: Kind) -> io::Result<bool> {
    let kind = match kind {
        #[cfg(feature = "tinybird")]
        Kind::Shared => libc::F_RDLCK,
        Kind::Exclusive => libc::F_WRLCK,
    };
    match fcntl(file, libc::F_SETLK, kind) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(feature = "tinybird")]
pub(super) fn unlock(file: &File) -> io::Result<()> {
    fcntl(file, libc::F_SETLK, libc::F_UNLCK).map(drop)
}

/// Whether another process has the lock, of either kind.
pub(super) fn is_held_by_another(file: &File) -> io::Result<bool> {
    let lock = fcntl(file, libc::F_GETLK, libc::F_WRLCK)?;
    Ok(libc::c_int::from(lock.l_type) != libc::c_int::from(libc::F_UNLCK))
}

/// A call about the whole file.
fn fcntl(
    file: &File,
    command: libc::c_int,
    kind: impl Into<libc::c_int>,
) -> io::Result<libc::flock> {
    // SAFETY: all zeros is a valid value of this plain structure.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    #[expect(clippy::cast_possible_truncation, reason = "the constants are 0, 1 and 2")]
    {
        lock.l_type = kind.into() as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
    }
    // SAFETY: the descriptor is open and the pointer is to a structure of our own.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } {
        0 => Ok(lock),
        _ => Err(io::Error::last_os_error()),
    }
}
