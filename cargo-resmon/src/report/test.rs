//! A test of a run, with all that is known of it.

use super::outcome::Outcome;
use super::record::Attempt;
use super::text::clean;

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
    /// What it cost in earlier runs, the latest first.
    pub(crate) earlier: Vec<Earlier>,
}

/// What a test cost in an earlier run. Of several attempts each figure is the greatest.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    /// Which of [`Report::earlier`](super::model::Report) this was.
    pub(crate) run: usize,
    pub(crate) outcome: Outcome,
    pub(crate) attempts: usize,
    pub(crate) figures: [Option<f64>; 4],
}

/// What a test may cost much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Time,
    Cpu,
    Memory,
    Growth,
}

impl Measure {
    pub(crate) const ALL: [Self; 4] = [Self::Time, Self::Cpu, Self::Memory, Self::Growth];

    /// Seconds or bytes.
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

    /// Whether it passed after it had not.
    pub(crate) fn is_flaky(&self) -> bool {
        self.outcome() == Outcome::Passed
            && self.attempts.iter().any(|attempt| attempt.outcome.is_bad())
    }

    fn last_attempt(&self) -> i32 {
        self.attempts.iter().map(|attempt| attempt.attempt).max().unwrap_or(1)
    }

    /// How often it was tried again.
    pub(crate) fn retries(&self) -> usize {
        usize::try_from(self.last_attempt().saturating_sub(1))
            .unwrap_or_default()
            .min(self.attempts.len() - 1)
    }

    /// The attempt that cost most, with how much that was.
    pub(crate) fn most(&self, measure: Measure) -> Option<(&Attempt, f64)> {
        self.attempts
            .iter()
            .filter_map(|attempt| Some((attempt, measure.of(attempt)?)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// The signal that ended the last attempt.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.attempts.last().and_then(|attempt| attempt.signal)
    }

    /// What is kept of it once there is a later run.
    pub(crate) fn to_earlier(&self, run: usize) -> Earlier {
        Earlier {
            run,
            outcome: self.outcome(),
            attempts: self.attempts.len(),
            figures: Measure::ALL.map(|measure| self.most(measure).map(|(_, most)| most)),
        }
    }

    /// The median of a figure over the earlier runs in which it passed, and how many these are.
    pub(crate) fn usual(&self, measure: Measure) -> Option<(f64, usize)> {
        let passed = self.earlier.iter().filter(|earlier| earlier.outcome == Outcome::Passed);
        let mut figures: Vec<f64> =
            passed.filter_map(|earlier| earlier.figures[measure as usize]).collect();
        figures.sort_by(f64::total_cmp);
        Some((*figures.get(figures.len() / 2)?, figures.len()))
    }
}
