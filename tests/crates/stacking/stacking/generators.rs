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

mod others {
    use dir_test::{Fixture, dir_test};
    use test_casing::test_casing;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[resmon::test]
    #[test_casing(2, [1, 2])]
    fn casing_above(number: u8) {
        assert!(number < 3);
    }

    #[resmon::test]
    #[dir_test(dir: "$CARGO_MANIFEST_DIR/stacking", glob: "main.rs")]
    #[allow(clippy::needless_pass_by_value)]
    fn directory(file: Fixture<&str>) {
        assert!(file.path().ends_with("main.rs"));
    }

    mod wasm {
        use super::wasm_bindgen_test;
        #[resmon::test]
        #[wasm_bindgen_test(unsupported = test)]
        fn above() {}

        /// The argument form says that an attribute registers the test, whatever it is called.
        #[resmon::test(wasm_bindgen_test(unsupported = test))]
        fn argument() {}
    }
}

#[test]
fn tests_of_other_generators() {
    // test-casing adds a test of its own, that counts the cases.
    for name in ["casing_above::case_0", "casing_above::case_1", "directory__main"] {
        let name = format!("generators::others::{name}");
        rerun::check(file!(), &name, &[(&name, "passed")]);
    }
    rerun::check_all_pass(file!(), "generators::others::wasm::", &["above", "argument"]);
}
