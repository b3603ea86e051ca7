//! The reader of a file of records.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, ensure};

use super::binary::Binary;
use super::run::{Event, Run};
use crate::record::{About, End, GitHub, Head, Machine, Text};

/// The number of runs to keep of a file: the newest, and those before it.
pub(crate) const RUNS: usize = 21;
/// The maximum length of a line in bytes. A longer one is not a record.
const LINE: u64 = 1 << 20;

/// The runs of a file, the newest first.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) runs: Vec<Run>,
    pub(crate) unreadable: Unreadable,
}

/// The lines that are not records.
#[derive(Debug, Default)]
pub(crate) struct Unreadable {
    pub(crate) lines: usize,
    /// The number of the first such line, and the reason.
    pub(crate) first: Option<(usize, String)>,
}

impl Unreadable {
    fn add(&mut self, line: usize, why: String) {
        self.lines += 1;
        self.first.get_or_insert((line, why));
    }
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Records> {
    let context = || format!("cannot read {}", path.display());
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).with_context(context)?);
    let (mut runs, mut unreadable) = (Runs::default(), Unreadable::default());
    let (mut line, mut number) = (Vec::new(), 0);
    while next_line(&mut file, &mut line).with_context(context)? {
        number += 1;
        if line.len() as u64 > LINE {
            unreadable.add(number, format!("longer than {LINE} bytes"));
        } else if !line.trim_ascii().is_empty()
            && let Err(error) = runs.add(&line)
        {
            let torn = line.last() != Some(&b'\n');
            let why = if torn { "cut off in the middle".to_owned() } else { describe(&error) };
            unreadable.add(number, why);
        }
    }
    ensure!(number > 0, "{} is empty: nothing has been recorded", path.display());
    let runs = runs.finish();
    if runs.is_empty() {
        let (line, why) = unreadable.first.unwrap_or((1, "a blank line".to_owned()));
        anyhow::bail!("{} holds no records of resmon: line {line} is {why}", path.display());
    }
    Ok(Records { runs, unreadable })
}

/// Reads the next line, but no more than needed to see that it is too long. Returns `false` at the end.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    file.by_ref().take(LINE + 1).read_until(b'\n', line)?;
    if line.len() as u64 > LINE && line.last() != Some(&b'\n') {
        file.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}

/// Describes why a line is not a record. The text continues "line 3 is".
fn describe(error: &serde_json::Error) -> String {
    let error_text = error.to_string();
    // Within a single line, the line and column of the error say little.
    let why = error_text.split(" at line ").next().unwrap_or_default();
    if error.is_data() { format!("not a record: {why}") } else { format!("not JSON: {why}") }
}

/// The runs while the file is read.
#[derive(Default)]
struct Runs {
    by_id: HashMap<String, Run>,
    /// The latest end of the runs that are no longer kept.
    dropped: Option<jiff::Timestamp>,
    /// The number of sessions without any id that have started.
    nameless: usize,
}

impl Runs {
    fn add(&mut self, line: &[u8]) -> serde_json::Result<()> {
        let head: Head<'_> = serde_json::from_slice(line)?;
        let event = head.event_type.get().unwrap_or_default();
        match event {
            "test" => {
                let attempt = serde_json::from_slice(line)?;
                let id = head.test_nodeid.as_ref().and_then(Text::get).unwrap_or("(no name)");
                let Some(run) = self.run(&head) else { return Ok(()) };
                let package = head.package.as_ref().and_then(Text::get);
                let test = run.test(id, package, head.target.as_ref().and_then(Text::get));
                if is_new(run, &head, Event::Test(test)) {
                    run.attempt(test, attempt);
                }
            }
            "session_start" => {
                let machine: Machine = serde_json::from_slice(line)?;
                let github: GitHub = serde_json::from_slice(line)?;
                if head.run_id.is_none() && head.session_id.is_none() {
                    self.nameless += 1;
                }
                let Some(run) = self.run(&head) else { return Ok(()) };
                if is_new(run, &head, Event::Start) {
                    run.session_start(machine, github);
                }
            }
            "session_end" => {
                let end: End = serde_json::from_slice(line)?;
                let machine: Machine = serde_json::from_slice(line)?;
                let Some(run) = self.run(&head) else { return Ok(()) };
                if is_new(run, &head, Event::End) {
                    run.session_end(&end, machine);
                }
            }
            "process" => {
                let about: About = serde_json::from_slice(line)?;
                let figures = serde_json::from_slice(line)?;
                let Some(run) = self.run(&head) else { return Ok(()) };
                let place = run.executable(about.executable.as_deref().unwrap_or_default());
                if is_new(run, &head, Event::Process(place)) {
                    run.binary(Binary { about, figures });
                }
            }
            // An event of a later version.
            _ => {}
        }
        Ok(())
    }

    /// Returns the run of a record, unless there are too many newer ones.
    fn run(&mut self, head: &Head<'_>) -> Option<&mut Run> {
        let text =
            |text: &'_ Option<Text<'_>>| text.as_ref().and_then(Text::get).map(str::to_owned);
        let id = text(&head.run_id).or_else(|| text(&head.session_id));
        let github = text(&head.gh_run_id);
        let key = match (&id, github) {
            (Some(id), _) => id.clone(),
            (None, Some(run)) => {
                format!("github {run} {}", text(&head.gh_run_attempt).unwrap_or_default())
            }
            (None, None) => format!("nameless {}", self.nameless),
        };
        if !self.by_id.contains_key(&key) {
            if self.dropped.is_some_and(|dropped| head.timestamp.is_none_or(|new| new <= dropped)) {
                return None;
            }
            if self.by_id.len() > RUNS {
                self.drop_oldest();
            }
        }
        Some(self.by_id.entry(key).or_insert_with(|| Run::new(id.as_deref())))
    }

    fn drop_oldest(&mut self) {
        let oldest = self.by_id.iter().min_by_key(|(_, run)| run.first);
        if let Some(key) = oldest.map(|(key, _)| key.clone())
            && let Some(run) = self.by_id.remove(&key)
        {
            self.dropped = self.dropped.max(run.last);
        }
    }

    fn finish(self) -> Vec<Run> {
        let mut runs: Vec<_> = self.by_id.into_values().collect();
        // Newest first. A run without any timestamp comes last.
        runs.sort_by(|one, other| (other.first, &other.id).cmp(&(one.first, &one.id)));
        runs.truncate(RUNS);
        for run in &mut runs {
            run.finish();
        }
        runs
    }
}

fn is_new(run: &mut Run, head: &Head<'_>, event: Event) -> bool {
    run.is_new(head.session_id.as_ref(), event, head.attempt, head.timestamp)
}
