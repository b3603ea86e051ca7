//! Recovery of orphans, the intakes of runs whose `cargo resmon` was killed. The next run delivers their records.

use std::io;
use std::path::Path;

use resmon_runtime::collector::{Orphan, Run};
use serde_json::{Map, Value};

use super::children::Children;
use super::line::{Header, Made};
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
    let mut children = Children::new(sources.clone());
    let mut header = None;
    loop {
        let lines = orphan.read()?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            header = children.take(&line.line, line.place).or(header);
        }
    }
    let Some(header) = header else {
        // A file without a header was created again by a process that outlived its run.
        orphan.remove();
        return Ok(());
    };
    let mut made = children.made();
    made.extend(children.finish());
    let mut records = Records { header: &header, tests: 0, all: Vec::new(), whole: Vec::new() };
    for made in made {
        match made {
            Made::Test(test) => records.test(test.fields()),
            Made::Process(process) => records.process(process.fields()),
            Made::Done(_) => {}
        }
    }
    records.deliver(&orphan)?;
    orphan.remove();
    Ok(())
}

/// The records of an orphan to deliver.
struct Records<'a> {
    header: &'a Header,
    tests: u64,
    /// Records for the destination.
    all: Vec<String>,
    /// Records for the copy, including those of processes.
    whole: Vec<String>,
}

impl Records<'_> {
    fn test(&mut self, mut fields: Map<String, Value>) {
        let size = self.header.batch_size.max(1);
        fields.insert("batch_num".to_owned(), (self.tests / size + 1).into());
        self.tests += 1;
        let line = self.line(fields);
        self.all.push(line.clone());
        self.whole.push(line);
    }

    fn process(&mut self, fields: Map<String, Value>) {
        let line = self.line(fields);
        self.whole.push(line);
    }

    fn line(&self, mut fields: Map<String, Value>) -> String {
        for (name, value) in self.header.common() {
            fields.insert(name.clone(), value.clone());
        }
        Value::from(fields).to_string()
    }

    fn deliver(&self, orphan: &Orphan) -> anyhow::Result<()> {
        if self.whole.is_empty() {
            return Ok(());
        }
        let Header { copy, file, tinybird, .. } = self.header;
        if let Some(fingerprint) = tinybird.as_ref().filter(|_| !self.all.is_empty()) {
            orphan.to_spool(fingerprint, &self.all)?;
        }
        if let Some(file) = file {
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
