//! Names, outcomes, output and exit codes are the same as with `cargo test`.

use crate::Suite;

#[test]
fn each_way_to_end_is_told_as_libtest_tells_it() {
    let suite = Suite::new();
    let arguments = ["--package=outcomes", "--lib", "--no-fail-fast"];
    let records = suite.all_recorded(&arguments);
    assert_eq!(records.tests().len(), 13);
    for (name, outcome) in [
        ("panics_with_the_message", "passed"),
        ("panics_with_another_message", "failed"),
        ("panics_with_no_message", "failed"),
        ("should_panic_and_does_not", "failed"),
        ("returns_an_error", "failed"),
        ("returns_success", "passed"),
        ("returns_failure", "failed"),
    ] {
        assert_eq!(records.test(&format!("tests::{name}")).outcome(), outcome, "{name}");
    }
    assert_eq!(records.end().int("exit_status"), 101);
    assert_eq!(records.end().int("tests_failed"), 6);
}

#[test]
fn everything_that_a_record_may_have_is_there() {
    let suite = Suite::new();
    let arguments =
        ["--package=outcomes", "--lib", "--", "--test-threads=1", "allocates", "passes"];
    let records = suite.all_recorded(&arguments);
    for test in records.tests() {
        assert_eq!((test.text("package"), test.text("target")), ("outcomes", "outcomes"));
        assert_eq!(test.text("cpu_scope"), "process");
        for field in [
            "rss_before",
            "rss_after",
            "rss_peak",
            "mem_available_min",
            "cpu_user_s",
            "io_write_bytes",
        ] {
            assert!(test.has(field) || !cfg!(target_os = "linux"), "{field}");
        }
    }
}

#[test]
fn output_is_the_same_to_the_letter() {
    let suite = Suite::new();
    for arguments in [
        &["--package=outcomes", "--lib", "--", "--test-threads=1"][..],
        &[
            "--package=outcomes",
            "--lib",
            "--",
            "--test-threads=1",
            "--nocapture",
            "--include-ignored",
        ],
    ] {
        for backtrace in ["0", "1"] {
            let text = |run: crate::Run| {
                timeless(&run.env("RUST_BACKTRACE", backtrace).finish().exits(101).stdout)
            };
            assert_eq!(text(suite.test(arguments)), text(suite.plain(arguments)), "{arguments:?}");
        }
    }
}

#[test]
fn a_workspace_of_many_kinds() {
    let suite = Suite::new();
    let arguments =
        ["--package=bare", "--package=old", "--package=generated", "--package=own-allocator"];
    let records = suite.all_recorded(&arguments);
    assert_eq!(records.tests().len(), 6);
}

#[test]
fn tests_that_macros_make() {
    let suite = Suite::new();
    let records = suite.all_recorded(&["--package=kinds"]);
    assert_eq!(records.tests().len(), 11);
}

/// Returns the lines of the text without times, thread ids and the addresses of a backtrace.
fn timeless(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split("; finished in ").next().unwrap_or_default())
        .map(|line| if line.contains("(/rustc") { "" } else { line })
        .map(|line| match line.split_once(" panicked at ") {
            Some((thread, place)) => {
                format!("{} panicked at {place}", thread.split(" (").next().unwrap_or_default())
            }
            None => line.to_owned(),
        })
        .collect()
}
