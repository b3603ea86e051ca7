//! The outcome of a test.

use serde::{Deserialize, Serialize};

/// The outcome of a test or test binary, the worst first.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The process died.
    Crashed,
    Failed,
    /// The test was still open when its process exited.
    Unfinished,
    Passed,
    /// The outcome is not known, or is one of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// Returns the outcome as it is written in a record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unknown => "unknown",
            Self::Unfinished => "unfinished",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }

    /// Returns whether the test failed, crashed or stayed unfinished.
    pub(crate) fn is_bad(self) -> bool {
        self <= Self::Unfinished
    }
}

/// Returns the name of a signal, such as `SIGKILL`.
pub(crate) fn signal(number: i32) -> String {
    // These numbers are the same on every Unix, except for 7, which is SIGBUS on Linux.
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}
