//! Merging of the records of processes with those of their runners, into one record per test.

use std::collections::HashMap;
use std::ops::Range;

use super::cpu::History;
use super::line::{Event, Header, Line, Made, Source};
use super::unit::{Unit, is_short};
use super::workspace::Sources;

/// The units of a run that are still running.
#[derive(Debug)]
pub(crate) struct Units {
    sources: Sources,
    /// The recent CPU usage of the machine.
    pub(crate) cpu: History,
    under_way: HashMap<String, Unit>,
    made: Vec<Made>,
}

impl Units {
    pub(crate) fn new(sources: Sources) -> Self {
        Self { sources, cpu: History::default(), under_way: HashMap::new(), made: Vec::new() }
    }

    /// Processes a line of the intake. Returns the header.
    pub(crate) fn take(&mut self, line: &[u8], place: Range<u64>) -> Option<Box<Header>> {
        match Line::parse(line) {
            Some(Line::Header(header)) => return Some(header),
            Some(Line::Began(mut began)) => {
                self.cpu.replace(&mut began.figures, |figures| &mut figures.cpu_before);
                self.under_way.insert(began.unit.clone(), Unit::new(*began, place));
            }
            Some(Line::Ended(mut ended)) => {
                if is_short(&ended.figures) {
                    self.cpu.replace(&mut ended.figures, |figures| &mut figures.cpu_after);
                }
                if let Some(unit) = self.under_way.get_mut(&ended.unit) {
                    unit.end(*ended, place);
                }
            }
            Some(Line::Record(source, event)) => self.take_record(source, event, place),
            None => self.made.push(Made::Done(vec![place])),
        }
        None
    }

    fn take_record(&mut self, source: Source, event: Event, place: Range<u64>) {
        let left = match self.under_way.get_mut(&source.unit) {
            Some(unit) => unit.take(source, event, place),
            // The process outlived its unit, or no runner started it.
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
        let done = self.under_way.iter().filter(|(_, unit)| unit.is_done());
        let mut done: Vec<_> = done.map(|(name, unit)| (unit.latest(), name.clone())).collect();
        done.sort();
        let done = done.into_iter().map(|(_, name)| name).collect();
        self.make(done)
    }

    /// Returns the results of all remaining units. Call it when no more lines will come.
    pub(crate) fn finish(&mut self) -> Vec<Made> {
        let mut left: Vec<_> =
            self.under_way.iter().map(|(name, unit)| (unit.latest(), name.clone())).collect();
        left.sort();
        self.make(left.into_iter().map(|(_, name)| name).collect())
    }

    fn make(&mut self, units: Vec<String>) -> Vec<Made> {
        for name in units {
            if let Some(unit) = self.under_way.remove(&name) {
                unit.make(&self.sources, &mut self.made);
            }
        }
        std::mem::take(&mut self.made)
    }

    /// Returns whether a process has died whose journal has yet to be read.
    pub(crate) fn wait_for_journal(&self) -> bool {
        self.under_way.values().any(Unit::waits_for_journal)
    }

    /// Returns the process ids of the runners that are still running.
    pub(crate) fn runners(&self) -> Vec<u64> {
        self.under_way.values().filter_map(Unit::runner).collect()
    }
}
