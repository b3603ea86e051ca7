//! How a test ended.

/// The expectation that a test's `#[should_panic]` states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShouldPanic {
    /// There is none: a panic is a failure.
    No,
    /// Any panic will do.
    Yes,
    /// A panic whose message contains this text.
    With(&'static str),
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It panicked where it should not, did not where it should, or returned an error.
    Failed,
    /// It was still open when the process exited.
    Unfinished,
    /// The process died.
    Crashed,
    /// It returned a value that could mean either.
    Unknown,
}

impl Outcome {
    /// Returns the word that records have for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
        }
    }
}
