//! Each kind of test that libtest accepts runs once and is recorded once, with its own id and outcome.

#![allow(clippy::should_panic_without_expect, clippy::unnecessary_wraps)]

#[path = "support/rerun/mod.rs"]
mod rerun;

/// Return types that `#[test]` accepts, and ways in which a test may end.
mod ends {
    // libtest calls a test of type `!`, and the code after the call is unreachable.
    #![allow(unreachable_code)]

    use std::num::ParseIntError;
    use std::process::{ExitCode, Termination};

    type Parsed = Result<(), ParseIntError>;
    type Unit = ();

    #[resmon::test]
    fn plain() {}

    #[resmon::test]
    #[ignore = "fails"]
    fn panics() {
        panic!("as it should not");
    }

    #[resmon::test]
    fn result() -> Result<(), ParseIntError> {
        "1".parse::<u8>()?;
        Ok(())
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn result_question_mark() -> Result<(), ParseIntError> {
        "one".parse::<u8>()?;
        Ok(())
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn result_panics() -> Result<(), ParseIntError> {
        assert_eq!("1".parse::<u8>()?, 2);
        Ok(())
    }

    #[resmon::test]
    #[allow(clippy::needless_return)]
    fn result_early_return() -> Result<(), ParseIntError> {
        if "1".parse::<u8>()? == 1 {
            return Ok(());
        }
        unreachable!()
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn result_early_error() -> Result<(), &'static str> {
        if module_path!().len() > 1 {
            return Err("early");
        }
        unreachable!()
    }

    #[resmon::test]
    fn alias() -> Parsed {
        Ok(())
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn alias_error() -> Parsed {
        "".parse::<u8>().map(drop)
    }

    #[resmon::test]
    fn alias_of_unit() -> Unit {}

    #[resmon::test]
    #[allow(clippy::unused_unit)]
    fn unit() -> () {}

    #[resmon::test]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        Ok("1".parse::<u8>().map(drop)?)
    }

    #[resmon::test]
    fn exit_code() -> ExitCode {
        ExitCode::SUCCESS
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn exit_code_failure() -> ExitCode {
        ExitCode::FAILURE
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn result_exit_code_failure() -> Result<ExitCode, ParseIntError> {
        "1".parse::<u8>()?;
        Ok(ExitCode::FAILURE)
    }

    #[resmon::test]
    fn result_exit_code() -> Result<ExitCode, ParseIntError> {
        Ok(ExitCode::SUCCESS)
    }

    #[resmon::test]
    fn impl_termination() -> impl Termination {
        Ok::<(), ParseIntError>(())
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn impl_termination_fails() -> impl Termination {
        "one".parse::<u8>().map(drop)
    }

    /// A type whose `report` consumes it: only libtest may call that.
    struct Own;

    impl Termination for Own {
        fn report(self) -> ExitCode {
            ExitCode::SUCCESS
        }
    }

    #[resmon::test]
    fn own_termination() -> Own {
        Own
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn own_termination_panics() -> Own {
        panic!("before there is a value");
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn own_termination_error() -> Result<Own, &'static str> {
        Err("an error is a failure, whatever a success might be")
    }

    #[resmon::test]
    #[ignore = "fails"]
    fn never() -> ! {
        panic!("the only way out");
    }
}

#[test]
fn ends_are_told_apart() {
    let expected = [
        ("ends::alias", "passed"),
        ("ends::alias_error", "failed"),
        ("ends::alias_of_unit", "passed"),
        ("ends::boxed", "passed"),
        ("ends::exit_code", "passed"),
        ("ends::exit_code_failure", "failed"),
        ("ends::impl_termination", "passed"),
        ("ends::impl_termination_fails", "failed"),
        ("ends::never", "failed"),
        ("ends::own_termination", "unknown"),
        ("ends::own_termination_error", "failed"),
        ("ends::own_termination_panics", "failed"),
        ("ends::panics", "failed"),
        ("ends::plain", "passed"),
        ("ends::result", "passed"),
        ("ends::result_early_error", "failed"),
        ("ends::result_early_return", "passed"),
        ("ends::result_exit_code", "passed"),
        ("ends::result_exit_code_failure", "failed"),
        ("ends::result_panics", "failed"),
        ("ends::result_question_mark", "failed"),
        ("ends::unit", "passed"),
    ];
    rerun::check(file!(), "ends::", &expected);
}

mod should_panic {
    #[resmon::test]
    #[should_panic]
    fn met() {
        panic!();
    }

    #[resmon::test]
    #[should_panic]
    #[ignore = "fails"]
    fn unmet() {}

    #[should_panic(expected = "the one")]
    #[resmon::test]
    fn expected_met() {
        panic!("this is the one");
    }

    #[resmon::test]
    #[should_panic = "1 + 1"]
    fn expected_met_by_formatted_message() {
        panic!("{} + 1", std::hint::black_box(1));
    }

    #[resmon::test]
    #[should_panic(expected = "the one")]
    #[ignore = "fails"]
    fn expected_other_message() {
        panic!("this is another");
    }

    #[resmon::test]
    #[should_panic = "the one"]
    #[ignore = "fails"]
    fn expected_no_panic() {}

    #[resmon::test]
    #[should_panic(expected = "")]
    #[ignore = "fails"]
    fn expected_payload_without_message() {
        std::panic::panic_any(1);
    }

    #[resmon::test]
    #[cfg_attr(all(), should_panic(expected = "conditional"))]
    fn expected_by_cfg_attr() {
        panic!("conditional");
    }
}

#[test]
fn should_panic_is_held_to_its_word() {
    let expected = [
        ("should_panic::expected_by_cfg_attr", "passed"),
        ("should_panic::expected_met", "passed"),
        ("should_panic::expected_met_by_formatted_message", "passed"),
        ("should_panic::expected_no_panic", "failed"),
        ("should_panic::expected_other_message", "failed"),
        ("should_panic::expected_payload_without_message", "failed"),
        ("should_panic::met", "passed"),
        ("should_panic::unmet", "failed"),
    ];
    rerun::check(file!(), "should_panic::", &expected);
}

mod shapes {
    macro_rules! from_block {
        ($(#[$attr:meta])* $name:ident $body:block) => {
            #[resmon::test]
            $(#[$attr])*
            fn $name() $body
        };
        ($name:ident -> $ty:ty, $body:block) => {
            #[resmon::test]
            fn $name() -> $ty $body
        };
    }

    macro_rules! from_item {
        ($item:item) => {
            #[resmon::test]
            $item
        };
    }

    from_block!(block { assert_ne!(file!(), module_path!()); });
    from_block!(#[should_panic(expected = "it")] block_expected { panic!("it") });
    from_block!(block_unit -> (), {});
    from_block!(block_result -> Result<(), String>, { Ok(()) });
    from_item! { fn item() {} }
    from_item! { pub(crate) fn item_result() -> Result<(), ()> { Ok(()) } }

    #[resmon::test]
    fn inner_attributes() {
        #![allow(unused_variables)]
        let unused = 1;
    }

    #[resmon::test]
    fn inner_attributes_result() -> Result<(), ()> {
        #![allow(unused_variables)]
        let unused = 1;
        Ok(())
    }

    #[resmon::test]
    fn r#match() {}

    #[resmon::test]
    fn r#plain() {}

    #[resmon::test]
    fn r#try() -> Result<(), ()> {
        Ok(())
    }

    mod r#mod {
        #[resmon::test]
        fn r#fn() {}
    }

    #[resmon::test]
    extern "C" fn abi() {}

    #[resmon::test]
    #[allow(improper_ctypes_definitions)]
    pub(crate) extern "C" fn abi_result() -> Result<(), ()> {
        Ok(())
    }

    /// Carries two attributes that make a test of the function. It still runs once and is recorded once.
    #[resmon::test]
    #[test]
    fn over_test() {}

    #[resmon::test]
    #[core::prelude::v1::test]
    fn over_absolute_test() {}

    #[resmon::test(crate = resmon)]
    fn named_crate() {}

    #[cfg_attr(all(), resmon::test)]
    fn conditional() {}

    #[resmon::test]
    fn calls_another() -> Result<(), ()> {
        item();
        r#try()
    }
}

#[test]
fn shapes_are_kept() {
    let names = [
        "abi",
        "abi_result",
        "block",
        "block_expected",
        "block_result",
        "block_unit",
        "calls_another",
        "conditional",
        "inner_attributes",
        "inner_attributes_result",
        "item",
        "item_result",
        "named_crate",
        "over_absolute_test",
        "over_test",
        "plain",
        "r#match",
        "r#mod::r#fn",
        "r#try",
    ];
    rerun::check_all_pass(file!(), "shapes::", &names);
}
