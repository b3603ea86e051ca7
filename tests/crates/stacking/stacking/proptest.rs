//! `proptest!` runs all its cases within one test, which is one record.

use crate::rerun;

mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[resmon::test]
        fn holds(left in 0..100_u32, right in 0..100_u32) {
            prop_assert_eq!(left + right, right + left);
        }

        #[resmon::test]
        #[ignore = "fails"]
        fn does_not_hold(number in 0..100_u32) {
            prop_assert!(number < 50);
        }

        #[resmon::test]
        #[should_panic(expected = "minimal failing input")]
        fn should_panic(number in 0..100_u32) {
            prop_assert!(number < 50);
        }
    }
}

#[test]
fn proptest_tests() {
    let expected = [
        ("proptest::tests::does_not_hold", "failed"),
        ("proptest::tests::holds", "passed"),
        ("proptest::tests::should_panic", "passed"),
    ];
    rerun::check(file!(), "proptest::tests::", &expected);
}
