//! Hundreds of short processes that share one sender: the real nextest, 300 empty tests, and a slow server.
#![cfg(all(unix, feature = "tinybird"))]

mod support;

use std::{collections::HashMap, path::PathBuf, time::Duration};

use support::{Answer, Finished, Fixture, Records, Run, Server, has_nextest, left_in_spool};
use tempfile::{TempDir, tempdir};

const TESTS: usize = 300;

struct Suite {
    fixture: Fixture,
    folder: TempDir,
    server: Server,
}

impl Suite {
    /// Creates a suite with a server that answers after this many milliseconds.
    fn new(millis: u64) -> Self {
        let server = Server::answering(move |_, request| {
            let accepted = Answer::accepted(request.body.lines().count(), 0);
            Answer::After(Duration::from_millis(millis), Box::new(accepted))
        });
        let folder = tempdir().expect("a folder of our own");
        Self { fixture: Fixture::new("three-hundred"), folder, server }
    }

    /// Returns a run of nextest; `None` with a message if nextest is not installed. In CI it is.
    fn nextest(&self, arguments: &[&str]) -> Option<Run> {
        if !has_nextest() {
            return None;
        }
        let run =
            self.fixture.cargo(&["nextest", "run", "--success-output=immediate"]).args(arguments);
        Some(
            run.env("RESMON_SPOOL_DIR", self.spool())
                .env("TINYBIRD_WRITE_TOKEN", "a-token")
                .env("TINYBIRD_API_URL", self.server.url()),
        )
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        assert_eq!(left_in_spool(&self.spool()), [""; 0]);
    }
}

/// Requires one session for each test, whose three records arrived once.
#[track_caller]
fn assert_each_once(records: &Records) {
    let mut sessions: HashMap<&str, Vec<&str>> = HashMap::new();
    for record in &records.0 {
        sessions.entry(record.text("session_id")).or_default().push(record.event());
    }
    assert_eq!((sessions.len(), records.0.len()), (TESTS, 3 * TESTS));
    for events in sessions.values() {
        assert_eq!(events, &["session_start", "test", "session_end"]);
    }
    let mut names: Vec<_> = records.tests().iter().map(|test| test.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TESTS);
    assert_eq!(records.distinct("run_id").len(), 1);
}

fn assert_quiet(run: &Finished) {
    assert!(!run.stderr.contains("resmon:"), "{}", run.stderr);
}

#[test]
fn processes_that_run_side_by_side_share_requests() {
    let suite = Suite::new(50);
    let Some(run) = suite.nextest(&["-j8"]) else { return };
    assert_quiet(&run.finish().exits(0));
    assert_each_once(&suite.server.records());
    suite.assert_nothing_left();
    let requests = suite.server.requests().len();
    assert!(requests < 60, "{requests}");
}

/// Runs processes of which none knows whether it is the last one, so none waits. The sender delivers the remaining
/// records.
#[test]
fn processes_that_run_one_after_the_other_are_not_held_up() {
    let suite = Suite::new(50);
    let Some(run) = suite.nextest(&["-j1"]) else { return };
    assert_quiet(&run.finish().exits(0));
    suite.assert_nothing_left();
    assert_each_once(&suite.server.records());
    let requests = suite.server.requests().len();
    assert!(requests < 60, "{requests}");
}

#[test]
fn a_process_that_dies_is_reported_at_once() {
    let suite = Suite::new(50);
    let Some(run) = suite.nextest(&["-j8", "--no-fail-fast", "--run-ignored=all"]) else { return };
    run.finish().exits(100);
    // No other process has to run: the sender has seen this one die.
    suite.assert_nothing_left();
    let records = suite.server.records();
    assert_eq!(records.test("aborts").outcome(), "crashed");
    let session = records.test("aborts").text("session_id");
    let of = records.0.iter().filter(|record| record.text("session_id") == session);
    let of = Records(of.cloned().collect());
    assert_eq!(of.events(), ["session_start", "test", "session_end"]);
    assert_eq!(of.end().int("exit_status"), -1);
    suite.assert_nothing_left();
}
