//! The directory of kept runs: one NDJSON file each, in `resmon/runs` of Cargo's target directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// Returns the directory for runs of the current workspace. It may not exist yet.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
    Ok(metadata()?.target_directory.join("resmon/runs").into_std_path_buf())
}

fn metadata() -> anyhow::Result<Metadata> {
    let metadata = MetadataCommand::new().no_deps().exec();
    metadata.context("cannot find the target directory of this workspace")
}

/// Returns the spool directory of a workspace. It is in Cargo's build directory, which may differ from the target
/// directory. Test executables are there too, and a test process knows no other directory of the workspace.
#[cfg(unix)]
pub(crate) fn spool_of(metadata: &Metadata) -> PathBuf {
    let directory = metadata.build_directory.as_ref().unwrap_or(&metadata.target_directory);
    directory.join("resmon").into_std_path_buf()
}

/// Returns directories of this user for data that belongs to no workspace, the best first: that of the XDG base directory
/// specification for state, and a temporary one.
#[cfg(unix)]
pub(crate) fn of_user() -> Vec<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || std::env::home_dir().filter(absolute).map(|home| home.join(".local/state"));
    // SAFETY: the call only reads an attribute of the process.
    let user = unsafe { libc::geteuid() };
    let temporary = std::env::temp_dir().join(format!("resmon-{user}"));
    state.or_else(home).map(|state| state.join("resmon")).into_iter().chain([temporary]).collect()
}

/// Returns the files of the kept runs, oldest first: the names begin with the start time.
pub(crate) fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut runs: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    runs.sort();
    runs
}

/// The number of runs to keep.
#[cfg(unix)]
const KEPT: usize = 20;

/// Removes the oldest runs beyond [`KEPT`].
#[cfg(unix)]
pub(crate) fn prune(directory: &Path) {
    let runs = list(directory);
    for run in &runs[..runs.len().saturating_sub(KEPT)] {
        // A file that cannot be removed does no harm.
        let _ = fs::remove_file(run);
    }
}
