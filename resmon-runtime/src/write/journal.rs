//! The journal of a running session, for a crash report: the destination of its records, the fields that they share,
//! and the open tests.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use resmon_record::config::Destination;
use resmon_record::line::Line;
use resmon_record::process;
use resmon_record::spool::journal::{self, Header, Mark, SLOT, SLOTS, State};
use resmon_record::spool::lock::{self, Part};
use resmon_record::spool::{self, Spool};

use crate::sys;
use crate::sys::descriptor::PinnedFile;

#[derive(Debug)]
pub(crate) struct Journal {
    spool: Spool,
    path: PathBuf,
    /// `None` where the process may have few files open: then the journal is opened for each mark, and only the name of
    /// the process shows that it is alive.
    file: Option<PinnedFile>,
    /// The offset of the first slot.
    first_slot: u64,
    taken: Slots,
}

/// The slots that open tests have taken, a bit for each. A test keeps its slot until its record is written.
#[derive(Debug)]
struct Slots([AtomicU64; SLOTS / 64]);

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
        let first_slot = journal::first_slot(bytes.len()) as u64;
        let (spool, taken) = (spool.clone(), Slots::new());
        let journal = Self { spool, path, file, first_slot, taken };
        journal.lock_and_write(&bytes).inspect_err(|_| journal.remove())?;
        Ok(journal)
    }

    fn lock_and_write(&self, header: &[u8]) -> io::Result<()> {
        // Lock before the first write: an unlocked journal with content is that of a dead process.
        if let Some(file) = &self.file
            && !lock::try_lock(file.get()?, Part::Owner)?
        {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.with(&|file| spool::write_at(file, header, 0))
    }

    /// Marks a test as open: the fields of its record so far, its batch if it ended now, and the first position of the
    /// destination where its record may be.
    /// Returns the test's slot, if one was free.
    pub(crate) fn mark(&self, test: &Line, batch_num: u64, from: u64) -> Option<usize> {
        let slot = self.taken.take()?;
        if let Some(mark) = Mark::encode(test, from, batch_num, SystemTime::now()) {
            self.set(slot, mark.unfinished());
        }
        Some(slot)
    }

    /// Clears the slot of a test that is no longer open, and frees it for another test.
    pub(crate) fn clear(&self, slot: usize) {
        self.set(slot, b"\n");
        self.taken.free(slot);
    }

    fn set(&self, slot: usize, mark: &[u8]) {
        let offset = self.first_slot + (slot * SLOT) as u64;
        // If this fails, a crash of this test will not be recorded.
        let _ = sys::without_sigxfsz(|| self.with(&|file| spool::write_at(file, mark, offset)));
    }

    /// Notes that the session ends by itself. Its end is recorded at this position of the destination or after it.
    pub(crate) fn ends(&self, from: u64) {
        let _ = self.with(&|file| journal::write_state(file, State::Ends(from)));
    }

    /// Removes the journal: everything in it has been recorded.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
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

impl Slots {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS / 64])
    }

    /// Takes the first free slot. `None` if there is none.
    fn take(&self) -> Option<usize> {
        for (index, word) in self.0.iter().enumerate() {
            let mut taken = word.load(Ordering::Relaxed);
            while taken != u64::MAX {
                let place = taken.trailing_ones();
                // Acquire: the test that had the slot has cleared it.
                taken = word.fetch_or(1 << place, Ordering::Acquire);
                if taken & 1 << place == 0 {
                    return Some(index * 64 + place as usize);
                }
            }
        }
        None
    }

    fn free(&self, slot: usize) {
        self.0[slot / 64].fetch_and(!(1 << (slot % 64)), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_slot_is_taken() {
        let slots = Slots::new();
        let all: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        assert!(all.into_iter().eq(0..SLOTS));
        slots.free(70);
        slots.free(3);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(3), Some(70), None]);
    }
}
