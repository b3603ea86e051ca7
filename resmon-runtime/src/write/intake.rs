//! The intake: the file that the processes of a `cargo resmon` run append to, and `cargo resmon` reads from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use resmon_record::process;
use resmon_record::spool::Spool;
use resmon_record::spool::lock::{self, Part};

/// The disk space in bytes to keep reserved for further lines, so that a test that fills the disk is recorded.
#[cfg(target_os = "linux")]
const RESERVE: u64 = 1 << 20;
/// The least space to reserve, where the disk has too little for more.
#[cfg(target_os = "linux")]
const LEAST_RESERVE: u64 = 16 << 10;
/// The number of bytes to read at once.
const PIECE: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Intake {
    spool: Spool,
    id: String,
    path: PathBuf,
    file: File,
    /// The lock file, with the name of this process, locked while it is open. Not the intake itself: this process opens that again for crash reports,
    /// and closing it would release the lock.
    _owner: File,
    /// The offset up to which the intake has been read.
    position: u64,
    /// The start of a line that is not complete yet.
    rest: Vec<u8>,
    /// The offset up to which disk space is reserved.
    reserved: u64,
    /// Whether the disk has been full, so that lines may be missing.
    has_been_full: bool,
}

/// The bytes of a line in the intake, and the line without its line feed.
pub(crate) type Placed = (Range<u64>, Vec<u8>);

impl Intake {
    /// Creates the intake of a run, with `header` as its first line.
    pub(crate) fn create(spool: &Spool, id: &str, header: &[u8]) -> io::Result<Self> {
        let remove = |_: &io::Error| drop(fs::remove_file(owner(spool, id)));
        let claimed = own(spool, id).inspect_err(remove)?;
        let claim = claimed.ok_or(io::ErrorKind::WouldBlock)?;
        let path = intake(spool, id);
        let file = spool.open_file(&path, OpenOptions::new().create_new(true));
        let file = file.inspect_err(remove)?;
        let mut intake = Self::new(spool, id, file, claim);
        intake.file.write_all_at(header, 0).inspect_err(|_| intake.remove())?;
        intake.reserve();
        Ok(intake)
    }

    /// Claims the intakes of runs whose `cargo resmon` has died.
    pub(crate) fn orphans(&self) -> Vec<Self> {
        let ids = self.spool.files(".intake").into_iter().map(|(id, _)| id);
        ids.filter(|id| *id != self.id)
            .filter_map(|id| {
                let owner = own(&self.spool, &id).ok().flatten()?;
                let path = intake(&self.spool, &id);
                let file = self.spool.open_file(&path, &mut OpenOptions::new()).ok()?;
                Some(Self::new(&self.spool, &id, file, owner))
            })
            .collect()
    }

