//! The place of the spool, and its owner.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::contains;

/// Returns the directories to try, where the user names none: `resmon` in Cargo's build directory if the executable
/// lies in one, then a directory of this user in the system's temporary one.
#[must_use]
pub fn default_directories() -> Vec<PathBuf> {
    let executable = env::current_exe().ok();
    let target = executable.as_deref().and_then(build_directory).map(|path| path.join("resmon"));
    target.into_iter().chain([env::temp_dir().join(format!("resmon-{}", system::user()))]).collect()
}

/// Finds the nearest directory above that Cargo has tagged as a cache: its target directory, or the build directory if
/// that is another.
fn build_directory(executable: &Path) -> Option<&Path> {
    executable.ancestors().skip(1).find(|directory| {
        fs::read_to_string(directory.join("CACHEDIR.TAG"))
            .is_ok_and(|tag| contains(&tag, "created by cargo"))
    })
}

/// A user to whom root gives the files that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Gives a file to this user. Where that fails it stays root's.
    pub fn take(&self, file: &File) {
        system::give(file, *self);
    }
}

/// Returns the user to whom a file belongs that root makes at this path: the owner of the directory. `None` for any
/// other user, and where that is root.
#[must_use]
pub fn owner_for(path: &Path) -> Option<Owner> {
    system::owner_for(path)
}

/// Makes the directory if it is missing, and checks that nobody else controls it: records hold the names of tests and
/// CI runs, and what others write there would be sent in this user's name. Returns the user to whom root gives files
/// in it.
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

/// Makes one directory, unless it is there.
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
        // In a directory for everybody, such as `/tmp`, a file belongs to who makes it.
        let is_private = metadata.permissions().mode() & 0o002 == 0;
        (is_private && metadata.uid() != 0)
            .then(|| Owner { user: metadata.uid(), group: metadata.gid() })
    }

    pub(super) fn check(path: &Path, metadata: &Metadata) -> Result<Option<Owner>, String> {
        let owner = owner_for(&path.join("file"));
        let is_ours = metadata.uid() == user();
        // Root works in the directory of the user to whom all around it belongs.
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

    /// The system's own rules keep other users out of a user's directories.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may be unfit")]
    pub(super) fn check(_path: &Path, _metadata: &Metadata) -> Result<Option<Owner>, String> {
        Ok(None)
    }
}
