//! Where the spool is.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The directory, made if it is not there. Records hold names of tests and of CI runs, which are nobody else's
/// business, and what others could write there would be sent in this user's name.
pub(super) fn open(wanted: Option<&Path>) -> Result<PathBuf, String> {
    let (name, path) = match wanted {
        // Without a slash at its end, which would have the system follow a symlink.
        Some(path) => ("RESMON_SPOOL_DIR", path.components().collect()),
        None => ("the spool directory", default()),
    };
    make(&path).map_err(|problem| format!("{name} {path:?} cannot be used: {problem}"))?;
    Ok(path)
}

/// `resmon` in Cargo's target directory, if the executable lies in one, else in the system's temporary one.
fn default() -> PathBuf {
    // SAFETY: the call only reads an attribute of the process.
    let user = unsafe { libc::geteuid() };
    let temporary = || env::temp_dir().join(format!("resmon-{user}"));
    env::current_exe()
        .ok()
        .and_then(|executable| Some(target(&executable)?.join("resmon")))
        .unwrap_or_else(temporary)
}

/// The nearest directory above that Cargo has tagged as a cache.
fn target(executable: &Path) -> Option<&Path> {
    executable.ancestors().skip(1).find(|directory| {
        fs::read_to_string(directory.join("CACHEDIR.TAG"))
            .is_ok_and(|tag| tag.contains("created by cargo"))
    })
}

fn make(path: &Path) -> Result<(), String> {
    let fail = |error: io::Error| error.to_string();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(fail)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error)),
        _ => {}
    }
    let metadata = fs::symlink_metadata(path).map_err(fail)?;
    if !metadata.is_dir() {
        return Err("it is not a directory".to_owned());
    }
    // SAFETY: the call only reads an attribute of the process.
    if metadata.uid() != unsafe { libc::geteuid() } {
        return Err("it belongs to another user".to_owned());
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err("others may write to it".to_owned());
    }
    Ok(())
}
