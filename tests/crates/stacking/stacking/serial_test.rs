//! Above `#[serial]`, resmon measures the test alone. Below it, the wait for the lock is included.

use crate::rerun;

mod tests {
    use serial_test::{parallel, serial};

    #[resmon::test]
    #[serial]
    fn above() {}

    #[serial]
    #[resmon::test]
    fn below() {}

    #[resmon::test]
    #[serial(key)]
    #[ignore = "fails"]
    fn above_panics() {
        panic!("as it should not");
    }

    #[resmon::test]
    #[serial]
    #[ignore = "fails"]
    fn above_error() -> Result<(), String> {
        Err("as it should not".to_owned())
    }

    #[serial]
    #[resmon::test]
    #[ignore = "fails"]
    fn below_error() -> Result<(), String> {
        Err("as it should not".to_owned())
    }

    #[resmon::test]
    #[serial]
    #[should_panic(expected = "the one")]
    fn expected() {
        panic!("this is the one");
    }

    #[resmon::test]
    #[parallel]
    #[tokio::test]
    #[ignore = "fails"]
    async fn async_error() -> Result<(), String> {
        std::future::ready(()).await;
        Err("as it should not".to_owned())
    }

    #[resmon::test]
    #[parallel]
    #[tokio::test]
    #[should_panic(expected = "the one")]
    async fn async_expected() {
        std::future::ready(()).await;
        panic!("this is the one");
    }

    #[tokio::test]
    #[serial]
    #[resmon::test]
    async fn async_below() {
        tokio::task::yield_now().await;
    }

    #[resmon::test]
    #[rstest::rstest]
    #[case::one(1)]
    #[serial]
    fn with_rstest(#[case] number: u8) {
        assert_eq!(number, 1);
    }
}

#[test]
fn serial_tests() {
    let expected = [
        ("serial_test::tests::above", "passed"),
        ("serial_test::tests::above_error", "failed"),
        ("serial_test::tests::above_panics", "failed"),
        ("serial_test::tests::async_below", "passed"),
        ("serial_test::tests::async_error", "failed"),
        ("serial_test::tests::async_expected", "passed"),
        ("serial_test::tests::below", "passed"),
        ("serial_test::tests::below_error", "failed"),
        ("serial_test::tests::expected", "passed"),
        ("serial_test::tests::with_rstest::case_1_one", "passed"),
    ];
    rerun::check(file!(), "serial_test::tests::", &expected);
}
