//! The intake: the file that the processes of a `cargo resmon` run append to, and `cargo resmon` reads from.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use resmon_record::spool::Spool;
use resmon_record::spool::lock::{self, Part};

/// The number of bytes to read at once.
const PIECE: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Intake {
    spool: Spool,
    id: String,
    path: PathBuf,
    file: File,
    /// The lock file, locked while it is open. Not the intake itself: this process opens that again for crash reports,
    /// and closing it would release the lock.
    _owner: File,
    /// The offset up to which the intake has been read.
    position: u64,
    /// The start of a line that is not complete yet.
    rest: Vec<u8>,
}

/// The bytes of a line in the intake, and the line without its line feed.
pub(crate) type Placed = (Range<u64>, Vec<u8>);

impl Intake {
    /// Creates the intake of a run, with `header` as its first line.
    pub(crate) fn create(spool: &Spool, id: &str, header: &[u8]) -> io::Result<Self> {
        let owner = own(spool, id)?.ok_or(io::ErrorKind::WouldBlock)?;
        let path = intake(spool, id);
        let file = spool.open_file(&path, OpenOptions::new().create_new(true))?;
        file.write_all_at(header, 0)?;
        Ok(Self::new(spool, id, file, owner))
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
        Self { spool, id, path, file, _owner: owner, position: 0, rest: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the next lines, none if there are no more yet.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Placed>> {
        let mut lines = Vec::new();
        let mut piece = vec![0; PIECE];
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
    Ok(lock::try_lock(&file, Part::Owner)?.then_some(file))
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
    use std::io::Write;

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
