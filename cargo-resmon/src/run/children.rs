//! Merging of the records of processes with those of their shims, into one record per test.

use std::collections::HashMap;
use std::ops::Range;

use super::child::{Child, is_short};
use super::cpu::History;
use super::line::{Event, Header, Line, Made, Source};
use super::workspace::Sources;

/// The children of a run that are not done.
#[derive(Debug)]
pub(crate) struct Children {
    sources: Sources,
    /// The recent CPU usage of the machine.
    pub(crate) cpu: History,
    under_way: HashMap<String, Child>,
    made: Vec<Made>,
}

impl Children {
    pub(crate) fn new(sources: Sources) -> Self {
        Self { sources, cpu: History::default(), under_way: HashMap::new(), made: Vec::new() }
    }

    /// Processes a line of the intake. Returns the header.
    pub(crate) fn take(&mut self, line: &[u8], place: Range<u64>) -> Option<Box<Header>> {
        match Line::parse(line) {
            Some(Line::Header(header)) => return Some(header),
            Some(Line::Began(mut began)) => {
                self.cpu.replace_before(&mut began.figures);
                self.under_way.insert(began.child.clone(), Child::new(*began, place));
            }
            Some(Line::Ended(mut ended)) => {
                if is_short(&ended.figures) {
                    self.cpu.replace_after(&mut ended.figures);
                }
                if let Some(child) = self.under_way.get_mut(&ended.child) {
                    child.end(*ended, place);
                }
            }
            Some(Line::Record(source, event)) => self.take_record(source, event, place),
            None => self.made.push(Made::Done(vec![place])),
        }
        None
    }

    fn take_record(&mut self, source: Source, event: Event, place: Range<u64>) {
        let left = match self.under_way.get_mut(&source.child) {
            Some(child) => child.take(source, event, place),
            // The process outlived its child, or no shim started it.
            None => Some((event, place)),
        };
        if let Some((event, place)) = left {
            if let Event::Test(test) = event {
                self.made.push(Made::Test(test));
            }
            self.made.push(Made::Done(vec![place]));
        }
    }

    /// Returns the results since the last call.
    pub(crate) fn made(&mut self) -> Vec<Made> {
        let done = self.under_way.iter().filter(|(_, child)| child.is_done());
        let mut done: Vec<_> = done.map(|(name, child)| (child.latest(), name.clone())).collect();
        done.sort();
        let done = done.into_iter().map(|(_, name)| name).collect();
        self.make(done)
    }

    /// Returns the results of all remaining children. Call it when no more lines will come.
    pub(crate) fn finish(&mut self) -> Vec<Made> {
        let mut left: Vec<_> =
            self.under_way.iter().map(|(name, child)| (child.latest(), name.clone())).collect();
        left.sort();
        self.make(left.into_iter().map(|(_, name)| name).collect())
    }

    fn make(&mut self, children: Vec<String>) -> Vec<Made> {
        for name in children {
            if let Some(child) = self.under_way.remove(&name) {
                child.make(&self.sources, &mut self.made);
            }
        }
        std::mem::take(&mut self.made)
    }

    /// Returns whether a process has died whose journal has yet to be read.
    pub(crate) fn wait_for_journal(&self) -> bool {
        self.under_way.values().any(Child::waits_for_journal)
    }

    /// Returns the process ids of the shims that are still running.
    pub(crate) fn shims(&self) -> Vec<u64> {
        self.under_way.values().filter_map(Child::shim).collect()
    }
}
