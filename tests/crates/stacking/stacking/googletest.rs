//! resmon expands below `#[gtest]`, because a failed `expect_that!` fails the test only after its body.

use crate::rerun;

mod tests {
    use googletest::prelude::*;

    #[resmon::test]
    #[gtest]
    fn above() {
        expect_that!(1, eq(1));
    }

    #[gtest]
    #[resmon::test]
    fn below() {
        expect_that!(1, eq(1));
    }

    #[resmon::test]
    #[gtest]
    #[ignore = "fails"]
    fn expect_fails() {
        expect_that!(1, eq(2));
    }

    #[resmon::test]
    #[googletest::test]
    #[ignore = "fails"]
    fn verify_fails() -> Result<()> {
        verify_that!(1, eq(2))
    }

    #[resmon::test]
    #[gtest]
    #[should_panic]
    fn should_panic() {
        expect_that!(1, eq(2));
    }

    #[resmon::test]
    #[gtest]
    #[tokio::test]
    #[ignore = "fails"]
    async fn async_expect_fails() {
        tokio::task::yield_now().await;
        expect_that!(1, eq(2));
    }

    #[resmon::test]
    #[rstest::rstest]
    #[case::right(1)]
    #[ignore = "fails"]
    #[case::wrong(2)]
    #[gtest]
    fn with_rstest(#[case] number: u8) -> Result<()> {
        verify_that!(number, eq(1))
    }
}

#[test]
fn googletest_tests() {
    let expected = [
        ("googletest::tests::above", "passed"),
        ("googletest::tests::async_expect_fails", "failed"),
        ("googletest::tests::below", "passed"),
        ("googletest::tests::expect_fails", "failed"),
        ("googletest::tests::should_panic", "passed"),
        ("googletest::tests::verify_fails", "failed"),
        ("googletest::tests::with_rstest::case_1_right", "passed"),
        ("googletest::tests::with_rstest::case_2_wrong", "failed"),
    ];
    rerun::check(file!(), "googletest::tests::", &expected);
}
