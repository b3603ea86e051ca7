//! Tests that fail, exit or fork if a driver asks for it by a variable.

use std::{env, process};

/// Fails if `SUITE_FAILS` is set.
#[resmon::test]
fn fails() {
    assert!(env::var_os("SUITE_FAILS").is_none(), "as asked");
}

/// Exits the process if `SUITE_EXITS` is set.
#[resmon::test]
fn exits() {
    if env::var_os("SUITE_EXITS").is_some() {
        process::exit(7);
    }
}

/// Runs without the attribute, so that resmon records nothing.
#[test]
fn plain() {}

/// Forks a child that exits through its exit handlers, if `SUITE_FORKS` is set.
#[cfg(unix)]
#[resmon::test]
fn forks() {
    if env::var_os("SUITE_FORKS").is_some() {
        assert_eq!(crate::support::fork::child_exits(9), 9);
    }
}
