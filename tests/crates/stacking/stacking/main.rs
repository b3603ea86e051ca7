//! `#[resmon::test]` stacked with other attributes: in any order, each test runs once and has one record that agrees
//! with libtest.

#![allow(clippy::should_panic_without_expect, clippy::unnecessary_wraps)]

#[path = "../../../support/rerun/mod.rs"]
mod rerun;

mod budgets;
mod generators;
mod googletest;
mod proptest;
mod repeats;
mod rstest;
mod runtimes;
mod serial_test;
mod test_case;
mod wrappers;
