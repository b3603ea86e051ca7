//! The file by which processes agree on the one that sends for a destination.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::lock::{Part, is_held_by_another, try_lock};
use super::{Spool, close, read_at, write_at};

/// The file's content when a sender has been started that is not running yet.
const STARTED: &[u8; 4] = b"soon";
/// How long a sender may take from its start until it runs.
const STARTING: Duration = Duration::from_secs(2);

/// Names, to a sender, the session of the process that starts it.
pub const FIRST_SESSION: &str = "RESMON_FIRST_SESSION";

/// The state of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderState {
    /// It has something to send, or is about to look.
    Busy,
    /// Everything that it knows of has arrived.
    Idle,
    /// It has given up the endpoint: nobody needs to wait for it.
    Down,
}

impl SenderState {
    fn text(self) -> &'static [u8; 4] {
        match self {
            Self::Busy => b"busy",
            Self::Idle => b"idle",
            Self::Down => b"down",
        }
    }
}

/// Returns the path of the file in which a sender puts messages for test processes to print.
#[must_use]
pub fn warnings_file(spool: &Spool, destination: &str) -> PathBuf {
    spool.path(&format!("{destination}.warnings"))
}

/// `DESTINATION.sender`
#[derive(Debug)]
pub struct SenderFile {
    path: PathBuf,
    file: File,
}

impl SenderFile {
    /// Opens the file of a destination, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn open(spool: &Spool, destination: &str) -> io::Result<Self> {
        let path = path(spool, destination);
        let file = spool.open_file(&path, OpenOptions::new().create(true).truncate(false))?;
        Ok(Self { path, file })
    }

    /// Opens the file if it is there.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn existing(spool: &Spool, destination: &str) -> io::Result<Self> {
        let path = path(spool, destination);
        let file = spool.open_file(&path, &mut OpenOptions::new())?;
        Ok(Self { path, file })
    }

    /// Whether a sender is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        is_held_by_another(&self.file, Part::Owner).unwrap_or(false)
    }

    /// Whether a sender has been started that has not come so far as to be running.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        let is_recent = || {
            let started = self.file.metadata().and_then(|file| file.modified());
            started.is_ok_and(|started| started.elapsed().is_ok_and(|age| age < STARTING))
        };
        is_held_by_another(&self.file, Part::Starter).unwrap_or(false)
            || self.text() == *STARTED && is_recent()
    }

    /// Takes the right to start a sender. Returns `false` if another process has it. Whoever asks within the next moments is
    /// told that one [is starting](Self::is_starting).
    #[must_use]
    pub fn start(&self) -> bool {
        let is_ours = try_lock(&self.file, Part::Starter).unwrap_or(false);
        if is_ours {
            let _ = write_at(&self.file, STARTED, 0);
        }
        is_ours
    }

    /// Takes the right to send. Returns `false` if another process has it.
    ///
    /// # Errors
    ///
    /// Errors of the system, for example where the file system has no locks.
    pub fn take(&self) -> io::Result<bool> {
        // The sender that had the right until now may have removed the file.
        let is_current =
            || Ok::<_, io::Error>(same_file(&self.file.metadata()?, &fs::metadata(&self.path)?));
        Ok(try_lock(&self.file, Part::Owner)? && is_current().unwrap_or(false))
    }

    /// Returns what the sender is doing.
    #[must_use]
    pub fn state(&self) -> SenderState {
        let text = self.text();
        let states = [SenderState::Idle, SenderState::Down];
        states.into_iter().find(|state| text == *state.text()).unwrap_or(SenderState::Busy)
    }

    fn text(&self) -> [u8; 4] {
        let mut text = [0; 4];
        let _ = read_at(&self.file, &mut text, 0);
        text
    }

    /// Notes what the sender is doing. Where this fails, test processes wait until their time is over.
    pub fn set_state(&self, state: SenderState) {
        let _ = write_at(&self.file, state.text(), 0);
    }

    /// Removes the file and gives up the right to send.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
        drop(self.file);
    }

    /// Closes the file.
    pub fn close(self) {
        close(self.file);
    }
}

fn path(spool: &Spool, destination: &str) -> PathBuf {
    spool.path(&format!("{destination}.sender"))
}

#[cfg(unix)]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_one: &fs::Metadata, _other: &fs::Metadata) -> bool {
    // A file that is open cannot be replaced by another of its name.
    true
}
