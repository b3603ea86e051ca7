//! Tests that do what no test should, but only where a driver asks for it by a variable.

use std::{env, process};

/// Fails on demand.
#[resmon::test]
fn fails() {
    assert!(env::var_os("SUITE_FAILS").is_none(), "as asked");
}

/// Leaves the process on demand.
#[resmon::test]
fn exits() {
    if env::var_os("SUITE_EXITS").is_some() {
        process::exit(7);
    }
}

/// Not resmon's concern.
#[test]
fn plain() {}

/// Makes a copy of the process that leaves by its exit handlers, on demand.
#[cfg(unix)]
#[resmon::test]
fn forks() {
    if env::var_os("SUITE_FORKS").is_some() {
        assert_eq!(crate::support::fork::child_exits(9), 9);
    }
}
