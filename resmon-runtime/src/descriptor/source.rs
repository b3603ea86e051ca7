//! Files of the system that are used again and again.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use libc::c_int;

use super::{Kept, close};

/// Below this limit descriptors are left to the tests.
const ENOUGH: libc::rlim_t = 64;

/// A file that is kept open, or opened each time in a process that may have few files open.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    access: Access,
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug)]
enum Access {
    /// With these flags of `open(2)`.
    Read(c_int),
    Write,
}

impl Source {
    /// `None` if there is no such file.
    pub(crate) fn open(path: PathBuf, flags: c_int) -> Option<Self> {
        Self::with_access(path, Access::Read(flags))
    }

    /// The same to be written to.
    pub(crate) fn to_write(path: PathBuf) -> Option<Self> {
        Self::with_access(path, Access::Write)
    }

    fn with_access(path: PathBuf, access: Access) -> Option<Self> {
        let file = open(&path, access).ok()?;
        let kept = if has_enough() {
            Some(Kept::new(file))
        } else {
            close(file);
            None
        };
        Some(Self { path, access, kept })
    }

    /// Calls `work` with the file, opened anew if a test has closed it.
    pub(crate) fn with<T>(&self, work: impl Fn(&File) -> io::Result<T>) -> Option<T> {
        let anew = || open(&self.path, self.access);
        let result = match &self.kept {
            Some(kept) => kept.or_else(anew, work),
            None => anew().and_then(|file| {
                let result = work(&file);
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

fn open(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    match access {
        Access::Read(flags) => options.read(true).custom_flags(flags),
        Access::Write => options.write(true),
    };
    options.open(path)
}

fn has_enough() -> bool {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the pointer is to a limit of our own, which is read only after the call has filled it in.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) != 0
            || limit.assume_init().rlim_cur >= ENOUGH
    }
}
