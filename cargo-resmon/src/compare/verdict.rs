//! Verdicts on figures.

use serde::Serialize;

use super::metric::Metric;
use super::statistics::{Difference, RUNS, Rule};

/// Whether a figure has changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Same,
    Better,
    Worse,
    /// The runs do not tell.
    Unclear {
        why: Why,
        /// Whether the figure would be worse by the runs that there are.
        looks_worse: bool,
    },
}

/// The reason why a figure cannot be judged, the one that says most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// A side has too few runs for a figure that differs from run to run.
    FewRuns,
    /// Too few tests are on both sides to tell a slower machine from slower tests.
    FewTests,
    /// Other tests ran in the process at the same time, and their memory is included.
    Shared,
    /// One side counted the test's own thread, and the other one its whole process.
    Coverage,
    /// A side has no such figure.
    Missing,
}

impl Why {
    /// Describes the reason. The text continues "cannot tell:".
    pub(crate) fn describe(self) -> String {
        match self {
            Self::FewRuns => {
                format!("figures with noise need at least {RUNS} runs on each side")
            }
            Self::FewTests => {
                "too few tests of 20 ms or more are on both sides to tell a slower machine from slower tests"
                    .to_owned()
            }
            Self::Shared => "other tests ran in the same process at the same time".to_owned(),
            Self::Coverage => {
                "one side counts the test's own thread, the other one its whole process".to_owned()
            }
            Self::Missing => "one side has no such figure".to_owned(),
        }
    }
}

impl Verdict {
    /// Judges the figures of both sides. `obstacle` is a reason why they cannot be judged.
    pub(crate) fn of(
        metric: Metric,
        base: &[f64],
        head: &[f64],
        rule: &Rule,
        obstacle: Option<Why>,
    ) -> Self {
        let Some(difference) = Difference::between(base, head, rule.noise) else {
            return Self::Unclear { why: obstacle.unwrap_or(Why::Missing), looks_worse: false };
        };
        let is_change = difference.is_change(rule);
        let few = metric.is_noisy() && base.len().min(head.len()) < RUNS;
        match obstacle.or(few.then_some(Why::FewRuns)) {
            Some(why) => Self::Unclear { why, looks_worse: is_change && difference.is_increase() },
            None if !is_change => Self::Same,
            None if difference.is_increase() => Self::Worse,
            None => Self::Better,
        }
    }

    /// Returns its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Unclear { .. } => "cannot_tell",
        }
    }

    pub(crate) fn why(self) -> Option<Why> {
        match self {
            Self::Unclear { why, .. } => Some(why),
            _ => None,
        }
    }
}
