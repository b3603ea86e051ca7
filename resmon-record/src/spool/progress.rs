//! The progress of delivery: how much of a session's records has arrived.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;

use super::Spool;
use super::write_at;

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
