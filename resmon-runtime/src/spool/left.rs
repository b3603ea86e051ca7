//! What sessions that have ended left to be sent.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
#[cfg(target_os = "linux")]
use std::io::{Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::lock::{self, Kind};
use super::{LIMIT, Spool, live, open};
use crate::descriptor::Kept;
use crate::warning::{Records, warn};

/// A record has about 1 KiB; a line that is longer than this is none.
const LONGEST: u64 = 1 << 20;

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
    part: Option<(PathBuf, Range<u64>)>,
}

#[derive(Debug)]
struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    position: u64,
    /// Where the records of the chunk begin.
    start: u64,
    /// Whether a record was left behind in this file.
    kept: bool,
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
                let _ = live::erase(file.file.get_ref(), &(0..file.position));
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
                    chunk.part = Some((reader.path, reader.start..reader.position));
                    break;
                }
                continue;
            };
            chunk.body.extend_from_slice(&line);
            chunk.records += 1;
            if chunk.body.len() >= most_bytes {
                chunk.part = Some((reader.path.clone(), reader.start..reader.position));
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
        if let Some((path, place)) = &self.part
            && let Ok(file) = open(path, &mut OpenOptions::new())
        {
            let _ = live::erase(&file, place);
        }
    }
}

impl Reader {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = open(&path, &mut OpenOptions::new())?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // Who had the lock until now may have sent the file.
        if !lock::try_lock(&file, Kind::Exclusive)? || file.metadata()?.nlink() == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Self { path, file: BufReader::new(file), position: 0, start: 0, kept: false })
    }

    /// The next line that is a record. Passes over what was erased, a line that a crash tore, and whatever else
    /// someone may have put there.
    fn line(&mut self) -> Option<Vec<u8>> {
        self.read_record().unwrap_or_else(|_| {
            // What could not be read is not to be removed.
            self.kept = true;
            None
        })
    }

    fn read_record(&mut self) -> io::Result<Option<Vec<u8>>> {
        // Whether the last piece that was read goes on.
        let mut within = false;
        loop {
            if !within {
                self.skip_blanks()?;
            }
            let mut line = Vec::new();
            let read = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
            self.position += read as u64;
            if read == 0 {
                return Ok(None);
            }
            if !within && is_record(&line) {
                return Ok(Some(line));
            }
            within = !line.ends_with(b"\n");
        }
    }

    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            if self.file.buffer().is_empty() {
                self.skip_hole()?;
            }
            let buffer = self.file.fill_buf()?;
            let blank = buffer.iter().take_while(|&&byte| byte == 0 || byte == b'\n').count();
            let (more, all) = (blank > 0, blank == buffer.len());
            self.file.consume(blank);
            self.position += blank as u64;
            if !(more && all) {
                return Ok(());
            }
        }
    }

    /// Skips what the file system knows to be empty, which may be far larger than what is read at once.
    #[cfg(target_os = "linux")]
    fn skip_hole(&mut self) -> io::Result<()> {
        use std::os::fd::AsRawFd;

        let here = i64::try_from(self.position).map_err(io::Error::other)?;
        let file = self.file.get_ref();
        // SAFETY: the call only moves the position of the file behind the descriptor.
        let data = unsafe { libc::lseek(file.as_raw_fd(), here, libc::SEEK_DATA) };
        if let Ok(data) = u64::try_from(data) {
            self.position = data;
        } else if io::Error::last_os_error().raw_os_error() == Some(libc::ENXIO) {
            // Nothing but the hole up to the end.
            self.position = self.position.max(file.metadata()?.len());
        }
        self.file.seek(SeekFrom::Start(self.position)).map(drop)
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "where files have holes, there is more to it"
    )]
    fn skip_hole(&mut self) -> io::Result<()> {
        Ok(())
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

pub(crate) fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"event_type\":\"")
        && line.ends_with(b"}\n")
        && str::from_utf8(line).is_ok_and(|line| serde_json::from_str::<IgnoredAny>(line).is_ok())
}
