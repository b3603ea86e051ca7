//! CPU usage over windows that are long enough to mean something.
//!
//! The kernel counts CPU time in ticks of 10 ms. Between two closer readings the usage is 0 or 100 by chance, so only a
//! longer window shows the load.

use std::time::{Duration, Instant};

use super::percent;

/// The ticks of all CPUs since boot, at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) busy: u64,
    pub(crate) total: u64,
}

impl Sample {
    /// Returns the usage since an earlier sample in %, 0 to 100. `None` if no tick fell between them.
    fn usage_since(self, earlier: Sample) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|&ticks| ticks > 0)?;
        Some(percent(self.busy.saturating_sub(earlier.busy), total))
    }

    fn age(self, earlier: Sample) -> Duration {
        self.at.saturating_duration_since(earlier.at)
    }
}

/// The shortest window with a meaningful usage.
const WINDOW: Duration = Duration::from_millis(200);
/// The shortest time between two advances of the kernel's counters.
const TICK: Duration = Duration::from_millis(10);

/// Whether counters that were read at `read` are at most one tick behind.
pub(crate) fn is_fresh(read: Instant, now: Instant) -> bool {
    now.saturating_duration_since(read) < TICK
}

/// The highest number of samples: one for each tick of a window, and those at its ends.
const MOST: usize = 24;

/// The samples of the recent past, oldest first. Adding one allocates nothing: the sampler does so while a test runs,
/// which may count the allocations of its process.
#[derive(Debug)]
pub(crate) struct History(Vec<Sample>);

impl Default for History {
    fn default() -> Self {
        Self(Vec::with_capacity(MOST))
    }
}

impl History {
    /// Returns the newest sample if it [is fresh](is_fresh).
    pub(crate) fn fresh(&self, now: Instant) -> Option<Sample> {
        self.0.last().copied().filter(|sample| is_fresh(sample.at, now))
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(sample);
        // Keeps only the latest of the samples that are a window old.
        while self.0.get(1).is_some_and(|&second| sample.age(second) >= WINDOW) {
            self.0.remove(0);
        }
    }

    /// Returns the usage over the latest window of at least 200 ms, which ends with the newest sample. In the first
    /// moments of a process, the window is all that is known.
    pub(crate) fn recent(&self) -> Option<f64> {
        // Only the first sample can be a window old: see `push`.
        self.0.last()?.usage_since(*self.0.first()?)
    }

    /// Returns the start of the latest window.
    #[cfg(test)]
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.0.first().map(|sample| sample.at)
    }

    /// Returns the usage since `start` if that is a window of at least 200 ms, else the recent usage.
    pub(crate) fn since(&self, start: Sample) -> Option<f64> {
        let newest = *self.0.last()?;
        if newest.age(start) >= WINDOW
            && let Some(usage) = newest.usage_since(start)
        {
            return Some(usage);
        }
        self.recent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of one CPU that is busy for `busy` ticks of each 100.
    struct Clock(Instant, u64);

    impl Clock {
        fn after(&self, millis: u64, busy: u64) -> Sample {
            let ticks = millis / 10;
            Sample {
                at: self.0 + Duration::from_millis(millis),
                busy: self.1 + ticks * busy / 100,
                total: 1000 + ticks,
            }
        }
    }

    #[test]
    fn without_ticks_there_is_no_usage() {
        let clock = Clock(Instant::now(), 500);
        let mut history = History::default();
        assert_eq!(history.recent(), None);
        history.push(clock.after(0, 50));
        assert_eq!(history.recent(), None);
        history.push(clock.after(5, 50));
        assert_eq!(history.recent(), None);
        assert_eq!(history.since(clock.after(0, 50)), None);
    }

    #[test]
    fn the_first_moments_use_all_that_is_known() {
        let clock = Clock(Instant::now(), 500);
        let mut history = History::default();
        for millis in [0, 20, 40, 60, 80, 100] {
            history.push(clock.after(millis, 50));
        }
        assert_eq!(history.recent(), Some(50.0));
    }

    #[test]
    fn later_the_window_is_the_last_200_ms() {
        let start = Instant::now();
        let mut history = History::default();
        // A busy second, then an idle one.
        for millis in (0..=2000).step_by(10) {
            let busy = 500 + millis.min(1000) / 10;
            let at = start + Duration::from_millis(millis);
            history.push(Sample { at, busy, total: 1000 + millis / 10 });
            match millis {
                20..=1000 => assert_eq!(history.recent(), Some(100.0)),
                1200.. => assert_eq!(history.recent(), Some(0.0)),
                _ => {}
            }
        }
        assert!(history.0.len() <= 22, "{}", history.0.len());
        let first = Sample { at: start, busy: 500, total: 1000 };
        assert_eq!(history.since(first), Some(50.0));
    }

    #[test]
    fn a_test_shorter_than_a_window_is_measured_over_one() {
        let clock = Clock(Instant::now(), 0);
        let mut history = History::default();
        for millis in (0..=400).step_by(10) {
            history.push(clock.after(millis, 50));
        }
        assert_eq!(history.since(clock.after(390, 0)), history.recent());
    }

    #[test]
    fn within_a_tick_the_last_sample_stands() {
        let clock = Clock(Instant::now(), 500);
        let mut history = History::default();
        let sample = clock.after(0, 50);
        assert_eq!(history.fresh(sample.at), None);
        history.push(sample);
        assert_eq!(history.fresh(sample.at + Duration::from_millis(9)), Some(sample));
        assert_eq!(history.fresh(sample.at + TICK), None);
    }

    #[test]
    fn adding_a_sample_allocates_nothing() {
        let clock = Clock(Instant::now(), 0);
        let mut history = History::default();
        let (place, capacity) = (history.0.as_ptr(), history.0.capacity());
        for millis in 0..1000 {
            history.push(clock.after(millis, 50));
        }
        assert_eq!((history.0.as_ptr(), history.0.capacity()), (place, capacity));
    }

    #[test]
    fn counters_that_run_backwards_give_nothing() {
        let clock = Clock(Instant::now(), 500);
        let mut history = History::default();
        history.push(clock.after(300, 50));
        let mut later = clock.after(0, 50);
        later.at += Duration::from_secs(1);
        history.push(later);
        assert_eq!(history.recent(), None);
    }
}
