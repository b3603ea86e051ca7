//! A part of a file in memory: what is written there is in the file when the process dies, as by `write(2)`, without a
//! call to the kernel and without waiting for other threads that write to the file.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

/// The file systems that write to space that was allocated once, however full they are: ext4, XFS and tmpfs. On others
/// a write to memory could find the disk full, which kills the process.
const OVERWRITE: [libc::c_long; 3] =
    [libc::EXT4_SUPER_MAGIC, libc::XFS_SUPER_MAGIC, libc::TMPFS_MAGIC];

#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory is the process's own, and stays for as long as the process lives.
unsafe impl Send for Mapping {}
// SAFETY: writers agree on who has which part of it: see `write`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Allocates and maps a part of a file that nobody else writes to or makes shorter. `None` where that cannot be done
    /// safely. The offset is a multiple of the size of a page.
    pub(super) fn of(file: &File, offset: u64, length: usize) -> Option<Self> {
        let descriptor = file.as_raw_fd();
        let mut system = MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the pointer is to a `statfs` of our own, which is read only after the call has filled it in.
        let kind = unsafe {
            if libc::fstatfs(descriptor, system.as_mut_ptr()) != 0 {
                return None;
            }
            system.assume_init().f_type
        };
        #[allow(clippy::unnecessary_cast, reason = "the types differ by system")]
        let overwrites = OVERWRITE.iter().any(|&other| other as i64 == kind as i64);
        let offset = libc::off_t::try_from(offset).ok().filter(|_| overwrites)?;
        let (readable, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: the first call concerns the file alone, and the second makes a mapping at a place of the kernel's choice.
        let start = unsafe {
            if libc::fallocate(descriptor, 0, offset, libc::off_t::try_from(length).ok()?) != 0 {
                return None;
            }
            libc::mmap(ptr::null_mut(), length, readable, shared, descriptor, offset)
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        Some(Self { start: NonNull::new(start.cast())?, length })
    }

    /// Writes at a place that no other thread writes to meanwhile. The first byte comes last: until then the place means
    /// what it did before.
    pub(super) fn write(&self, place: usize, bytes: &[u8]) {
        let Some((first, rest)) = bytes.split_first() else { return };
        assert!(place + bytes.len() <= self.length);
        // SAFETY: the place is within the mapping, which nobody else has a reference into.
        unsafe {
            let start = self.start.as_ptr().add(place);
            ptr::copy_nonoverlapping(rest.as_ptr(), start.add(1), rest.len());
            AtomicU8::from_ptr(start).store(*first, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn what_is_written_to_memory_is_in_the_file() {
        // In Cargo's target directory, as a spool would be.
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap());
        let file = tempfile::tempfile_in(folder.unwrap().path()).unwrap();
        file.write_all_at(b"before", 0).unwrap();
        let Some(mapping) = Mapping::of(&file, 4096, 8192) else {
            println!("skipped: not on this file system");
            return;
        };
        mapping.write(4096, b"mark");
        mapping.write(0, b"\n");
        let mut read = vec![0; 12_288];
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(
            (&read[..6], read[4096], &read[8192..8196]),
            (&b"before"[..], b'\n', &b"mark"[..])
        );
        assert_eq!(file.metadata().unwrap().len(), 12_288);
    }
}
