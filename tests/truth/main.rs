//! The figures of tests with known loads, alone and beside others, in each way of running tests. Loads also read their
//! own usage, because a busy machine changes it.
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

/// A folder for a run's records and for the loads' own readings.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().expect("a folder of our own"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("records.ndjson")
    }

    /// Switches recording to this place on.
    fn switch_on(&self, run: Run) -> Run {
        run.env("RESMON_FILE", self.file()).env("LOADS", self.0.path())
    }

    /// Returns a run of the tests with this filter that records here.
    fn run(&self, filter: &str) -> Run {
        // Cargo sets this variable, from which tests without the attribute get their package.
        self.switch_on(Run::own_tests(filter)).env("CARGO_PKG_NAME", "resmon")
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }

    /// Returns a load's own reading.
    fn told(&self, name: &str) -> f64 {
        let told = fs::read_to_string(self.0.path().join(name)).expect("it has told");
        told.parse().expect("a number")
    }
}

/// Returns the records of a run of this binary's own tests, to which `change` adds options.
fn records(filter: &str, change: impl FnOnce(Run) -> Run) -> Records {
    let place = Place::new();
    let run = change(place.run(filter)).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    place.records()
}

/// Returns the CPU seconds of a test, user and system.
#[track_caller]
fn cpu(test: &Record) -> f64 {
    test.float("cpu_user_s") + test.float("cpu_system_s")
}

/// Requires less CPU time than any load uses.
#[track_caller]
fn assert_idle(test: &Record) {
    assert!(cpu(test) < 0.005, "{test:#?}");
}

/// Requires a figure within a tenth of the known value.
#[track_caller]
fn assert_near(figure: f64, known: f64) {
    assert!((figure - known).abs() <= known / 10.0, "{figure} for {known}");
}
