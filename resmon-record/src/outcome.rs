//! The outcome of a test.

/// The expectation that a test's `#[should_panic]` states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShouldPanic {
    /// None: a panic is a failure.
    No,
    /// A panic with any message.
    Yes,
    /// A panic whose message contains this text.
    With(&'static str),
}

/// The outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The test did what it should.
    Passed,
    /// The test panicked although it should not, did not panic although it should, or returned an error.
    Failed,
    /// The test was still open when the process exited.
    Unfinished,
    /// The process died during the test.
    Crashed,
    /// The outcome cannot be known, for example because the test returned a value that could mean success or failure.
    Unknown,
}

impl Outcome {
    /// The names of all outcomes in records.
    pub const NAMES: &[&str] = &[
        Self::Passed.as_str(),
        Self::Failed.as_str(),
        Self::Unfinished.as_str(),
        Self::Crashed.as_str(),
        Self::Unknown.as_str(),
    ];

    /// Returns the name of the outcome in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
        }
    }
}
