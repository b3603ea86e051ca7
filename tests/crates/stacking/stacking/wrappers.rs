//! Attributes that wrap the body.

use crate::rerun;

mod tests {
    use ntest_timeout::timeout;
    use std::thread;
    use std::time::Duration;

    #[resmon::test]
    #[timeout(60_000)]
    fn timeout_above() {}

    #[timeout(60_000)]
    #[resmon::test]
    fn timeout_below() -> Result<(), ()> {
        Ok(())
    }

    #[resmon::test]
    #[timeout(1)]
    #[ignore = "fails"]
    fn timeout_exceeded() {
        thread::sleep(Duration::from_secs(60));
    }

    #[resmon::test]
    #[timeout(60_000)]
    #[should_panic(expected = "the one")]
    fn timeout_expected() {
        panic!("this is the one");
    }

    #[resmon::test]
    #[test_log::test]
    fn log_above() {}

    #[test_log::test]
    #[resmon::test]
    fn log_below() {}

    #[resmon::test(test_log::test(tokio::test))]
    #[ignore = "fails"]
    async fn log_argument() -> Result<(), ()> {
        Err(())
    }

    mod imported {
        use test_log::test;

        #[resmon::test]
        #[test]
        fn log_as_test() {}
    }
}

#[test]
fn wrapped_tests() {
    let expected = [
        ("wrappers::tests::imported::log_as_test", "passed"),
        ("wrappers::tests::log_above", "passed"),
        ("wrappers::tests::log_argument", "failed"),
        ("wrappers::tests::log_below", "passed"),
        ("wrappers::tests::timeout_above", "passed"),
        ("wrappers::tests::timeout_below", "passed"),
        ("wrappers::tests::timeout_exceeded", "failed"),
        ("wrappers::tests::timeout_expected", "passed"),
    ];
    rerun::check(file!(), "wrappers::tests::", &expected);
}
