//! What the value that a test returns says of its outcome.

use std::process::ExitCode;

use crate::outcome::Outcome;

/// Asks a test's return value for its outcome without knowing the type. Method resolution takes
/// the first that fits: the methods of `Probe` itself, those of [`FallibleOutput`], and by one
/// more reference those of [`AnyOutput`]. The method's name keeps it apart from the user's traits.
#[derive(Debug)]
pub struct Probe<'a, T>(pub &'a T);

impl Probe<'_, ()> {
    /// Reached through an alias of `()`.
    #[must_use]
    pub fn __resmon_outcome(self) -> Outcome {
        Outcome::Passed
    }
}

impl Probe<'_, ExitCode> {
    /// Any other code than success is a failed test.
    #[must_use]
    pub fn __resmon_outcome(self) -> Outcome {
        passed_if(*self.0 == ExitCode::SUCCESS)
    }
}

impl<E> Probe<'_, Result<(), E>> {
    /// An error is a failed test.
    #[must_use]
    pub fn __resmon_outcome(self) -> Outcome {
        passed_if(self.0.is_ok())
    }
}

impl<E> Probe<'_, Result<ExitCode, E>> {
    /// Both an error and a code other than success are a failed test.
    #[must_use]
    pub fn __resmon_outcome(self) -> Outcome {
        passed_if(matches!(self.0, Ok(code) if *code == ExitCode::SUCCESS))
    }
}

/// A `Result` whose success is a type of the user's.
pub trait FallibleOutput {
    /// `Failed` for an error, else `Unknown`.
    fn __resmon_outcome(self) -> Outcome;
}

impl<T, E> FallibleOutput for Probe<'_, Result<T, E>> {
    fn __resmon_outcome(self) -> Outcome {
        if self.0.is_ok() { Outcome::Unknown } else { Outcome::Failed }
    }
}

/// A type of the user's, which has an exit code but gives it away only once, to libtest.
pub trait AnyOutput {
    /// `Unknown`
    fn __resmon_outcome(self) -> Outcome;
}

impl<T> AnyOutput for &Probe<'_, T> {
    fn __resmon_outcome(self) -> Outcome {
        Outcome::Unknown
    }
}

pub(crate) fn passed_if(passed: bool) -> Outcome {
    if passed { Outcome::Passed } else { Outcome::Failed }
}
