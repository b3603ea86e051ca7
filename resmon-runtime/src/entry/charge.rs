//! The knowledge of the harness that `cargo resmon test` puts into a test binary about its process.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, fs};

use resmon_record::source::Package;

static CHARGE: OnceLock<Charge> = OnceLock::new();

/// The harness's knowledge of its process.
#[derive(Debug, Default)]
pub struct Charge {
    /// The Cargo target that the process was built from, as nextest names binaries.
    pub target: Option<String>,
    /// The package's directory on this machine.
    pub manifest_dir: Option<PathBuf>,
    /// The directory for code that the package's build script generates (`OUT_DIR`).
    pub out_dir: Option<PathBuf>,
    /// The package's directory, from the root of the workspace.
    pub folder: String,
    /// The target's source file, from the root of the workspace.
    pub root: String,
}

/// Declares that [`enter`](super::harness::enter) measures every test of this process.
///
/// The number of open tests then shows whether a test was alone, and a guard of `#[resmon::test]` has nothing to add.
/// To be called before the first test.
pub fn take_charge(charge: Charge) {
    let _ = CHARGE.set(charge);
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

/// The package that this process was built from.
pub(crate) fn package() -> Option<Package<'static>> {
    let Charge { manifest_dir, out_dir, folder, root, .. } = CHARGE.get()?;
    let (manifest_dir, out_dir) = (manifest_dir.as_deref(), out_dir.as_deref());
    Some(Package { manifest_dir, out_dir, folder, root })
}
