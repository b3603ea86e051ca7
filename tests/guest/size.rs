//! The size of test programs.

use std::fs;

use crate::support::Fixture;

const MOST: u64 = 5 << 20;

#[test]
fn a_program_of_one_test_grows_by_five_mebibytes_at_most() {
    let fixture = Fixture::new("one-test");
    let size = |arguments: &[&str]| {
        let programs = fixture.programs(arguments);
        // The build replaces the previous program or puts another one beside it.
        fs::metadata(&programs["one_test"]).expect("it was built").len()
    };
    let (without, with) = (size(&[]), size(&["--features=resmon"]));
    let grown = with.saturating_sub(without);
    println!("{without} bytes without resmon, {with} with it");
    assert!(grown <= MOST, "{grown} bytes more: {without} without resmon, {with} with it");
}
