//! Which processes of a run are alive, for runners that start one for each test.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::lock::{self, Kind};
use super::{Spool, fingerprint, open};
use crate::descriptor::Kept;

/// A process's part in a run, until it leaves or dies.
///
/// The file that is locked for it holds a byte for each process that has left records since somebody last sent them: to
/// count files would take longer.
#[derive(Debug)]
pub(crate) struct Run {
    file: Kept,
    path: PathBuf,
    patience: Duration,
}

impl Run {
    /// Joins the run of this id, in which so many processes are alive at a time.
    pub(crate) fn join(spool: &Spool, run_id: &str, processes: u64) -> io::Result<Self> {
        let path = spool.path(&format!("run-{}.lock", fingerprint(&[run_id])));
        let file = Kept::new(open(&path, OpenOptions::new().create(true).append(true))?);
        lock::try_lock(file.get()?, Kind::Shared)?;
        // Enough for a process to be started and to come to its test.
        let patience = Duration::from_millis(if processes > 1 { 8 } else { 0 });
        Ok(Self { file, path, patience })
    }

    /// Takes this process, which has left its records, out of the run. Says what [`waiting`](Self::waiting) is then: of
    /// two that come to their end together, one finds it changed.
    pub(crate) fn leave(&self) -> u64 {
        let leave = |mut file: &File| {
            file.write_all(b".")?;
            // Where this process's byte ends, whatever has been appended since.
            let waiting = file.stream_position();
            lock::unlock(file)?;
            waiting
        };
        self.file.get().and_then(leave).unwrap_or(0)
    }

    /// How many processes have left records that nobody has sent yet.
    pub(crate) fn waiting(&self) -> u64 {
        self.file.get().and_then(File::metadata).map_or(0, |file| file.len())
    }

    /// Notes that somebody is about to send them.
    pub(crate) fn taken(&self) {
        let _ = self.file.get().and_then(|file| file.set_len(0));
    }

    /// Whether another process of the run is alive, or has left or taken records since so many were waiting: it will have
    /// had a say after this one. If it seems that none is, those that are about to start get a moment to join.
    pub(crate) fn goes_on(&self, waiting: u64) -> bool {
        let start = Instant::now();
        loop {
            if self.is_joined() || self.waiting() != waiting {
                return true;
            }
            if start.elapsed() >= self.patience {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_joined(&self) -> bool {
        self.file.get().and_then(lock::is_held_by_another).unwrap_or(false)
    }

    /// Ends the run, if no other process is alive. Should one join at this very moment, it will find itself alone and send,
    /// which is no harm.
    pub(crate) fn end(&self) {
        if !self.is_joined() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
