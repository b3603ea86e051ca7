//! Usage of the machine's CPUs over the latest moments: a process that runs one test has no past to tell it from.

use std::collections::VecDeque;

use super::record::{Fields, text};

/// Enough for what is taken at once.
const KEPT: usize = 64;

/// Usage over the 200 ms before some moments, oldest first. The moments are timestamps, whose text sorts by time.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<(String, f64)>);

impl History {
    pub(crate) fn push(&mut self, timestamp: String, usage: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((timestamp, usage));
    }

    /// Sets the field to what was known at the time of the others.
    pub(crate) fn fill_in(&self, fields: &mut Fields, name: &str) {
        let usage = text(fields, "timestamp").and_then(|timestamp| self.at(timestamp));
        if let Some(usage) = usage {
            fields.insert(name.to_owned(), usage.into());
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
        // Longer ago than is known.
        assert_eq!(history.at("2026-01-01T00:001"), Some(37.0));
        assert_eq!(history.0.len(), KEPT);
    }
}
