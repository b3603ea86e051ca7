//! The standard error stream, on systems where a test cannot replace it unseen.

use std::io::{self, Write};

/// Notes the file behind stderr, before a test can replace it.
pub(crate) fn note() {}

/// Writes the text.
pub(crate) fn write(text: &[u8]) {
    let _ = io::stderr().write_all(text);
}
