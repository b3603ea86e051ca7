//! How a test ended.

use serde::{Deserialize, Serialize};

/// The worst first.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The process died.
    Crashed,
    Failed,
    /// Still open when the process exited.
    Unfinished,
    Passed,
    /// Nobody can tell, or it is a word of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// As it is written in a record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unknown => "unknown",
            Self::Unfinished => "unfinished",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }

    /// Whether somebody should look at the test.
    pub(crate) fn is_bad(self) -> bool {
        self <= Self::Unfinished
    }
}

/// A signal by its name, such as `SIGKILL`.
pub(crate) fn signal(number: i32) -> String {
    // The same on every Unix but for 7 and 10, which are those of Linux here.
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
