//! The timeline of the tests, and the machine's CPU and memory usage in the meantime.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::outcome::Outcome;
use crate::record::Attempt;
use crate::report::model::Report;
use crate::report::units::float;

/// The maximum number of lanes. Further concurrent tests share the last one.
const LANES: usize = 32;
/// The number of equal intervals of time. Readings in the same interval are merged.
const BUCKETS: usize = 400;

/// The timeline of a run. Times are seconds since the first test began.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The end of the last test.
    pub(super) end: f64,
    /// The bars in the order of their starts.
    pub(super) bars: Vec<Bar>,
    pub(super) lanes: usize,
    /// The machine's CPU usage in %, by time.
    pub(super) cpu: Vec<(f64, f64)>,
    /// The machine's used memory in %, by time.
    pub(super) memory: Vec<(f64, f64)>,
}

/// The bar of an attempt whose time is known.
#[derive(Debug)]
pub(super) struct Bar {
    /// The index of the test in the run, and that of the attempt in the test.
    pub(super) of: (usize, usize),
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) lane: usize,
    pub(super) outcome: Outcome,
}

impl Timeline {
    /// Builds the timeline. Returns `None` if the time of no test is known.
    pub(super) fn of(report: &Report) -> Option<Self> {
        let mut bars = bars(report);
        bars.sort_by(|one, other| one.start.total_cmp(&other.start));
        let start = bars.first()?.start;
        for bar in &mut bars {
            bar.start -= start;
            bar.end -= start;
        }
        let end = bars.iter().map(|bar| bar.end).fold(0.001, f64::max);
        let lanes = assign_lanes(&mut bars);
        let mut timeline = Self { end, bars, lanes, cpu: Vec::new(), memory: Vec::new() };
        timeline.read(report);
        Some(timeline)
    }

    fn read(&mut self, report: &Report) {
        let total = report.run.of_all_machines(|machine| machine.mem_total_bytes);
        let mut cpu = Buckets::new(self.end);
        let mut memory = Buckets::new(self.end);
        for bar in &self.bars {
            let attempt = &report.run.tests[bar.of.0].attempts[bar.of.1];
            read_cpu(&mut cpu, bar, attempt);
            memory.most(bar.start, attempt.mem_percent_before);
            memory.most(bar.end, attempt.mem_percent_after);
            // The time of the memory minimum within the test is unknown, so it is used for short tests only.
            if bar.end - bar.start <= 2.0 * memory.width {
                let least = attempt.mem_available_min.zip(total.filter(|total| *total > 0));
                let used = least.map(|(least, total)| 100.0 - float(least) / float(total) * 100.0);
                memory.most(bar.end, used.filter(|used| (0.0..=100.0).contains(used)));
            }
        }
        self.cpu = cpu.points();
        self.memory = memory.points();
    }
}

/// Adds the two CPU readings of a test. The second one covers the test if that took at least 200 ms, else the 200 ms
/// before its end. A reading weighs more the less time it covers.
fn read_cpu(cpu: &mut Buckets, bar: &Bar, attempt: &Attempt) {
    const WINDOW: f64 = 0.2;
    cpu.mean(bar.start, bar.start, attempt.cpu_before, 1.0 / WINDOW);
    let long = bar.end - bar.start >= WINDOW;
    let start = if long { bar.start } else { bar.end };
    cpu.mean(start, bar.end, attempt.cpu_after, 1.0 / (bar.end - bar.start).max(WINDOW));
}

fn bars(report: &Report) -> Vec<Bar> {
    let tests = report.run.tests.iter().enumerate();
    tests
        .flat_map(|(test, of)| {
            of.attempts.iter().enumerate().filter_map(move |(place, attempt)| {
                let (start, end) = attempt.span()?;
                attempt.duration_s?;
                Some(Bar { of: (test, place), start, end, lane: 0, outcome: attempt.outcome })
            })
        })
        .collect()
}

