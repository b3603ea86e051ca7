//! Messages of the sender to the person who runs the tests.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use resmon_record::spool::{Spool, warnings_file};

/// The file of messages that test processes print: the sender has no stream of its own.
#[derive(Debug)]
pub(super) struct Warnings {
    spool: Spool,
    path: PathBuf,
}

impl Warnings {
    pub(super) fn new(spool: &Spool, destination: &str) -> Self {
        Self { spool: spool.clone(), path: warnings_file(spool, destination) }
    }

    /// Adds a message, in one write. Opens the file each time, because a process that prints the file removes it.
    pub(super) fn add(&self, message: &str) {
        let file = self.spool.open_file(&self.path, OpenOptions::new().create(true).append(true));
        // A failure cannot be reported: this file is the only way to the user.
        let _ = file.and_then(|mut file| file.write_all(format!("{message}\n").as_bytes()));
    }
}
