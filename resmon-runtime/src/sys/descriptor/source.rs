//! Files of the system that are used repeatedly.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use libc::c_int;

use super::{PinnedFile, Work, close, retry};
use crate::sys::proc::Text;

/// A file that is kept open, or opened each time in a process that may have few files open.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    access: Access,
    pinned: Option<PinnedFile>,
}

#[derive(Clone, Copy, Debug)]
enum Access {
    /// For reading, with these flags of `open(2)`.
    Read(c_int),
    Write,
}

impl Source {
    /// Opens a file for reading. `None` if it cannot be opened.
    pub(crate) fn open(path: PathBuf, flags: c_int) -> Option<Self> {
        Self::with_access(path, Access::Read(flags))
    }

    /// Opens a file for writing. `None` if it cannot be opened.
    pub(crate) fn to_write(path: PathBuf) -> Option<Self> {
        Self::with_access(path, Access::Write)
    }

    fn with_access(path: PathBuf, access: Access) -> Option<Self> {
        let file = open(&path, access).ok()?;
        Some(Self { path, access, pinned: PinnedFile::new(file) })
    }

    /// Calls `work` with the file, which is opened again if a test has closed it.
    pub(crate) fn with(&self, work: &mut Work<'_>) -> Option<()> {
        let anew = || open(&self.path, self.access);
        let result = match &self.pinned {
            Some(pinned) => match self.access {
                Access::Read(_) => retry(pinned.peek(), &anew, work),
                Access::Write => pinned.or_else(&anew, work),
            },
            None => anew().and_then(|file| {
                let result = work(&file);
                close(file);
                result
            }),
        };
        result.ok()
    }

    /// Reads the start of a file of the proc file system, whose content is new for each read.
    pub(crate) fn text<const N: usize>(&self) -> Option<Text<N>> {
        let (mut buffer, mut length) = ([0; N], 0);
        self.with(&mut |file| {
            length = file.read_at(&mut buffer, 0)?;
            Ok(())
        })?;
        Text::new(buffer, length)
    }
}

fn open(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    match access {
        Access::Read(flags) => options.read(true).custom_flags(flags),
        Access::Write => options.write(true),
    };
    options.open(path)
}
