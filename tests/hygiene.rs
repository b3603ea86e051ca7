//! The expansion works whatever names the user has defined.

#![allow(clippy::let_and_return, clippy::unnecessary_wraps, clippy::wrong_self_convention)]

#[path = "support/rerun/mod.rs"]
mod rerun;

/// A crate without a prelude that defines every name that the expansion could use.
mod hostile {
    #![no_implicit_prelude]
    #![allow(dead_code, non_camel_case_types, non_upper_case_globals, unused_macros)]

    mod alloc {}
    mod core {}
    mod resmon {}
    mod std {}

    struct Err;
    struct ExitCode;
    struct Guard;
    struct None;
    struct Ok;
    struct Option;
    struct Outcome;
    struct Probe;
    struct Result;
    struct Site;
    struct Some;
    struct bool;
    struct str;
    struct __private;
    const guard: u8 = 1;
    const output: u8 = 1;
    static SITE: u8 = 1;

    fn drop() {}
    fn enter() {}
    fn expect_panic() {}
    fn report() {}

    macro_rules! file {
        () => {
            compile_error!("not this one")
        };
    }
    macro_rules! module_path {
        () => {
            compile_error!("not this one")
        };
    }
    macro_rules! option_env {
        () => {
            compile_error!("not this one")
        };
    }

    /// Methods of all types, with names that the expansion could call.
    trait Everything: ::core::marker::Sized {
        fn finish(self) {}
        fn into(self) {}
        fn is_err(self) {}
        fn outcome(self) {}
        fn report(self) {}
    }

    impl<T> Everything for T {}

    #[::resmon::test]
    fn unit() {}

    #[::resmon::test]
    fn result() -> ::core::result::Result<(), ()> {
        ::core::result::Result::Ok(())
    }

    #[::resmon::test]
    #[ignore = "fails"]
    fn error() -> ::core::result::Result<(), ()> {
        ::core::result::Result::Err(())
    }

    #[::resmon::test]
    fn exit_code() -> ::std::process::ExitCode {
        ::std::process::ExitCode::SUCCESS
    }

    #[::resmon::test]
    fn impl_termination() -> impl ::std::process::Termination {
        ::std::process::ExitCode::SUCCESS
    }

    #[::resmon::test]
    #[should_panic(expected = "the one")]
    fn expected() {
        ::core::panic!("this is the one");
    }

    mod test {
        #[::resmon::test]
        fn test() {}
    }
}

#[test]
fn names_of_the_user_do_no_harm() {
    let expected = [
        ("hostile::error", "failed"),
        ("hostile::exit_code", "passed"),
        ("hostile::expected", "passed"),
        ("hostile::impl_termination", "passed"),
        ("hostile::result", "passed"),
        ("hostile::test::test", "passed"),
        ("hostile::unit", "passed"),
    ];
    rerun::check(file!(), "hostile::", &expected);
}

/// Names that a test's body may use or define.
mod body {
    use std::cell::Cell;

    #[resmon::test]
    fn declares_the_same_names() -> Result<(), String> {
        fn enter() -> Result<(), String> {
            Ok(())
        }
        let guard = enter();
        let __resmon_output = guard;
        __resmon_output
    }

    #[resmon::test]
    fn calls_itself() -> Result<(), u8> {
        thread_local!(static DEPTH: Cell<u8> = const { Cell::new(0) });
        match DEPTH.replace(1) {
            0 => calls_itself(),
            1 => Ok(()),
            depth => Err(depth),
        }
    }

    #[resmon::test]
    fn super_is_the_module_above() -> Result<(), u8> {
        super::free()
    }
}

fn free() -> Result<(), u8> {
    Ok(())
}

#[test]
fn bodies_keep_their_scope() {
    let expected = [
        ("body::calls_itself", "passed"),
        ("body::declares_the_same_names", "passed"),
        ("body::super_is_the_module_above", "passed"),
    ];
    rerun::check(file!(), "body::", &expected);
}
