//! What a session leaves on disk while it runs, for the case that its process dies: where its records go, what they
//! have in common, and which tests are open.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use resmon_record::config::Destination;
use resmon_record::line::Line;
use resmon_record::spool::journal::{self, Header, Mark, SLOT, SLOTS, State};
use resmon_record::spool::lock::{self, Part};
use resmon_record::spool::{self, Spool};

use crate::descriptor::PinnedFile;
use crate::session::safely;

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: PinnedFile,
    /// The place of the first slot.
    slots: u64,
}

impl Journal {
    /// Begins the journal of a session and locks it for as long as the process lives.
    pub(crate) fn create(
        spool: &Spool,
        session_id: &str,
        destination: Destination,
        common: &Line,
        totals: &Line,
    ) -> io::Result<Self> {
        let (common, totals) = (common.clone(), totals.clone());
        let header = Header { state: State::Open, destination, common, totals };
        let header = header.encode().ok_or(io::ErrorKind::InvalidFilename)?;
        let path = spool.path(&format!("{session_id}.session"));
        let file = spool.open_file(&path, OpenOptions::new().create_new(true))?;
        let begin = || {
            let file = PinnedFile::new(file)
                .ok_or_else(|| io::Error::other("this process may have too few files open"))?;
            // Before there is anything in it: an unlocked journal with content is that of a dead process.
            if !lock::try_lock(file.get()?, Part::Owner)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            spool::write_at(file.get()?, &header, 0)?;
            Ok::<_, io::Error>(file)
        };
        let file = begin().inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(Self { path, file, slots: header.len() as u64 })
    }

    /// Notes that a test is open, with the fields that its record has so far, the batch it would be in now, and the place
    /// of the destination from which on its record will be.
    pub(crate) fn mark(&self, slot: usize, test: &Line, batch_num: u64, from: u64) {
        if let Some(mark) = Mark::encode(test, from, batch_num, SystemTime::now()) {
            self.set(slot, mark.unfinished());
        }
    }

    /// Notes that the test is not open any more.
    pub(crate) fn clear(&self, slot: usize) {
        self.set(slot, b"\n");
    }

    fn set(&self, slot: usize, mark: &[u8]) {
        if slot < SLOTS {
            let offset = self.slots + (slot * SLOT) as u64;
            // Where this fails, a crash of this test will not be recorded; there is nothing to be done.
            let _ = safely(|| self.write(mark, offset));
        }
    }

    /// Notes that the session comes to its end by itself, and records so in the destination from this place on.
    pub(crate) fn ends(&self, from: u64) {
        let _ = self.file.get().and_then(|file| journal::write_state(file, State::Ends(from)));
    }

    /// Ends the journal: everything that it stood for has been recorded.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        spool::write_at(self.file.get()?, bytes, offset)
    }
}
