//! The records of one run.

use std::collections::{HashMap, HashSet};
use std::mem;

use jiff::Timestamp;

use super::binary::Binary;
use super::local::Local;
use super::test::{Key, Test};
use crate::record::{Attempt, End, GitHub, Machine, Text};

/// The maximum number of machines to keep for a run.
const MACHINES: usize = 256;

/// One `cargo test` or `cargo nextest run`.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Its `run_id`, or `session_id` if the records have none.
    pub(crate) id: Option<String>,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    /// The machines of its sessions, each once.
    pub(crate) machines: Vec<Machine>,
    pub(crate) github: Option<GitHub>,
    pub(crate) sessions_started: usize,
    pub(crate) sessions_ended: usize,
    /// The exit status of its first session that failed, else that of any session.
    pub(crate) exit_status: Option<i32>,
    /// The number of records that its sessions had to drop.
    pub(crate) dropped: i64,
    pub(crate) tests: Vec<Test>,
    /// The processes that ran tests, in the order in which they ended.
    pub(crate) binaries: Vec<Binary>,
    /// The records that only the copy of a run has.
    pub(crate) local: Local,
    /// The number of repeated records.
    pub(crate) repeated: usize,
    index: Index,
}

/// Indexes that are needed only while records are read.
#[derive(Debug, Default)]
struct Index {
    tests: HashMap<Box<str>, u32>,
    sessions: HashMap<Box<str>, u32>,
    executables: HashMap<Box<str>, u32>,
    /// The records so far: session, event, attempt, and the timestamp in milliseconds.
    seen: HashSet<(Option<u32>, Event, i32, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Start,
    /// A record of the test with this index.
    Test(u32),
    /// A record of the executable with this number.
    Process(u32),
    End,
}

impl Run {
    pub(crate) fn new(id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..Self::default() }
    }

    /// Returns whether a record is new, and remembers it. A record without a timestamp always counts as new.
    pub(crate) fn is_new(
        &mut self,
        session: Option<&Text<'_>>,
        event: Event,
        attempt: i32,
        timestamp: Option<Timestamp>,
    ) -> bool {
        let session = session.and_then(Text::get).map(|id| position(&mut self.index.sessions, id));
        let Some(timestamp) = timestamp else { return true };
        let new = self.index.seen.insert((session, event, attempt, timestamp.as_millisecond()));
        if new {
            self.saw(timestamp);
        } else {
            self.repeated += 1;
        }
        new
    }

    fn saw(&mut self, timestamp: Timestamp) {
        self.first = Some(self.first.map_or(timestamp, |first| first.min(timestamp)));
        self.last = Some(self.last.map_or(timestamp, |last| last.max(timestamp)));
    }

    /// The place of a test in [`tests`](Self::tests), which has it from now on.
    pub(crate) fn test(&mut self, id: &str, package: Option<&str>, target: Option<&str>) -> u32 {
        let name = format!("{}\0{}\0{id}", package.unwrap_or_default(), target.unwrap_or_default());
        let place = position(&mut self.index.tests, &name);
        if place as usize == self.tests.len() {
            let (package, target) = (package.map(str::to_owned), target.map(str::to_owned));
            self.tests.push(Test {
                key: Key { id: id.to_owned(), package, target },
                shares_id: false,
                attempts: Vec::new(),
                earlier: Vec::new(),
            });
        }
        place
    }

    pub(crate) fn attempt(&mut self, test: u32, attempt: Attempt) {
        let attempt = attempt.without_nonsense();
        self.saw_start(&attempt);
        let attempts = &mut self.tests[test as usize].attempts;
        // Most tests have one attempt, so the exact capacity saves memory.
        attempts.reserve_exact(1);
        attempts.push(attempt);
    }

    /// Returns the number of an executable.
    pub(crate) fn executable(&mut self, path: &str) -> u32 {
        position(&mut self.index.executables, path)
    }

    pub(crate) fn binary(&mut self, Binary { about, figures }: Binary) {
        let figures = figures.without_nonsense();
        self.saw_start(&figures);
        self.binaries.push(Binary { about, figures });
    }

