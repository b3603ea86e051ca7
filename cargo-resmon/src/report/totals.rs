//! Figures of a whole run.

use super::run::Run;
use crate::outcome::Outcome;
use crate::record::Attempt;

#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) crashed: usize,
    pub(crate) unfinished: usize,
    pub(crate) unknown: usize,
    /// Tests that passed only in a retry; they are among `passed`.
    pub(crate) flaky: usize,
    /// The number of attempts after the first of each test.
    pub(crate) retries: usize,
    /// Wall seconds in which at least one test ran.
    pub(crate) testing_s: Option<f64>,
    /// The sum of the wall seconds of all attempts.
    pub(crate) tests_s: f64,
    /// The sum of the CPU seconds of all attempts that report them.
    pub(crate) cpu_s: Option<f64>,
    /// Whether `cpu_s` is complete: no attempt lacks it or reports its own thread only.
    pub(crate) cpu_is_whole: bool,
    /// Mean usage of the machine's CPUs in % while tests of at least 200 ms ran. Shorter ones have no usage of their
    /// own.
    pub(crate) machine_cpu: Option<f64>,
    /// The least available memory in bytes, and the index of the test that saw it.
    pub(crate) mem_available: Option<(i64, usize)>,
    /// The greatest used share of the disk in %, with the free bytes at that time.
    pub(crate) disk: Option<(f64, Option<i64>)>,
}

impl Totals {
    pub(crate) fn of(run: &Run) -> Self {
        let mut totals = Self { cpu_is_whole: true, ..Self::default() };
        for test in &run.tests {
            *totals.count(test.outcome()) += 1;
            totals.flaky += usize::from(test.is_flaky());
            totals.retries += test.retries();
        }
        let attempts = || {
            let tests = run.tests.iter().enumerate();
            tests
                .flat_map(|(place, test)| test.attempts.iter().map(move |attempt| (place, attempt)))
        };
        totals.testing_s = union(attempts().filter_map(|(_, attempt)| attempt.span()).collect());
        for (place, attempt) in attempts() {
            totals.add(place, attempt);
        }
        totals.machine_cpu = mean(attempts().filter_map(|(_, attempt)| {
            let seconds = attempt.duration_s.filter(|seconds| *seconds >= 0.2)?;
            Some((attempt.cpu_after?, seconds))
        }));
        totals
    }

    fn count(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Crashed => &mut self.crashed,
            Outcome::Unfinished => &mut self.unfinished,
            Outcome::Unknown => &mut self.unknown,
        }
    }

    fn add(&mut self, place: usize, attempt: &Attempt) {
        self.tests_s += attempt.duration_s.unwrap_or_default();
        if let Some(cpu) = attempt.cpu_s() {
            self.cpu_s = Some(self.cpu_s.unwrap_or_default() + cpu);
            self.cpu_is_whole &= attempt.cpu_scope == Some(crate::record::Scope::Process);
        } else if attempt.duration_s.is_some() {
            self.cpu_is_whole = false;
        }
        if let Some(bytes) = attempt.mem_available()
            && self.mem_available.is_none_or(|(least, _)| bytes < least)
        {
            self.mem_available = Some((bytes, place));
        }
        let disk = [
            (attempt.disk_percent_before, attempt.disk_free_before),
            (attempt.disk_percent_after, attempt.disk_free_after),
        ];
        for (percent, free) in disk {
            if let Some(percent) = percent
                && self.disk.is_none_or(|(most, _)| percent > most)
            {
                self.disk = Some((percent, free));
            }
        }
    }
}

/// Returns the length of the union of the spans: time in several spans counts once.
fn union(mut spans: Vec<(f64, f64)>) -> Option<f64> {
    spans.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (mut all, mut until) = (0.0, spans.first()?.0);
    for (start, end) in spans {
        all += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    Some(all)
}

/// Returns the weighted mean of pairs of value and weight.
fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) = values.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (sum + value * weight, weights + weight)
    });
    (weights > 0.0).then(|| sum / weights)
}

#[cfg(test)]
mod tests {
    use super::{mean, union};

    #[test]
    fn time_in_which_several_tests_ran_counts_once() {
        let spans = vec![(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (1.5, 1.75)];
        assert_eq!(union(spans), Some(4.0));
        assert_eq!(union(Vec::new()), None);
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean([(10.0, 1.0), (40.0, 2.0)].into_iter()), Some(30.0));
        assert_eq!(mean(std::iter::empty()), None);
    }
}
