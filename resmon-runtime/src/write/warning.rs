//! Warnings to the person who runs the tests.

use std::fmt;

use crate::sys::stderr;

/// Writes one line to stderr directly: libtest captures `eprintln!` and drops it when the test passes. In one write, so
/// that lines of several threads do not mix. A closed stderr is ignored.
pub(crate) fn warn(message: impl fmt::Display) {
    stderr::write(format!("resmon: warning: {message}\n").as_bytes());
}

/// A number of records, in words.
pub(crate) struct Records(pub(crate) u64);

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
