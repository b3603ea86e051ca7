//! Locks that the system releases when their process dies.
//!
//! On Unix they are POSIX record locks, which belong to a process: a forked child does not inherit them, so a child
//! that lives on does not make its dead parent look alive. A process loses them when it closes *any* descriptor of
//! the file, so a locked file must be opened once only.

use std::fs::File;
use std::io;

/// The part of a file that a lock covers: one byte far behind any content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Part {
    /// Held by the process that owns the file.
    Owner = 1 << 40,
    /// Held by a process that is about to start the owner.
    Starter = (1 << 40) + 1,
    /// Held by a process that reports the crash of a dead owner. It must not look like the owner.
    Heir = (1 << 40) + 2,
}

/// Takes the lock. Returns `false` if another process holds it.
///
/// # Errors
///
/// Errors of the system, for example where the file system has no locks.
pub fn try_lock(file: &File, part: Part) -> io::Result<bool> {
    system::try_lock(file, part as i64)
}

/// Whether another process holds the lock.
///
/// # Errors
///
/// Errors of the system, for example where the file system has no locks.
pub fn is_held_by_another(file: &File, part: Part) -> io::Result<bool> {
    system::is_held_by_another(file, part as i64)
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;

    pub(super) fn try_lock(file: &File, start: i64) -> io::Result<bool> {
        match fcntl(file, libc::F_SETLK, start) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN)) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_held_by_another(file: &File, start: i64) -> io::Result<bool> {
        let lock = fcntl(file, libc::F_GETLK, start)?;
        Ok(libc::c_int::from(lock.l_type) != libc::c_int::from(libc::F_UNLCK))
    }

    /// Calls `fcntl(2)` for an exclusive lock of the byte at `start`.
    fn fcntl(file: &File, command: libc::c_int, start: i64) -> io::Result<libc::flock> {
        // SAFETY: all zeros is a valid value of this plain structure.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::unnecessary_cast,
            reason = "the constants are small, and the types differ by system"
        )]
        {
            lock.l_type = libc::F_WRLCK as libc::c_short;
            lock.l_whence = libc::SEEK_SET as libc::c_short;
        }
        // An offset of 32 bits cannot hold these numbers: use one of the last bytes instead.
        lock.l_start = libc::off_t::try_from(start)
            .unwrap_or_else(|_| libc::off_t::MAX - 4 + (start & 3) as libc::off_t);
        lock.l_len = 1;
        // SAFETY: the descriptor is open and the pointer is to a structure of our own.
        match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } {
            0 => Ok(lock),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, HANDLE};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
    };
    use windows_sys::Win32::System::IO::OVERLAPPED;

    pub(super) fn try_lock(file: &File, start: i64) -> io::Result<bool> {
        let mut place = at(start);
        let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        // SAFETY: the handle is open and the pointer is to a structure of our own.
        if unsafe { LockFileEx(handle(file), flags, 0, 1, 0, &raw mut place) } != 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        let busy = [ERROR_LOCK_VIOLATION, ERROR_IO_PENDING].map(u32::cast_signed);
        match error.raw_os_error() {
            Some(code) if busy.contains(&code) => Ok(false),
            _ => Err(error),
        }
    }

    pub(super) fn is_held_by_another(file: &File, start: i64) -> io::Result<bool> {
        if !try_lock(file, start)? {
            return Ok(true);
        }
        let mut place = at(start);
        // SAFETY: the handle is open and the pointer is to a structure of our own.
        unsafe { UnlockFileEx(handle(file), 0, 1, 0, &raw mut place) };
        Ok(false)
    }

    fn handle(file: &File) -> HANDLE {
        file.as_raw_handle()
    }

    fn at(start: i64) -> OVERLAPPED {
        let mut place = OVERLAPPED::default();
        place.Anonymous.Anonymous.Offset = start as u32;
        place.Anonymous.Anonymous.OffsetHigh = (start >> 32) as u32;
        place
    }
}

#[cfg(not(any(unix, windows)))]
mod system {
    use std::fs::File;
    use std::io;

    pub(super) fn try_lock(_file: &File, _start: i64) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn is_held_by_another(_file: &File, _start: i64) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_this_process_is_not_another_ones() {
        let file = tempfile::tempfile().unwrap();
        assert!(try_lock(&file, Part::Owner).unwrap());
        #[cfg(unix)]
        assert!(!is_held_by_another(&file, Part::Owner).unwrap());
        assert!(!is_held_by_another(&file, Part::Starter).unwrap());
    }
}
