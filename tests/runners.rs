//! Records of suites that the usual runners run: real packages, the real Cargo, the real nextest.

mod support;

use std::path::PathBuf;

use support::{Counts, Fixture, Records, Run, has_nextest, reported};
use tempfile::{TempDir, tempdir};

/// Package and id of all tests of the fixture `two-packages` that run by default.
const TESTS: [(&str, &str); 6] = [
    ("cart", "cart/src/lib.rs::tests::adds_up"),
    ("cart", "cart/src/lib.rs::tests::nothing::costs_nothing"),
    ("cart", "cart/tests/checkout.rs::pays"),
    ("stock", "stock/src/lib.rs::is_empty"),
    ("stock", "stock/tests/shelf.rs::holds"),
    ("stock", "stock/tests/shelf.rs::wobbles"),
];

/// A fixture, and a folder for its records.
struct Suite {
    fixture: Fixture,
    folder: TempDir,
}

impl Suite {
    fn new(fixture: &str) -> Self {
        Self { fixture: Fixture::new(fixture), folder: tempdir().expect("a folder of our own") }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    /// Returns a subcommand of Cargo that writes to the file. The path is relative to the folder of the run.
    fn cargo(&self, subcommand: &[&str]) -> Run {
        self.fixture
            .cargo(subcommand)
            .arg("--manifest-path")
            .arg(self.fixture.folder().join("Cargo.toml"))
            .folder(self.folder.path())
            .env("RESMON_FILE", "records.ndjson")
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }
}

/// Requires one run, and returns the records of each of its sessions.
fn sessions(records: &Records) -> Vec<Records> {
    assert_eq!(records.distinct("run_id").len(), 1);
    let of = |session| {
        let of = records.0.iter().filter(|record| record.text("session_id") == session);
        Records(of.cloned().collect())
    };
    records.distinct("session_id").into_iter().map(of).collect()
}

/// Returns the package and id of each test record, sorted.
fn tests(records: &Records) -> Vec<(&str, &str)> {
    let mut tests: Vec<_> =
        records.tests().iter().map(|test| (test.text("package"), test.id())).collect();
    tests.sort_unstable();
    tests
}

#[test]
fn cargo_test_of_a_workspace_is_one_run_in_one_file() {
    let suite = Suite::new("two-packages");
    let run = suite.cargo(&["test", "--workspace"]).finish().exits(0);
    // The count includes the plain test and the doctest.
    assert_eq!(run.counts(), Counts { passed: TESTS.len() + 2, failed: 0, ignored: 1 });
    let records = suite.records();
    assert_eq!(tests(&records), TESTS);
    let sessions = sessions(&records);
    assert_eq!(sessions.len(), 4, "one for each binary with a test of resmon's");
    for session in &sessions {
        assert_eq!(session.start().text("package"), session.end().text("package"));
        assert_eq!(session.distinct("package").len(), 1);
        assert_eq!(session.end().int("exit_status"), 0);
    }
}

#[test]
fn a_second_run_is_another_one() {
    let suite = Suite::new("two-packages");
    for _ in 0..2 {
        suite.cargo(&["test", "--package=cart", "--lib"]).finish().exits(0);
    }
    assert_eq!(suite.records().distinct("run_id").len(), 2);
}

#[test]
fn one_test_at_a_time_is_alone() {
    let suite = Suite::new("two-packages");
    let run = suite.cargo(&["test", "--workspace", "--tests"]);
    run.args(["--", "--test-threads=1"]).finish().exits(0);
    let records = suite.records();
    assert_eq!(tests(&records), TESTS);
    assert!(records.tests().iter().all(|test| test.int("concurrent_tests") == 1));
}

#[test]
fn an_ignored_test_is_recorded_where_it_runs() {
    let suite = Suite::new("two-packages");
    let run = suite.cargo(&["test", "--workspace", "--tests"]);
    run.args(["--", "--ignored"]).finish().exits(0);
    assert_eq!(tests(&suite.records()), [("cart", "cart/tests/checkout.rs::queues")]);
}

#[test]
fn each_id_finds_its_test_again() {
    for (package, id) in TESTS {
        let suite = Suite::new("two-packages");
        let name = id.split_once("::").expect("FILE::NAME").1;
        let run = suite.cargo(&["test", "--tests", "--package", package]);
        let run = run.args(["--", "--exact", name]).finish().exits(0);
        assert_eq!(run.counts().passed, 1);
        assert_eq!(tests(&suite.records()), [(package, id)]);
    }
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_failure_is_recorded_and_stays_a_failure() {
    let suite = Suite::new("two-packages");
    let run = suite.cargo(&["test", "--workspace", "--tests", "--no-fail-fast"]);
    run.env("FIXTURE_FAILS", "1").finish().exits(101);
    let records = suite.records();
    assert_eq!(tests(&records), TESTS);
    for session in sessions(&records) {
        let failed = session.tests().iter().any(|test| test.outcome() == "failed");
        assert_eq!(failed, session.tests().iter().any(|test| test.name() == "wobbles"));
        assert_eq!(session.end().int("exit_status"), if failed { 101 } else { 0 });
    }
}

#[test]
fn listing_writes_nothing() {
    let suite = Suite::new("two-packages");
    let run = suite.cargo(&["test", "--workspace", "--tests"]);
    run.args(["--", "--list"]).finish().exits(0);
    assert!(!suite.file().exists());
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_binary_without_a_harness_measures_what_it_likes() {
    let suite = Suite::new("custom-harness");
    suite.cargo(&["test", "--test=custom"]).finish().exits(4);
    let records = suite.records();
    for (name, outcome) in [
        ("returns", "unknown"),
        ("does", "passed"),
        ("succeeds", "passed"),
        ("goes_wrong", "failed"),
        ("panics", "failed"),
        ("guarded", "passed"),
        ("guarded and failed", "failed"),
        ("inner", "passed"),
        ("outer", "passed"),
    ] {
        let test = records.test(name);
        assert_eq!(test.outcome(), outcome, "{name}");
        assert_eq!(test.id(), format!("tests/custom.rs::{name}"));
        // A measurement within a test, or within another one, is a part of it.
        assert_eq!(test.int("concurrent_tests"), 1, "{name}");
    }
    assert_eq!(records.tests().len(), 9);
    assert_eq!(records.distinct("package"), ["custom-harness"]);
    assert_eq!(records.end().int("exit_status"), reported(4, 101));
}

/// Runs the example with the command of its first line.
#[test]
fn another_harness_records_its_tests() {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let run = Run::cargo()
        .args(["run", "--quiet", "--offline", "--example", "mimic", "--", "parse"])
        .folder(env!("CARGO_MANIFEST_DIR"))
        .env("RESMON_FILE", &file)
        .finish()
        .exits(0);
    assert_eq!(run.counts(), Counts { passed: 3, failed: 0, ignored: 0 });
    let records = Records::of_file(file);
    let mut tests: Vec<_> =
        records.tests().iter().map(|test| (test.id(), test.outcome())).collect();
    tests.sort_unstable();
    let ids = ["largest", "one", "spaces"].map(|name| format!("examples/mimic.rs::parse::{name}"));
    assert_eq!(tests, ids.each_ref().map(|id| (id.as_str(), "passed")));
    assert_eq!(records.end().int("exit_status"), 0);
}

/// Returns a run of a subcommand of nextest; `None` with a message if nextest is not installed. In CI it is.
fn nextest(suite: &Suite, subcommand: &[&str]) -> Option<Run> {
    if !has_nextest() {
        return None;
    }
    Some(suite.cargo(&[&["nextest"], subcommand].concat()).arg("--workspace"))
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn nextest_runs_each_attempt_as_a_session_of_one_run() {
    let suite = Suite::new("two-packages");
    let Some(run) = nextest(&suite, &["run", "--retries=2"]) else { return };
    run.finish().exits(0);
    let records = suite.records();
    let sessions = sessions(&records);
    assert_eq!(sessions.len(), TESTS.len() + 1, "one test took two attempts");
    for session in &sessions {
        assert_eq!(session.events(), ["session_start", "test", "session_end"]);
        let test = session.tests()[0];
        assert_eq!(test.int("concurrent_tests"), 1);
        assert_eq!((test.int("batch_num"), session.distinct("package").len()), (1, 1));
        let status = if test.outcome() == "passed" { 0 } else { 101 };
        assert_eq!(session.end().int("exit_status"), status);
    }
    let mut attempts: Vec<_> = records
        .of_test("wobbles")
        .iter()
        .map(|test| (test.int("attempt"), test.outcome()))
        .collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [(1, "failed"), (2, "passed")]);
    let mut each_once = tests(&records);
    each_once.dedup();
    assert_eq!(each_once, TESTS);
}

#[test]
fn nextest_fails_where_a_test_does() {
    let suite = Suite::new("two-packages");
    let Some(run) = nextest(&suite, &["run", "--no-fail-fast"]) else { return };
    run.env("FIXTURE_FAILS", "1").finish().exits(100);
    let records = suite.records();
    let failed = records.tests().iter().filter(|test| test.outcome() == "failed").count();
    assert_eq!((failed, records.tests().len()), (1, TESTS.len()));
}

#[test]
fn nextest_lists_without_a_word() {
    let suite = Suite::new("two-packages");
    let Some(run) = nextest(&suite, &["list"]) else { return };
    assert!(run.finish().exits(0).is_quiet());
    assert!(!suite.file().exists());
}
