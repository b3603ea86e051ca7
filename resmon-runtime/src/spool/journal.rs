//! What a session leaves on disk while it runs, for the case that its process dies: where its records go, what
//! they have in common, and which tests are open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::lock::{self, Kind};
use super::{Spool, open};
use crate::descriptor::Kept;
use crate::line::Line;

/// The version of the format, and whether the session goes on: who does not know it leaves the file alone.
const OPEN: &[u8] = b"resmon 1 open";
/// In its place when the session comes to its end by itself.
const OVER: &[u8] = b"resmon 1 over";
/// The room for an open test, of whose fields its name is the one that may be long.
const SLOT: usize = 4096;
/// The room for the header is a multiple of this.
const BLOCK: usize = 4096;

/// Where a session's records go.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    File(PathBuf),
    /// By its fingerprint.
    Tinybird(String),
}

/// What a journal begins with.
#[derive(Debug)]
pub(super) struct Header {
    /// Whether the session came to its end by itself.
    pub(super) over: bool,
    pub(super) destination: Destination,
    /// The fields that all records of the session share.
    pub(super) common: Line,
    /// The fields that its `session_end` would have had.
    pub(super) totals: Line,
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Kept,
    slots: u64,
}

impl Journal {
    /// Begins the journal of a session and locks it for as long as the process lives.
    pub(crate) fn create(
        spool: &Spool,
        session_id: &str,
        destination: Destination,
        common: &Line,
        totals: &Line,
    ) -> io::Result<Self> {
        let (common, totals) = (common.clone(), totals.clone());
        let header = Header { over: false, destination, common, totals };
        let header = header.encode().ok_or(io::ErrorKind::InvalidFilename)?;
        // Under its name only when it is locked: until then it would look like that of a dead process.
        let new = spool.path(&format!("{session_id}.new"));
        let file = Kept::new(open(&new, OpenOptions::new().create_new(true))?);
        file.get()?.write_all_at(&header, 0).inspect_err(|_| drop(fs::remove_file(&new)))?;
        let path = spool.path(&format!("{session_id}.session"));
        let show = || {
            if !lock::try_lock(file.get()?, Kind::Exclusive)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            fs::rename(&new, &path)
        };
        show().inspect_err(|_| drop(fs::remove_file(&new)))?;
        Ok(Self { path, file, slots: header.len() as u64 })
    }

    /// Notes that a test is open, with the fields that its record has so far.
    pub(crate) fn mark(&self, slot: usize, test: &Line) {
        let mut fields = test.unfinished().to_vec();
        fields.push(b'\n');
        if fields.len() <= SLOT {
            // Where this fails, a crash will not be told of this test; there is nothing to be done.
            let _ = self.write(&fields, self.offset(slot));
        }
    }

    /// Notes that the test is not open any more.
    pub(crate) fn clear(&self, slot: usize) {
        let _ = self.write(b"\n", self.offset(slot));
    }

    /// Notes that the session comes to its end by itself, though its records may not be delivered yet.
    pub(crate) fn end(&self) {
        let _ = self.write(OVER, 0);
    }

    /// Ends the journal: everything that it stood for has been recorded.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.get()?.write_all_at(bytes, offset)
    }

    fn offset(&self, slot: usize) -> u64 {
        self.slots + (slot * SLOT) as u64
    }
}

impl Header {
    /// `None` if the destination's name cannot stand on a line.
    fn encode(&self) -> Option<Vec<u8>> {
        let (kind, name) = match &self.destination {
            Destination::File(path) => ("file ", path.as_os_str().as_bytes()),
            Destination::Tinybird(fingerprint) => ("tinybird ", fingerprint.as_bytes()),
        };
        let destination = [kind.as_bytes(), name].concat();
        let (common, totals) = (self.common.unfinished(), self.totals.unfinished());
        let state = if self.over { OVER } else { OPEN };
        let mut header = [state, &destination, common, totals, b""].join(&b'\n');
        // Not resized, which takes a loop in the dev profile.
        header.extend_from_slice(&vec![0; header.len().next_multiple_of(BLOCK) - header.len()]);
        (!name.contains(&b'\n')).then_some(header)
    }
}

