//! What resmon has to say to the person who runs the tests.

use std::fmt;
use std::io::{self, Write};

/// Writes one line to stderr itself: libtest captures `eprintln!` and drops it when the test passes.
/// One write, so that lines of several threads do not mix; a stderr that is closed is no concern.
pub(crate) fn warn(message: impl fmt::Display) {
    let line = format!("resmon: warning: {message}\n");
    let _ = io::stderr().write_all(line.as_bytes());
}

/// A number of records, in words.
pub(crate) struct Records(pub(crate) u64);

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
