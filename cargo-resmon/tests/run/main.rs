//! `cargo resmon test` and `cargo resmon nextest run`: the real program around the real Cargo and the real nextest.
#![cfg(unix)]

#[path = "../../../tests/support/mod.rs"]
mod support;

mod arguments;
mod binaries;
#[cfg(target_os = "linux")]
mod build;
mod config;
mod delivery;
mod interrupted;
mod killed;
mod nested;
mod nextest;
mod package;
mod place;
mod real_suite;
mod runner;
mod scripts;
mod storage;

use std::path::PathBuf;

use support::{Finished, Fixture, Record, Records, Run, has_nextest};
use tempfile::{TempDir, tempdir};

/// The fixture, and a folder for the files of a run.
struct Suite {
    fixture: Fixture,
    folder: TempDir,
}

impl Suite {
    fn new() -> Self {
        Self::of(Fixture::new("marked-and-plain"))
    }

    fn of(fixture: Fixture) -> Self {
        Self { fixture, folder: tempdir().expect("a folder of our own") }
    }

    /// Returns `cargo resmon` with these arguments, as Cargo calls it.
    fn resmon(&self, arguments: &[&str]) -> Run {
        Run::new(env!("CARGO_BIN_EXE_cargo-resmon"))
            .arg("resmon")
            .args(arguments)
            .folder(self.fixture.folder())
            .env("CARGO_TARGET_DIR", Fixture::target())
            .env("CARGO_TERM_COLOR", "never")
            // The tests in tests/harness cover the instrumented build.
            .env("RESMON_INSTRUMENT", "0")
            .env("RESMON_SPOOL_DIR", self.folder.path().join("spool"))
    }

    /// Returns `cargo resmon test`, which records to [`Self::file`].
    fn test(&self, arguments: &[&str]) -> Run {
        let arguments = [&["test", "--offline"], arguments].concat();
        self.resmon(&arguments).env("RESMON_FILE", self.file())
    }

    /// Returns `cargo resmon nextest run`, which records to [`Self::file`]. Without nextest says so and returns `None`;
    /// in CI nextest is installed.
    fn nextest(&self, arguments: &[&str]) -> Option<Run> {
        if !has_nextest() {
            return None;
        }
        let arguments = [&["nextest", "run", "--offline"], arguments].concat();
        Some(self.resmon(&arguments).env("RESMON_FILE", self.file()))
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }

    /// Returns the names of the files in the spool directory.
    fn spool(&self) -> Vec<String> {
        let files = self.folder.path().join("spool").read_dir().into_iter().flatten();
        files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect()
    }
}

/// Requires one session around all tests, which ended with `exit_status`. Returns the tests' ids and outcomes, sorted.
#[track_caller]
fn one_session(records: &Records, exit_status: i64) -> Vec<(&str, &str)> {
    assert_eq!(records.0.first().map(Record::event), Some("session_start"));
    assert_eq!(records.0.last().map(Record::event), Some("session_end"));
    assert_eq!(records.start().text("run_id"), records.start().text("session_id"));
    assert_eq!(records.distinct("session_id").len(), 1);
    assert_eq!(records.distinct("run_id").len(), 1);
    assert_eq!(records.end().int("exit_status"), exit_status);
    let mut tests: Vec<_> =
        records.tests().iter().map(|test| (test.id(), test.outcome())).collect();
    tests.sort_unstable();
    tests
}

/// Returns whether a line of a copy is a record of the table. Only the copy has the others.
fn is_of_the_table(line: &str) -> bool {
    ["session_start", "test", "session_end"]
        .iter()
        .any(|event| line.contains(&format!("\"event_type\":\"{event}\"")))
}

/// Returns the path of the copy that a run reports to have kept.
fn copy(run: &Finished) -> PathBuf {
    let line = run.stderr.lines().rev().find_map(|line| line.split_once(" recorded in "));
    PathBuf::from(line.unwrap_or_else(|| panic!("no place in {}", run.stderr)).1)
}