    /// Adds a record that only the copy of a run has.
    pub(crate) fn local(&mut self, event: &str, line: &[u8]) -> serde_json::Result<()> {
        if let Some((start, end)) = self.local.add(event, line)? {
            self.saw(start);
            self.saw(end);
        }
        Ok(())
    }

    fn saw_start(&mut self, attempt: &Attempt) {
        if let (Some(end), Some(seconds)) = (attempt.timestamp, attempt.duration_s)
            && let Ok(seconds) = jiff::SignedDuration::try_from_secs_f64(seconds)
            && let Ok(start) = end.checked_sub(seconds)
        {
            self.saw(start);
        }
    }

    pub(crate) fn session_start(&mut self, machine: Machine, github: GitHub) {
        self.sessions_started += 1;
        if machine != Machine::default()
            && !self.machines.contains(&machine)
            && self.machines.len() < MACHINES
        {
            self.machines.push(machine);
        }
        if self.github.is_none() && !github.run_id.is_empty() {
            self.github = Some(github);
        }
    }

    pub(crate) fn session_end(&mut self, end: &End, machine: Machine) {
        self.sessions_ended += 1;
        // The first failed session decides; -1 is a crash.
        let worse = |status: &i32| *status != 0 || self.exit_status.is_none();
        if let Some(status) = end.exit_status.filter(worse)
            && self.exit_status.is_none_or(|before| before == 0)
        {
            self.exit_status = Some(status);
        }
        self.dropped = self.dropped.saturating_add(end.records_dropped.unwrap_or_default());
        if self.machines.is_empty() && machine != Machine::default() {
            self.machines.push(machine);
        }
    }

    /// Ends the reading of records: drops the indexes and sorts the attempts.
    pub(crate) fn finish(&mut self) {
        self.index = Index::default();
        self.tests.retain(|test| !test.attempts.is_empty());
        let mut count: HashMap<String, usize> = HashMap::new();
        for test in &mut self.tests {
            test.attempts.sort_by_key(|attempt| (attempt.attempt, attempt.timestamp));
            *count.entry(test.key.id.clone()).or_default() += 1;
        }
        for test in &mut self.tests {
            test.shares_id = count[&test.key.id] > 1;
        }
    }

    /// Removes the tests and returns their results, as those of the earlier run with this number.
    pub(crate) fn take_earlier(
        &mut self,
        number: usize,
    ) -> impl Iterator<Item = (Key, super::test::Earlier)> {
        mem::take(&mut self.tests).into_iter().map(move |test| {
            let earlier = test.to_earlier(number);
            (test.key, earlier)
        })
    }

    /// Returns the wall seconds from the first moment of the run to the last.
    pub(crate) fn seconds(&self) -> Option<f64> {
        Some(self.last?.duration_since(self.first?).as_secs_f64())
    }

    /// Returns a figure of the run's machine. `None` if it has several that differ in it: a test does not tell on which
    /// one it ran.
    pub(crate) fn of_all_machines<T: PartialEq>(
        &self,
        figure: impl Fn(&Machine) -> Option<T>,
    ) -> Option<T> {
        let mut figures = self.machines.iter().map(figure);
        let first = figures.next()?;
        figures.all(|other| other == first).then_some(first)?
    }

    /// Returns whether both are parts of one CI run, on different machines, that have no `run_id` in common.
    pub(crate) fn is_other_shard_of(&self, other: &Self) -> bool {
        let ci =
            |run: &Self| run.github.as_ref().map(|it| (it.run_id.clone(), it.run_attempt.clone()));
        let host = |run: &Self| run.machine().and_then(|machine| machine.hostname.clone());
        let is_elsewhere = host(self).zip(host(other)).is_some_and(|(one, other)| one != other);
        is_elsewhere && self.github.is_some() && ci(self) == ci(other)
    }

    /// Returns the machine of the run, the first of several.
    pub(crate) fn machine(&self) -> Option<&Machine> {
        self.machines.first()
    }
}

/// Returns the number of a name in a map. A new name gets the next number.
fn position(map: &mut HashMap<Box<str>, u32>, name: &str) -> u32 {
    if let Some(place) = map.get(name) {
        return *place;
    }
    let place = u32::try_from(map.len()).expect("so many names do not fit in memory");
    map.insert(name.into(), place);
    place
}
