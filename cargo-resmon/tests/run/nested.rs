//! A run within a test of another run is a run of its own.

use std::collections::BTreeMap;

use crate::{Record, has_nextest, package::Package};

/// The outer test runs `cargo resmon` on the inner one. Under nextest it fails at its first attempt, after the inner run.
const LIBRARY: &str = r#"
#[test]
#[ignore = "outer"]
fn outer() {
    let program = std::env::var("FIXTURE_RESMON").unwrap();
    let command = std::env::var("FIXTURE_COMMAND").unwrap();
    let inner = std::process::Command::new(program).args(command.split(' ')).output().unwrap();
    assert!(inner.status.success(), "{}", String::from_utf8_lossy(&inner.stderr));
    assert_ne!(std::env::var("NEXTEST_ATTEMPT").as_deref(), Ok("1"));
}

#[test]
fn inner() {}
"#;

const TEST: &str = "resmon test --offline --lib -- --exact inner";
const NEXTEST: &str = "resmon nextest run --offline inner";

/// The tests of a session: the name, outcome and attempt of each.
type Tests = Vec<(String, String, i64)>;

/// Runs the outer test by these arguments and the inner one by `command`, with this `RESMON_RUN_ID`. Returns the tests
/// of each session, sorted.
#[track_caller]
fn sessions(outer: &[&str], command: &str, id: &str) -> Vec<Tests> {
    let package = Package::new(&[("src/lib.rs", LIBRARY)]);
    let run = package.suite.resmon(outer).env("RESMON_FILE", package.suite.file());
    run.env("FIXTURE_RESMON", env!("CARGO_BIN_EXE_cargo-resmon"))
        .env("FIXTURE_COMMAND", command)
        .env("RESMON_INSTRUMENT", "1")
        .env("RESMON_RUN_ID", id)
        .finish()
        .exits(0);
    let records = package.suite.records();
    let mut sessions: BTreeMap<&str, (Vec<&str>, Tests)> = BTreeMap::new();
    for record in &records.0 {
        let (events, tests) = sessions.entry(record.text("session_id")).or_default();
        if record.event() == "test" {
            let (name, outcome) = (record.name().to_owned(), record.outcome().to_owned());
            tests.push((name, outcome, record.int("attempt")));
        } else {
            events.push(record.event());
        }
    }
    for (events, _) in sessions.values() {
        assert_eq!(events, &["session_start", "session_end"]);
    }
    let runs = records.distinct("run_id");
    if id.is_empty() {
        assert_eq!(runs, sessions.keys().copied().collect::<Vec<_>>());
    } else {
        assert_eq!(runs, [id]);
    }
    let mut sessions: Vec<_> = sessions.into_values().map(|(_, tests)| tests).collect();
    for tests in &mut sessions {
        tests.sort();
    }
    sessions.sort();
    sessions
}

fn test(name: &str, outcome: &str, attempt: i64) -> (String, String, i64) {
    (name.to_owned(), outcome.to_owned(), attempt)
}

#[test]
fn below_a_test_of_cargo_test() {
    let outer = ["test", "--offline", "--lib", "--", "--ignored", "--exact", "outer"];
    let both = [vec![test("inner", "passed", 1)], vec![test("outer", "passed", 1)]];
    assert_eq!(sessions(&outer, TEST, ""), both);
    assert_eq!(sessions(&outer, TEST, "job-17"), both);
    if has_nextest() {
        assert_eq!(sessions(&outer, NEXTEST, ""), both);
    }
}

#[test]
fn below_a_test_of_nextest() {
    if !has_nextest() {
        return;
    }
    let outer = ["nextest", "run", "--offline", "--run-ignored=only", "--retries=1", "outer"];
    let inner = vec![test("inner", "passed", 1)];
    let all = [
        inner.clone(),
        // There is one for each attempt of the outer test, and the number of that is not theirs.
        inner,
        vec![test("outer", "failed", 1), test("outer", "passed", 2)],
    ];
    assert_eq!(sessions(&outer, TEST, ""), all);
    assert_eq!(sessions(&outer, TEST, "job-17"), all);
    assert_eq!(sessions(&outer, NEXTEST, ""), all);
}

#[test]
fn runs_of_a_job_share_its_id_and_nothing_else() {
    let package = Package::new(&[]);
    for _ in 0..2 {
        package.suite.test(&["--lib"]).env("RESMON_RUN_ID", "job-17").finish().exits(0);
    }
    let records = package.suite.records();
    assert_eq!(records.distinct("run_id"), ["job-17"]);
    assert_eq!(records.distinct("session_id").len(), 2);
    let events: Vec<_> = records.0.iter().map(Record::event).collect();
    assert_eq!(events, ["session_start", "session_end", "session_start", "session_end"]);
}
