//! resmon expands below `#[rstest]`, so that each case has its own id and outcome.

use crate::rerun;

mod cases {
    use rstest::{fixture, rstest};
    use std::time::Duration;

    #[fixture]
    fn seven() -> u8 {
        7
    }

    #[fixture]
    fn broken() -> u8 {
        panic!("in the fixture")
    }

    #[resmon::test]
    #[rstest]
    #[case(7)]
    #[case::named(3 + 4)]
    fn above(seven: u8, #[case] number: u8) {
        assert_eq!(number, seven);
    }

    #[rstest]
    #[case(7)]
    #[case::named(3 + 4)]
    #[resmon::test]
    fn below(seven: u8, #[case] number: u8) {
        assert_eq!(number, seven);
    }

    #[resmon::test]
    #[rstest]
    fn fixture_only(seven: u8) {
        assert_eq!(seven, 7);
    }

    #[resmon::test]
    #[rstest]
    #[ignore = "fails"]
    fn fixture_panics(broken: u8) {
        assert_eq!(broken, 7);
    }

    #[resmon::test]
    #[rstest]
    fn values(#[values(1, 2)] left: u8, #[values("a", "b")] right: &str) {
        assert_ne!(right, left.to_string());
    }

    #[resmon::test]
    #[rstest]
    #[case("1")]
    #[ignore = "fails"]
    #[case("one")]
    fn result(#[case] text: &str) -> Result<(), std::num::ParseIntError> {
        text.parse::<u8>()?;
        Ok(())
    }

    #[resmon::test]
    #[rstest]
    #[case::calm("calm")]
    #[should_panic(expected = "storm")]
    #[case::storm("storm")]
    fn one_should_panic(#[case] weather: &str) {
        assert_eq!(weather, "calm");
    }

    #[resmon::test]
    #[rstest]
    #[case::passes(7)]
    #[ignore = "fails"]
    #[case::fails(8)]
    #[tokio::test]
    async fn on_tokio(seven: u8, #[case] number: u8) {
        tokio::task::yield_now().await;
        assert_eq!(number, seven);
    }

    #[resmon::test]
    #[rstest]
    #[test_attr(tokio::test(flavor = "current_thread"))]
    async fn on_explicit_tokio(seven: u8) {
        tokio::task::yield_now().await;
        assert_eq!(seven, 7);
    }

    #[rstest]
    #[test_attr(resmon::test(tokio::test))]
    async fn explicit(seven: u8) {
        assert_eq!(seven, 7);
    }

    #[resmon::test(rstest)]
    #[case(1)]
    fn argument(#[case] one: u8) {
        assert_eq!(one, 1);
    }

    #[resmon::test]
    #[rstest]
    #[timeout(Duration::from_millis(1))]
    #[ignore = "fails"]
    fn timeout() {
        std::thread::sleep(Duration::from_secs(1));
    }

    #[resmon::test]
    #[rstest]
    #[case(1_u8)]
    fn generic<T: Into<u64>>(#[case] one: T) {
        assert_eq!(one.into(), 1);
    }
}

#[test]
fn rstest_cases() {
    let expected = [
        ("rstest::cases::above::case_1", "passed"),
        ("rstest::cases::above::case_2_named", "passed"),
        ("rstest::cases::argument::case_1", "passed"),
        ("rstest::cases::below::case_1", "passed"),
        ("rstest::cases::below::case_2_named", "passed"),
        ("rstest::cases::explicit", "passed"),
        ("rstest::cases::fixture_only", "passed"),
        ("rstest::cases::fixture_panics", "failed"),
        ("rstest::cases::generic::case_1", "passed"),
        ("rstest::cases::on_explicit_tokio", "passed"),
        ("rstest::cases::on_tokio::case_1_passes", "passed"),
        ("rstest::cases::on_tokio::case_2_fails", "failed"),
        ("rstest::cases::one_should_panic::case_1_calm", "passed"),
        ("rstest::cases::one_should_panic::case_2_storm", "passed"),
        ("rstest::cases::result::case_1", "passed"),
        ("rstest::cases::result::case_2", "failed"),
        ("rstest::cases::timeout", "failed"),
        ("rstest::cases::values::left_1_1::right_1___a__", "passed"),
        ("rstest::cases::values::left_1_1::right_2___b__", "passed"),
        ("rstest::cases::values::left_2_2::right_1___a__", "passed"),
        ("rstest::cases::values::left_2_2::right_2___b__", "passed"),
    ];
    rerun::check(file!(), "rstest::cases::", &expected);
}
