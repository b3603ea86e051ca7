//! Recovery of orphans, the intakes of runs whose `cargo resmon` was killed. The next run delivers their records.

use std::io;
use std::path::Path;

use anyhow::Context;
use resmon_runtime::collector::{Orphan, Run};
use serde_json::Value;

use super::record::{Fields, Made, text};
use super::units::Units;
use super::workspace::Sources;
use crate::message;

pub(crate) fn orphans(run: &Run, sources: &Sources) {
    let orphans = run.orphans();
    if orphans.is_empty() {
        return;
    }
    // The test processes of orphans may have been killed as well.
    run.end_crashed_sessions();
    for orphan in orphans {
        if let Err(error) = recover(orphan, sources) {
            message::warn(format_args!(
                "records of an earlier run are kept for the next: {error:#}"
            ));
        }
    }
}

fn recover(mut orphan: Orphan, sources: &Sources) -> anyhow::Result<()> {
    let mut units = Units::new(sources.clone());
    let mut header = Fields::new();
    loop {
        let lines = orphan.read()?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            if let Some(first) = units.take(&line.line, line.place) {
                header = first;
            }
        }
    }
    if header.is_empty() {
        // A file without a header was created again by a process that outlived its run.
        orphan.remove();
        return Ok(());
    }
    let mut made = units.made();
    made.extend(units.finish());
    let mut records = Records { header: &header, tests: 0, all: Vec::new(), whole: Vec::new() };
    for made in made {
        match made {
            Made::Test(fields) => records.test(fields),
            Made::Process(fields) => records.process(fields),
            Made::Done(_) => {}
        }
    }
    records.deliver(&orphan)?;
    orphan.remove();
    Ok(())
}

/// The records of an orphan to deliver.
struct Records<'a> {
    header: &'a Fields,
    tests: u64,
    /// Records for the destination.
    all: Vec<String>,
    /// Records for the copy, including those of processes.
    whole: Vec<String>,
}

impl Records<'_> {
    fn test(&mut self, mut fields: Fields) {
        let size = self.header.get("batch_size").and_then(Value::as_u64).unwrap_or(1).max(1);
        fields.insert("batch_num".to_owned(), (self.tests / size + 1).into());
        self.tests += 1;
        let line = self.line(fields);
        self.all.push(line.clone());
        self.whole.push(line);
    }

    fn process(&mut self, fields: Fields) {
        let line = self.line(fields);
        self.whole.push(line);
    }

    fn line(&self, mut fields: Fields) -> String {
        for (name, value) in self.header {
            if name.starts_with("gh_") || name == "session_id" || name == "run_id" {
                fields.insert(name.clone(), value.clone());
            }
        }
        Value::from(fields).to_string()
    }

    fn deliver(&self, orphan: &Orphan) -> anyhow::Result<()> {
        if self.whole.is_empty() {
            return Ok(());
        }
        let copy = text(self.header, "copy").context("it does not say where it belongs")?;
        if let Some(fingerprint) = text(self.header, "tinybird").filter(|_| !self.all.is_empty()) {
            orphan.to_spool(fingerprint, &self.all)?;
        }
        if let Some(file) = text(self.header, "file") {
            orphan.to_file(Path::new(file), &self.all)?;
        }
        // The copy is of use only in its place, so a missing place is no error.
        let copied: io::Result<()> = orphan.to_file(Path::new(copy), &self.whole);
        copied.or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error.into()),
        })
    }
}
