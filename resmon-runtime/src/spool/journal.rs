//! What a session leaves on disk while it runs, for the case that its process dies: where its records go, what
//! they have in common, and which tests are open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::header::{Destination, Header, Mark, SLOT, State, decode};
use super::lock::{self, Kind};
use super::mapping::Mapping;
use super::{Spool, open};
use crate::descriptor::Kept;
use crate::line::Line;
use crate::signal;

/// As many tests at once are noted without a call to the kernel.
const MAPPED: usize = 64;

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Kept,
    slots: u64,
    /// The first of the slots, where they can be written to without a call to the kernel.
    mapped: Option<Mapping>,
}

impl Journal {
    /// Begins the journal of a session and locks it for as long as the process lives.
    pub(crate) fn create(
        spool: &Spool,
        session_id: &str,
        destination: Destination,
        common: &Line,
        totals: &Line,
        many_tests: bool,
    ) -> io::Result<Self> {
        let (common, totals) = (common.clone(), totals.clone());
        let header = Header { state: State::Open, destination, common, totals };
        let header = header.encode().ok_or(io::ErrorKind::InvalidFilename)?;
        let path = spool.path(&format!("{session_id}.session"));
        let file = Kept::new(open(&path, OpenOptions::new().create_new(true))?);
        let begin = || {
            // Before there is anything in it: without a header it is nobody's, without the lock a dead process's.
            if !lock::try_lock(file.get()?, Kind::Exclusive)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            file.get()?.write_all_at(&header, 0)
        };
        begin().inspect_err(|_| drop(fs::remove_file(&path)))?;
        let slots = header.len() as u64;
        // For a single test it would cost more than it saves.
        let mapped = if many_tests { Mapping::of(file.get()?, slots, MAPPED * SLOT) } else { None };
        Ok(Self { path, file, slots, mapped })
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
        match &self.mapped {
            Some(mapped) if slot < MAPPED => mapped.write(slot * SLOT, mark),
            // Where this fails, a crash will not be told of this test; there is nothing to be done.
            _ => {
                let offset = self.slots + (slot * SLOT) as u64;
                let _ = signal::without_sigxfsz(|| self.write(mark, offset));
            }
        }
    }

    /// Notes that the session comes to its end by itself, and writes so to the destination from this place on.
    pub(crate) fn ends(&self, from: u64) {
        let _ = self.write(&State::Ends(from).encode(), 0);
    }

    /// Notes that this has been written, though the records may not be delivered yet.
    pub(crate) fn over(&self) {
        let _ = self.write(&State::Over.encode(), 0);
    }

    /// Ends the journal: everything that it stood for has been recorded.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.get()?.write_all_at(bytes, offset)
    }
}

/// Reads a journal that another process left: its header and what is known of the tests that were open. `None` if it
/// is not one, or not whole.
pub(super) fn read(journal: &File) -> Option<(Header, Vec<Mark>)> {
    /// No session has this many tests open.
    const LONGEST: u64 = 16 << 20;
    let length = journal.metadata().ok()?.len();
    let mut bytes = vec![0; usize::try_from(length).ok().filter(|_| length <= LONGEST)?];
    journal.read_exact_at(&mut bytes, 0).ok()?;
    decode(&bytes)
}
