//! The location of the spool, and its owner.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::contains;

/// Returns the directories to try if the user names none: `resmon` in Cargo's build directory if the executable is in
/// one, then a directory for this user in the system's temporary directory.
#[must_use]
pub fn default_directories() -> Vec<PathBuf> {
    let executable = env::current_exe().ok();
    let target = executable.as_deref().and_then(build_directory).map(|path| path.join("resmon"));
    target.into_iter().chain([env::temp_dir().join(format!("resmon-{}", system::user()))]).collect()
}

/// Finds the nearest parent directory that Cargo has tagged as a cache: its target directory, or a separate build
/// directory.
fn build_directory(executable: &Path) -> Option<&Path> {
    executable.ancestors().skip(1).find(|directory| {
        fs::read_to_string(directory.join("CACHEDIR.TAG"))
            .is_ok_and(|tag| contains(&tag, "created by cargo"))
    })
}

/// A user who gets the files that root creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Gives a file to this user. If this fails, the file stays root's.
    pub fn take(&self, file: &File) {
        system::give(file, *self);
    }
}

/// Returns the user who gets a file that root creates at this path: the owner of its directory. `None` if this process
/// is not root's, if root owns the directory, or if everyone may write to it.
#[must_use]
pub fn owner_for(path: &Path) -> Option<Owner> {
    system::owner_for(path)
}

/// Creates the directory if it is missing, and checks that no other user controls it: records hold the names of tests
/// and CI runs, and files of others would be sent in this user's name. Returns the user who gets files that root
/// creates in it.
pub(super) fn create(path: &Path) -> Result<Option<Owner>, String> {
    let fail = |error: io::Error| error.to_string();
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let mut missing: Vec<_> = path.ancestors().skip(1).take_while(is_missing).collect();
    missing.reverse();
    for directory in missing {
        make(directory, false).map_err(fail)?;
    }
    make(path, true).map_err(fail)?;
    let metadata = fs::symlink_metadata(path).map_err(fail)?;
    if !metadata.is_dir() {
        return Err("it is not a directory".to_owned());
    }
    system::check(path, &metadata)
}

/// Creates one directory, unless it exists.
fn make(path: &Path, private: bool) -> io::Result<()> {
    let builder = &mut DirBuilder::new();
    #[cfg(unix)]
    if private {
        std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    }
    #[cfg(not(unix))]
    let _ = private;
    match builder.create(path) {
        Ok(()) => {
            if let (Some(owner), Ok(directory)) = (owner_for(path), File::open(path)) {
                owner.take(&directory);
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod system {
    use std::fs::{self, File, Metadata};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::Owner;

    pub(super) fn user() -> u32 {
        // SAFETY: the call only reads an attribute of the process.
        unsafe { libc::geteuid() }
    }

    pub(super) fn give(file: &File, owner: Owner) {
        // SAFETY: the descriptor is open.
        unsafe { libc::fchown(file.as_raw_fd(), owner.user, owner.group) };
    }

    pub(super) fn owner_for(path: &Path) -> Option<Owner> {
        if user() != 0 {
            return None;
        }
        let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
        let metadata = fs::metadata(directory.unwrap_or(Path::new("."))).ok()?;
        // In a directory that everyone may write to, such as `/tmp`, a file belongs to its creator.
        let is_private = metadata.permissions().mode() & 0o002 == 0;
        (is_private && metadata.uid() != 0)
            .then(|| Owner { user: metadata.uid(), group: metadata.gid() })
    }

    pub(super) fn check(path: &Path, metadata: &Metadata) -> Result<Option<Owner>, String> {
        let owner = owner_for(&path.join("file"));
        let is_ours = metadata.uid() == user();
        // Root may use the directory of a user who also owns the parent directory.
        let is_their_own = owner.is_some() && owner_for(path) == owner;
        if !is_ours && !is_their_own {
            return Err("it belongs to another user".to_owned());
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err("others may write to it".to_owned());
        }
        Ok(owner)
    }
}

#[cfg(not(unix))]
mod system {
    use std::env;
    use std::fs::{File, Metadata};
    use std::path::Path;

    use super::Owner;

    pub(super) fn user() -> String {
        let name = env::var("USERNAME").unwrap_or_default();
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }

    pub(super) fn give(_file: &File, _owner: Owner) {}

    pub(super) fn owner_for(_path: &Path) -> Option<Owner> {
        None
    }

    /// Accepts any directory: the system's own rules keep other users out.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may be unfit")]
    pub(super) fn check(_path: &Path, _metadata: &Metadata) -> Result<Option<Owner>, String> {
        Ok(None)
    }
}
