//! Ids and targets of tests, and the scope of their figures.

use crate::{Suite, tests};

#[test]
fn a_module_in_two_targets_is_told_apart() {
    let suite = Suite::new();
    suite.test(&["--package=outcomes", "--lib", "--bins", "passes"]).finish().exits(0);
    let records = suite.records();
    let mut found: Vec<_> =
        records.tests().iter().map(|test| (test.text("target"), test.id())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("outcomes", "outcomes/src/lib.rs::tests::passes"),
            ("outcomes::bin/outcomes", "outcomes/src/lib.rs::library::tests::passes"),
        ]
    );
}

#[test]
fn an_id_has_no_path_of_a_machine_in_it() {
    let suite = Suite::new();
    suite.test(&["--package=generated"]).finish().exits(0);
    assert_eq!(
        tests(&suite.records()),
        [
            ("generated/src/lib.rs::tests::generated", "passed"),
            ("generated/src/lib.rs::tests::written", "passed")
        ]
    );
}

#[test]
fn whether_a_test_was_alone_is_known() {
    let suite = Suite::new();
    let arguments =
        ["--package=outcomes", "--test=the-end", "--", "--ignored", "--test-threads=2", "meet::"];
    suite.test(&arguments).finish().exits(0);
    let records = suite.records();
    assert_eq!(records.tests().len(), 2);
    for test in records.tests() {
        assert_eq!((test.int("concurrent_tests"), test.text("cpu_scope")), (2, "thread"));
    }
    // The figures of a lone test include its threads, although libtest may run several tests at once.
    let suite = Suite::new();
    let arguments = [
        "--package=outcomes",
        "--test=the-end",
        "--",
        "--exact",
        "--test-threads=4",
        "has_threads",
    ];
    suite.test(&arguments).finish().exits(0);
    let records = suite.records();
    let test = records.test("has_threads");
    assert_eq!((test.int("concurrent_tests"), test.text("cpu_scope")), (1, "process"));
    assert!(test.float("cpu_user_s") > 0.001, "{}", test.float("cpu_user_s"));
}
