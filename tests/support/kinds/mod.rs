//! One test of each shape that the attribute expands to, for crates of all kinds.

use std::num::ParseIntError;
use std::process::{ExitCode, Termination};

#[resmon::test]
fn guard() {
    assert_ne!(module_path!(), file!());
}

#[resmon::test]
fn value() -> Result<(), ParseIntError> {
    assert_eq!("1".parse::<u8>()?, 1);
    Ok(())
}

#[resmon::test]
fn exit_code() -> ExitCode {
    ExitCode::SUCCESS
}

#[resmon::test]
fn impl_termination() -> impl Termination {
    ExitCode::SUCCESS
}

#[resmon::test]
#[should_panic(expected = "the one")]
fn message() {
    panic!("this is the one");
}

#[resmon::test]
#[expect(unused_variables, reason = "holds in the shape of a guard")]
fn expectation() {
    let unused = 1_u8;
}

#[resmon::test]
#[expect(unused_variables, reason = "holds in the shape of a function")]
fn expectation_of_value() -> Result<(), ParseIntError> {
    let unused = "1".parse::<u8>()?;
    Ok(())
}
