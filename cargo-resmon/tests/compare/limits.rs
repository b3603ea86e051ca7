//! Limits and exit codes.

use serde_json::json;

use crate::project::{Project, eventful, steady};

fn code(project: &Project, arguments: &[&str]) -> Option<i32> {
    project.compare(&[&["main", "pr"], arguments].concat()).code
}

#[test]
fn without_a_limit_nothing_fails() {
    assert_eq!(code(&eventful(), &[]), Some(0));
}

#[test]
fn what_exceeds_a_limit_exits_with_3() {
    let project = eventful();
    for (limit, wanted) in [
        ("time", 3),
        ("time:+40%", 3),
        ("time:+60%", 0),
        ("time:+40%+2s", 0),
        ("rss:+20%+16MiB", 3),
        ("rss:+300MiB", 0),
        ("heap:+5%", 3),
        ("alloc-bytes:+0%", 0),
        ("alloc-count:+10%", 3),
        ("alloc-count:+25%", 0),
    ] {
        assert_eq!(code(&project, &["--fail", limit]), Some(wanted), "{limit}");
        assert_eq!(code(&project, &["--warn", limit]), Some(0), "{limit}");
    }
    for (limit, wanted) in [("rss:200MiB", 3), ("rss:1GiB", 0), ("time:1.2s", 3), ("time:5s", 0)] {
        assert_eq!(code(&project, &["--max", limit]), Some(wanted), "{limit}");
    }
}

#[test]
fn the_report_names_what_exceeds_which_limit() {
    let project = eventful();
    let finished = project.compare(&[
        "main",
        "pr",
        "--warn",
        "time:+20%",
        "--fail",
        "heap:+5%",
        "--max",
        "rss:200MiB",
    ]);
    assert_eq!(finished.code, Some(3));
    let line = |id: &str, metric: &str| {
        let lines = finished.stdout.lines().filter(|line| line.contains("→") && line.contains(id));
        lines.filter(|line| line.contains(metric)).collect::<String>()
    };
    assert!(line("slow", "  time").trim_start().starts_with("warn"), "{}", finished.stdout);
    assert!(line("allocates", "heap peak").trim_start().starts_with("fail"), "{}", finished.stdout);
    assert!(line("hungry", "peak memory").trim_start().starts_with("over limit"));
    assert!(line("hungry", "peak memory").ends_with("at most 200 MiB"), "{}", finished.stdout);
    assert!(finished.stdout.contains("2 tests over a limit, 1 test over a soft limit"));
}

#[test]
fn a_limit_that_no_test_can_be_judged_by_is_an_error() {
    let mut project = Project::new();
    for side in ["main", "pr"] {
        project.runs(side, 1, |records, run| steady(records, run, 1.0));
    }
    let finished = project.compare(&["main", "pr", "--fail", "time:+20%", "--fail", "heap"]);
    assert_eq!(finished.code, Some(1));
    let few =
        "the limit of time cannot be judged for any test: figures with noise need at least 3 runs";
    assert!(finished.stderr.contains(few), "{}", finished.stderr);
    assert!(finished.stderr.contains(
        "limit of heap cannot be judged: no test has this figure: run the tests with --heap"
    ));
    // A warning asks for nothing.
    assert_eq!(project.compare(&["main", "pr", "--warn", "time"]).code, Some(0));
    assert_eq!(project.compare(&["main", "pr", "--max", "time:1s"]).code, Some(0));
    assert_eq!(project.compare(&["main", "pr", "--max", "heap:1GiB"]).code, Some(1));
}

#[test]
fn runs_without_a_test_in_common_cannot_be_compared() {
    let mut project = Project::new();
    for (side, id) in [("main", "tests/a.rs::one"), ("pr", "tests/b.rs::other")] {
        project.runs(side, 1, |records, _| records.test(id, 1.0, 0.1, json!({})));
    }
    let finished = project.compare(&["main", "pr"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stdout.contains("gone  tests/a.rs::one"), "{}", finished.stdout);
    assert!(finished.stderr.contains("no test is on both sides"), "{}", finished.stderr);
}

#[test]
fn a_limit_that_cannot_be_read_is_a_mistake_in_usage() {
    let project = eventful();
    for (arguments, complaint) in [
        (["--fail", "tiem:+20%"], "there is no metric \"tiem\""),
        (["--warn", "time:+20"], "\"20\" is not a duration"),
        (["--max", "rss:+20%"], "an increase is for --fail"),
    ] {
        let finished = project.compare(&[&["main", "pr"], &arguments[..]].concat());
        assert_eq!(finished.code, Some(2));
        assert!(finished.stderr.contains(complaint), "{}", finished.stderr);
    }
}

#[test]
fn a_threshold_is_what_counts_as_a_change() {
    let project = eventful();
    let verdict = |threshold: &str| {
        let json = project.json(&["main", "pr", "--threshold", threshold]);
        crate::project::metric(&json, "tests/api.rs::slow", "time")["verdict"].clone()
    };
    assert_eq!(verdict("time:+40%"), json!("worse"));
    assert_eq!(verdict("time:+60%"), json!("same"));
    // It is also what a limit without amounts means.
    assert_eq!(code(&project, &["--threshold", "time:+60%", "--fail", "time"]), Some(0));
}
