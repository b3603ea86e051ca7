//! Descriptors in a process whose tests may close any of them, and may get the same number for another file.

#[cfg(target_os = "linux")]
mod source;

use std::fs::File;
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub(crate) use resmon_record::spool::close;

#[cfg(target_os = "linux")]
pub(crate) use self::source::Source;

/// The first number that tests do not get for their files, unless they have hundreds of files open.
const OUT_OF_REACH: RawFd = 512;
/// The first number that resmon uses. Lower ones are left to the tests.
const FIRST: RawFd = 64;

/// A file that stays open while tests run, at a descriptor that tests do not usually get.
#[derive(Debug)]
pub(crate) struct PinnedFile {
    file: ManuallyDrop<File>,
    identity: Option<Identity>,
}

/// The device and the inode of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Identity(u64, u64);

impl PinnedFile {
    /// Moves the file to a high descriptor. Closes it and returns `None` if the process may have no such descriptor.
    pub(crate) fn new(file: File) -> Option<Self> {
        let high = move_up(file)?;
        let identity = identity(high.as_raw_fd());
        Some(Self { file: ManuallyDrop::new(high), identity })
    }

    /// Returns the file for writing. Fails if a test has closed the descriptor, even if it now belongs to another file.
    pub(crate) fn get(&self) -> io::Result<&File> {
        if self.identity.is_none() || identity(self.file.as_raw_fd()) != self.identity {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        Ok(&self.file)
    }

    /// Returns the file for reading. Checks the descriptor only where it is within the reach of tests.
    #[cfg(target_os = "linux")]
    fn peek(&self) -> io::Result<&File> {
        if self.file.as_raw_fd() < OUT_OF_REACH { self.get() } else { Ok(&self.file) }
    }

    /// Calls `work` with the file for writing, or with a file from `open` if a test has closed the descriptor.
    pub(crate) fn or_else(
        &self,
        open: &dyn Fn() -> io::Result<File>,
        work: &mut Work<'_>,
    ) -> io::Result<()> {
        retry(self.get(), open, work)
    }
}

impl Drop for PinnedFile {
    /// Closes the file, unless a test has closed it: then the number may belong to a file of the test.
    fn drop(&mut self) {
        if self.get().is_ok() {
            // SAFETY: the file is not used any more.
            close(unsafe { ManuallyDrop::take(&mut self.file) });
        }
    }
}

/// The work to do with a file. Not generic: each copy of the code would be in every test binary.
pub(crate) type Work<'a> = dyn FnMut(&File) -> io::Result<()> + 'a;

/// Calls `work` with the file, or with a file from `open` if it is closed.
fn retry(
    file: io::Result<&File>,
    open: &dyn Fn() -> io::Result<File>,
    work: &mut Work<'_>,
) -> io::Result<()> {
    match file.and_then(&mut *work) {
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => {
            let file = open()?;
            let result = work(&file);
            close(file);
            result
        }
        result => result,
    }
}

/// Returns the identity of the file at a descriptor. `None` if the descriptor is closed.
pub(crate) fn identity(descriptor: RawFd) -> Option<Identity> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the pointer is to a `stat` of our own.
    if unsafe { libc::fstat(descriptor, stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it has filled in the structure.
    let stat = unsafe { stat.assume_init() };
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "they differ by system")]
    Some(Identity(stat.st_dev as u64, stat.st_ino as u64))
}

/// Gives the file a descriptor with a high number. Closes it and returns `None` if the process may have none.
fn move_up(file: File) -> Option<File> {
    if file.as_raw_fd() >= OUT_OF_REACH {
        return Some(file);
    }
    let high = [OUT_OF_REACH, FIRST].into_iter().find_map(|first| {
        // SAFETY: the call makes a new descriptor or fails, whatever its arguments.
        let high = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, first) };
        (high >= 0).then_some(high)
    });
    close(file);
    // SAFETY: the descriptor is new and belongs to nothing else.
    high.map(|high| unsafe { OwnedFd::from_raw_fd(high) }.into())
}

/// Makes room for high numbers, if this process will keep files open. With a single thread that costs next to nothing;
/// later Linux would first wait for all CPUs, some 10 ms.
///
/// # Safety
///
/// No other thread may change the environment meanwhile.
pub(crate) unsafe fn make_room() {
    // SAFETY: the names end in NUL, the caller's promise, and the closed descriptor is a new one.
    unsafe {
        if libc::getenv(c"RESMON_FILE".as_ptr()).is_null()
            && libc::getenv(c"TINYBIRD_WRITE_TOKEN".as_ptr()).is_null()
            && libc::getenv(c"RESMON_INTAKE".as_ptr()).is_null()
        {
            return;
        }
        let high = libc::fcntl(libc::STDERR_FILENO, libc::F_DUPFD_CLOEXEC, OUT_OF_REACH);
        if high >= 0 {
            libc::close(high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_another_at_its_descriptor() {
        let pinned = PinnedFile::new(File::open("/dev/null").unwrap()).unwrap();
        assert!(pinned.file.as_raw_fd() >= OUT_OF_REACH && pinned.get().is_ok());
        let other = File::open("/").unwrap();
        // SAFETY: the test's own descriptor becomes another file, as if it had been closed and the number used again.
        assert!(unsafe { libc::dup2(other.as_raw_fd(), pinned.file.as_raw_fd()) } >= 0);
        assert!(pinned.get().is_err());
        let mut again = None;
        let mut inode = |file: &File| {
            again = identity(file.as_raw_fd());
            Ok(())
        };
        pinned.or_else(&|| File::open("/dev/null"), &mut inode).unwrap();
        assert_eq!(again, pinned.identity);
        // The drop must not close the other file.
        let number = pinned.file.as_raw_fd();
        drop(pinned);
        assert_eq!(identity(number), identity(other.as_raw_fd()));
    }
}
