//! Descriptors in a process whose tests may close any of them, and get its number for a file of their own.

#[cfg(target_os = "linux")]
mod source;

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

#[cfg(target_os = "linux")]
pub(crate) use self::source::Source;

/// Numbers from here on are not given out to a process that opens files, unless it has hundreds of them.
const OUT_OF_REACH: RawFd = 512;

/// A file that stays open while tests run. Its number is one that tests do not come by, or it is checked before use to
/// stand for the same file still.
#[derive(Debug)]
pub(crate) struct Kept {
    file: File,
    /// What it is, if its number is within reach.
    identity: Option<Identity>,
}

/// Device and inode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Identity(u64, u64);

impl Kept {
    pub(crate) fn new(file: File) -> Self {
        let file = out_of_reach(file);
        let descriptor = file.as_raw_fd();
        let identity = if descriptor < OUT_OF_REACH { identity(descriptor) } else { None };
        Self { file, identity }
    }

    /// The file, unless its descriptor now stands for another one.
    pub(crate) fn get(&self) -> io::Result<&File> {
        let descriptor = self.file.as_raw_fd();
        if descriptor < OUT_OF_REACH
            && (self.identity.is_none() || identity(descriptor) != self.identity)
        {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        Ok(&self.file)
    }

    /// Calls `work` with the file, or with what `open` opens if a test has closed it.
    pub(crate) fn or_else<T>(
        &self,
        open: impl FnOnce() -> io::Result<File>,
        work: impl Fn(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.get().and_then(&work) {
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => {
                let file = open()?;
                let result = work(&file);
                close(file);
                result
            }
            result => result,
        }
    }
}

/// Closes a file that was open for a moment. A drop would abort the process in the dev profile if a test has closed the
/// descriptor meanwhile.
pub(crate) fn close(file: File) {
    // SAFETY: the descriptor belonged to the file, which is gone.
    unsafe { libc::close(file.into_raw_fd()) };
}

/// What a descriptor stands for, if it is open.
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

/// Gives the file a descriptor with a high number, if the process may have one.
pub(crate) fn out_of_reach(file: File) -> File {
    if file.as_raw_fd() >= OUT_OF_REACH {
        return file;
    }
    // SAFETY: the call makes a new descriptor or fails, whatever its arguments.
    let high = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, OUT_OF_REACH) };
    if high < 0 {
        return file;
    }
    close(file);
    // SAFETY: the descriptor is new and belongs to nothing else.
    unsafe { OwnedFd::from_raw_fd(high) }.into()
}

/// Makes room for high numbers, if this process is to keep files. With a single thread that costs next to nothing;
/// later Linux would first wait for all CPUs, some 10 ms.
pub(crate) fn make_room() {
    // SAFETY: the names end in NUL, no other thread changes the environment, and what is closed is new.
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

/// Gives the calling thread, and those that it starts, descriptors of their own: what tests close is not theirs, what
/// they open does not count for the tests, and no forked child has it. Of those that are open now they get the
/// standard streams and these.
///
/// Where the kernel cannot do this (before Linux 5.9) or may not, nothing changes.
#[cfg(all(feature = "tinybird", target_os = "linux"))]
pub(crate) fn separate(keep: Option<RawFd>) {
    const UNSHARE: libc::c_ulong = 2;
    let close = |first: RawFd, last: libc::c_ulong, flags: libc::c_ulong| {
        // SAFETY: with the flag, what is closed is this thread's copy; that comes first.
        unsafe { libc::syscall(libc::SYS_close_range, libc::c_long::from(first), last, flags) == 0 }
    };
    let last = libc::c_ulong::from(u32::MAX);
    match keep.filter(|&keep| keep > 3) {
        #[expect(clippy::cast_sign_loss, reason = "a descriptor is not negative")]
        Some(keep) => close(3, keep as libc::c_ulong - 1, UNSHARE) && close(keep + 1, last, 0),
        None => close(3 + RawFd::from(keep == Some(3)), last, UNSHARE),
    };
}

#[cfg(all(feature = "tinybird", not(target_os = "linux")))]
pub(crate) fn separate(_keep: Option<RawFd>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_within_reach_is_told_from_another() {
        let file = File::open("/dev/null").unwrap();
        let kept = Kept { identity: identity(file.as_raw_fd()), file };
        assert!(kept.get().is_ok());
        let other = File::open("/").unwrap();
        // SAFETY: the test's own descriptor becomes another file, as if it had been closed and the number used again.
        assert!(unsafe { libc::dup2(other.as_raw_fd(), kept.file.as_raw_fd()) } >= 0);
        assert!(kept.get().is_err());
        let inode = |file: &File| Ok(identity(file.as_raw_fd()));
        let again = kept.or_else(|| File::open("/dev/null"), inode).unwrap();
        assert_eq!(again, kept.identity);
    }

    #[test]
    fn a_file_is_kept_out_of_reach() {
        let kept = Kept::new(File::open("/").unwrap());
        assert!(kept.file.as_raw_fd() >= OUT_OF_REACH && kept.get().is_ok());
    }
}
