//! `cargo nextest run`: each process is a test.

use crate::{Suite, one_session};

const PLAIN: &str = "plain/src/lib.rs::tests::";

#[test]
fn every_test_has_a_record_with_or_without_the_attribute() {
    let suite = Suite::new();
    let Some(run) = suite.nextest(&["--workspace", "--all-targets"]) else { return };
    run.finish().exits(0);
    let records = suite.records();
    let tests = one_session(&records, 0);
    assert_eq!(
        tests,
        [
            // The attribute names the test, and there is no second record from outside.
            ("marked/src/lib.rs::tests::passes", "passed"),
            ("marked/src/lib.rs::tests::returns", "passed"),
            ("marked/src/lib.rs::tests::without", "passed"),
            ("marked/src/lib.rs::tests::wobbles", "failed"),
            ("marked/src/lib.rs::tests::wobbles", "passed"),
            ("marked/tests/more.rs::a part", "passed"),
            ("marked/tests/more.rs::measures_a_part", "passed"),
            // nextest started one process. The process that the test in it started has no record of its own.
            ("marked/tests/more.rs::runs_itself", "passed"),
            ("marked/tests/more.rs::waits", "passed"),
            ("plain/benches/timed.rs::in_a_bench", "passed"),
            ("plain/examples/shows.rs::in_an_example", "passed"),
            ("plain/src/lib.rs::tests::fills_memory", "passed"),
            ("plain/src/lib.rs::tests::passes", "passed"),
            ("plain/src/lib.rs::tests::waits", "passed"),
            ("plain/src/lib.rs::tests::wobbles", "failed"),
            ("plain/src/lib.rs::tests::wobbles", "passed"),
            ("plain/tests/other.rs::passes", "passed"),
        ]
    );
    for test in records.tests() {
        let package = test.id().split('/').next().expect("a path");
        assert_eq!(test.text("package"), package);
        assert_eq!(test.int("concurrent_tests"), 1);
    }
    let wobbles = records.of_test("tests::wobbles");
    let mut attempts: Vec<_> =
        wobbles.iter().map(|test| (test.int("attempt"), test.outcome())).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [(1, "failed"), (1, "failed"), (2, "passed"), (2, "passed")]);
}

#[test]
fn what_a_process_took_is_measured_from_outside() {
    let suite = Suite::new();
    let filter = "test(fills_memory) + test(=tests::passes)";
    let Some(run) = suite.nextest(&["--workspace", "-E", filter]) else { return };
    run.finish().exits(0);
    let records = suite.records();
    assert_eq!(records.tests().len(), 3);
    for test in records.tests() {
        assert_eq!(test.text("cpu_scope"), "process");
        assert!(test.float("cpu_user_s") + test.float("cpu_system_s") < 10.0);
    }
    if cfg!(target_os = "linux") {
        let memory = records.test("tests::fills_memory");
        assert!((64 << 20..256 << 20).contains(&memory.int("rss_peak")), "{memory:?}");
        assert!(memory.int("io_write_bytes") < 1 << 20);
        // The peak is not that of `cargo resmon` before it started the test, however little the test takes.
        for small in records.of_test("tests::passes") {
            assert!((1 << 20..64 << 20).contains(&small.int("rss_peak")), "{small:?}");
        }
    }
}

#[test]
fn each_end_of_a_process_has_its_outcome() {
    let suite = Suite::new();
    let arguments = ["--workspace", "--run-ignored=only", "--no-fail-fast"];
    let arguments =
        [&arguments[..], &["-E", "not test(stands_firm) and not test(fills_the_disk)"]].concat();
    let Some(run) = suite.nextest(&arguments) else { return };
    let finished = run.finish().exits(100);
    assert_eq!(finished.warnings(), [""; 0]);
    let records = suite.records();
    let tests = one_session(&records, 100);
    let plain = |name: &str| format!("{PLAIN}{name}");
    assert_eq!(
        tests,
        [
            ("marked/src/lib.rs::tests::aborts", "crashed"),
            ("marked/src/lib.rs::tests::exits", "unfinished"),
            ("marked/src/lib.rs::tests::fails", "failed"),
            ("marked/src/lib.rs::tests::takes_longer", "failed"),
            (&plain("aborts"), "crashed"),
            (&plain("fails"), "failed"),
            (&plain("hangs"), "crashed"),
            (&plain("hangs_on"), "crashed"),
        ]
    );
    for aborted in records.of_test("tests::aborts") {
        assert_eq!(aborted.int("signal"), i64::from(libc::SIGABRT));
        assert!(aborted.float("duration_s") < 60.0);
        assert!(aborted.has("cpu_user_s") && aborted.has("mem_available_after"));
    }
    let hangs = records.test("tests::hangs");
    assert_eq!(hangs.int("signal"), i64::from(libc::SIGTERM));
    assert!((0.4..60.0).contains(&hangs.float("duration_s")), "{hangs:?}");
    // nextest killed the test's runner as well, which had recorded only the start.
    let killed = records.test("tests::hangs_on");
    assert!(!killed.has("duration_s") && !killed.has("signal"), "{killed:?}");
    for test in records.tests().iter().filter(|test| test.outcome() != "crashed") {
        assert!(!test.has("signal"), "{test:?}");
    }
    assert_eq!(suite.spool(), [""; 0]);
}

/// Two machines of a CI run have half of the tests each.
#[test]
fn the_partitions_of_a_run_are_one_report() {
    let suite = Suite::new();
    let mut files = Vec::new();
    for partition in ["count:1/2", "count:2/2"] {
        let file = suite.folder.path().join(format!("records-{}.ndjson", files.len()));
        let tests = "package(plain) & kind(lib) & test(/passes|fills_memory/)";
        let filter = ["--workspace", "--partition", partition, "-E", tests];
        let Some(run) = suite.nextest(&filter) else { return };
        run.env("RESMON_FILE", &file).env("RESMON_RUN_ID", "ci-1").finish().exits(0);
        files.push(file.into_os_string().into_string().expect("text"));
    }
    let report = |files: &[String]| -> serde_json::Value {
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let report = suite.resmon(&[&["report", "--json"], &files[..]].concat()).finish().exits(0);
        serde_json::from_str(&report.stdout).expect("it is JSON")
    };
    let whole = report(&files);
    assert_eq!(whole["run"]["id"], "ci-1");
    assert_eq!(whole["earlier_runs"], serde_json::json!([]));
    assert_eq!((&whole["totals"]["tests"], &whole["totals"]["passed"]), (&2.into(), &2.into()));
    assert_eq!(whole["run"]["sessions_started"], 2);
    assert_eq!(whole["run"]["sessions_ended"], 2);
    for file in &files {
        assert_eq!(report(std::slice::from_ref(file))["totals"]["tests"], 1);
    }
}
