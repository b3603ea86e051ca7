//! A process that a shim started: a single test under nextest, or a test binary under `cargo test`.

use std::collections::HashSet;
use std::ops::Range;

use libc::c_int;

use super::line::{Began, Ended, Event, Made, Source};
use super::workspace::Sources;
use crate::local::Killed;
use crate::outcome::Outcome;
use crate::record::{About, Attempt, ProcessRecord, TestRecord};

pub(super) const SIGKILL: i32 = 9;

#[derive(Debug)]
pub(crate) struct Child {
    began: Began,
    ended: Option<Ended>,
    /// Test records that are held back until the process has ended.
    inside: Vec<(Source, Box<TestRecord>)>,
    /// The number of its test records.
    tests: u32,
    /// The number of these with a bad outcome.
    tests_bad: u32,
    /// The peak of resident memory in bytes by the process's own account, which no test can reset.
    rss_peak: Option<i64>,
    /// The sessions of its processes that have started and not ended.
    open: HashSet<Source>,
    /// The byte ranges of its lines in the intake.
    places: Vec<Range<u64>>,
}

impl Child {
    pub(crate) fn new(began: Began, place: Range<u64>) -> Self {
        let (inside, open) = (Vec::new(), HashSet::new());
        let (tests, tests_bad, places) = (0, 0, vec![place]);
        Self { began, ended: None, inside, tests, tests_bad, rss_peak: None, open, places }
    }

    pub(crate) fn end(&mut self, ended: Ended, place: Range<u64>) {
        self.ended = Some(ended);
        self.places.push(place);
    }

    /// Adds a record of the process or of one below it. Returns the record if it need not wait for the end of the
    /// process.
    pub(crate) fn take(
        &mut self,
        source: Source,
        event: Event,
        place: Range<u64>,
    ) -> Option<(Event, Range<u64>)> {
        match event {
            Event::SessionStart => drop(self.open.insert(source)),
            Event::SessionEnd { rss_peak } => {
                self.open.remove(&source);
                self.rss_peak = self.rss_peak.max(rss_peak);
            }
            Event::Test(mut test) => {
                if self.test_name().is_none() {
                    // Cargo tries no test again: a number is that of an outer run of nextest.
                    test.figures.attempt = 1;
                }
                let outcome = test.figures.outcome;
                self.tests += 1;
                self.tests_bad += u32::from(outcome.is_bad());
                // These records lack the signal or the figures of the `end` line.
                if self.test_name().is_none() && outcome != Outcome::Crashed {
                    return Some((Event::Test(test), place));
                }
                self.inside.push((source, test));
            }
            Event::Other => return Some((event, place)),
        }
        self.places.push(place);
        None
    }

    /// Returns the name of the test that the process was started for, if it was started for one.
    fn test_name(&self) -> Option<&str> {
        self.began.test_name.as_deref()
    }

    /// Returns whether all lines about the process have arrived.
    pub(crate) fn is_done(&self) -> bool {
        self.ended.is_some() && !self.waits_for_journal()
    }

    /// Returns whether the process has ended and its own session is still open, as after a crash.
    pub(crate) fn waits_for_journal(&self) -> bool {
        self.ended.is_some() && self.open.iter().any(|source| Some(source.pid) == self.pid())
    }

    fn pid(&self) -> Option<u64> {
        Some(self.ended.as_ref()?.pid)
    }

    /// Lets the process have a signal.
    pub(crate) fn forward(&self, signal: c_int) {
        if let Some(shim) = self.began.shim().filter(|_| self.ended.is_none()) {
            shim.queue(signal);
        }
    }

    /// Whether the process has not ended and its shim is alive.
    pub(crate) fn is_running(&self) -> bool {
        self.ended.is_none() && self.began.is_shim_alive()
    }

    /// Returns the offset of its latest line in the intake, which is the sort key of children.
    pub(crate) fn latest(&self) -> u64 {
        self.places.last().map_or(0, |place| place.start)
    }

    /// Makes the records. `may_lack_lines` if lines about the process may have been lost: what is missing then proves
    /// nothing.
    pub(crate) fn make(mut self, sources: &Sources, may_lack_lines: bool, made: &mut Vec<Made>) {
        let first = made.len();
        if self.test_name().is_some() {
            let own = self.take_own();
            made.push(Made::Test(self.test(own, sources, may_lack_lines)));
        } else {
            made.push(Made::Process(Box::new(self.process(sources))));
        }
        let signal = self.ended.as_ref().and_then(|ended| ended.figures.signal);
        for (_, mut test) in self.inside {
            if test.figures.outcome == Outcome::Crashed {
                test.figures.signal = signal.or(test.figures.signal);
            }
            made.push(Made::Test(test));
        }
        if signal == Some(SIGKILL) {
            let killed = killed(&self.began, self.ended.as_ref(), &made[first..]);
            made.push(Made::Killed(Box::new(killed)));
        }
        made.push(Made::Done(self.places));
    }

