//! The records of a running session on disk, until Tinybird acknowledges them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{LIMIT, Spool, open};
use crate::descriptor::Kept;

#[derive(Debug)]
pub(crate) struct Live {
    file: Kept,
    path: PathBuf,
    /// Its name when the session has ended.
    left: PathBuf,
    end: AtomicU64,
    /// Bytes that have not been forgotten.
    held: AtomicU64,
}

impl Live {
    pub(crate) fn create(spool: &Spool, session_id: &str, destination: &str) -> io::Result<Self> {
        let path = spool.path(&format!("{session_id}.live"));
        let file = Kept::new(open(&path, OpenOptions::new().create_new(true))?);
        let left = spool.path(&format!("{session_id}-{destination}.ndjson"));
        Ok(Self { file, path, left, end: AtomicU64::new(0), held: AtomicU64::new(0) })
    }

    /// Writes a line and says where it is. To be called by one thread at a time.
    pub(crate) fn append(&self, line: &[u8]) -> io::Result<Range<u64>> {
        let start = self.end.load(Ordering::Relaxed);
        // At a place rather than at the end: the next write covers what a failed one left.
        self.with(|file| file.write_all_at(line, start))?;
        let length = line.len() as u64;
        self.end.store(start + length, Ordering::Relaxed);
        self.held.fetch_add(length, Ordering::Relaxed);
        Ok(start..start + length)
    }

    /// Where the next line will be, or after it.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Whether there is as much in it as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= LIMIT
    }

    fn with<T>(&self, work: impl Fn(&File) -> io::Result<T>) -> io::Result<T> {
        self.file.or_else(|| open(&self.path, &mut OpenOptions::new()), work)
    }

    /// Its descriptor, for the thread that sends.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.file.get().ok().map(AsRawFd::as_raw_fd)
    }

    /// The directory that it is in.
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        self.path.parent().map(Path::to_owned)
    }

    /// The lines that are in a place.
    pub(crate) fn read(&self, place: &Range<u64>) -> io::Result<Vec<u8>> {
        self.with(|file| {
            let mut lines = vec![0; usize::try_from(place.end - place.start).unwrap_or(0)];
            file.read_exact_at(&mut lines, place.start)?;
            Ok(lines)
        })
    }

    /// Forgets the lines that are in a place.
    pub(crate) fn erase(&self, place: &Range<u64>) {
        // Where this fails, the records are sent once more.
        let _ = self.with(|file| erase(file, place));
        self.held.fetch_sub(place.end - place.start, Ordering::Relaxed);
    }

    /// Leaves what has not been forgotten to the next session.
    pub(crate) fn leave(&self) -> io::Result<()> {
        fs::rename(&self.path, &self.left)
    }

    /// Ends the file: nothing in it is needed.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Puts bytes in the place that every reader passes over, and gives the disk back what it can.
pub(super) fn erase(file: &File, place: &Range<u64>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let (Ok(start), Ok(length)) =
            (i64::try_from(place.start), i64::try_from(place.end - place.start))
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: the call only concerns the file behind the descriptor.
        if unsafe { libc::fallocate(file.as_raw_fd(), mode, start, length) } == 0 {
            return Ok(());
        }
    }
    let blank = vec![b'\n'; usize::try_from(place.end - place.start).unwrap_or(0)];
    file.write_all_at(&blank, place.start)
}
