//! `cargo resmon test` on crates that use resmon themselves.

use crate::{Suite, support::Fixture, tests};

#[test]
fn a_marked_test_has_one_record_and_so_has_one_that_is_switched_on() {
    let suite = Suite::new();
    suite.test(&["--package=kinds", "marked"]).finish().exits(0);
    assert_eq!(
        tests(&suite.records()),
        [
            ("kinds/src/lib.rs::tests::marked", "passed"),
            ("kinds/src/lib.rs::tests::marked_and_asynchronous", "passed"),
        ]
    );
    let suite = Suite::new();
    suite.test(&["--package=kinds", "--test=crate_wide"]).finish().exits(0);
    let records = suite.records();
    assert_eq!(tests(&records), [("kinds/tests/crate_wide.rs::switched", "passed")]);
    assert_eq!(records.tests()[0].text("target"), "kinds::crate_wide");
}

#[test]
fn what_a_test_measures_by_itself_is_recorded_too() {
    let suite = Suite::of(Fixture::new("marked-and-plain"));
    suite.test(&["--package=marked", "--test=more", "measures_a_part"]).finish().exits(0);
    assert_eq!(
        tests(&suite.records()),
        [
            ("marked/tests/more.rs::a part", "passed"),
            ("marked/tests/more.rs::measures_a_part", "passed")
        ]
    );
}

/// The harness measures the test, the attribute has the budget.
#[test]
fn a_budget_holds_under_the_harness() {
    let suite = Suite::of(Fixture::new("marked-and-plain"));
    let arguments = ["--package=marked", "--lib", "--", "--include-ignored", "takes_longer"];
    let run = suite.test(&arguments).finish().exits(101);
    assert!(run.stdout.contains("over budget: it took "), "{}", run.stdout);
    assert_eq!(tests(&suite.records()), [("marked/src/lib.rs::tests::takes_longer", "failed")]);
}

/// The budgets of the workspace hold for tests without an attribute.
#[test]
fn a_budget_of_the_workspace_makes_the_run_fail() {
    // The copy that other tests share must not have these budgets.
    let folder = tempfile::tempdir().expect("a folder of our own");
    let suite = Suite::of(Fixture::copied("marked-and-plain", folder.path()));
    let config = suite.fixture.folder().join(".config");
    std::fs::create_dir_all(&config).expect("a copy of our own");
    let budget =
        "[[budget]]\nfilter = \"*::fills_memory\"\nmax-cpu = \"1us\"\nmax-heap = \"1MiB\"\n";
    std::fs::write(config.join("resmon.toml"), budget).expect("a copy of our own");
    let arguments = ["--package=plain", "--lib"];
    let run = suite.test(&arguments).finish().exits(3);
    let message = "resmon: error: over budget: plain/src/lib.rs::tests::fills_memory: CPU time ";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(run.stderr.contains("max-heap is not checked for "), "{}", run.stderr);
    let records = suite.records();
    let outcomes = tests(&records);
    assert!(outcomes.iter().all(|(_, outcome)| *outcome == "passed"), "{outcomes:?}");
    let run = suite.test(&["--package=plain", "--lib", "--", "passes"]).finish().exits(0);
    assert!(!run.stderr.contains("budget"), "{}", run.stderr);
    std::fs::write(config.join("resmon.toml"), "[[budget]]\nfilter = 5\n").expect("the same");
    let run = suite.test(&["--package=plain", "--lib", "--", "passes"]).finish().exits(0);
    assert!(run.stderr.contains("budgets are not checked: "), "{}", run.stderr);
}

/// Requires that the attribute records the tests of a binary that is not instrumented.
#[test]
fn the_attribute_records_where_the_harness_does_not() {
    let suite = Suite::of(Fixture::new("marked-and-plain"));
    let arguments = ["--package=marked", "--lib", "--no-instrument", "passes"];
    suite.test(&arguments).finish().exits(0);
    assert_eq!(tests(&suite.records()), [("marked/src/lib.rs::tests::passes", "passed")]);
}