    /// Takes out the records of the test that the process was started for, and returns the one to go by: of the process
    /// itself, or else the last. Others may be of a test that runs itself again, or of a runner that tries it again.
    fn take_own(&mut self) -> Option<Box<TestRecord>> {
        let (name, pid) = (self.test_name()?.to_owned(), self.pid());
        let inside = std::mem::take(&mut self.inside);
        let is_named = |(_, test): &(Source, Box<TestRecord>)| {
            let id = test.test_nodeid.split_once("::");
            id.is_some_and(|(_, recorded)| recorded == name)
        };
        let (mut named, others) = inside.into_iter().partition::<Vec<_>, _>(is_named);
        self.inside = others;
        // A runner that was configured already may have started the process in its turn, and more than once.
        let is_own = |(source, _): &(Source, _)| Some(source.pid) == pid;
        let own = named.iter().rposition(is_own).or(named.len().checked_sub(1))?;
        Some(named.swap_remove(own).1)
    }

    /// Builds the record of the test from the figures inside the process, if there are any, and those of the shim.
    fn test(
        &self,
        own: Option<Box<TestRecord>>,
        sources: &Sources,
        may_lack_lines: bool,
    ) -> Box<TestRecord> {
        let was_inside = own.is_some();
        let mut test = own.unwrap_or_else(|| Box::new(self.head(sources)));
        let figures = &mut test.figures;
        let Some(ended) = &self.ended else {
            figures.outcome = match figures.outcome {
                _ if !may_lack_lines => Outcome::Crashed,
                outcome if was_inside => outcome,
                _ => Outcome::Unknown,
            };
            return test;
        };
        figures.outcome = outcome(was_inside.then_some(figures.outcome), ended);
        if !was_inside || figures.duration_s.is_none() {
            // The process has seen the end of the test.
            figures.timestamp = ended.figures.timestamp.or(figures.timestamp);
            figures.concurrent_tests = Some(1);
        }
        // A process that has just started knows little of the CPU's recent usage.
        figures.cpu_before = self.began.figures.cpu_before.or(figures.cpu_before);
        if is_short(figures) {
            figures.cpu_after = ended.figures.cpu_after.or(figures.cpu_after);
        }
        // The figures from inside are those of the test alone, without the start of the process.
        figures.fill(&ended.figures);
        test
    }

    /// Builds the part of the test's record that the shim knew before its start.
    fn head(&self, sources: &Sources) -> TestRecord {
        let Began { test_name, binary_id, manifest_dir, package, figures, .. } = &self.began;
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (binary, name) = (text(binary_id), text(test_name));
        let source = sources.of_binary(&text(manifest_dir), &binary);
        TestRecord {
            test_nodeid: format!("{source}::{name}"),
            package: package.clone(),
            // nextest's names of binaries are those of targets.
            target: Some(binary).filter(|target| !target.is_empty()),
            figures: figures.clone(),
            others: serde_json::Map::new(),
        }
    }

    /// Builds the record of a test binary.
    fn process(&self, sources: &Sources) -> ProcessRecord {
        let began = &self.began;
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let about = About {
            package: began.package.clone(),
            executable: began.executable.clone(),
            source: sources.of_executable(&text(&began.manifest_dir), &text(&began.executable)),
            exit_status: self.ended.as_ref().and_then(|ended| ended.exit_code),
            tests: Some(self.tests),
            tests_bad: Some(self.tests_bad),
            target: began.target.clone(),
            not_instrumented: began.not_instrumented.clone(),
            heap_not_counted: began.heap_not_counted.clone(),
        };
        let mut figures = began.figures.clone();
        if let Some(ended) = &self.ended {
            figures.timestamp = ended.figures.timestamp.or(figures.timestamp);
            figures.fill(&ended.figures);
        }
        figures.rss_peak = figures.rss_peak.max(self.rss_peak);
        ProcessRecord { test_nodeid: "__process__", about, figures }
    }
}

/// Describes a child that SIGKILL ended. `made` has its records.
fn killed(began: &Began, ended: Option<&Ended>, made: &[Made]) -> Killed {
    let crashed = made.iter().filter_map(|made| match made {
        Made::Test(test) if test.figures.outcome == Outcome::Crashed => Some(test),
        _ => None,
    });
    Killed {
        timestamp: ended.and_then(|ended| ended.figures.timestamp),
        package: began.package.clone(),
        executable: began.executable.clone(),
        command: None,
        attempt: began.test_name.as_ref().map(|_| began.figures.attempt),
        tests: crashed.map(|test| test.test_nodeid.clone()).collect(),
    }
}

/// Returns the outcome of a test from the record of its process and from the end of the process.
fn outcome(inside: Option<Outcome>, ended: &Ended) -> Outcome {
    if ended.figures.signal.is_some() {
        return Outcome::Crashed;
    }
    match inside {
        // The process may have failed after the test.
        None | Some(Outcome::Passed | Outcome::Unknown) => match ended.exit_code {
            Some(0) => Outcome::Passed,
            _ => Outcome::Failed,
        },
        Some(other) => other,
    }
}

/// Returns whether a test or process ended within 200 ms, which is too short for CPU usage of its own.
pub(crate) fn is_short(figures: &Attempt) -> bool {
    figures.duration_s.is_some_and(|seconds| seconds < 0.2)
}

#[cfg(test)]
mod tests;
