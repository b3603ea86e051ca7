//! Files that a process has open while its tests may do anything to its descriptors.

use std::fs::File;
use std::io;

/// Reads bytes at an offset of a file, as many as one call returns.
///
/// # Errors
///
/// Errors of the system.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, offset);
    #[cfg(not(any(unix, windows)))]
    {
        let _ = (file, bytes, offset);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Writes all bytes at an offset of a file.
///
/// # Errors
///
/// Errors of the system.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(windows)]
    {
        let (mut rest, mut offset) = (bytes, offset);
        while !rest.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(file, rest, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = &rest[written..];
            offset += written as u64;
        }
        Ok(())
    }
    #[cfg(not(any(unix, windows)))]
    {
        let _ = (file, bytes, offset);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Closes a file in a process whose tests may close any descriptor.
///
/// Dropping a `File` whose descriptor is already closed aborts the process in the dev profile.
pub fn close(file: File) {
    #[cfg(unix)]
    {
        use std::os::fd::IntoRawFd;
        // SAFETY: the descriptor belonged to the file, which is gone.
        unsafe { libc::close(file.into_raw_fd()) };
    }
    #[cfg(not(unix))]
    drop(file);
}
