//! A process that a runner started: a single test under nextest, or a test binary under `cargo test`.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Value, json};

use super::record::{Fields, Made, Source, add, replace, text};
use super::workspace::Sources;

/// The figures of the whole process in the runner's `end` line.
const OUTSIDE: [&str; 7] = [
    "signal",
    "cpu_user_s",
    "cpu_system_s",
    "cpu_scope",
    "rss_peak",
    "io_read_bytes",
    "io_write_bytes",
];
const BEFORE: [&str; 7] = [
    "package",
    "attempt",
    "cpu_before",
    "mem_available_before",
    "mem_percent_before",
    "disk_free_before",
    "disk_percent_before",
];
const AFTER: [&str; 6] = [
    "duration_s",
    "cpu_after",
    "mem_available_after",
    "mem_percent_after",
    "disk_free_after",
    "disk_percent_after",
];

#[derive(Debug)]
pub(crate) struct Unit {
    began: Fields,
    ended: Option<Fields>,
    /// Test records that are held back until the process has ended.
    inside: Vec<(Source, Fields)>,
    /// The number of its test records.
    tests: u64,
    /// The number of these with a bad outcome.
    tests_bad: u64,
    /// The sessions of its processes that have started and not ended.
    open: HashSet<Source>,
    /// The byte ranges of its lines in the intake.
    places: Vec<Range<u64>>,
}

impl Unit {
    pub(crate) fn new(began: Fields, place: Range<u64>) -> Self {
        let (inside, open) = (Vec::new(), HashSet::new());
        Self { began, ended: None, inside, tests: 0, tests_bad: 0, open, places: vec![place] }
    }

    pub(crate) fn end(&mut self, ended: Fields, place: Range<u64>) {
        self.ended = Some(ended);
        self.places.push(place);
    }

    /// Adds a record of the process or of one below it. Returns the record if it need not wait for the end of the
    /// process.
    pub(crate) fn take(
        &mut self,
        source: Source,
        fields: Fields,
        place: Range<u64>,
    ) -> Option<(Fields, Range<u64>)> {
        if text(&fields, "event_type") == Some("test") {
            self.tests += 1;
            let bad = ["failed", "crashed", "unfinished"];
            let is_bad = text(&fields, "outcome").is_some_and(|outcome| bad.contains(&outcome));
            self.tests_bad += u64::from(is_bad);
        }
        match text(&fields, "event_type") {
            Some("session_start") => drop(self.open.insert(source)),
            Some("session_end") => drop(self.open.remove(&source)),
            // These records lack the signal or the figures of the `end` line.
            _ if self.test_name().is_some() || text(&fields, "outcome") == Some("crashed") => {
                self.inside.push((source, fields));
            }
            _ => return Some((fields, place)),
        }
        self.places.push(place);
        None
    }

    /// Returns the name of the test that the process was started for, if it was started for one.
    fn test_name(&self) -> Option<&str> {
        text(&self.began, "test_name")
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
        self.ended.as_ref()?.get("pid")?.as_u64()
    }

    /// Returns the process id of the runner until its `end` line arrives.
    pub(crate) fn runner(&self) -> Option<u64> {
        self.began.get("runner").filter(|_| self.ended.is_none())?.as_u64()
    }

    /// Returns the offset of its latest line in the intake, which is the sort key of units.
    pub(crate) fn latest(&self) -> u64 {
        self.places.last().map_or(0, |place| place.start)
    }

    pub(crate) fn make(mut self, sources: &Sources, made: &mut Vec<Made>) {
        if self.test_name().is_some() {
            let own = self.take_own();
            made.push(Made::Test(self.test(own, sources)));
        } else {
            made.push(Made::Process(self.process(sources)));
        }
        let signal = self.ended.as_ref().and_then(|ended| ended.get("signal"));
        for (_, mut fields) in self.inside {
            if let Some(signal) = signal.filter(|_| text(&fields, "outcome") == Some("crashed")) {
                fields.insert("signal".to_owned(), signal.clone());
            }
            made.push(Made::Test(stripped(fields)));
        }
        made.push(Made::Done(self.places));
    }

    /// Takes out the records of the test that the process was started for, and returns the one to go by: of the process
    /// itself, or else the last. Others may be of a test that runs itself again, or of a runner that tries it again.
    fn take_own(&mut self) -> Option<Fields> {
        let (name, pid) = (self.test_name()?.to_owned(), self.pid());
        let inside = std::mem::take(&mut self.inside);
        let is_named = |(_, fields): &(Source, Fields)| {
            let id = text(fields, "test_nodeid").and_then(|id| id.split_once("::"));
            id.is_some_and(|(_, recorded)| recorded == name)
        };
        let (mut named, others) = inside.into_iter().partition::<Vec<_>, _>(is_named);
        self.inside = others;
        // A runner that was configured already may have started the process in its turn, and more than once.
        let is_own = |(source, _): &(Source, Fields)| Some(source.pid) == pid;
        let own = named.iter().rposition(is_own).or(named.len().checked_sub(1))?;
        Some(named.swap_remove(own).1)
    }

