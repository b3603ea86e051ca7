//! Which processes of a run are alive, for runners that start one for each test.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use super::lock::{self, Kind};
use super::{Spool, fingerprint, open};

/// A process's part in a run, until it leaves or dies.
#[derive(Debug)]
pub(crate) struct Run {
    file: File,
    path: PathBuf,
}

impl Run {
    pub(crate) fn join(spool: &Spool, run_id: &str) -> io::Result<Self> {
        let path = spool.path(&format!("run-{}.lock", fingerprint(&[run_id])));
        let file = open(&path, OpenOptions::new().create(true))?;
        lock::try_lock(&file, Kind::Shared)?;
        Ok(Self { file, path })
    }

    /// Takes this process out of the run: of two that come to their end together, at least one then finds itself alone.
    pub(crate) fn leave(&self) {
        let _ = lock::unlock(&self.file);
    }

    /// Whether another process of the run is alive, which will have a say after this one.
    pub(crate) fn goes_on(&self) -> bool {
        let goes_on = lock::is_held_by_another(&self.file).unwrap_or(false);
        if !goes_on {
            // Should a process join at this very moment, it will find itself alone and send, which is no harm.
            let _ = fs::remove_file(&self.path);
        }
        goes_on
    }
}
