//! The rule for changes.

use serde_json::json;

use crate::project::{Project, eventful, metric, noise, steady};

#[test]
fn a_slower_machine_is_told_from_slower_tests() {
    let json = eventful().json(&["main", "pr"]);
    assert!((json["speeds"][0]["head"].as_f64().unwrap() - 1.2).abs() < 0.01, "{}", json["speeds"]);
    assert_eq!(metric(&json, "src/lib.rs::tests::steady_8", "time")["verdict"], "same");
    let slow = metric(&json, "tests/api.rs::slow", "time");
    assert_eq!(slow["verdict"], "worse");
    assert!((slow["head"].as_f64().unwrap() - 1.5).abs() < 0.05, "divided by the factor: {slow}");
    assert!(slow["head_runs"][0].as_f64().unwrap() > 1.7, "as it was recorded: {slow}");
    assert_eq!(metric(&json, "tests/api.rs::quick", "time")["verdict"], "better");
    assert_eq!(metric(&json, "tests/api.rs::hungry", "rss")["verdict"], "worse");
    assert_eq!(metric(&json, "tests/api.rs::allocates", "heap")["verdict"], "worse");
    assert_eq!(metric(&json, "tests/api.rs::allocates", "alloc-bytes")["verdict"], "same");
}

#[test]
fn outcomes_are_compared_over_all_runs_of_a_side() {
    let json = eventful().json(&["main", "pr"]);
    let tests = json["tests"].as_array().unwrap();
    for (id, change) in [
        ("breaks", "newly_failing"),
        ("mended", "fixed"),
        ("wavers", "newly_flaky"),
        ("arrived", "new"),
        ("left", "gone"),
    ] {
        let test = tests.iter().find(|test| test["id"] == format!("tests/api.rs::{id}")).unwrap();
        assert_eq!(test["change"], change, "{id}");
    }
    assert_eq!(tests.iter().filter(|test| !test["change"].is_null()).count(), 5);
}

/// A test that fails may end early, which is no improvement.
#[test]
fn figures_of_failed_attempts_do_not_count() {
    let json = eventful().json(&["main", "pr"]);
    let broken = metric(&json, "tests/api.rs::breaks", "time");
    assert_eq!((&broken["verdict"], &broken["why"]), (&json!("cannot_tell"), &json!("missing")));
    assert_eq!(broken["head"], json!(null));
}

#[test]
fn one_run_a_side_tells_of_the_heap_and_of_nothing_else() {
    let mut project = Project::new();
    for (side, change) in [("one", 1), ("other", 2)] {
        project.runs(side, 1, |records, run| {
            steady(records, run, 1.0);
            let more = json!({
                "alloc_count": 1000 * change,
                "rss_peak": i64::from(change) << 30,
                "io_write_bytes": i64::from(change) << 30,
            });
            records.test("tests/api.rs::grown", 9.0, f64::from(change), more);
        });
    }
    let json = project.json(&["one", "other"]);
    for name in ["time", "cpu", "rss", "io-write"] {
        let metric = metric(&json, "tests/api.rs::grown", name);
        assert_eq!(
            (&metric["verdict"], &metric["why"]),
            (&json!("cannot_tell"), &json!("few_runs"))
        );
    }
    assert_eq!(metric(&json, "tests/api.rs::grown", "alloc-count")["verdict"], "worse");
    let printed = project.compare(&["one", "other"]).printed();
    assert!(printed.contains("Cannot tell whether time, CPU time, peak memory"), "{printed}");
    assert!(printed.contains("cannot tell  time"), "{printed}");
}

#[test]
fn too_few_tests_in_common_do_not_tell_the_machine_from_the_tests() {
    let mut project = Project::new();
    for (side, seconds) in [("one", 1), ("other", 3)] {
        project.runs(side, 5, |records, run| {
            records.test(
                "tests/api.rs::lonely",
                9.0,
                f64::from(seconds) * noise(run, 1),
                json!({}),
            );
            let peak = json!({ "rss_peak": seconds << 27 });
            records.test("tests/api.rs::hungry", 9.0, 0.1, peak);
        });
    }
    let json = project.json(&["one", "other"]);
    let time = metric(&json, "tests/api.rs::lonely", "time");
    assert_eq!((&time["verdict"], &time["why"]), (&json!("cannot_tell"), &json!("few_tests")));
    // Memory does not depend on the speed of the machine.
    assert_eq!(metric(&json, "tests/api.rs::hungry", "rss")["verdict"], "worse");
}

#[test]
fn memory_of_a_shared_process_and_figures_of_a_thread_are_not_those_of_a_test() {
    let mut project = Project::new();
    for (side, change, scope) in [("one", 1, "thread"), ("other", 2, "process")] {
        project.runs(side, 5, |records, run| {
            steady(records, run, 1.0);
            let more = json!({ "concurrent_tests": 4, "rss_peak": i64::from(change) << 30 });
            records.test("tests/api.rs::beside", 9.0, 0.1, more);
            let more =
                json!({ "cpu_scope": scope, "cpu_user_s": change, "alloc_count": 10 * change });
            records.test("tests/api.rs::threads", 9.0, 0.1, more);
        });
    }
    let json = project.json(&["one", "other"]);
    for (id, name, why) in [
        ("beside", "rss", "shared"),
        ("threads", "cpu", "coverage"),
        ("threads", "alloc-count", "coverage"),
    ] {
        let metric = metric(&json, &format!("tests/api.rs::{id}"), name);
        assert_eq!(
            (&metric["verdict"], &metric["why"]),
            (&json!("cannot_tell"), &json!(why)),
            "{name}"
        );
    }
}

/// The Python sibling has none of resmon's own fields, and an older version had no `target`.
#[test]
fn what_both_sides_have_is_compared() {
    let mut project = Project::new();
    let id = "tests/api.rs::slow";
    project.runs("old", 5, |records, run| {
        for test in 0..6 {
            let bare = json!({ "run_id": null, "session_id": null, "package": null, "outcome": null,
                "attempt": null, "cpu_user_s": null, "cpu_system_s": null, "rss_peak": null,
                "rss_before": null, "gh_run_id": format!("{run}") });
            records.test(&format!("tests/test_a.py::steady_{test}"), 1.0, 0.1, bare.clone());
            records.test(id, 9.0, noise(run, 1), bare);
        }
    });
    project.runs("new", 5, |records, run| {
        for test in 0..6 {
            records.test(&format!("tests/test_a.py::steady_{test}"), 1.0, 0.1, json!({}));
        }
        records.test(id, 9.0, 2.0 * noise(run, 1), json!({ "target": "shop::api" }));
    });
    let json = project.json(&["old", "new"]);
    assert_eq!(metric(&json, id, "time")["verdict"], "worse");
    assert_eq!(metric(&json, id, "cpu")["why"], "missing");
    assert_eq!(json["tests"].as_array().unwrap().len(), 7);
}