/// Gives each bar the lowest lane that is free at its start. Returns the number of lanes.
fn assign_lanes(bars: &mut [Bar]) -> usize {
    // A test's end is rounded to milliseconds, so the next test may seem to start up to one before it.
    const ROUNDED: i64 = 1_000;
    let mut free: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    // The lanes in use with their ends in microseconds, the earliest on top. Floats have no total order.
    let mut used: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
    let mut lanes = 0;
    for bar in bars {
        let now = micros(bar.start) + ROUNDED;
        while let Some(Reverse((until, lane))) = used.peek().copied()
            && until <= now
        {
            used.pop();
            free.push(Reverse(lane));
        }
        if free.is_empty() && lanes < LANES {
            free.push(Reverse(lanes));
            lanes += 1;
        }
        if let Some(Reverse(lane)) = free.pop() {
            bar.lane = lane;
            used.push(Reverse((micros(bar.end), lane)));
        } else {
            bar.lane = LANES - 1;
        }
    }
    lanes
}

#[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}

/// Readings per interval of time: the weighted sum and the sum of the weights, or the maximum and 1.
struct Buckets {
    width: f64,
    buckets: Vec<(f64, f64)>,
}

impl Buckets {
    #[allow(clippy::cast_precision_loss, reason = "a small constant")]
    fn new(end: f64) -> Self {
        Self { width: end / BUCKETS as f64, buckets: vec![(0.0, 0.0); BUCKETS] }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    fn place(&self, time: f64) -> usize {
        ((time / self.width) as usize).min(self.buckets.len() - 1)
    }

    fn mean(&mut self, start: f64, end: f64, value: Option<f64>, weight: f64) {
        let Some(value) = value else { return };
        let (first, last) = (self.place(start), self.place(end));
        for (sum, weights) in &mut self.buckets[first..=last] {
            *sum += value * weight;
            *weights += weight;
        }
    }

    fn most(&mut self, time: f64, value: Option<f64>) {
        let Some(value) = value else { return };
        let place = self.place(time);
        let (most, weight) = &mut self.buckets[place];
        *most = most.max(value);
        *weight = 1.0;
    }

    /// Returns the mean or maximum of each bucket that has a reading, at its middle.
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    fn points(&self) -> Vec<(f64, f64)> {
        let buckets = self.buckets.iter().enumerate();
        buckets
            .filter(|(_, (_, weights))| *weights > 0.0)
            .map(|(place, (sum, weights))| ((place as f64 + 0.5) * self.width, sum / weights))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(start: f64, end: f64) -> Bar {
        Bar { of: (0, 0), start, end, lane: 0, outcome: Outcome::Passed }
    }

    #[test]
    fn tests_that_ran_at_once_have_lanes_of_their_own() {
        let mut bars = [bar(0.0, 3.0), bar(1.0, 2.0), bar(2.0, 4.0), bar(2.5, 5.0), bar(3.0, 6.0)];
        assert_eq!(assign_lanes(&mut bars), 3);
        assert_eq!(bars.map(|bar| bar.lane), [0, 1, 1, 2, 0]);
    }

    #[test]
    fn a_crowd_shares_the_last_lane() {
        let mut bars: Vec<_> = (0..100).map(|_| bar(0.0, 1.0)).collect();
        assert_eq!(assign_lanes(&mut bars), LANES);
        assert_eq!(bars[99].lane, LANES - 1);
    }

    #[test]
    fn a_reading_counts_more_where_it_covers_less() {
        let mut buckets = Buckets::new(400.0);
        buckets.mean(0.0, 400.0, Some(10.0), 1.0);
        buckets.mean(200.5, 200.5, Some(90.0), 9.0);
        let points = buckets.points();
        assert_eq!(points.len(), BUCKETS);
        assert_eq!(points[0], (0.5, 10.0));
        assert_eq!(points[200], (200.5, 82.0));
    }
}
