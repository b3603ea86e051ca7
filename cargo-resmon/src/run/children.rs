//! Merging of the records of processes with those of their shims, into one record per test.

use std::collections::HashMap;
use std::ops::Range;

use libc::c_int;

use super::child::{Child, is_short};
use super::cpu::History;
use super::line::{Event, Header, Line, Made, NO_CHILD, Source, WrappedCommand};
use super::workspace::Sources;

/// The children of a run that are not done.
#[derive(Debug)]
pub(crate) struct Children {
    sources: Sources,
    /// The first line of the intake.
    header: Option<Box<Header>>,
    command: Option<WrappedCommand>,
    /// The recent CPU usage of the machine.
    pub(crate) cpu: History,
    under_way: HashMap<String, Child>,
    made: Vec<Made>,
    /// The number of processes that a shim started.
    pub(crate) started: u64,
    /// The number of those whose tests are measured from inside.
    pub(crate) instrumented: u64,
    /// The number of processes that recorded tests although no shim started them.
    pub(crate) strangers: u64,
}

impl Children {
    pub(crate) fn new(sources: Sources) -> Self {
        Self {
            sources,
            header: None,
            command: None,
            cpu: History::default(),
            under_way: HashMap::new(),
            made: Vec::new(),
            started: 0,
            instrumented: 0,
            strangers: 0,
        }
    }

    /// Processes a line of the intake. Returns whether the line is about a process of the run.
    pub(crate) fn take(&mut self, line: &[u8], place: Range<u64>) -> bool {
        match Line::parse(line) {
            Some(Line::Header(header)) => {
                self.header = Some(header);
                return false;
            }
            Some(Line::Command(command)) => {
                self.command = Some(command);
                return false;
            }
            Some(Line::Began(mut began)) => {
                self.started += 1;
                self.instrumented +=
                    u64::from(began.target.is_some() && began.not_instrumented.is_none());
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
        true
    }

    fn take_record(&mut self, source: Source, event: Event, place: Range<u64>) {
        let left = if let Some(child) = self.under_way.get_mut(&source.child) {
            child.take(source, event, place)
        } else {
            // The process outlived its child, or no shim started it.
            let is_start = matches!(event, Event::SessionStart);
            self.strangers += u64::from(is_start && source.child == NO_CHILD);
            Some((event, place))
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
        self.make(done, false)
    }

    /// Returns the results of all remaining children, except those that are still running. Call it when no more lines
    /// will come. `may_lack_lines` if lines may have been lost.
    pub(crate) fn finish(&mut self, may_lack_lines: bool) -> Vec<Made> {
        let over = self.under_way.iter().filter(|(_, child)| !child.is_running());
        let mut over: Vec<_> = over.map(|(name, child)| (child.latest(), name.clone())).collect();
        over.sort();
        self.make(over.into_iter().map(|(_, name)| name).collect(), may_lack_lines)
    }

    fn make(&mut self, children: Vec<String>, may_lack_lines: bool) -> Vec<Made> {
        for name in children {
            if let Some(child) = self.under_way.remove(&name) {
                child.make(&self.sources, may_lack_lines, &mut self.made);
            }
        }
        std::mem::take(&mut self.made)
    }

    /// Returns whether a process has died whose journal has yet to be read.
    pub(crate) fn wait_for_journal(&self) -> bool {
        self.under_way.values().any(Child::waits_for_journal)
    }

    /// Lets all running children have a signal.
    pub(crate) fn forward(&self, signal: c_int) {
        for child in self.under_way.values() {
            child.forward(signal);
        }
    }

    /// Returns whether any child is still running.
    pub(crate) fn is_any_running(&self) -> bool {
        self.under_way.values().any(Child::is_running)
    }

    /// Returns whether the wrapped command or any child is still running.
    pub(crate) fn is_run_alive(&self) -> bool {
        self.command.as_ref().is_some_and(WrappedCommand::is_alive) || self.is_any_running()
    }

    /// Returns the first line of the intake.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.header.as_deref()
    }
}
