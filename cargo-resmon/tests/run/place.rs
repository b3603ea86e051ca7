//! The place where a run is kept.

use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::tempdir;

use crate::{
    Suite, copy,
    support::{Fixture, Gate, wait_for},
};

#[test]
fn the_newest_runs_are_kept_in_the_target_directory() {
    let target = tempdir().expect("a folder of our own");
    let runs = target.path().join("resmon/runs");
    fs::create_dir_all(&runs).expect("a folder of our own");
    for day in 10..=31 {
        fs::write(runs.join(format!("202001{day}000000000-0.ndjson")), "").expect("the same");
    }
    let suite = Suite::of(Fixture::new("marked-and-plain"));
    // Nothing can be built there, so no test runs.
    let arguments = ["test", "--offline", "--package=plain", "--test=other"];
    let run = suite.resmon(&arguments).env("RESMON_SPOOL_DIR", "");
    let run = run.env("CARGO_TARGET_DIR", target.path()).finish().exits(0);
    let kept: Vec<_> = runs.read_dir().expect("there").map(|file| file.expect("a file")).collect();
    assert_eq!(kept.len(), 20);
    assert!(kept.iter().any(|file| copy(&run).ends_with(file.file_name())), "{}", run.stderr);
    assert!(!runs.join("20200110000000000-0.ndjson").exists());
    let spool = target.path().join("resmon");
    assert_eq!(fs::metadata(&spool).expect("there").permissions().mode() & 0o022, 0);
}

#[test]
fn what_tests_append_is_for_nobody_else_to_read() {
    let suite = Suite::new();
    let gate = Gate::closed();
    let run = suite.test(&["--package=marked", "--test=more", "waits"]);
    let running = run.env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    let spool = suite.folder.path().join("spool");
    let mode = |path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(spool.clone()), 0o700);
    let intake = suite.spool().into_iter().find(|name| name.ends_with(".intake"));
    assert_eq!(mode(spool.join(intake.expect("of this run"))), 0o600);
    drop(at_gate);
    running.finish().exits(0);
}

/// Many short runs during a long one.
#[test]
fn a_run_that_goes_on_is_not_removed() {
    let suite = Suite::new();
    let target = tempdir().expect("a folder of our own");
    let plain = |test: &str| {
        let run = suite.resmon(&["test", "--offline", "--package=plain", "--lib", test]);
        run.env("CARGO_TARGET_DIR", target.path()).env_remove("RESMON_FILE")
    };
    let gate = Gate::closed();
    let running = plain("tests::waits").env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    let runs = target.path().join("resmon/runs");
    let going_on = wait_for("the copy", || runs.read_dir().ok()?.flatten().next());
    for number in 0..30 {
        let newer = runs.join(format!("99990101000000{number:03}-00000000.ndjson"));
        fs::write(newer, "{\"event_type\":\"session_end\"}\n").expect("a folder of our own");
    }
    plain("tests::passes").finish().exits(0);
    // Beside the newest 20, both stay: the one goes on, and the other shows its report.
    assert_eq!(runs.read_dir().expect("there").count(), 22);
    assert!(going_on.path().exists());
    drop(at_gate);
    let run = running.finish().exits(0);
    assert_eq!(copy(&run), going_on.path());
    assert!(going_on.path().exists());
    assert_eq!(run.warnings(), [""; 0]);
}
