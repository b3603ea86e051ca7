//! `cargo resmon` itself is killed. The tests go on, and the next run delivers their records.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use crate::{
    Suite,
    support::{Gate, Records, Run, Server, wait_for},
};

/// Starts a run in which a test waits, kills `cargo resmon`, lets the test finish, and waits for the end of its runner.
fn killed(suite: &Suite, prepare: impl Fn(Run) -> Run, has_begun: impl Fn() -> bool) {
    let gate = Gate::closed();
    let run = suite.test(&["--package=marked", "--test=more", "--", "waits"]);
    let mut running = prepare(run).env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    wait_for("the first record", || has_begun().then_some(()));
    running.kill();
    drop(at_gate);
    // Cargo and the tests hold the same pipes, so this waits for their end as well.
    running.finish();
    let is_intake = |name: &String| Path::new(name).extension() == Some("intake".as_ref());
    assert_eq!(suite.spool().iter().filter(|name| is_intake(name)).count(), 1);
}

#[test]
fn the_next_run_writes_what_was_left_to_the_same_file() {
    let suite = Suite::new();
    let has_begun = || fs::metadata(suite.file()).is_ok_and(|file| file.len() > 0);
    killed(&suite, |run| run, has_begun);
    let run = suite.test(&["--package=marked", "--lib", "--", "passes"]).finish().exits(0);
    assert_eq!(run.warnings(), [""; 0]);
    let records = suite.records();
    let waits = records.test("waits");
    assert_eq!(waits.outcome(), "passed");
    assert_eq!(records.distinct("run_id").len(), 2);
    let dead = records.0.iter().filter(|record| record.text("run_id") == waits.text("run_id"));
    let dead = Records(dead.cloned().collect());
    assert_eq!(dead.end().int("exit_status"), -1);
    assert_eq!(dead.events().len(), 3, "{dead:#?}");
    assert_ne!(waits.text("run_id"), records.test("tests::passes").text("run_id"));
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn the_next_run_sends_what_was_left_to_the_same_data_source() {
    let suite = Suite::new();
    let server = Server::accepting();
    let url = server.url();
    let to = |run: Run| run.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", &url);
    killed(&suite, to, || !server.requests().is_empty());
    // A run with another destination leaves the records to one with the same.
    suite.test(&["--package=marked", "--lib", "--", "passes"]).finish().exits(0);
    assert_eq!(suite.records().tests().len(), 1);
    to(suite.test(&["--package=marked", "--lib", "--", "passes"])).finish().exits(0);
    let records = server.records();
    assert_eq!(records.test("waits").outcome(), "passed");
    assert_eq!(records.tests().len(), 2);
    assert_eq!(records.of_event("session_end").len(), 2);
    assert!(suite.spool().iter().all(|name| !name.contains("intake") && !name.contains("ndjson")));
}

/// A run is not over when its `cargo resmon` is: its tests still write to the intake.
#[test]
fn a_run_whose_tests_still_run_is_left_to_a_later_one() {
    let suite = Suite::new();
    let (gate, other) = (Gate::closed(), ["--package=marked", "--lib", "--", "passes"]);
    let run = suite.test(&["--package=marked", "--test=more", "--", "waits"]);
    let mut running = run.env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    running.kill();
    let run = suite.test(&other).finish().exits(0);
    assert_eq!(run.warnings(), [""; 0]);
    let named = |records: &Records| {
        records.tests().iter().map(|test| test.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named(&suite.records()), ["marked/src/lib.rs::tests::passes"]);
    drop(at_gate);
    running.finish();
    for _ in 0..2 {
        suite.test(&other).finish().exits(0);
    }
    let records = suite.records();
    let waits = records.of_test("waits");
    assert_eq!(waits.len(), 1, "{records:#?}");
    assert_eq!(waits[0].outcome(), "passed");
    assert_eq!(records.of_test("tests::passes").len(), 3);
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn what_cannot_be_written_now_is_written_once_later() {
    let suite = Suite::new();
    let (out, aside) = (suite.folder.path().join("out"), suite.folder.path().join("aside"));
    let file = out.join("records.ndjson");
    let has_begun = || fs::metadata(&file).is_ok_and(|file| file.len() > 0);
    killed(&suite, |run| run.env("RESMON_FILE", &file), has_begun);
    fs::rename(&out, &aside).expect("both are ours");
    fs::write(&out, "in the way").expect("a folder of our own");
    let other = ["--package=marked", "--lib", "--", "passes"];
    let run = suite.test(&other).finish().exits(0);
    let kept = |line: &&str| line.contains("records of an earlier run are kept for the next");
    assert_eq!(run.warnings().iter().filter(|line| kept(line)).count(), 1);
    fs::remove_file(&out).expect("of this test");
    fs::rename(&aside, &out).expect("both are ours");
    for _ in 0..2 {
        let run = suite.test(&other).finish().exits(0);
        assert_eq!(run.warnings(), [""; 0]);
    }
    let records = Records::of_file(file);
    assert_eq!(records.test("waits").outcome(), "passed");
    assert_eq!(records.tests().len(), 1);
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn a_file_that_a_process_began_after_its_run_is_removed() {
    let suite = Suite::new();
    let spool = suite.folder.path().join("spool");
    fs::DirBuilder::new().mode(0o700).create(&spool).expect("a folder of our own");
    fs::write(spool.join("0123456789ab0123456789abcdef.intake"), "{}\n{\"resmon\":\"end\"}\n")
        .expect("a folder of our own");
    let run = suite.test(&["--package=marked", "--lib", "--", "passes"]).finish().exits(0);
    assert_eq!(run.warnings(), [""; 0]);
    assert_eq!(suite.spool(), [""; 0]);
}
