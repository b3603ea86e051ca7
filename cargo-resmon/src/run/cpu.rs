//! The recent usage of the machine's CPUs, which a process that runs a single test is too young to know.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::record::Attempt;

/// The number of samples to keep: about 6 s at one sample per 100 ms.
const KEPT: usize = 64;

/// Samples, oldest first: a moment, and the usage in % over the 200 ms before it.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<(Timestamp, f64)>);

impl History {
    pub(crate) fn push(&mut self, moment: Timestamp, usage: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((moment, usage));
    }

    /// Replaces the usage before the record's moment, if it is known. No part of the window is after that moment.
    pub(crate) fn replace_before(&self, figures: &mut Attempt) {
        let Some(began) = figures.timestamp else { return };
        let before = self.0.iter().rev().find(|(moment, _)| *moment <= began);
        figures.cpu_before = before.map(|(_, usage)| *usage).or(figures.cpu_before);
    }

    /// Replaces the usage around the record's moment, if it is known.
    pub(crate) fn replace_after(&self, figures: &mut Attempt) {
        let Some(ended) = figures.timestamp else { return };
        let next = self.0.iter().find(|(moment, _)| *moment >= ended);
        let usage = next.or(self.0.back()).map(|(_, usage)| *usage);
        figures.cpu_after = usage.or(figures.cpu_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_before_a_test_has_no_part_of_the_test() {
        let mut history = History::default();
        let at = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
        let around = |history: &History, millis| {
            let (timestamp, known) = (Some(at(millis)), Some(0.5));
            let (cpu_before, cpu_after) = (known, known);
            let mut figures = Attempt { timestamp, cpu_before, cpu_after, ..Attempt::default() };
            history.replace_before(&mut figures);
            history.replace_after(&mut figures);
            (figures.cpu_before.unwrap(), figures.cpu_after.unwrap())
        };
        assert_eq!(around(&history, 2), (0.5, 0.5));
        for second in 1_u8..=100 {
            history.push(at(i64::from(second) * 1000), f64::from(second));
        }
        assert_eq!(around(&history, 50_500), (50.0, 51.0));
        assert_eq!(around(&history, 51_000), (51.0, 51.0));
        assert_eq!(around(&history, 200_000), (100.0, 100.0));
        // Earlier than the oldest sample.
        assert_eq!(around(&history, 1000), (0.5, 37.0));
        assert_eq!(history.0.len(), KEPT);
    }
}
