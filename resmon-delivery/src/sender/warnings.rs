//! Messages of the sender to the person who runs the tests.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use resmon_record::spool::{Spool, warnings_file};

/// Messages for test processes to print: the sender has no stream of its own.
#[derive(Debug)]
pub(super) struct Warnings {
    spool: Spool,
    path: PathBuf,
}

impl Warnings {
    pub(super) fn new(spool: &Spool, destination: &str) -> Self {
        Self { spool: spool.clone(), path: warnings_file(spool, destination) }
    }

    /// Adds a message, by one write. The file is opened each time, because a process that prints it takes it away.
    pub(super) fn add(&self, message: &str) {
        let file = self.spool.open_file(&self.path, OpenOptions::new().create(true).append(true));
        // Where this fails there is nobody to tell.
        let _ = file.and_then(|mut file| file.write_all(format!("{message}\n").as_bytes()));
    }
}
