//! Files of the system that are read again and again.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use libc::c_int;

use super::{Kept, close};

/// Below this limit descriptors are left to the tests.
const ENOUGH: libc::rlim_t = 64;

/// A file that is kept open to be read, or opened each time in a process that may have few files open.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    flags: c_int,
    kept: Option<Kept>,
}

impl Source {
    /// `None` if there is no such file.
    pub(crate) fn open(path: PathBuf, flags: c_int) -> Option<Self> {
        let file = open(&path, flags).ok()?;
        let kept = if has_enough() {
            Some(Kept::new(file))
        } else {
            close(file);
            None
        };
        Some(Self { path, flags, kept })
    }

    /// Calls `read` with the file, opened anew if a test has closed it.
    pub(crate) fn with<T>(&self, read: impl Fn(&File) -> io::Result<T>) -> Option<T> {
        let anew = || open(&self.path, self.flags);
        let result = match &self.kept {
            Some(kept) => kept.or_else(anew, read),
            None => anew().and_then(|file| {
                let result = read(&file);
                close(file);
                result
            }),
        };
        result.ok()
    }

    /// What stands at the start of a file of the proc file system, which is made anew for each read.
    pub(crate) fn read<const N: usize>(&self) -> Option<([u8; N], usize)> {
        self.with(|file| {
            let mut buffer = [0; N];
            let length = file.read_at(&mut buffer, 0)?;
            Ok((buffer, length))
        })
    }
}

fn open(path: &Path, flags: c_int) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn has_enough() -> bool {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the pointer is to a limit of our own, which is read only after the call has filled it in.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) != 0
            || limit.assume_init().rlim_cur >= ENOUGH
    }
}
