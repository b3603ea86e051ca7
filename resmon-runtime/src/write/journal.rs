//! The journal of a running session, for the case that its process dies: the destination of its records, the fields that
//! they share, and the tests that are open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use resmon_record::config::Destination;
use resmon_record::line::Line;
use resmon_record::process;
use resmon_record::spool::journal::{self, Header, Mark, SLOT, SLOTS, State};
use resmon_record::spool::lock::{self, Part};
use resmon_record::spool::{self, Spool};

use crate::descriptor::PinnedFile;
use crate::session::safely;

#[derive(Debug)]
pub(crate) struct Journal {
    spool: Spool,
    path: PathBuf,
    /// `None` where the process may have few files open: then it is opened for each mark, and only the name of the
    /// process tells that it is alive.
    file: Option<PinnedFile>,
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
        let (state, process) = (State::Open, process::name());
        let (common, totals) = (common.clone(), totals.clone());
        let header = Header { state, process, destination, common, totals };
        let bytes = header.encode().ok_or(io::ErrorKind::InvalidFilename)?;
        let path = spool.path(&format!("{session_id}.session"));
        let file = spool.open_file(&path, OpenOptions::new().create_new(true))?;
        let file = PinnedFile::new(file);
        if file.is_none() && header.process.is_empty() {
            let _ = fs::remove_file(&path);
            return Err(io::Error::other("the process may have too few files open"));
        }
        let slots = journal::first_slot(bytes.len()) as u64;
        let journal = Self { spool: spool.clone(), path, file, slots };
        journal.lock_and_write(&bytes).inspect_err(|_| journal.remove())?;
        Ok(journal)
    }

    fn lock_and_write(&self, header: &[u8]) -> io::Result<()> {
        // Before there is anything in it: an unlocked journal with content is that of a dead process.
        if let Some(file) = &self.file
            && !lock::try_lock(file.get()?, Part::Owner)?
        {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.with(&|file| spool::write_at(file, header, 0))
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
        let _ = self.with(&|file| journal::write_state(file, State::Ends(from)));
    }

    /// Ends the journal: everything that it stood for has been recorded.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(&|file| spool::write_at(file, bytes, offset))
    }

    fn with(&self, work: &dyn Fn(&File) -> io::Result<()>) -> io::Result<()> {
        if let Some(file) = &self.file {
            return work(file.get()?);
        }
        let file = self.spool.open_file(&self.path, &mut OpenOptions::new())?;
        let result = work(&file);
        spool::close(file);
        result
    }
}
