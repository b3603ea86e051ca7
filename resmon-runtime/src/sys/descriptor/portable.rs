//! Files on systems where a test cannot close a file that it did not open.

use std::fs::File;
use std::io;

pub(crate) use resmon_record::spool::close;

/// A file that stays open while tests run.
#[derive(Debug)]
pub(crate) struct PinnedFile(File);

impl PinnedFile {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "on Unix the process may have too few descriptors"
    )]
    pub(crate) fn new(file: File) -> Option<Self> {
        Some(Self(file))
    }

    #[expect(clippy::unnecessary_wraps, reason = "on Unix it may be another file by now")]
    pub(crate) fn get(&self) -> io::Result<&File> {
        Ok(&self.0)
    }

    pub(crate) fn or_else(
        &self,
        _open: &dyn Fn() -> io::Result<File>,
        work: &mut dyn FnMut(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        work(&self.0)
    }
}

/// Does nothing: there are no numbers to make room for.
///
/// # Safety
///
/// None here: on Unix no other thread may change the environment meanwhile.
pub(crate) unsafe fn make_room() {}
