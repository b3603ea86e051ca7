//! The reader of files of records.

use std::collections::HashMap;

use anyhow::ensure;

use super::binary::Binary;
use super::run::{Event, Run};
use crate::input::Input;
use crate::record::{self, About, End, GitHub, Head, Machine, Text};

/// The number of runs to keep of what is read: the newest, and those before it.
pub(crate) const RUNS: usize = 21;

/// The runs of some files, the newest first.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) runs: Vec<Run>,
    pub(crate) unreadable: Unreadable,
}

/// The lines that are not records.
#[derive(Debug, Default)]
pub(crate) struct Unreadable {
    pub(crate) lines: usize,
    /// The place of the first such line, and the reason.
    pub(crate) first: Option<(String, String)>,
    /// Whether several files have been read. A place then names its file.
    pub(crate) of_several: bool,
}

/// Reads the records of one or more inputs. A run may be spread over several of them, as by the machines of a CI run: its
/// records share a `run_id`. Records that are in several of them count once. An input without records is an error, as
/// the figures would be those of a part.
pub(crate) fn read(inputs: &[Input]) -> anyhow::Result<Records> {
    read_newest(inputs, RUNS)
}

/// Reads the records of one or more inputs, as [`read`] does, of the newest runs, at most so many.
pub(crate) fn read_newest(inputs: &[Input], most: usize) -> anyhow::Result<Records> {
    let mut runs = Runs { most, ..Runs::default() };
    let mut unreadable = Unreadable { of_several: inputs.len() > 1, ..Unreadable::default() };
    for input in inputs {
        add(input, &mut runs, &mut unreadable)?;
    }
    Ok(Records { runs: runs.finish(), unreadable })
}

fn add(input: &Input, runs: &mut Runs, unreadable: &mut Unreadable) -> anyhow::Result<()> {
    let name = input.name();
    let mut lines = input.lines()?;
    let (mut number, mut records, mut strange) = (0, 0, None);
    while let Some(line) = lines.next()? {
        number = line.number;
        if line.is_blank() {
            continue;
        }
        let added = match line.fault {
            Some(fault) => Err(fault),
            None => runs.add(line.text).map_err(|error| {
                if line.is_whole {
                    record::describe(&error)
                } else {
                    "cut off in the middle".to_owned()
                }
            }),
        };
        match added {
            Ok(is_known) => records += usize::from(is_known),
            Err(why) => {
                unreadable.lines += 1;
                strange.get_or_insert((number, why));
            }
        }
    }
    let leave_out = if unreadable.of_several { ": leave it out" } else { "" };
    ensure!(number > 0, "{name} is empty: nothing has been recorded{leave_out}");
    if records == 0 {
        let (line, why) = strange.unwrap_or((1, "of another kind".to_owned()));
        anyhow::bail!(
            "{name} holds no records of resmon: line {line} is {why}; name files that `cargo resmon` or RESMON_FILE made"
        );
    }
    if let Some((line, why)) = strange {
        let of = if unreadable.of_several { format!(" of {name}") } else { String::new() };
        unreadable.first.get_or_insert((format!("line {line}{of}"), why));
    }
    Ok(())
}

/// The runs while the file is read.
#[derive(Default)]
struct Runs {
    /// The number of runs to keep.
    most: usize,
    by_id: HashMap<String, Run>,
    /// The latest end of the runs that are no longer kept.
    dropped: Option<jiff::Timestamp>,
    /// The number of sessions without any id that have started.
    nameless: usize,
}

impl Runs {
    /// Adds a line. Returns whether its event is one that this version knows.
    fn add(&mut self, line: &[u8]) -> serde_json::Result<bool> {
        let head: Head<'_> = serde_json::from_slice(line)?;
        let event = head.event_type.get().unwrap_or_default();
        match event {
            "test" => {
                let attempt = serde_json::from_slice(line)?;
                let id = head.test_nodeid.as_ref().and_then(Text::get).unwrap_or("(no name)");
                let Some(run) = self.run(&head) else { return Ok(true) };
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
                let Some(run) = self.run(&head) else { return Ok(true) };
                if is_new(run, &head, Event::Start) {
                    run.session_start(machine, github);
                }
            }
            "session_end" => {
                let end: End = serde_json::from_slice(line)?;
                let machine: Machine = serde_json::from_slice(line)?;
                let Some(run) = self.run(&head) else { return Ok(true) };
                if is_new(run, &head, Event::End) {
                    run.session_end(&end, machine);
                }
            }
            "process" => {
                let about: About = serde_json::from_slice(line)?;
                let figures = serde_json::from_slice(line)?;
                let Some(run) = self.run(&head) else { return Ok(true) };
                let place = run.executable(about.executable.as_deref().unwrap_or_default());
                if is_new(run, &head, Event::Process(place)) {
                    run.binary(Binary { about, figures });
                }
            }
            "kill" | "build" | "resources" => {
                let Some(run) = self.run(&head) else { return Ok(true) };
                run.local(event, line)?;
            }
            // An event of a later version.
            _ => return Ok(false),
        }
        Ok(true)
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
            if self.by_id.len() > self.most {
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
        runs.truncate(self.most);
        for run in &mut runs {
            run.finish();
        }
        runs
    }
}

fn is_new(run: &mut Run, head: &Head<'_>, event: Event) -> bool {
    run.is_new(head.session_id.as_ref(), event, head.attempt, head.timestamp)
}
