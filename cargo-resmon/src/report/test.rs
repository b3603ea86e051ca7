//! The tests of a run.

use super::text::clean;
use crate::outcome::Outcome;
use crate::record::Attempt;

/// The names that together tell a test from all others: one module may be compiled into several targets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Its `test_nodeid`.
    pub(crate) id: String,
    pub(crate) package: Option<String>,
    /// The Cargo target, as nextest names binaries.
    pub(crate) target: Option<String>,
}

/// A test of a run.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) key: Key,
    /// Whether the run has another test of the same id.
    pub(crate) shares_id: bool,
    /// At least one, in the order in which they ended.
    pub(crate) attempts: Vec<Attempt>,
    /// Its results in earlier runs, the latest first.
    pub(crate) earlier: Vec<Earlier>,
}

/// The result of a test in an earlier run. Each figure is the greatest of all attempts.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    /// The index of the run in [`Report::earlier`](super::model::Report).
    pub(crate) run: usize,
    pub(crate) outcome: Outcome,
    pub(crate) attempts: usize,
    pub(crate) figures: [Option<f64>; 4],
}

/// A kind of cost of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Time,
    Cpu,
    Memory,
    Growth,
}

impl Measure {
    pub(crate) const ALL: [Self; 4] = [Self::Time, Self::Cpu, Self::Memory, Self::Growth];

    /// Returns the cost of an attempt in seconds or bytes.
    pub(crate) fn of(self, attempt: &Attempt) -> Option<f64> {
        match self {
            Self::Time => attempt.duration_s,
            Self::Cpu => attempt.cpu_s(),
            Self::Memory => attempt.rss_peak.map(super::units::float),
            Self::Growth => attempt.growth().map(super::units::float),
        }
    }
}

impl Test {
    /// Its id as the report shows it, with the target where the id alone would not do.
    pub(crate) fn name(&self) -> String {
        let id = clean(&self.key.id);
        match &self.key.target {
            Some(target) if self.shares_id => format!("{id} ({})", clean(target)),
            _ => id,
        }
    }

    /// The outcome of the last attempt. A test may be recorded more than once in an attempt: it repeats itself, or runs
    /// itself again in another process. The runner goes by the last, too.
    pub(crate) fn outcome(&self) -> Outcome {
        self.attempts.last().map(|attempt| attempt.outcome).unwrap_or_default()
    }

    /// Returns whether it passed in the end after a bad outcome. A process in which the test ran itself again may have
    /// ended before that test did, which is not bad.
    pub(crate) fn is_flaky(&self) -> bool {
        let last = self.last_attempt();
        let was_bad = |attempt: &Attempt| {
            let is_retried = attempt.attempt < last;
            attempt.outcome.is_bad() && (is_retried || attempt.outcome != Outcome::Unfinished)
        };
        self.outcome() == Outcome::Passed && self.attempts.iter().any(was_bad)
    }

    fn last_attempt(&self) -> i32 {
        self.attempts.iter().map(|attempt| attempt.attempt).max().unwrap_or(1)
    }

    /// Returns the number of retries.
    pub(crate) fn retries(&self) -> usize {
        usize::try_from(self.last_attempt().saturating_sub(1))
            .unwrap_or_default()
            .min(self.attempts.len() - 1)
    }

    /// Returns the attempt with the highest cost, and that cost.
    pub(crate) fn most(&self, measure: Measure) -> Option<(&Attempt, f64)> {
        self.attempts
            .iter()
            .filter_map(|attempt| Some((attempt, measure.of(attempt)?)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// Returns the signal that ended the last attempt, if one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.attempts.last().and_then(|attempt| attempt.signal)
    }

    /// Returns its result, to keep when it belongs to an earlier run.
    pub(crate) fn to_earlier(&self, run: usize) -> Earlier {
        Earlier {
            run,
            outcome: self.outcome(),
            attempts: self.attempts.len(),
            figures: Measure::ALL.map(|measure| self.most(measure).map(|(_, most)| most)),
        }
    }

    /// Returns the median of a figure over the earlier runs in which the test passed, and the number of these runs.
    pub(crate) fn usual(&self, measure: Measure) -> Option<(f64, usize)> {
        let passed = self.earlier.iter().filter(|earlier| earlier.outcome == Outcome::Passed);
        let mut figures: Vec<f64> =
            passed.filter_map(|earlier| earlier.figures[measure as usize]).collect();
        figures.sort_by(f64::total_cmp);
        Some((*figures.get(figures.len() / 2)?, figures.len()))
    }
}
