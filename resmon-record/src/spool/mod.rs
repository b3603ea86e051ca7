//! The spool: the directory for files of a session that must survive its process.
//!
//! | file | content | written by |
//! |---|---|---|
//! | `ID.session` | the [journal] of a running session: which tests are open; locked by its process | the test process |
//! | `ID-DESTINATION-0001.ndjson`, `-0002`, … | [segments](Segment): records for a destination that have not arrived yet | the test process |
//! | `ID-DESTINATION.sent` | how much of the segments has arrived | the sender |
//! | `ID-DESTINATION-0001.refused` | records that the endpoint refused for their content | the sender |
//! | `DESTINATION.sender` | locked by the one process that sends for a destination | the sender |
//! | `DESTINATION.warnings` | the sender's messages; the next test process that ends prints them | the sender |
//! | `ID.intake`, `ID.owner` | lines of the test processes of a `cargo resmon` run, and their lock | `cargo resmon` |
//!
//! `ID` is a session id, which sorts by age. `DESTINATION` is the [fingerprint](crate::fingerprint) of an endpoint.

mod backlog;
mod crash;
mod directory;
pub mod journal;
pub mod lock;
mod progress;
mod segment;
mod sender;

use std::fs::{self, File, FileType, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::process;

pub use self::backlog::{Dropped, LIMIT};
pub use self::crash::{LAST_WORDS, position};
pub use self::directory::{Owner, default_directories, owner_for};
pub use self::progress::Progress;
pub use self::segment::{Kind, SEGMENT_BYTES, Segment, kept_id};
pub use self::sender::{FIRST_SESSION, SenderFile, SenderState, warnings_file};
pub use crate::file::{close, read_at, write_at};

/// The spool directory.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
    owner: Option<Owner>,
}

impl Spool {
    /// Opens the directory. Creates it, readable and writable for this user only, if it is missing.
    ///
    /// # Errors
    ///
    /// A message: the directory cannot be created, is not a directory (for example a symlink), or another user controls
    /// it.
    pub fn open(directory: &Path) -> Result<Self, String> {
        // Without a trailing slash, because of which the system would follow a symlink.
        let directory: PathBuf = directory.components().collect();
        let owner = directory::create(&directory)?;
        Ok(Self { directory, owner })
    }

    /// Returns the path of the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of a file in the directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Lists the regular files whose names end in `suffix`, in no order: the rest of the name, and the path. The host
    /// sorts them: code for sorting is large, and all of this crate is in every test binary.
    #[must_use]
    pub fn files(&self, suffix: &str) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?.strip_suffix(suffix)?;
                // Other kinds of files are not a session's, and must not be removed like one.
                entry.file_type().ok().filter(FileType::is_file)?;
                Some((name.to_owned(), entry.path()))
            })
            .collect()
    }

    /// Opens a file of the directory for reading and writing. Never follows a symlink.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn open_file(&self, path: &Path, options: &mut OpenOptions) -> io::Result<File> {
        let options = options.read(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        }
        let file = options.open(path)?;
        if let Some(owner) = &self.owner {
            owner.take(&file);
        }
        Ok(file)
    }

    /// Whether the process of this session is alive. `false` if it has ended or died.
    #[must_use]
    pub fn is_alive(&self, session_id: &str) -> bool {
        self.has_process(&self.path(&format!("{session_id}.session")))
    }

    /// Returns the ids of the sessions whose processes are alive, except `own`, the session of this process: opening
    /// and closing its own journal would release the lock on it.
    #[must_use]
    pub fn alive_sessions(&self, own: Option<&str>) -> Vec<String> {
        let journals = self.files(".session").into_iter();
        let others = journals.filter(|(id, _)| own != Some(id.as_str()));
        others.filter(|(_, path)| self.has_process(path)).map(|(id, _)| id).collect()
    }

    /// Whether the process of any session but `own`, the session of this process, is alive.
    #[must_use]
    pub fn is_another_alive(&self, own: &str) -> bool {
        let mut entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.any(|entry| {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".session"));
            id.is_some_and(|id| id != own && self.has_process(&entry.path()))
        })
    }

    /// Whether the process of a journal is alive.
    fn has_process(&self, journal: &Path) -> bool {
        let file = self.open_file(journal, &mut OpenOptions::new());
        file.is_ok_and(|file| {
            let locked = lock::is_held_by_another(&file, lock::Part::Owner).unwrap_or(false);
            // A test may have closed the journal, which releases the lock.
            let is_alive = locked
                || matches!(
                    journal::read(&file),
                    Ok(journal::Content::Journal(header, _)) if process::is_alive(&header.process)
                );
            close(file);
            is_alive
        })
    }
}
