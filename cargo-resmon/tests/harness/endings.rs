//! Tests that end their process or start another one. For Ctrl-C see tests/run/interrupted.rs.

use crate::{Suite, tests};

const ID: &str = "outcomes/tests/the-end.rs::";

#[test]
fn a_test_that_exits() {
    let suite = Suite::new();
    let arguments = ["--package=outcomes", "--test=the-end", "--", "--ignored", "--exact", "exits"];
    let plain = suite.plain(&arguments).finish();
    let run = suite.test(&arguments).finish();
    assert_eq!((run.code, plain.code), (Some(7), Some(7)), "{}", run.stderr);
    let records = suite.records();
    assert_eq!(tests(&records), [(format!("{ID}exits").as_str(), "unfinished")]);
    assert_eq!(records.end().int("exit_status"), 7);
}

#[test]
fn a_test_that_aborts() {
    let suite = Suite::new();
    let arguments =
        ["--package=outcomes", "--test=the-end", "--", "--ignored", "--exact", "aborts"];
    let plain = suite.plain(&arguments).finish();
    let run = suite.test(&arguments).finish();
    assert_eq!(run.code, plain.code, "{}", run.stderr);
    let records = suite.records();
    assert_eq!(tests(&records), [(format!("{ID}aborts").as_str(), "crashed")]);
    let test = records.test("aborts");
    assert_eq!(test.int("signal"), i64::from(libc::SIGABRT));
    assert_eq!(test.text("target"), "outcomes::the-end");
}

#[test]
fn a_test_that_runs_its_own_executable() {
    let suite = Suite::new();
    suite.test(&["--package=outcomes", "--test=the-end", "runs_itself"]).finish().exits(0);
    let id = format!("{ID}runs_itself");
    // One pass is libtest's, the other is that of the process which the test started.
    assert_eq!(tests(&suite.records()), [(id.as_str(), "passed"), (id.as_str(), "passed")]);
}
