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

/// Requires that the attribute records the tests of a binary that is not instrumented.
#[test]
fn the_attribute_records_where_the_harness_does_not() {
    let suite = Suite::of(Fixture::new("marked-and-plain"));
    let arguments = ["--package=marked", "--lib", "--no-instrument", "passes"];
    suite.test(&arguments).finish().exits(0);
    assert_eq!(tests(&suite.records()), [("marked/src/lib.rs::tests::passes", "passed")]);
}
