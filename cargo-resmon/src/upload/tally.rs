//! What has become of records.

use std::fmt;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Arrived, and in the table.
    pub(crate) accepted: u64,
    /// Arrived, and kept out of it.
    pub(crate) quarantined: u64,
    /// Refused by the endpoint for their content, and set aside.
    pub(crate) refused: u64,
    /// Not sent.
    pub(crate) left: u64,
    /// Sent by an earlier upload.
    pub(crate) before: u64,
    /// Lines for which the table has no place: figures of processes.
    pub(crate) notes: u64,
    /// Lines that are no records.
    pub(crate) others: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.refused += other.refused;
        self.left += other.left;
        self.before += other.before;
        self.notes += other.notes;
        self.others += other.others;
    }

    /// Whether there were lines, and none that this program knows.
    pub(crate) fn is_of_something_else(&self) -> bool {
        let known =
            self.accepted + self.quarantined + self.refused + self.left + self.before + self.notes;
        known == 0 && self.others > 0
    }

    /// Whether all is where it belongs.
    pub(crate) fn is_well(&self) -> bool {
        self.quarantined == 0 && self.refused == 0 && self.left == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, quarantined, refused, left, before, notes, others } = self;
        write!(f, "{accepted} accepted, {quarantined} quarantined, {left} left")?;
        for (count, what) in [
            (refused, "refused and set aside (*.refused)"),
            (before, "sent before"),
            (notes, "kept here only"),
            (others, "not a record"),
        ] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
