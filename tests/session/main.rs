//! A session is one process that runs tests: its records, and the faults that it survives. Records go to a file. Each
//! test runs this binary's own tests of [`suite`] in a new process.

#[path = "../support/mod.rs"]
mod support;

mod file;
mod identity;
mod machine;
mod suite;
mod survival;
mod time;

use std::path::PathBuf;

use support::{Records, Run};
use tempfile::{TempDir, tempdir};

/// A file for a run's records.
struct Place {
    folder: TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().expect("a folder of our own");
        let file = folder.path().join("records.ndjson");
        Self { folder, file }
    }

    /// Returns a run of the tests with this filter that writes its records here.
    fn run(&self, filter: &str) -> Run {
        Run::own_tests(filter).env("RESMON_FILE", &self.file)
    }

    fn records(&self) -> Records {
        Records::of_file(&self.file)
    }
}

/// Waits until the clock shows another millisecond, and returns it. Timestamps before and after the call differ.
fn next_millisecond() -> i64 {
    let before = support::record::now();
    loop {
        let now = support::record::now();
        if now > before {
            return now;
        }
    }
}
