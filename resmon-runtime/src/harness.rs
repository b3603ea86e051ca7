//! The functions for the harness that `cargo resmon test` puts into a test binary. In such a process all tests are
//! known. Not public API.

use std::sync::OnceLock;
use std::{env, fs};

use crate::guard::{self, Guard};

static CHARGE: OnceLock<Charge> = OnceLock::new();

/// The harness's knowledge of its process.
#[derive(Debug)]
struct Charge {
    target: Option<String>,
}

/// Declares that [`enter`] measures every test of this process, and names the Cargo target that it was built from.
///
/// The number of open tests then shows whether a test was alone, and a guard of `#[resmon::test]` has nothing to add.
/// To be called before the first test.
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

/// Whether the harness is in this test binary, with this copy of the runtime or with one of its own: the user's tests
/// may depend on resmon too, and the harness was built apart from them. The note file of the binary shows it.
pub(crate) fn is_in_binary() -> bool {
    static NOTED: OnceLock<bool> = OnceLock::new();
    let is_noted = || {
        let note = env::current_exe().map(|own| own.with_extension("resmon"));
        let note = note.and_then(fs::read_to_string);
        note.is_ok_and(|note| !note.lines().any(|line| line.starts_with("not_instrumented=")))
    };
    is_in_charge() || *NOTED.get_or_init(is_noted)
}

/// Returns the Cargo target of this process, as nextest names binaries.
pub(crate) fn target() -> Option<&'static str> {
    CHARGE.get()?.target.as_deref()
}
