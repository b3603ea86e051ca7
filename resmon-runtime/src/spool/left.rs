//! What sessions that have ended left to be sent.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::{self, Kind};
use super::reader::Reader;
use super::{LIMIT, Spool, live, open};
use crate::descriptor::Kept;
use crate::warning::{Records, warn};

/// As many files are kept open, and with that locked, for one request.
const FILES: usize = 128;

/// What is left for a destination. The right to send it is one process's at a time, but for the last one of a run, which
/// does not wait for another that sends already. Each file is locked by who sends it.
#[derive(Debug)]
pub(crate) struct Left {
    /// Oldest first.
    files: VecDeque<PathBuf>,
    current: Option<Reader>,
    /// Locked while it is open.
    _lock: Kept,
}

/// Records for one request.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) body: Vec<u8>,
    pub(crate) records: u64,
    /// Files that hold nothing else.
    whole: Vec<Reader>,
    /// The place in the file that holds more.
    part: Option<(Arc<File>, Range<u64>)>,
}

impl Spool {
    /// How many sessions have left something, for whatever destination.
    #[cfg(feature = "collector")]
    pub(crate) fn left_behind(&self) -> usize {
        self.files("", ".ndjson").iter().filter(|(name, _)| is_name(name)).count()
    }

    /// The destinations that something is left for.
    #[cfg(feature = "collector")]
    pub(crate) fn destinations(&self) -> Vec<String> {
        let files = self.files("", ".ndjson").into_iter();
        let names = files.filter(|(name, _)| is_name(name));
        let mut destinations: Vec<_> =
            names.filter_map(|(name, _)| Some(name.split_once('-')?.1.to_owned())).collect();
        destinations.sort_unstable();
        destinations.dedup();
        destinations
    }

    /// Takes the right to send what is left for the destination, unless there is nothing. Where another process has it,
    /// nothing is taken, or if `at_once` what that process has not. Calls `taken` before it looks for what there is.
    pub(crate) fn left(
        &self,
        destination: &str,
        at_once: bool,
        taken: impl FnOnce(),
    ) -> io::Result<Option<Left>> {
        let suffix = format!("-{destination}.ndjson");
        if self.files("", &suffix).is_empty() {
            return Ok(None);
        }
        let lock = self.path(&format!("send-{destination}.lock"));
        let lock = Kept::new(open(&lock, OpenOptions::new().create(true))?);
        if !lock::try_lock(lock.get()?, Kind::Exclusive)? && !at_once {
            return Ok(None);
        }
        taken();
        // Only now: who had the lock has sent some of them.
        let files = self.files("", &suffix).into_iter().map(|(_, path)| path).collect();
        Ok(Some(Left { files, current: None, _lock: lock }))
    }

    /// Drops the oldest records that are left, for whatever destination, until the directory is within its bound.
    pub(crate) fn drop_oldest(&self) {
        let size = |path: &Path| fs::symlink_metadata(path).map_or(0, |file| file.blocks() * 512);
        let files = self.files("", ".ndjson").into_iter().filter(|(name, _)| is_name(name));
        let files: Vec<_> = files.map(|(_, path)| (size(&path), path)).collect();
        let total: u64 = files.iter().map(|(size, _)| size).sum();
        let mut excess = total.saturating_sub(LIMIT);
        let mut dropped = 0;
        for (size, path) in files {
            if excess == 0 {
                break;
            }
            let Ok(mut file) = Reader::open(path) else {
                // Another process is sending it.
                excess = excess.saturating_sub(size);
                continue;
            };
            let (all, mut freed) = (size <= excess, 0);
            while (all || freed < excess)
                && let Some(line) = file.line()
            {
                freed += line.len() as u64;
                dropped += 1;
            }
            if !all {
                // Where this fails, the next session tries again.
                let _ = live::erase(&file.file(), &(0..file.position));
                break;
            }
            let _ = fs::remove_file(file.path);
            excess -= size;
        }
        if dropped > 0 {
            let limit = LIMIT >> 20;
            warn(format_args!(
                "{} of earlier sessions dropped: more than {limit} MiB wait in {:?}",
                Records(dropped),
                self.directory
            ));
        }
    }
}

impl Left {
    /// The next records in the order in which they were made, as many as fit one request.
    pub(crate) fn next(&mut self, most_bytes: usize) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        loop {
            let Some(reader) = &mut self.current else {
                if chunk.whole.len() == FILES {
                    break;
                }
                let Some(path) = self.files.pop_front() else { break };
                match Reader::open(path.clone()) {
                    Ok(reader) => self.current = Some(reader),
                    Err(error) if is_no_descriptor(&error) && !chunk.whole.is_empty() => {
                        self.files.push_front(path);
                        break;
                    }
                    // It may be a symlink, gone, or another process's to send.
                    Err(_) => {}
                }
                continue;
            };
            let Some(line) = reader.line() else {
                let reader = self.current.take()?;
                if !reader.kept {
                    chunk.whole.push(reader);
                } else if chunk.records > 0 {
                    chunk.part = Some((reader.file(), reader.start..reader.position));
                    break;
                }
                continue;
            };
            chunk.body.extend_from_slice(&line);
            chunk.records += 1;
            if chunk.body.len() >= most_bytes {
                chunk.part = Some((reader.file(), reader.start..reader.position));
                reader.start = reader.position;
                break;
            }
        }
        if chunk.records == 0 {
            // Nothing but blanks and what never was a record.
            chunk.forget();
            return None;
        }
        Some(chunk)
    }

    /// Notes that the records of the last chunk stay where they are.
    pub(crate) fn keep(&mut self) {
        if let Some(reader) = &mut self.current {
            reader.kept = true;
        }
    }
}

impl Chunk {
    /// Forgets the records: they have arrived.
    pub(crate) fn forget(&self) {
        for reader in &self.whole {
            let _ = fs::remove_file(&reader.path);
        }
        if let Some((file, place)) = &self.part {
            let _ = live::erase(file, place);
        }
    }
}

fn is_no_descriptor(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Whether a name, without its ending, is one that is given here: `ID-DESTINATION`.
fn is_name(name: &str) -> bool {
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.split_once('-').is_some_and(|(id, destination)| is_hex(id, 28) && is_hex(destination, 16))
}
