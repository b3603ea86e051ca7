//! The progress of delivery: how much of a session's records has arrived.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use super::Spool;

/// The content of `ID-DESTINATION.sent`. All records before this position have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the segment.
    pub segment: u32,
    /// The offset in that segment, in bytes.
    pub offset: u64,
}

impl Progress {
    /// Reads the progress of a session. Without the file nothing has arrived.
    #[must_use]
    pub fn read(spool: &Spool, session_id: &str, destination: &str) -> Self {
        let text = fs::read_to_string(path(spool, session_id, destination)).unwrap_or_default();
        parse(&text).unwrap_or_default()
    }

    /// Writes the progress of a session, in one write of a fixed length.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn write(self, spool: &Spool, session_id: &str, destination: &str) -> io::Result<()> {
        let path = path(spool, session_id, destination);
        let file = spool.open_file(&path, OpenOptions::new().create(true).truncate(false))?;
        write_at(&file, format!("{:010} {:020}\n", self.segment, self.offset).as_bytes(), 0)
    }

    /// Removes the file of a session that has nothing left to send.
    pub fn remove(spool: &Spool, session_id: &str, destination: &str) {
        let _ = fs::remove_file(path(spool, session_id, destination));
    }
}

fn parse(text: &str) -> Option<Progress> {
    let (segment, offset) = text.trim_end().split_once(' ')?;
    Some(Progress {
        segment: u32::try_from(segment.parse::<u64>().ok()?).ok()?,
        offset: offset.parse().ok()?,
    })
}

fn path(spool: &Spool, session_id: &str, destination: &str) -> PathBuf {
    spool.path(&format!("{session_id}-{destination}.sent"))
}

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
