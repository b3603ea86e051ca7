//! What a test binary calls that was built by `cargo resmon test`, where all tests of the process are known. Called by
//! the harness crate; not public API.

use std::sync::OnceLock;

use crate::guard::{self, Guard};

static CHARGE: OnceLock<Charge> = OnceLock::new();

/// What the harness knows of its process.
#[derive(Debug)]
struct Charge {
    target: Option<String>,
}

/// Says that every test of this process is measured by [`enter`], and which Cargo target the process was built from.
///
/// Whether a test was alone is then known from the number of open tests, and a guard of `#[resmon::test]` has nothing to
/// add. To be called before the first test.
pub fn take_charge(target: Option<String>) {
    let _ = CHARGE.set(Charge { target });
}

/// Opens the guard of the test that libtest calls `name`, in the source file `file`.
pub fn enter(file: &str, name: &str) -> Guard {
    guard::of_harness(file, name)
}

/// Whether all tests of this process are known.
pub(crate) fn is_in_charge() -> bool {
    CHARGE.get().is_some()
}

/// The Cargo target of this process, as nextest names binaries.
pub(crate) fn target() -> Option<&'static str> {
    CHARGE.get()?.target.as_deref()
}
