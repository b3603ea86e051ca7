//! Where runs are kept: one file of NDJSON each, in `resmon/runs` of Cargo's target directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// The directory of the workspace that the current directory belongs to. It may not exist yet.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
    Ok(metadata()?.target_directory.join("resmon/runs").into_std_path_buf())
}

fn metadata() -> anyhow::Result<Metadata> {
    let metadata = MetadataCommand::new().no_deps().exec();
    metadata.context("cannot find the target directory of this workspace")
}

/// Returns the spool directory of this workspace, or where there is none, that of this user.
#[cfg(unix)]
pub(crate) fn spool() -> PathBuf {
    metadata().map_or_else(|_| temporary(), |metadata| spool_of(&metadata))
}

/// Returns the spool directory of a workspace. It lies in the directory in which Cargo puts test executables, which a
/// configuration may tell apart from the target directory: a test process knows no other.
#[cfg(unix)]
pub(crate) fn spool_of(metadata: &Metadata) -> PathBuf {
    let directory = metadata.build_directory.as_ref().unwrap_or(&metadata.target_directory);
    directory.join("resmon").into_std_path_buf()
}

/// Where what belongs to no workspace is kept.
#[cfg(unix)]
pub(crate) fn temporary() -> PathBuf {
    // SAFETY: the call only reads an attribute of the process.
    let user = unsafe { libc::geteuid() };
    std::env::temp_dir().join(format!("resmon-{user}"))
}

/// The runs that are kept, oldest first: their names begin with the time at which they started.
pub(crate) fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut runs: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    runs.sort();
    runs
}

/// How many runs are kept.
#[cfg(unix)]
const KEPT: usize = 20;

/// Removes the oldest runs beyond those that are kept.
#[cfg(unix)]
pub(crate) fn prune(directory: &Path) {
    let runs = list(directory);
    for run in &runs[..runs.len().saturating_sub(KEPT)] {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_file(run);
    }
}
