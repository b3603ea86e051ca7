//! The file whose lock admits one sender per destination.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::lock::{Part, is_held_by_another, try_lock};
use super::{Spool, close, read_at, write_at};

/// The content of the file while a sender is starting.
const STARTED: &[u8; 4] = b"soon";
/// How long a sender may take to start.
const STARTING: Duration = Duration::from_secs(2);

/// The variable that tells a sender the session of the process that starts it.
pub const FIRST_SESSION: &str = "RESMON_FIRST_SESSION";

/// The state of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderState {
    /// The sender has records to send, or is about to look for some.
    Busy,
    /// All records that the sender knows of have arrived.
    Idle,
    /// The sender has given up the endpoint: no process needs to wait for it.
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

/// The file `DESTINATION.sender`.
#[derive(Debug)]
pub struct SenderFile {
    path: PathBuf,
    file: File,
}

impl SenderFile {
    /// Opens the file of a destination. Creates it if it is missing.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn open(spool: &Spool, destination: &str) -> io::Result<Self> {
        let path = path(spool, destination);
        let file = spool.open_file(&path, OpenOptions::new().create(true).truncate(false))?;
        Ok(Self { path, file })
    }

    /// Opens the file of a destination if it exists.
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

    /// Whether a sender has been started but is not running yet.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        let is_recent = || {
            let started = self.file.metadata().and_then(|file| file.modified());
            started.is_ok_and(|started| started.elapsed().is_ok_and(|age| age < STARTING))
        };
        is_held_by_another(&self.file, Part::Starter).unwrap_or(false)
            || self.text() == *STARTED && is_recent()
    }

    /// Claims the right to start a sender. Returns `false` if another process has it. For the next two seconds other
    /// processes see that a sender [is starting](Self::is_starting).
    #[must_use]
    pub fn start(&self) -> bool {
        let is_ours = try_lock(&self.file, Part::Starter).unwrap_or(false);
        if is_ours {
            let _ = write_at(&self.file, STARTED, 0);
        }
        is_ours
    }

    /// Claims the right to send. Returns `false` if another process has it.
    ///
    /// # Errors
    ///
    /// Errors of the system, for example where the file system has no locks.
    pub fn take(&self) -> io::Result<bool> {
        // The sender before this one may have removed the file since it was opened here.
        let is_current =
            || Ok::<_, io::Error>(same_file(&self.file.metadata()?, &fs::metadata(&self.path)?));
        Ok(try_lock(&self.file, Part::Owner)? && is_current().unwrap_or(false))
    }

    /// Returns the state of the sender.
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

    /// Writes the state of the sender. If this fails, test processes wait until their flush timeout.
    pub fn set_state(&self, state: SenderState) {
        let _ = write_at(&self.file, state.text(), 0);
    }

    /// Removes the file and releases the right to send.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
        drop(self.file);
    }

    /// Closes the file and releases its locks.
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
