//! The watch over a run from outside: the processes of its build, its memory, its disks, and what the kernel killed.

mod build;
mod disk;
mod label;
mod memory;
mod tree;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::build::Build;
use self::disk::Disks;
use self::memory::Memory;
use crate::local::{BuildRecord, Disk, KillRecord, Killed, ResourcesRecord};

/// The interval between two samples. Of the supervisor's rounds it is each second one.
const INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Watch {
    build: Build,
    memory: Memory,
    disks: Disks,
    sampled: Instant,
}

impl Watch {
    /// Begins before the wrapped command starts. `target` is Cargo's target directory.
    pub(super) fn begin(target: &Path) -> Self {
        let disks = Disks::of(target);
        Self { build: Build::begin(), memory: Memory::begin(), disks, sampled: Instant::now() }
    }

    /// Watches the processes of the wrapped command from now on.
    pub(super) fn follow(&mut self, command: u32) {
        self.build.follow(command);
        self.build.free(self.disks.target());
    }

    /// Takes a sample if it is time for one. `builds` tells whether no test runs, so that Cargo may build.
    pub(super) fn look(&mut self, builds: impl FnOnce() -> bool) {
        if self.sampled.elapsed() >= INTERVAL {
            self.sample(builds());
        }
    }

    fn sample(&mut self, builds: bool) {
        self.sampled = Instant::now();
        self.memory.sample();
        self.disks.sample();
        if builds {
            self.build.sample();
            self.build.free(self.disks.target());
        }
    }

    /// Ends a build: a test has started, or the command has ended. Returns its record, if anything was compiled.
    pub(super) fn end_build(&mut self) -> Option<BuildRecord> {
        let since = self.build.started();
        let mut record = self.build.end()?;
        record.cause = self.memory.cause_since(since);
        Some(record)
    }

    /// Reads what the kernel's counters say of a process that SIGKILL has just ended.
    pub(super) fn killed(&mut self, killed: Killed) -> KillRecord {
        self.memory.sample();
        let cause = self.memory.cause_since(memory::around(killed.timestamp));
        KillRecord { killed, cause }
    }

    /// Reads everything once more, at the end of the run.
    pub(super) fn end(&mut self) -> ResourcesRecord {
        self.sample(false);
        let mut record = self.memory.record();
        record.timestamp = Some(Timestamp::now());
        record.disks = self.disks.all().map(Disk::clone).collect();
        record
    }
}
