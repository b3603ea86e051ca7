//! Recovery of orphans, the intakes of runs whose `cargo resmon` was killed. The next run delivers their records, once
//! nothing of the dead run is alive any more.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
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
    loop {
        let lines = orphan.read()?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            children.take(&line.line, line.place);
        }
    }
    if children.is_run_alive() || orphan.is_in_use() {
        return Ok(());
    }
    let mut made = children.made();
    made.extend(children.finish(false));
    let Some(header) = children.header() else {
        // A file without a header was created again by a process that outlived its run.
        orphan.remove();
        return Ok(());
    };
    let mut records = Records { header, tests: 0, all: Vec::new(), whole: Vec::new() };
    for made in made {
        match made {
            Made::Test(test) => records.test(test.fields()),
            Made::Process(process) => records.process(process.fields()),
            // Nobody read the kernel's counters when it died.
            Made::Killed(_) | Made::Done(_) => {}
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

    /// Delivers the records. What an earlier try has written is not written again.
    fn deliver(&self, orphan: &Orphan) -> anyhow::Result<()> {
        let Header { copy, file, tinybird, .. } = self.header;
        let copy = Path::new(copy);
        // The copy is of use only in its place. It must not hold up the delivery.
        if copy.parent().is_some_and(Path::exists)
            && let Err(error) = orphan.to_file(copy, &self.missing(copy, &self.whole))
        {
            message::warn(format_args!("{copy:?} lacks records of an earlier run: {error}"));
        }
        if let Some(file) = file {
            let file = Path::new(file);
            orphan.to_file(file, &self.missing(file, &self.all))?;
        }
        // Last: a sender may send it at once, so it must not be written a second time.
        if let Some(fingerprint) = tinybird.as_ref().filter(|_| !self.all.is_empty()) {
            orphan.to_spool(fingerprint, &self.all)?;
        }
        Ok(())
    }

    /// Returns the records that a file does not have yet.
    fn missing(&self, file: &Path, records: &[String]) -> Vec<String> {
        let session = self.header.common().find(|(name, _)| *name == "session_id");
        let session = session.and_then(|(_, id)| id.as_str()).unwrap_or_default();
        let file = File::open(file).map(BufReader::new);
        let lines = file.into_iter().flat_map(|file| file.lines().map_while(Result::ok));
        let keys: HashSet<_> =
            lines.filter(|line| line.contains(session)).map(|line| key(&line)).collect();
        records.iter().filter(|record| !keys.contains(&key(record))).cloned().collect()
    }
}

/// Returns the fields that identify a record within its session.
fn key(record: &str) -> [Value; 5] {
    let mut record: Value = serde_json::from_str(record).unwrap_or_default();
    ["event_type", "test_nodeid", "timestamp", "attempt", "executable"]
        .map(|name| record.get_mut(name).map(Value::take).unwrap_or_default())
}
