//! Calls on open files that the standard library does not have.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
#[cfg(feature = "collector")]
use std::ops::Range;
use std::os::fd::AsRawFd;

/// Frees the disk space of a range, which then reads as zeros.
///
/// # Errors
///
/// Fails where the file system cannot do so.
#[cfg(feature = "collector")]
pub(crate) fn punch_hole(file: &File, range: &Range<u64>) -> io::Result<()> {
    allocate(file, range, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE)
}

#[cfg(feature = "collector")]
fn allocate(file: &File, range: &Range<u64>, mode: libc::c_int) -> io::Result<()> {
    let (Ok(start), Ok(length)) =
        (i64::try_from(range.start), i64::try_from(range.end - range.start))
    else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // SAFETY: the call only concerns the file behind the descriptor.
    match unsafe { libc::fallocate(file.as_raw_fd(), mode, start, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reserves disk space behind the end of the file, which later writes use.
///
/// # Errors
///
/// Fails where the disk is full, or where the file system cannot do so.
#[cfg(feature = "collector")]
pub(crate) fn reserve(file: &File, range: &Range<u64>) -> io::Result<()> {
    allocate(file, range, libc::FALLOC_FL_KEEP_SIZE)
}

/// Reads the sizes of the file system of a file, by `fstatvfs(3)`.
pub(crate) fn file_system(file: &File) -> io::Result<libc::statvfs> {
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the descriptor is open, and the pointer is to a `statvfs` of our own.
    if unsafe { libc::fstatvfs(file.as_raw_fd(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has filled in the structure.
    Ok(unsafe { stat.assume_init() })
}
