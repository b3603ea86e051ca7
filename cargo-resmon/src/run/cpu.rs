//! The recent usage of the machine's CPUs, which a process that runs a single test is too young to know.

use std::collections::VecDeque;

use crate::record::{Attempt, text_of};

/// The number of samples to keep: about 6 s at one sample per 100 ms.
const KEPT: usize = 64;

/// Samples, oldest first: a timestamp, and the usage in % over the 200 ms before it. The text of timestamps sorts by
/// time.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<(String, f64)>);

impl History {
    pub(crate) fn push(&mut self, timestamp: String, usage: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((timestamp, usage));
    }

    /// Replaces a figure by the usage at the time of the record, if any is known.
    pub(crate) fn replace(
        &self,
        figures: &mut Attempt,
        figure: impl Fn(&mut Attempt) -> &mut Option<f64>,
    ) {
        let usage = figures.timestamp.and_then(|timestamp| self.at(&text_of(timestamp)));
        if usage.is_some() {
            *figure(figures) = usage;
        }
    }

    fn at(&self, timestamp: &str) -> Option<f64> {
        let next = self.0.iter().find(|(moment, _)| moment.as_str() >= timestamp);
        next.or(self.0.back()).map(|(_, usage)| *usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_after_counts() {
        let mut history = History::default();
        assert_eq!(history.at("2"), None);
        for second in 1_u8..=100 {
            history.push(format!("2026-01-01T00:{second:03}"), f64::from(second));
        }
        assert_eq!(history.at("2026-01-01T00:0505"), Some(51.0));
        assert_eq!(history.at("2026-01-01T00:051"), Some(51.0));
        assert_eq!(history.at("2026-01-01T00:200"), Some(100.0));
        // Earlier than the oldest sample.
        assert_eq!(history.at("2026-01-01T00:001"), Some(37.0));
        assert_eq!(history.0.len(), KEPT);
    }
}
