//! Budgets hold for each case, and in async tests.

use crate::rerun;

mod tests {
    use rstest::rstest;

    #[resmon::test(max_time = "1 ns")]
    #[rstest]
    #[ignore = "fails"]
    #[case(1)]
    #[ignore = "fails"]
    #[case(2)]
    fn case(#[case] number: u8) {
        assert!(number > 0);
    }

    #[resmon::test(tokio::test, max_time = "1 ns")]
    #[ignore = "fails"]
    async fn argument() {}

    #[resmon::test(max_time = "1 ns")]
    #[tokio::test]
    #[ignore = "fails"]
    async fn below() -> Result<(), String> {
        Ok(())
    }

    #[resmon::test(tokio::test, max_time = "10 min")]
    async fn within() {}
}

#[test]
fn each_case_has_the_budget() {
    rerun::check(
        file!(),
        "budgets::tests::",
        &[
            ("budgets::tests::argument", "failed"),
            ("budgets::tests::below", "failed"),
            ("budgets::tests::case::case_1", "failed"),
            ("budgets::tests::case::case_2", "failed"),
            ("budgets::tests::within", "passed"),
        ],
    );
}
