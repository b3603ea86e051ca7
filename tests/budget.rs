//! Budgets: the limits that a test sets itself. The driver runs the tests of [`suite`] in a new process.
#![cfg(unix)]

mod support;

use support::{Finished, Records, Run};
use tempfile::tempdir;

mod suite {
    use std::{
        hint::black_box,
        time::{Duration, Instant},
    };

    #[resmon::test(max_time = "10 min", max_cpu = "10 min", max_rss = "64 GiB")]
    fn within() {}

    #[resmon::test(max_time = "1.5 ns")]
    #[ignore = "fails"]
    fn over_time() {}

    #[resmon::test(max_time = "1 ns")]
    #[ignore = "fails"]
    fn over_time_with_a_value() -> Result<(), std::num::ParseIntError> {
        "1".parse::<u8>().map(drop)
    }

    #[resmon::test(max_cpu = "1 ms", max_time = "10 min")]
    #[ignore = "fails"]
    fn over_cpu() {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            black_box(start);
        }
    }

    #[resmon::test(max_rss = "100 kB")]
    #[ignore = "fails"]
    fn over_rss() {}

    /// Fails by itself, which is all there is to say.
    #[resmon::test(max_time = "1 ns")]
    #[ignore = "fails"]
    fn panics() {
        panic!("by itself");
    }

    /// There is no `resmon::Alloc` here.
    #[resmon::test(max_heap = "0 B", max_allocs = 0)]
    fn cannot_be_checked() {}

    #[resmon::test(max_heap = "0 B")]
    fn cannot_be_checked_either() {}
}

fn run(prepare: impl FnOnce(Run) -> Run) -> Finished {
    let run = Run::own_tests("suite::").args(["--include-ignored", "--test-threads=1"]);
    prepare(run).finish().exits(101)
}

#[track_caller]
fn assert_verdicts(run: &Finished) {
    for name in ["within", "cannot_be_checked", "cannot_be_checked_either"] {
        assert!(run.stdout.contains(&format!("test suite::{name} ... ok\n")), "{}", run.stdout);
    }
    for (name, message) in [
        ("over_time", "`max_time = \""),
        ("over_time_with_a_value", "`max_time = \""),
        ("over_cpu", "`max_cpu = \""),
        ("over_rss", "`max_rss = \""),
    ] {
        let start = format!("---- suite::{name} stdout ----");
        let (_, after) = run.stdout.split_once(&start).unwrap_or_else(|| panic!("{}", run.stdout));
        let own = after.split("\n---- ").next().expect("a part");
        assert!(own.contains("over budget: ") && own.contains(message), "{own}");
    }
    assert_eq!(run.stdout.matches("over budget: ").count(), 4, "{}", run.stdout);
    let warnings = run.warnings();
    let unchecked = |name: &str| format!("{name} is not checked: resmon::Alloc is not the");
    assert!(warnings[0].starts_with(&unchecked("max_heap")), "{warnings:?}");
    assert!(warnings[1].starts_with(&unchecked("max_allocs")), "{warnings:?}");
    assert_eq!(warnings.len(), 2, "each once");
}

#[test]
fn a_budget_holds_where_nothing_is_recorded() {
    let run = run(|run| run);
    assert_verdicts(&run);
}

#[test]
fn a_test_over_its_budget_is_recorded_as_failed() {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let run = run(|run| run.env("RESMON_FILE", &file));
    assert_verdicts(&run);
    let records = Records::of_file(&file);
    for test in records.tests() {
        let name = test.name().rsplit("::").next().expect("a name").to_owned();
        let fails = name.starts_with("over") || name == "panics";
        assert_eq!(test.outcome(), if fails { "failed" } else { "passed" }, "{name}");
    }
    assert_eq!(records.tests().len(), 8);
    assert_eq!(records.end().int("tests_failed"), 5);
}

#[test]
fn switched_off_there_are_no_budgets() {
    let run = run(|run| run.env("RESMON_DISABLE", "1"));
    assert!(!run.stdout.contains("over budget"), "{}", run.stdout);
    assert!(run.stdout.contains("7 passed; 1 failed"), "{}", run.stdout);
}
