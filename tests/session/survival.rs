//! Faults that a session survives.

use crate::{
    Place,
    support::{Gate, reported},
};

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_test_that_leaves_the_process_takes_the_running_ones_along() {
    let place = Place::new();
    let (leave, stay) = (Gate::closed(), Gate::closed());
    let running = place
        .run("suite::leaving::")
        .arg("--test-threads=2")
        .env("SUITE_LEAVE", leave.address())
        .env("SUITE_STAY", stay.address())
        .start();
    let _staying = stay.wait_for(1);
    drop(leave.wait_for(1));
    running.finish().exits(3);
    let records = place.records();
    for name in ["suite::leaving::leaves", "suite::leaving::stays"] {
        let test = records.test(name);
        assert_eq!(test.outcome(), "unfinished");
        assert_eq!(test.int("concurrent_tests"), 2);
    }
    assert_eq!(records.end().int("exit_status"), reported(3, 0));
    assert_eq!(records.0[records.0.len() - 1].event(), "session_end");
}

#[test]
fn a_test_may_change_the_folder() {
    let place = Place::new();
    let elsewhere = place.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder of our own");
    let run = place
        .run("suite::changes::")
        .arg("--test-threads=1")
        .folder(place.folder.path())
        .env("RESMON_FILE", "records.ndjson")
        .env("SUITE_CHDIR", &elsewhere)
        .finish()
        .exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_eq!(place.records().tests().len(), 3);
    assert!(!elsewhere.join("records.ndjson").exists());
}

#[test]
fn a_test_may_change_the_environment() {
    let place = Place::new();
    let elsewhere = place.folder.path().join("elsewhere.ndjson");
    let run = place
        .run("suite::changes::")
        .arg("--test-threads=1")
        .env("SUITE_SET_VAR", &elsewhere)
        .finish()
        .exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    let records = place.records();
    assert_eq!(records.tests().len(), 3);
    assert_eq!(records.end().int("exit_status"), 0);
    assert_eq!(records.distinct("run_id").len(), 1);
    assert_eq!(records.distinct("gh_sha"), [""]);
    assert!(!elsewhere.exists());
}

#[test]
fn a_panic_in_another_thread_is_no_failure() {
    let place = Place::new();
    place.run("suite::panics_in_another_thread").env("SUITE_THREAD", "1").finish().exits(0);
    assert_eq!(place.records().test("suite::panics_in_another_thread").outcome(), "passed");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::support::Run;

    #[test]
    fn a_forked_child_that_leaves_reports_nothing() {
        let place = Place::new();
        let run = place.run("suite::forks").env("SUITE_FORKS", "1").finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        let records = place.records();
        assert_eq!(records.events(), ["session_start", "test", "session_end"]);
        assert_eq!(records.test("suite::forks").outcome(), "passed");
        assert_eq!(records.end().int("exit_status"), 0);
    }

    #[test]
    fn closed_standard_streams_are_no_matter() {
        let place = Place::new();
        let own = std::env::current_exe().expect("a test binary knows where it is");
        // A file that is opened next gets a number from 0 to 2.
        let closed = |file: &std::path::Path| {
            Run::new("sh")
                .args(["-c", "exec \"$0\" suite::many:: <&- >&- 2>&-"])
                .arg(&own)
                .env("RESMON_FILE", file)
                .finish()
        };
        closed(&place.file);
        assert_eq!(place.records().events().len(), crate::suite::MANY + 2);
        // resmon has a warning, and no stderr to print it on.
        closed(place.folder.path());
    }

    #[test]
    fn a_reader_of_stderr_that_went_away_is_no_matter() {
        let place = Place::new();
        let own = std::env::current_exe().expect("a test binary knows where it is");
        let script = "exec 3>&1; { \"$0\" suite::many:: 2>&1 >/dev/null; echo $? >&3; } | true";
        let run = Run::new("sh").args(["-c", script]).arg(own);
        let run = run.env("RESMON_FILE", place.folder.path()).finish().exits(0);
        assert_eq!(run.stdout, "0\n");
    }
}
