//! resmon expands below the first `#[test_case]`, so that each case has its own id and outcome.

use crate::rerun;

mod cases {
    use test_case::{case, test_case, test_matrix};

    #[resmon::test]
    #[test_case(2, 4; "doubles two")]
    #[test_case(-2, -4; "doubles minus two")]
    fn above(number: i8, double: i8) {
        assert_eq!(number * 2, double);
    }

    #[test_case(2, 4; "doubles two")]
    #[test_case(-2, -4; "doubles minus two")]
    #[resmon::test]
    fn below(number: i8, double: i8) {
        assert_eq!(number * 2, double);
    }

    #[resmon::test]
    #[test_case(2 => 4; "right")]
    #[test_case(3 => ignore["fails"] 7; "wrong")]
    fn returns(number: i8) -> i8 {
        number * 2
    }

    #[resmon::test]
    #[test_case(0 => panics "divide by zero"; "by zero")]
    #[test_case(1 => 1; "by one")]
    #[test_case(2 => ignore["fails"] panics; "by two")]
    fn divides(by: u8) -> u8 {
        1 / by
    }

    #[resmon::test]
    #[test_case("1"; "passes")]
    fn result(text: &str) -> Result<(), std::num::ParseIntError> {
        text.parse::<u8>().map(drop)
    }

    #[resmon::test]
    #[test_case("one"; "fails")]
    #[ignore = "fails"]
    fn result_error(text: &str) -> Result<(), std::num::ParseIntError> {
        text.parse::<u8>().map(drop)
    }

    #[resmon::test]
    #[test_matrix([1, 2], [3, 4])]
    fn matrix(left: u8, right: u8) {
        assert!(left < right);
    }

    #[resmon::test]
    #[case(1; "one")]
    fn as_case(number: u8) {
        assert_eq!(number, 1);
    }

    #[resmon::test]
    #[test_case(1; "one")]
    #[tokio::test]
    async fn on_tokio(number: u8) {
        tokio::task::yield_now().await;
        assert_eq!(number, 1);
    }

    #[resmon::test(test_case(1; "one"))]
    #[test_case(2; "two")]
    fn argument(number: u8) {
        assert!(number < 3);
    }
}

#[test]
fn test_cases() {
    let expected = [
        ("test_case::cases::above::test_case_1_doubles_two", "passed"),
        ("test_case::cases::above::test_case_2_doubles_minus_two", "passed"),
        ("test_case::cases::argument::test_case_1_one", "passed"),
        ("test_case::cases::argument::test_case_2_two", "passed"),
        ("test_case::cases::as_case::test_case_1_one", "passed"),
        ("test_case::cases::below::test_case_1_doubles_two", "passed"),
        ("test_case::cases::below::test_case_2_doubles_minus_two", "passed"),
        ("test_case::cases::divides::test_case_1_by_zero", "passed"),
        ("test_case::cases::divides::test_case_2_by_one", "passed"),
        ("test_case::cases::divides::test_case_3_by_two", "failed"),
        ("test_case::cases::matrix::test_case_1_1_3_expects", "passed"),
        ("test_case::cases::matrix::test_case_2_1_4_expects", "passed"),
        ("test_case::cases::matrix::test_case_3_2_3_expects", "passed"),
        ("test_case::cases::matrix::test_case_4_2_4_expects", "passed"),
        ("test_case::cases::on_tokio::test_case_1_one", "passed"),
        ("test_case::cases::result::test_case_1_passes", "passed"),
        ("test_case::cases::result_error::test_case_1_fails", "failed"),
        ("test_case::cases::returns::test_case_1_right", "passed"),
        ("test_case::cases::returns::test_case_2_wrong", "failed"),
    ];
    rerun::check(file!(), "test_case::cases::", &expected);
}
