//! Other attributes that generate tests from a function with arguments.

use crate::rerun;

mod tests {
    use quickcheck_macros::quickcheck;
    use rstest_reuse::{self, apply, template};
    use test_strategy::proptest;
    use yare::parameterized;

    #[resmon::test]
    #[quickcheck]
    fn quickcheck_holds(number: u8) -> bool {
        u16::from(number) < 256
    }

    #[resmon::test]
    #[quickcheck]
    #[ignore = "fails"]
    fn quickcheck_does_not_hold(number: u8) -> bool {
        number < 2
    }

    #[resmon::test]
    #[proptest]
    fn strategy_holds(#[strategy(1..5_u8)] number: u8) {
        assert!(number < 5);
    }

    #[resmon::test]
    #[proptest(failure_persistence = None)]
    #[ignore = "fails"]
    fn strategy_does_not_hold(#[strategy(1..5_u8)] number: u8) {
        assert!(number < 2);
    }

    #[resmon::test]
    #[parameterized(one = { 1 }, two = { 2 })]
    fn parameters(number: u8) {
        assert!(number < 3);
    }

    #[template]
    #[rstest::rstest]
    #[case(1)]
    #[case(2)]
    fn one_and_two(#[case] number: u8) {}

    #[resmon::test]
    #[apply(one_and_two)]
    fn template_cases(#[case] number: u8) {
        assert!(number < 3);
    }
}

#[test]
fn generated_tests() {
    let expected = [
        ("generators::tests::parameters::one", "passed"),
        ("generators::tests::parameters::two", "passed"),
        ("generators::tests::quickcheck_does_not_hold", "failed"),
        ("generators::tests::quickcheck_holds", "passed"),
        ("generators::tests::strategy_does_not_hold", "failed"),
        ("generators::tests::strategy_holds", "passed"),
        ("generators::tests::template_cases::case_1", "passed"),
        ("generators::tests::template_cases::case_2", "passed"),
    ];
    rerun::check(file!(), "generators::tests::", &expected);
}
