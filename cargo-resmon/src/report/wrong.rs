//! What somebody should look at first.

use super::binary::Binary;
use super::model::Report;
use super::outcome::Outcome;
use super::sentences;
use super::test::Test;

/// What did not go as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong<'a> {
    /// Of which no test is known to have gone wrong.
    Binary(&'a Binary),
    /// One that is flaky, too.
    Test(&'a Test),
}

/// Crashes first, those of whole binaries before those of tests, and flaky tests last.
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
    // The order is kept within an outcome.
    all.sort_by_key(Wrong::outcome);
    all.extend(report.flaky().map(Wrong::Test));
    all
}

impl Wrong<'_> {
    /// [`Outcome::Passed`] is a flaky test.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Binary(binary) => binary.outcome(),
            Self::Test(test) => test.outcome(),
        }
    }

    /// What is wrong with it, in a word.
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

    /// How it ended.
    pub(crate) fn end(&self) -> String {
        match self {
            Self::Binary(binary) => sentences::end_of_binary(binary),
            Self::Test(test) => sentences::end(test),
        }
    }
}
