//! Whether the figures of a test are true: known loads, alone and beside others, in each way in which tests are run. What
//! a busy machine stretches is held against what the load has read of itself.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod alone;
mod beside;
#[path = "../fixtures/loads/tests/loads.rs"]
mod loads;
#[cfg(feature = "tinybird")]
mod own;
mod parts;
mod suite;

use std::{fs, path::PathBuf};

use support::{Record, Records, Run};
use tempfile::{TempDir, tempdir};

const MIB: i64 = 1 << 20;

/// A place for a run's records, and for what the loads have read themselves.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().expect("a folder of our own"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("records.ndjson")
    }

    /// A run that writes here.
    fn switch_on(&self, run: Run) -> Run {
        run.env("RESMON_FILE", self.file()).env("LOADS", self.0.path())
    }

    /// A run of the tests with this filter that writes here.
    fn run(&self, filter: &str) -> Run {
        // As Cargo runs it, by which alone what no attribute marks can know its package.
        self.switch_on(Run::own_tests(filter)).env("CARGO_PKG_NAME", "resmon")
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }

    /// What a load has read of itself.
    fn told(&self, name: &str) -> f64 {
        let told = fs::read_to_string(self.0.path().join(name)).expect("it has told");
        told.parse().expect("a number")
    }
}

/// The records of a run of our own tests to which `change` is made.
fn records(filter: &str, change: impl FnOnce(Run) -> Run) -> Records {
    let place = Place::new();
    let run = change(place.run(filter)).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    place.records()
}

/// CPU seconds of either kind.
#[track_caller]
fn cpu(test: &Record) -> f64 {
    test.float("cpu_user_s") + test.float("cpu_system_s")
}

/// Less than what this would take of a CPU if it did anything.
#[track_caller]
fn assert_idle(test: &Record) {
    assert!(cpu(test) < 0.005, "{test:#?}");
}

/// Within a tenth of what it is known to be.
#[track_caller]
fn assert_near(figure: f64, known: f64) {
    assert!((figure - known).abs() <= known / 10.0, "{figure} for {known}");
}
