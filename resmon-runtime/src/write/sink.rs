//! A destination of records, as the session sees it.

use std::fmt::Debug;
use std::path::PathBuf;

use resmon_record::line::Line;
use resmon_record::spool::Spool;

/// A destination of records. It must never fail a test: an error is a warning.
pub(crate) trait Sink: Debug + Send + Sync {
    /// Writes the record of a session event.
    fn session(&self, line: Line);

    /// Writes the record of a test, with its `batch_num`.
    fn test(&self, line: Line);

    /// Returns the position at which the next record of a test would be.
    fn position(&self) -> Position;

    /// Returns how many records are known to be lost.
    fn dropped(&self) -> u64;

    /// Ends the session. Waits for delivery until the flush timeout, and warns about records that were not delivered.
    fn close(&self);
}

/// A destination that writes nothing.
#[derive(Debug)]
pub(super) struct Nothing;

impl Sink for Nothing {
    fn session(&self, _line: Line) {}

    fn test(&self, _line: Line) {}

    fn position(&self) -> Position {
        Position { batch_num: 1, from: 0 }
    }

    fn dropped(&self) -> u64 {
        0
    }

    fn close(&self) {}
}

/// The position of a future record.
pub(crate) struct Position {
    /// The batch that the next test record will belong to.
    pub(crate) batch_num: u64,
    /// The position of the destination at or after which the record will be.
    pub(crate) from: u64,
}

/// A session, and the spool for its records.
pub(crate) struct Place<'a> {
    pub(crate) spool: Option<Spool>,
    pub(crate) session_id: &'a str,
    /// Whether a journal tells the sender that the session is running.
    pub(crate) has_journal: bool,
    /// The program to run as the sender, instead of the default ones.
    pub(crate) sender: Option<PathBuf>,
}

/// Returns the batch of the test record with this index, counted from 0.
pub(super) fn batch_num(index: u64, batch_size: u64) -> u64 {
    index / batch_size + 1
}
