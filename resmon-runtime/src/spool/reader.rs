//! A file that is left, read record by record.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
#[cfg(target_os = "linux")]
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::lock::{self, Kind};
use super::open;

/// A record has about 1 KiB; a line that is longer than this is none.
const LONGEST: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) path: PathBuf,
    /// Opened once: to close another descriptor of it would give up the lock.
    file: BufReader<Arc<File>>,
    pub(super) position: u64,
    /// Where the records of the chunk begin.
    pub(super) start: u64,
    /// Whether a record was left behind in this file.
    pub(super) kept: bool,
}

impl Reader {
    /// Opens the file, and locks it until all that is open of it is dropped. An error if another process has done so.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = open(&path, &mut OpenOptions::new())?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // Who had the lock until now may have sent the file.
        if !lock::try_lock(&file, Kind::Exclusive)? || file.metadata()?.nlink() == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Self { path, file: BufReader::new(Arc::new(file)), position: 0, start: 0, kept: false })
    }

    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(self.file.get_ref())
    }

    /// The next line that is a record. Passes over what was erased, a line that a crash tore, and whatever else
    /// someone may have put there.
    pub(super) fn line(&mut self) -> Option<Vec<u8>> {
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

pub(crate) fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"event_type\":\"")
        && line.ends_with(b"}\n")
        && str::from_utf8(line).is_ok_and(|line| serde_json::from_str::<IgnoredAny>(line).is_ok())
}
