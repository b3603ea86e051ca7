//! Counts of what happened to the records of an upload.

use std::fmt;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Records that arrived in the table.
    pub(crate) accepted: u64,
    /// Records that Tinybird put into quarantine, not into the table.
    pub(crate) quarantined: u64,
    /// Records of a spool that the endpoint refused for their content. They are set aside.
    pub(crate) refused: u64,
    /// Records that did not arrive and can be sent again.
    pub(crate) left: u64,
    /// Records that an earlier upload sent.
    pub(crate) before: u64,
    /// Lines with figures of processes, for which the table has no columns.
    pub(crate) notes: u64,
    /// Lines that are not records.
    pub(crate) others: u64,
    /// Last lines that are still being written, or were cut off.
    pub(crate) torn: u64,
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
        self.torn += other.torn;
    }

    /// Returns whether there were lines, but no records of resmon.
    pub(crate) fn is_of_something_else(&self) -> bool {
        let known =
            self.accepted + self.quarantined + self.refused + self.left + self.before + self.notes;
        known == 0 && self.others > 0
    }

    /// Returns whether all records have arrived in the table.
    pub(crate) fn is_well(&self) -> bool {
        self.quarantined == 0 && self.refused == 0 && self.left == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, quarantined, refused, left, before, notes, others, torn } = self;
        write!(f, "{accepted} accepted, {quarantined} quarantined, {left} left")?;
        for (count, what) in [
            (refused, "refused and set aside (*.refused)"),
            (before, "sent before"),
            (notes, "kept here only"),
            (others, "not a record"),
            (torn, "not complete yet"),
        ] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