/// Reads a journal that another process left: its header and what is known of the tests that were open. `None` if it
/// is not one, or not whole.
pub(super) fn read(journal: &File) -> Option<(Header, Vec<Line>)> {
    /// No session has this many tests open.
    const LONGEST: u64 = 16 << 20;
    let length = journal.metadata().ok()?.len();
    let mut bytes = vec![0; usize::try_from(length).ok().filter(|_| length <= LONGEST)?];
    journal.read_exact_at(&mut bytes, 0).ok()?;
    decode(&bytes)
}

fn decode(journal: &[u8]) -> Option<(Header, Vec<Line>)> {
    let mut lines = journal.splitn(5, |&byte| byte == b'\n');
    let mut next = || lines.next();
    let over = match next()? {
        OPEN => false,
        OVER => true,
        _ => return None,
    };
    let destination = next()?;
    let destination = if let Some(path) = destination.strip_prefix(b"file ") {
        Destination::File(std::ffi::OsString::from_vec(path.to_vec()).into())
    } else {
        let fingerprint = destination.strip_prefix(b"tinybird ")?;
        let is_one = fingerprint.len() == 16 && fingerprint.iter().all(u8::is_ascii_hexdigit);
        let fingerprint = str::from_utf8(fingerprint).ok().filter(|_| is_one)?;
        Destination::Tinybird(fingerprint.to_owned())
    };
    let (common, totals) = (Line::resume(next()?)?, Line::resume(next()?)?);
    let rest = next()?;
    let header = journal.len() - rest.len();
    let slots = journal.get(header.next_multiple_of(BLOCK)..).unwrap_or_default();
    let open = slots.chunks(SLOT).filter_map(|slot| {
        let end = slot.iter().position(|&byte| byte == b'\n')?;
        // Nothing stands in one that was cleared.
        Line::resume(&slot[..end]).filter(|_| end > 0)
    });
    Some((Header { over, destination, common, totals }, open.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::line::key;

    fn line(text: &str) -> Line {
        let mut line = Line::new();
        line.field(key!(text), &text);
        line
    }

    fn encoded(destination: Destination, open: &[&str]) -> Vec<u8> {
        let (common, totals) = (line("common"), line("totals"));
        let header = Header { over: false, destination, common, totals };
        let mut journal = header.encode().unwrap();
        for text in open {
            let start = journal.len();
            journal.extend_from_slice(line(text).unfinished());
            journal.push(b'\n');
            journal.resize(start + SLOT, 0);
        }
        journal
    }

    #[test]
    fn a_test_that_is_not_open_any_more_does_not_read_back() {
        let mut journal = encoded(Destination::File("/f".into()), &["one", "two"]);
        let first = journal.len() - 2 * SLOT;
        journal[first] = b'\n';
        let (_, open) = decode(&journal).unwrap();
        let open: Vec<_> = open.iter().map(Line::unfinished).collect();
        assert_eq!(open, [line("two").unfinished()]);
    }

    #[test]
    fn a_journal_reads_back() {
        for destination in
            [Destination::File("/a b/c".into()), Destination::Tinybird("0123456789abcdef".into())]
        {
            let journal = encoded(destination, &["one", "two"]);
            let (header, open) = decode(&journal).unwrap();
            assert_eq!(header.common.unfinished(), line("common").unfinished());
            assert_eq!(header.totals.unfinished(), line("totals").unfinished());
            let open: Vec<_> = open.iter().map(Line::unfinished).collect();
            assert_eq!(open, [line("one").unfinished(), line("two").unfinished()]);
        }
    }

    proptest! {
        /// Whatever a crash, another version or another program left, reading it ends well.
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn any_part_of_a_journal_can_be_read(
            length in 0..12_500_usize,
            change in prop::option::of((0..12_500_usize, any::<u8>())),
        ) {
            let mut journal = encoded(Destination::File("/f".into()), &["one", "two"]);
            if let Some((place, byte)) = change.filter(|(place, _)| *place < journal.len()) {
                journal[place] = byte;
            }
            journal.truncate(length);
            if let Some((_, open)) = decode(&journal) {
                prop_assert!(open.len() <= 2);
            }
        }
    }
}
