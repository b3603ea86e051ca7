//! Ids and targets of tests, and the scope of their figures.

use crate::{
    Suite,
    support::{Fixture, Records, has_nextest},
    tests,
};

/// Targets and ids of the records, sorted.
fn names(records: &Records) -> Vec<(&str, &str)> {
    let mut names: Vec<_> =
        records.tests().iter().map(|test| (test.text("target"), test.id())).collect();
    names.sort_unstable();
    names
}

/// The attribute alone, the harness and the runner of nextest agree on the names of tests: of modules that are compiled
/// into several targets, of generated code, and of a package outside the root of its workspace.
#[test]
fn every_way_to_measure_a_test_gives_it_the_same_name() {
    let expected = [
        ("shop", "shop/src/cases.rs::included::two"),
        ("shop", "shop/src/lib.rs::generated::one"),
        ("shop", "shop/src/util.rs::util::tests::works"),
        ("shop::api", "shop/tests/common/mod.rs::common::of_common"),
        ("shop::bin/shop", "shop/src/util.rs::util::tests::works"),
        ("shop::in-one", "shop/tests/common/mod.rs::common::of_common"),
        ("sib", "../sib/src/lib.rs::tests::beside"),
    ];
    let ids = Fixture::new("ids");
    let suite = || Suite::of(Fixture::at(&ids.folder().join("root")));
    let by_attribute = suite();
    let run = by_attribute.plain(&["--workspace"]).env("RESMON_FILE", by_attribute.file());
    run.finish().exits(0);
    assert_eq!(names(&by_attribute.records()), expected);

    let by_harness = suite();
    by_harness.test(&["--workspace"]).finish().exits(0);
    assert_eq!(names(&by_harness.records()), expected);

    let by_nextest = suite();
    if has_nextest() {
        let run = by_nextest.resmon(&["nextest", "run", "--offline", "--workspace"]).finish();
        let run = run.exits(0);
        assert_eq!(names(&by_nextest.records()), expected);
        assert!(run.stderr.contains("7 tests: 7 passed"), "{}", run.stderr);
    }
}

#[test]
fn a_module_in_two_targets_is_told_apart() {
    let suite = Suite::new();
    suite.test(&["--package=outcomes", "--lib", "--bins", "passes"]).finish().exits(0);
    let records = suite.records();
    assert_eq!(
        names(&records),
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
