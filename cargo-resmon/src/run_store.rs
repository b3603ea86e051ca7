//! The directory of kept runs: one NDJSON file each, in `resmon/runs` of Cargo's target directory.

use std::fs;
#[cfg(unix)]
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::time::Duration;

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

/// A run without an end that has written nothing for this long counts as killed.
#[cfg(unix)]
const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the oldest runs beyond [`KEPT`], except for `own`, which has just ended, and those that are still going on.
#[cfg(unix)]
pub(crate) fn prune(directory: &Path, own: &Path) {
    let runs = list(directory);
    for run in &runs[..runs.len().saturating_sub(KEPT)] {
        if run != own && is_over(run).unwrap_or(false) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(run);
        }
    }
}

/// Returns whether a run has ended, was killed long ago, or is none: its start is written first.
#[cfg(unix)]
fn is_over(run: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(run)?;
    let metadata = file.metadata()?;
    // The end of the session is among the last lines.
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(64 << 10)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let has_ended = String::from_utf8_lossy(&end).contains("\"event_type\":\"session_end\"");
    Ok(end.is_empty()
        || has_ended
        || metadata.modified()?.elapsed().is_ok_and(|silence| silence > SILENCE))
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_oldest_runs_are_removed_unless_they_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let start = "{\"event_type\":\"session_start\"}\n";
        let ended = format!("{start}{{\"event_type\":\"session_end\"}}\n");
        let path = |number: usize| folder.path().join(format!("{number:02}.ndjson"));
        for number in 0..KEPT + 4 {
            fs::write(path(number), if number < 2 { start } else { &ended }).unwrap();
        }
        let killed = fs::File::options().append(true).open(path(1)).unwrap();
        killed.set_modified(SystemTime::now() - 2 * SILENCE).unwrap();
        prune(folder.path(), &path(2));
        let left: Vec<_> = [0, 2].into_iter().chain(4..KEPT + 4).map(path).collect();
        assert_eq!(list(folder.path()), left);
    }
}
