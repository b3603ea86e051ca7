//! The processes of a build: their memory together, and the largest of them.

use std::time::Instant;

use jiff::Timestamp;

use super::label::is_compiler;
use super::memory::least;
use super::tree::{Sample, Tree};
use crate::local::BuildRecord;

#[derive(Debug)]
pub(super) struct Build {
    tree: Option<Tree>,
    /// The start of the wrapped command. `None` for what is built after the first tests.
    began: Option<Instant>,
    started: Timestamp,
    record: BuildRecord,
    /// Whether a compiler was among the processes. Cargo that has nothing to do is no build.
    compiled: bool,
}

impl Build {
    pub(super) fn begin() -> Self {
        let (began, started) = (Some(Instant::now()), Timestamp::now());
        Self { tree: None, began, started, record: BuildRecord::default(), compiled: false }
    }

    pub(super) fn follow(&mut self, command: u32) {
        self.tree = Some(Tree::of(command));
    }

    /// Returns the start of the build, or of what is built after the build before.
    pub(super) fn started(&self) -> Timestamp {
        self.started
    }

    pub(super) fn sample(&mut self) {
        if let Some(sample) = self.tree.as_mut().and_then(Tree::sample) {
            self.add(&sample);
        }
    }

    fn add(&mut self, sample: &Sample) {
        let record = &mut self.record;
        self.compiled |= sample.labels.iter().any(is_compiler);
        let most = |most: &mut Option<u64>, new| *most = (*most).max(Some(new));
        most(&mut record.processes_max, sample.processes);
        if record.largest_bytes < Some(sample.largest_bytes) {
            record.largest = Some(sample.largest.clone());
            record.largest_bytes = Some(sample.largest_bytes);
        }
        // The largest process may have had its peak between two samples.
        most(&mut record.mem_peak_bytes, sample.bytes.max(sample.largest_bytes));
    }

    /// Notes the free bytes of the target directory's file system.
    pub(super) fn free(&mut self, free: Option<u64>) {
        let record = &mut self.record;
        record.disk_free_before = record.disk_free_before.or(free);
        record.disk_free_after = free.or(record.disk_free_after);
        least(&mut record.disk_free_min, free);
    }

    /// Ends the build and begins what may be built later. Returns the record, unless nothing was compiled.
    pub(super) fn end(&mut self) -> Option<BuildRecord> {
        let duration = self.began.take().map(|began| began.elapsed().as_secs_f64());
        let mut record = std::mem::take(&mut self.record);
        record.duration_s = duration;
        record.timestamp = Some(Timestamp::now());
        self.started = Timestamp::now();
        std::mem::take(&mut self.compiled).then_some(record)
    }
}
