//! Messages of this program on stderr, beside the output of the wrapped command.

use std::fmt::Display;
use std::io::{self, Write};

use crate::clean::clean_lines;

/// Writes a line to stderr, without the control characters of the names in it. Ignores errors, such as those of a closed
/// terminal.
pub(crate) fn say(message: impl Display) {
    let message = clean_lines(&message.to_string());
    let _ = io::stderr().write_all(format!("resmon: {message}\n").as_bytes());
}

pub(crate) fn warn(message: impl Display) {
    say(format_args!("warning: {message}"));
}

pub(crate) fn error(message: impl Display) {
    say(format_args!("error: {message}"));
}
