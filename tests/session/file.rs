//! The path and the content of the file.

use std::fs;

use crate::{
    Place,
    suite::MANY,
    support::{Gate, Records, Run},
};

#[test]
fn batches_are_counted_as_if_they_were_sent() {
    for (size, whole) in [(None, 50), (Some("7"), 7)] {
        let place = Place::new();
        let mut run = place.run("suite::many::");
        if let Some(size) = size {
            run = run.env("RESMON_BATCH_SIZE", size);
        }
        run.finish().exits(0);
        let records = place.records();
        // Two threads may write in another order than they were counted in.
        let mut found: Vec<_> = records.tests().iter().map(|test| test.int("batch_num")).collect();
        found.sort_unstable();
        let batch = |index| i64::try_from(index / whole + 1).expect("a small number");
        assert_eq!(found, (0..MANY).map(batch).collect::<Vec<_>>());
    }
}

#[test]
fn a_relative_path_begins_where_the_user_stood() {
    let place = Place::new();
    let package = place.folder.path().join("package");
    fs::create_dir(&package).expect("a folder of our own");
    let run = |pwd: &str| {
        // Cargo runs tests in their package's folder, and leaves `PWD` as it was.
        Run::own_tests("suite::fails")
            .folder(&package)
            .env("PWD", pwd)
            .env("RESMON_FILE", "out/records.ndjson")
            .finish()
            .exits(0)
    };
    assert!(run(place.folder.path().to_str().expect("a plain path")).is_quiet());
    assert_eq!(Records::of_file(place.folder.path().join("out/records.ndjson")).0.len(), 3);
    assert!(!package.join("out").exists());
    for none in ["", ".", "/no/such/folder"] {
        assert!(run(none).is_quiet());
        assert_eq!(Records::of_file(package.join("out/records.ndjson")).0.len(), 3, "{none:?}");
        fs::remove_dir_all(package.join("out")).expect("just made");
    }
}

#[test]
fn missing_folders_are_made() {
    let place = Place::new();
    let file = place.folder.path().join("a/b c/é/records.ndjson");
    assert!(place.run("suite::fails").env("RESMON_FILE", &file).finish().exits(0).is_quiet());
    assert_eq!(Records::of_file(&file).0.len(), 3);
}

#[test]
fn a_file_is_added_to() {
    let place = Place::new();
    place.run("suite::fails").finish().exits(0);
    let first = fs::read_to_string(&place.file).expect("written");
    place.run("suite::fails").finish().exits(0);
    let both = fs::read_to_string(&place.file).expect("written");
    assert!(both.starts_with(&first));
    assert_eq!(place.records().distinct("session_id").len(), 2);
}

#[test]
fn without_the_allocator_nothing_is_said_of_the_heap() {
    let place = Place::new();
    place.run("suite::many::").finish().exits(0);
    let fields = ["alloc_count", "alloc_bytes", "alloc_peak_bytes"];
    assert!(place.records().tests().iter().all(|test| !fields.iter().any(|field| test.has(field))));
}

#[test]
fn several_processes_share_a_file() {
    const PROCESSES: usize = 4;
    let place = Place::new();
    // The value is longer than the 4 KiB that a pipe accepts in one piece.
    let long = "long".repeat(4096);
    let running: Vec<_> = (0..PROCESSES)
        .map(|_| place.run("suite::many::").env("GITHUB_REF_NAME", &long).start())
        .collect();
    for running in running {
        running.finish().exits(0);
    }
    let records = place.records();
    let sessions = records.distinct("session_id");
    assert_eq!(sessions.len(), PROCESSES);
    for session in sessions {
        let of_session = records.0.iter().filter(|record| record.text("session_id") == session);
        let of_session = Records(of_session.cloned().collect());
        assert_eq!(of_session.0.len(), MANY + 2);
        assert_eq!(of_session.start().text("gh_ref_name"), long);
        assert_eq!(of_session.end().int("exit_status"), 0);
    }
}

#[test]
fn a_killed_process_has_written_all_that_was_finished() {
    let place = Place::new();
    let gate = Gate::closed();
    let mut running = place
        .run("suite::many::")
        .args(["suite::order::c_waits", "--test-threads=1"])
        .env("SUITE_GATE", gate.address())
        .start();
    let _waiting = gate.wait_for(1);
    running.kill();
    let killed = running.finish();
    assert_ne!(killed.code, Some(0));
    let records = place.records();
    assert_eq!(records.tests().len(), MANY);
    assert_eq!(records.start().event(), "session_start");
    assert!(records.of_event("session_end").is_empty());
}

#[test]
fn a_process_without_an_instrumented_test_writes_nothing() {
    let place = Place::new();
    for args in [
        &["--list"][..],
        &["--list", "--format", "terse"],
        &["--help"],
        &["no_test_has_this_name"],
        &["suite::order::a_plain"],
        &["suite::", "--ignored"],
    ] {
        let run = place.run(args[0]).args(&args[1..]).finish().exits(0);
        assert!(run.is_quiet(), "{args:?}: {}", run.stderr);
        assert!(!place.file.exists(), "{args:?}");
    }
}

#[test]
fn without_configuration_nothing_happens() {
    let place = Place::new();
    let run = Run::own_tests("suite::").folder(place.folder.path()).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    let left = fs::read_dir(place.folder.path()).expect("a folder of our own").count();
    assert_eq!(left, 0);
}
