//! The session, run, package and attempt of a record.

use crate::{
    Place,
    suite::MANY,
    support::{Records, Run, gate::Gate},
};

const GITHUB: [(&str, &str); 8] = [
    ("GITHUB_RUN_ID", "gh_run_id"),
    ("GITHUB_SHA", "gh_sha"),
    ("GITHUB_REF_NAME", "gh_ref_name"),
    ("GITHUB_WORKFLOW", "gh_workflow"),
    ("GITHUB_JOB", "gh_job"),
    ("GITHUB_ACTOR", "gh_actor"),
    ("GITHUB_REPOSITORY", "gh_repository"),
    ("GITHUB_RUN_ATTEMPT", "gh_run_attempt"),
];

/// Returns the records of one test that ran with these variables.
fn records_with(variables: &[(&str, &str)]) -> Records {
    let place = Place::new();
    let run =
        variables.iter().fold(place.run("suite::fails"), |run, (name, value)| run.env(name, value));
    assert!(run.finish().exits(0).is_quiet());
    place.records()
}

#[test]
fn a_process_is_one_session_with_a_start_and_an_end() {
    let place = Place::new();
    assert!(place.run("suite::many::").finish().exits(0).is_quiet());
    let records = place.records();
    assert_eq!(records.0.len(), MANY + 2);
    assert_eq!(records.0[0].event(), "session_start");
    assert_eq!(records.0[MANY + 1].event(), "session_end");
    assert_eq!(records.end().int("exit_status"), 0);
    let counts = ["tests_recorded", "tests_failed", "records_dropped"];
    let counts = counts.map(|field| records.end().int(field));
    assert_eq!(counts, [i64::try_from(MANY).expect("a small number"), 0, 0]);
    for field in ["session_id", "run_id", "package"] {
        assert_eq!(records.distinct(field).len(), 1, "{field}");
    }
    for field in ["cpu_count", "mem_total_bytes", "disk_total_bytes"] {
        assert_eq!(records.start().int(field), records.end().int(field), "{field}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "`std::process::exit` runs no exit handlers there")]
fn a_failed_test_is_101_in_the_end() {
    let place = Place::new();
    place.run("suite::").env("SUITE_FAILS", "1").finish().exits(101);
    let records = place.records();
    assert_eq!(records.test("suite::fails").outcome(), "failed");
    let failed = records.tests().iter().filter(|test| test.outcome() != "passed").count();
    assert_eq!((failed, records.end().int("exit_status")), (1, 101));
    assert_eq!(records.end().int("tests_failed"), 1);
    let recorded = i64::try_from(records.tests().len()).expect("a small number");
    assert_eq!(records.end().int("tests_recorded"), recorded);
}

#[test]
fn a_test_is_known_by_file_and_path_and_its_package() {
    let records = records_with(&[]);
    let test = records.test("suite::fails");
    assert_eq!(test.id(), "tests/session/suite.rs::suite::fails");
    assert_eq!(records.distinct("package"), ["resmon"]);
}

#[test]
fn github_is_quoted_word_for_word() {
    let odd = "a \"b\" \\ c\n\td/é \u{1f980} \u{1}</script>";
    let variables: Vec<(&str, String)> =
        GITHUB.iter().map(|(name, field)| (*name, format!("{odd} {field}"))).collect();
    let borrowed: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let records = records_with(&borrowed);
    for record in &records.0 {
        for (_, field) in GITHUB {
            assert_eq!(record.text(field), format!("{odd} {field}"));
        }
    }
}

#[test]
fn away_from_github_its_fields_are_empty() {
    for record in &records_with(&[]).0 {
        for (_, field) in GITHUB {
            assert_eq!(record.text(field), "", "{field}");
        }
    }
}

#[test]
fn the_run_id_is_the_users_or_else_nextests() {
    for (variables, id) in [
        (&[("RESMON_RUN_ID", "mine"), ("NEXTEST_RUN_ID", "its")][..], "mine"),
        (&[("NEXTEST_RUN_ID", "its")], "its"),
        (&[("RESMON_RUN_ID", " "), ("NEXTEST_RUN_ID", "its")], "its"),
    ] {
        assert_eq!(records_with(variables).distinct("run_id"), [id]);
    }
}

#[test]
fn processes_of_one_parent_are_one_run() {
    let [one, two] = [records_with(&[]), records_with(&[])];
    assert_eq!(one.distinct("run_id"), two.distinct("run_id"));
    assert_ne!(one.distinct("session_id"), two.distinct("session_id"));
}

#[cfg(unix)]
#[test]
fn processes_of_different_parents_are_different_runs() {
    let place = Place::new();
    let shell = || {
        // A further command keeps the shell from replacing itself by the test binary.
        let script = "\"$0\" suite::fails; exit $?";
        let own = std::env::current_exe().expect("a test binary knows where it is");
        Run::new("sh").args(["-c", script]).arg(own).env("RESMON_FILE", &place.file)
    };
    shell().finish().exits(0);
    shell().finish().exits(0);
    assert_eq!(place.records().distinct("run_id").len(), 2);
}

#[test]
fn the_attempt_is_nextests_or_the_first() {
    for (value, attempt) in [("3", 3), ("1", 1), ("", 1), ("x", 1), ("0", 1), ("-2", 1)] {
        let records = records_with(&[("NEXTEST_ATTEMPT", value)]);
        assert_eq!(records.test("suite::fails").int("attempt"), attempt, "{value:?}");
    }
    assert_eq!(records_with(&[]).test("suite::fails").int("attempt"), 1);
}

#[test]
fn tests_that_run_at_once_know_of_each_other() {
    let place = Place::new();
    let gate = Gate::closed();
    let running = place
        .run("suite::pair::")
        .arg("--test-threads=2")
        .env("SUITE_GATE", gate.address())
        .start();
    drop(gate.wait_for(2));
    running.finish().exits(0);
    for test in place.records().tests() {
        assert_eq!(test.int("concurrent_tests"), 2, "{}", test.id());
    }
}

#[test]
fn tests_that_run_one_by_one_are_alone() {
    let place = Place::new();
    place.run("suite::").arg("--test-threads=1").finish().exits(0);
    let records = place.records();
    assert!(records.tests().len() > MANY);
    for test in records.tests() {
        assert_eq!(test.int("concurrent_tests"), 1, "{}", test.id());
    }
}
