//! The bad and flaky tests and test binaries, which somebody should look at first.

use super::binary::Binary;
use super::model::Report;
use super::sentences;
use super::test::Test;
use crate::outcome::Outcome;

/// A test or a test binary to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong<'a> {
    /// A bad test binary without a bad test in the records.
    Binary(&'a Binary),
    /// A bad or flaky test.
    Test(&'a Test),
}

/// Returns all of them: crashes first, binaries before tests of the same outcome, and flaky tests last.
pub(crate) fn of(report: &Report) -> Vec<Wrong<'_>> {
    let mut all: Vec<_> = report
        .run
        .binaries
        .iter()
        .filter(|binary| binary.is_bad_by_itself())
        .map(Wrong::Binary)
        .collect();
    all.sort_by_cached_key(|wrong| (wrong.outcome(), wrong.name()));
    all.extend(report.bad().into_iter().map(Wrong::Test));
    // The sort is stable: within an outcome, the order stays.
    all.sort_by_key(Wrong::outcome);
    all.extend(report.flaky().map(Wrong::Test));
    all
}

impl Wrong<'_> {
    /// Returns its outcome. [`Outcome::Passed`] means a flaky test.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Binary(binary) => binary.outcome(),
            Self::Test(test) => test.outcome(),
        }
    }

    /// Returns what is wrong with it, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self.outcome() {
            Outcome::Passed => "flaky",
            outcome => outcome.name(),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Binary(binary) => binary.name(),
            Self::Test(test) => test.name(),
        }
    }

    /// Describes how it ended.
    pub(crate) fn end(&self) -> String {
        match self {
            Self::Binary(binary) => sentences::end_of_binary(binary),
            Self::Test(test) => sentences::end(test),
        }
    }
}
