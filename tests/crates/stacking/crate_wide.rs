//! One line in the crate root records every `#[test]` of the crate: in modules, from other macros, and with
//! `#[resmon::test]` as well.

#[cfg(test)]
#[macro_use(test)]
extern crate resmon;

#[path = "../../support/rerun/mod.rs"]
mod rerun;

mod suite {
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn plain() {}

    #[test]
    #[ignore = "fails"]
    fn panics() {
        panic!("as it should not");
    }

    #[test]
    #[ignore = "fails"]
    fn error() -> Result<(), std::num::ParseIntError> {
        "one".parse::<u8>().map(drop)
    }

    #[test]
    #[should_panic(expected = "the one")]
    fn expected() {
        panic!("this is the one");
    }

    #[rstest]
    #[case::right(1)]
    #[ignore = "fails"]
    #[case::wrong(2)]
    fn cases(#[case] number: u8) {
        assert_eq!(number, 1);
    }

    #[rstest]
    fn values(#[values(1, 2)] number: u8) {
        assert!(number < 3);
    }

    proptest! {
        #[test]
        fn property(number in 0..100_u32) {
            prop_assert!(number < 100);
        }
    }

    /// The glob import has a `test`, too, which the compiler would find ambiguous.
    mod below_a_prelude {
        use resmon::test;
        use std::prelude::v1::*;

        #[test]
        fn plain() {
            assert_eq!(Vec::from([1]), [1]);
        }
    }

    mod nested {
        use super::*;

        #[test]
        fn plain() {
            assert!(matches!(Just(1), Just(_)));
        }

        mod deeper {
            #[test]
            fn plain() {}
        }
    }

    mod twice {
        #[resmon::test]
        #[test]
        fn resmon_above() {}

        #[test]
        #[resmon::test]
        fn resmon_below() {}

        #[resmon::test]
        #[test]
        #[ignore = "fails"]
        fn error_above() -> Result<(), ()> {
            Err(())
        }

        #[test]
        #[resmon::test]
        #[should_panic(expected = "the one")]
        fn expected_below() {
            panic!("this is the one");
        }

        #[resmon::test]
        #[test]
        #[should_panic(expected = "the one")]
        fn expected_above() {
            panic!("this is the one");
        }
    }
}

/// An import of the user's takes precedence: the test runs, and resmon does not record it.
mod imported {
    use tokio::test;

    #[test]
    async fn not_recorded() {}
}

#[core::prelude::v1::test]
fn every_test_is_recorded() {
    let expected = [
        ("suite::below_a_prelude::plain", "passed"),
        ("suite::cases::case_1_right", "passed"),
        ("suite::cases::case_2_wrong", "failed"),
        ("suite::error", "failed"),
        ("suite::expected", "passed"),
        ("suite::nested::deeper::plain", "passed"),
        ("suite::nested::plain", "passed"),
        ("suite::panics", "failed"),
        ("suite::plain", "passed"),
        ("suite::property", "passed"),
        ("suite::twice::error_above", "failed"),
        ("suite::twice::expected_above", "passed"),
        ("suite::twice::expected_below", "passed"),
        ("suite::twice::resmon_above", "passed"),
        ("suite::twice::resmon_below", "passed"),
        ("suite::values::number_1_1", "passed"),
        ("suite::values::number_2_2", "passed"),
    ];
    rerun::check(file!(), "suite::", &expected);
}