    /// Builds the record of the test from the figures inside the process, if there are any, and those of the runner.
    fn test(&self, own: Option<Fields>, sources: &Sources) -> Fields {
        let was_inside = own.is_some();
        let mut test = own.map_or_else(|| self.head(sources), stripped);
        let Some(ended) = &self.ended else {
            test.insert("outcome".to_owned(), json!("crashed"));
            return test;
        };
        let outcome = outcome(text(&test, "outcome"), ended);
        test.insert("outcome".to_owned(), json!(outcome));
        if !was_inside || !test.contains_key("duration_s") {
            // The runner has seen the end of the process, and so of the test.
            replace(&mut test, ended, &["timestamp"]);
            test.insert("concurrent_tests".to_owned(), json!(1));
        }
        // A process that has just started knows no usage before its start; the run does.
        replace(&mut test, &self.began, &["cpu_before"]);
        if is_short(&test) {
            replace(&mut test, ended, &["cpu_after"]);
        }
        add(&mut test, ended, &AFTER);
        // `add` keeps the figures measured inside, which exclude the start of the process.
        add(&mut test, ended, &OUTSIDE);
        test
    }

    /// Builds the record of the test from the runner's `begin` line.
    fn head(&self, sources: &Sources) -> Fields {
        let field = |name| text(&self.began, name).unwrap_or_default();
        let source = sources.of_binary(field("manifest_dir"), field("binary_id"));
        let mut test = Fields::new();
        test.insert("event_type".to_owned(), json!("test"));
        test.insert("test_nodeid".to_owned(), json!(format!("{source}::{}", field("test_name"))));
        add(&mut test, &self.began, &["timestamp"]);
        add(&mut test, &self.began, &BEFORE);
        // The binary id of nextest is the name of the target.
        let target = text(&self.began, "binary_id").filter(|target| !target.is_empty());
        if let Some(target) = target {
            test.insert("target".to_owned(), json!(target));
        }
        test
    }

    /// Builds the record of a test binary.
    fn process(&self, sources: &Sources) -> Fields {
        let mut process = Fields::new();
        process.insert("event_type".to_owned(), json!("process"));
        process.insert("test_nodeid".to_owned(), json!("__process__"));
        let told = self.ended.as_ref().unwrap_or(&self.began);
        add(&mut process, told, &["timestamp"]);
        let build = ["executable", "target", "not_instrumented", "heap_not_counted"];
        add(&mut process, &self.began, &build);
        let field = |name| text(&self.began, name).unwrap_or_default();
        if let Some(source) = sources.of_executable(field("manifest_dir"), field("executable")) {
            process.insert("source".to_owned(), json!(source));
        }
        process.insert("tests".to_owned(), json!(self.tests));
        process.insert("tests_bad".to_owned(), json!(self.tests_bad));
        add(&mut process, &self.began, &BEFORE);
        process.remove("attempt");
        if let Some(ended) = &self.ended {
            add(&mut process, ended, &AFTER);
            add(&mut process, ended, &OUTSIDE);
            if let Some(code) = ended.get("exit_code") {
                process.insert("exit_status".to_owned(), code.clone());
            }
        }
        process
    }
}

/// Removes the fields that the run sets itself: the ids, the GitHub fields and the number of the batch.
pub(crate) fn stripped(mut fields: Fields) -> Fields {
    fields.retain(|name, _| {
        !["session_id", "run_id", "batch_num"].contains(&name.as_str()) && !name.starts_with("gh_")
    });
    fields
}

/// Returns the outcome of a test from the record of its process and from the end of the process.
fn outcome<'a>(inside: Option<&'a str>, ended: &Fields) -> &'a str {
    if ended.contains_key("signal") {
        return "crashed";
    }
    match inside {
        // The process may have failed after the test.
        None | Some("passed" | "unknown") => match ended.get("exit_code").and_then(Value::as_i64) {
            Some(0) => "passed",
            _ => "failed",
        },
        Some(other) => other,
    }
}

/// Returns whether a test or process ended within 200 ms, which is too short for CPU usage of its own.
pub(crate) fn is_short(fields: &Fields) -> bool {
    fields.get("duration_s").and_then(Value::as_f64).is_some_and(|seconds| seconds < 0.2)
}

#[cfg(test)]
mod tests;
