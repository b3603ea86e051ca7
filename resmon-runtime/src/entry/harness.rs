//! The functions for the harness that `cargo resmon test` puts into a test binary. In such a process all tests are
//! known. Not public API.

pub use super::charge::{Charge, take_charge};
use super::guard::{self, Guard};

/// Opens the guard of the test that libtest calls `name`, in the source file `file`.
pub fn enter(file: &str, name: &str) -> Guard {
    guard::of_harness(file, name)
}
