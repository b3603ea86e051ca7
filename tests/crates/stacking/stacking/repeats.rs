//! Tests that run more than once: in the same process, or in one that they start.

use crate::rerun;

mod tests {
    use flaky_test::flaky_test;
    use rusty_fork::rusty_fork_test;
    use std::sync::atomic::{AtomicBool, Ordering};

    static IS_SECOND: AtomicBool = AtomicBool::new(false);

    #[resmon::test]
    #[flaky_test]
    fn flaky() {
        assert!(IS_SECOND.swap(true, Ordering::Relaxed));
    }

    rusty_fork_test! {
        #[resmon::test]
        fn forked() {}
    }
}

/// libtest runs the test once. The last record has the outcome that libtest reports.
#[test]
fn the_last_record_agrees_with_libtest() {
    let (recorded, verdicts) = rerun::all(file!(), &["repeats::tests::flaky"]);
    let name = "repeats::tests::flaky".to_owned();
    assert_eq!(recorded, [(name.clone(), "failed".into()), (name.clone(), "passed".into())]);
    assert_eq!(verdicts, [(name, "passed".into())]);
    // The child leaves by `exit`, before its test ends.
    let (recorded, verdicts) = rerun::all(file!(), &["repeats::tests::forked"]);
    let name = "repeats::tests::forked".to_owned();
    assert_eq!(recorded, [(name.clone(), "unfinished".into()), (name.clone(), "passed".into())]);
    assert_eq!(verdicts, [(name, "passed".into())]);
}