    fn new(spool: &Spool, id: &str, file: File, owner: File) -> Self {
        let (spool, id, path) = (spool.clone(), id.to_owned(), intake(spool, id));
        Self {
            spool,
            id,
            path,
            file,
            _owner: owner,
            position: 0,
            rest: Vec::new(),
            reserved: 0,
            has_been_full: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a test process still writes to the intake, or its crash has yet to be reported there.
    pub(crate) fn is_in_use(&self) -> bool {
        self.path.file_name().is_some_and(|name| self.spool.has_session_for(name))
    }

    /// Appends a line.
    pub(crate) fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        file.write_all(line)
    }

    /// Whether the disk has been full, so that lines may be missing.
    pub(crate) fn has_been_full(&self) -> bool {
        self.has_been_full
    }

    /// Reserves disk space for further lines, if too little is reserved. Where the file system cannot do so, there is
    /// no reserve.
    #[cfg(target_os = "linux")]
    fn reserve(&mut self) {
        let Ok(length) = self.file.metadata().map(|file| file.len()) else { return };
        if length + RESERVE / 2 < self.reserved {
            return;
        }
        let mut size = RESERVE;
        loop {
            match crate::sys::file::reserve(&self.file, &(length..length + size)) {
                Ok(()) => {
                    self.reserved = self.reserved.max(length + size);
                    return;
                }
                Err(error) if is_full(&error) => {
                    if size <= LEAST_RESERVE {
                        self.has_been_full = true;
                        return;
                    }
                    size /= 2;
                }
                Err(_) => return,
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reserve(&mut self) {}

    /// Reads the next lines, none if there are no more yet.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Placed>> {
        let mut lines = Vec::new();
        let mut piece = vec![0; PIECE];
        self.reserve();
        while lines.is_empty() {
            let read = self.file.read_at(&mut piece, self.position)?;
            if read == 0 {
                break;
            }
            for part in piece[..read].split_inclusive(|&byte| byte == b'\n') {
                // Erased bytes read as zeros, or as line feeds.
                let zeros = part.iter().take_while(|&&byte| byte == 0 && self.rest.is_empty());
                let zeros = zeros.count();
                self.rest.extend_from_slice(&part[zeros..]);
                self.position += part.len() as u64;
                if self.rest.pop_if(|byte| *byte == b'\n').is_some() && !self.rest.is_empty() {
                    let start = self.position - 1 - self.rest.len() as u64;
                    lines.push((start..self.position, std::mem::take(&mut self.rest)));
                }
            }
        }
        Ok(lines)
    }

    /// Erases a range of lines whose records have been passed on.
    pub(crate) fn erase(&self, place: &Range<u64>) {
        // If this fails and this process dies, these lines are delivered again.
        let _ = erase(&self.file, place);
    }

    /// Removes the intake and its lock file: nothing in it is needed any more.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(owner(&self.spool, &self.id));
    }
}

/// Whether there is no room left: on the disk, or for this user.
#[cfg(target_os = "linux")]
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn intake(spool: &Spool, id: &str) -> PathBuf {
    spool.path(&format!("{id}.intake"))
}

fn owner(spool: &Spool, id: &str) -> PathBuf {
    spool.path(&format!("{id}.owner"))
}

/// Claims an intake for this process. `None` if another process has claimed it.
fn own(spool: &Spool, id: &str) -> io::Result<Option<File>> {
    let path = owner(spool, id);
    let file = spool.open_file(&path, OpenOptions::new().create(true).truncate(false))?;
    let name = process::name();
    match lock::try_lock(&file, Part::Owner) {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        // The file system has no locks: the name of the owner tells whether it is alive.
        Err(_) if !name.is_empty() => {
            let mut owner = String::new();
            (&file).read_to_string(&mut owner)?;
            if process::is_alive(&owner) {
                return Ok(None);
            }
        }
        Err(error) => return Err(error),
    }
    file.set_len(0)?;
    file.write_all_at(name.as_bytes(), 0)?;
    Ok(Some(file))
}

/// Overwrites a range with bytes that every reader skips. On Linux it frees the disk space if it can.
fn erase(file: &File, place: &Range<u64>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if crate::sys::file::punch_hole(file, place).is_ok() {
        return Ok(());
    }
    let blank = vec![b'\n'; usize::try_from(place.end - place.start).unwrap_or(0)];
    file.write_all_at(&blank, place.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_read_once_and_erased_ones_not_again() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let mut intake = Intake::create(&spool, "one", b"header\n").unwrap();
        let mut writer = OpenOptions::new().append(true).open(intake.path()).unwrap();
        let text = |lines: Vec<Placed>| {
            let lines = lines.into_iter().map(|(_, line)| String::from_utf8(line).unwrap());
            lines.collect::<Vec<_>>()
        };
        writer.write_all(b"a\n\nbb\nc").unwrap();
        let lines = intake.read().unwrap();
        let places: Vec<_> = lines.iter().map(|(place, _)| place.clone()).collect();
        assert_eq!(text(lines), ["header", "a", "bb"]);
        assert_eq!(places, [0..7, 7..9, 10..13]);
        writer.write_all(b"cc\n").unwrap();
        assert_eq!(text(intake.read().unwrap()), ["ccc"]);
        assert!(intake.read().unwrap().is_empty());
        intake.erase(&places[1]);
        intake.position = 0;
        assert_eq!(text(intake.read().unwrap()), ["header", "bb", "ccc"]);
        intake.remove();
        assert_eq!(fs::read_dir(spool.directory()).unwrap().count(), 0);
    }
}
