//! The format of a journal: a header of five lines, then a slot of fixed size for each open test.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{read_at, write_at};
use crate::config::Destination;
use crate::line::Line;

/// The start of the first line, in every version of the format.
const MAGIC: &[u8] = b"resmon ";
/// The version of the format. A reader leaves a journal of another version alone.
const VERSION: &[u8] = b"4 ";
/// The size of a slot in bytes. Only a very long test name does not fit.
pub const SLOT: usize = 4096;
/// The maximum number of slots. Further tests that are open at once get no slot.
pub const SLOTS: usize = 4096;
/// The size of the header is a multiple of this, in bytes.
const BLOCK: usize = 4096;
/// The maximum length of a header in bytes: it holds a path and two lines of fields.
const LONGEST_HEADER: usize = 1 << 20;

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// The session is running.
    Open,
    /// The end of the session is being recorded, at this position of the destination or later: by its own process or,
    /// after a crash, by another one.
    Ends(u64),
}

/// The header of a journal.
#[derive(Debug)]
pub struct Header {
    /// The state of the session.
    pub state: State,
    /// The [name](crate::process::name) of the process, which shows whether it is alive. Empty where the system has
    /// none.
    pub process: String,
    /// The destination of the session's records.
    pub destination: Destination,
    /// The fields that all records of the session share.
    pub common: Line,
    /// The fields of the `session_end` in a crash report.
    pub totals: Line,
}

/// The entry of an open test.
#[derive(Debug)]
pub struct Mark {
    /// The fields of the test's record so far.
    pub before: Line,
    /// The position of the destination at or after which the test's record is, if there is one.
    pub from: u64,
    /// The batch that the test's record would be in.
    pub batch_num: u64,
    /// The start time of the test.
    pub began: SystemTime,
}

impl State {
    /// Returns the first line of a journal. It has the same length in each state, so that it can be overwritten.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let (name, place) = match self {
            Self::Open => ("open", 0),
            Self::Ends(place) => ("ends", place),
        };
        [MAGIC, VERSION, format!("{name} {place:020}").as_bytes()].concat()
    }

    fn decode(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(MAGIC)?.strip_prefix(VERSION)?;
        let (name, place) = str::from_utf8(line).ok()?.split_once(' ')?;
        match (name, place.parse().ok()?) {
            ("open", 0) => Some(Self::Open),
            ("ends", place) => Some(Self::Ends(place)),
            _ => None,
        }
    }
}

/// Returns the offset of the first slot behind a header of this length. The gap stays unwritten, so that a process with
/// a low limit for the size of files has at least a header.
#[must_use]
pub fn first_slot(header: usize) -> usize {
    header.next_multiple_of(BLOCK)
}

impl Header {
    /// Encodes the header. `None` if the destination's name does not fit on a line of text.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let (kind, name) = match &self.destination {
            Destination::File(path) => ("file ", path_bytes(path)?),
            Destination::Tinybird(fingerprint) => ("tinybird ", fingerprint.as_bytes()),
        };
        let destination = [kind.as_bytes(), name].concat();
        let (common, totals) = (self.common.unfinished(), self.totals.unfinished());
        let (state, process) = (self.state.encode(), self.process.as_bytes());
        let header = [&state, process, &destination, common, totals, &b""[..]].join(&b'\n');
        (!name.contains(&b'\n')).then_some(header)
    }
}

impl Mark {
    /// Encodes the entry of a test. `None` if it does not fit into a slot.
    #[must_use]
    pub fn encode(before: &Line, from: u64, batch_num: u64, began: SystemTime) -> Option<Line> {
        let millis = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut mark = Line::new();
        mark.fields(before);
        for (separator, number) in
            [(b"\n", from), (b" ", batch_num), (b" ", u64::try_from(millis).unwrap_or(0))]
        {
            mark.push(separator);
            mark.decimal(number, 1);
        }
        mark.push(b"\n");
        (mark.unfinished().len() <= SLOT).then_some(mark)
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        // A slot that was cleared or never used holds no fields.
        if slot.first() != Some(&b',') {
            return None;
        }
        let mut lines = slot.split(|&byte| byte == b'\n');
        let before = Line::resume(lines.next()?)?;
        let mut numbers = str::from_utf8(lines.next()?).ok()?.split(' ');
        let mut number = || numbers.next()?.parse().ok();
        let (from, batch_num, millis) = (number()?, number()?, number()?);
        let began = UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
        // The second line must end in a line feed.
        lines.next().map(|_| Self { before, from, batch_num, began })
    }
}

/// The content of a file that is named like a journal.
#[derive(Debug)]
pub enum Content {
    /// A journal: its header and the tests that were open.
    Journal(Header, Vec<Mark>),
    /// Nothing yet: the header has not been written.
    Empty,
    /// A journal of another version of resmon.
    Foreign,
    /// A journal that cannot be read.
    Damaged,
}

/// Reads a journal. Skips slots that cannot be decoded.
///
/// # Errors
///
/// Errors of the system.
pub fn read(journal: &File) -> io::Result<Content> {
    let mut header = vec![0; BLOCK];
    let length = read_fully(journal, &mut header, 0)?;
    if length == 0 {
        return Ok(Content::Empty);
    }
    // A long header continues in further blocks.
    while header.split(|&byte| byte == b'\n').count() <= 5 && header.len() < LONGEST_HEADER {
        let (start, more) = (header.len(), header.len());
        header.resize(start + more, 0);
        if read_fully(journal, &mut header[start..], start as u64)? == 0 {
            break;
        }
    }
    let Some((decoded, slots)) = decode_header(&header) else {
        let is_version = header.starts_with(&[MAGIC, VERSION].concat());
        let is_foreign = header.starts_with(MAGIC) && !is_version;
        return Ok(if is_foreign { Content::Foreign } else { Content::Damaged });
    };
    let mut marks = Vec::new();
    let mut slot = vec![0; SLOT];
    for index in 0..SLOTS {
        let length = read_fully(journal, &mut slot, (slots + index * SLOT) as u64)?;
        if length == 0 {
            break;
        }
        marks.extend(Mark::decode(&slot[..length]));
    }
    Ok(Content::Journal(decoded, marks))
}

/// Writes the state of a session into its journal.
///
/// # Errors
///
/// Errors of the system.
pub fn write_state(journal: &File, state: State) -> io::Result<()> {
    write_at(journal, &state.encode(), 0)
}

/// Reads until the buffer is full or the file ends.
fn read_fully(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match read_at(file, &mut buffer[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Decodes a header. Also returns the offset of the first slot.
fn decode_header(journal: &[u8]) -> Option<(Header, usize)> {
    let mut lines = journal.splitn(6, |&byte| byte == b'\n');
    let mut next = || lines.next();
    let state = State::decode(next()?)?;
    let process = str::from_utf8(next()?).ok()?.to_owned();
    let destination = next()?;
    let destination = if let Some(path) = destination.strip_prefix(b"file ") {
        Destination::File(path_of(path)?)
    } else {
        let fingerprint = destination.strip_prefix(b"tinybird ")?;
        let fingerprint = str::from_utf8(fingerprint).ok()?;
        crate::session_id::is_hex(fingerprint, 16)
            .then(|| Destination::Tinybird(fingerprint.to_owned()))?
    };
    let (common, totals) = (Line::resume(next()?)?, Line::resume(next()?)?);
    let header = journal.len() - next()?.len();
    Some((Header { state, process, destination, common, totals }, first_slot(header)))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a path may be no text")]
fn path_bytes(path: &Path) -> Option<&[u8]> {
    Some(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may be no text")]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    Some(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.to_vec()).into())
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Option<&[u8]> {
    path.to_str().map(str::as_bytes)
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    str::from_utf8(bytes).ok().map(PathBuf::from)
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

    fn encoded(state: State, destination: Destination, open: &[&str]) -> Vec<u8> {
        let (common, totals) = (line("common"), line("totals"));
        let process = "12 34".to_owned();
        let header = Header { state, process, destination, common, totals };
        let mut journal = header.encode().unwrap();
        journal.resize(first_slot(journal.len()), 0);
        for text in open {
            let start = journal.len();
            let began = UNIX_EPOCH + Duration::from_millis(5);
            journal.extend_from_slice(Mark::encode(&line(text), 7, 3, began).unwrap().unfinished());
            journal.resize(start + SLOT, 0);
        }
        journal
    }

    /// Decodes the bytes as the content of a file.
    fn decode(journal: &[u8]) -> Option<(Header, Vec<Mark>)> {
        let file = tempfile::tempfile().unwrap();
        write_at(&file, journal, 0).unwrap();
        match read(&file).unwrap() {
            Content::Journal(header, marks) => Some((header, marks)),
            _ => None,
        }
    }

    fn names(open: &[Mark]) -> Vec<&[u8]> {
        assert!(open.iter().all(|mark| (mark.from, mark.batch_num) == (7, 3)));
        open.iter().map(|mark| mark.before.unfinished()).collect()
    }

    #[test]
    fn a_test_that_is_not_open_any_more_does_not_read_back() {
        let mut journal = encoded(State::Open, Destination::File("/f".into()), &["one", "two"]);
        let first = journal.len() - 2 * SLOT;
        journal[first] = b'\n';
        let (_, open) = decode(&journal).unwrap();
        assert_eq!(names(&open), [line("two").unfinished()]);
    }

    #[test]
    fn a_journal_reads_back() {
        for state in [State::Open, State::Ends(u64::MAX)] {
            for destination in [
                Destination::File("/a b/c".into()),
                Destination::Tinybird("0123456789abcdef".into()),
            ] {
                let journal = encoded(state, destination, &["one", "two"]);
                let (header, open) = decode(&journal).unwrap();
                assert_eq!((header.state, header.process.as_str()), (state, "12 34"));
                assert_eq!(header.common.unfinished(), line("common").unfinished());
                assert_eq!(header.totals.unfinished(), line("totals").unfinished());
                assert_eq!(names(&open), [line("one").unfinished(), line("two").unfinished()]);
            }
        }
    }

    #[test]
    fn a_state_takes_the_place_of_another() {
        let length = State::Open.encode().len();
        assert_eq!(State::Ends(u64::MAX).encode().len(), length);
    }

    #[test]
    fn what_is_no_journal_is_told_apart() {
        let content = |bytes: &[u8]| {
            let file = tempfile::tempfile().unwrap();
            write_at(&file, bytes, 0).unwrap();
            read(&file).unwrap()
        };
        assert!(matches!(content(b""), Content::Empty));
        assert!(matches!(content(b"resmon 5 open"), Content::Foreign));
        assert!(matches!(content(b"resmon 4 op"), Content::Damaged));
        assert!(matches!(content(&[0; 9000]), Content::Damaged));
    }

    #[test]
    fn a_long_path_has_room() {
        let path = PathBuf::from("/long".repeat(2000));
        let journal = encoded(State::Open, Destination::File(path.clone()), &["one"]);
        let (header, open) = decode(&journal).unwrap();
        assert_eq!((header.destination, open.len()), (Destination::File(path), 1));
    }

    proptest! {
        /// Reads any bytes without a panic: a crash, another version or another program may have left them.
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn any_part_of_a_journal_can_be_read(
            length in 0..12_500_usize,
            change in prop::option::of((0..12_500_usize, any::<u8>())),
        ) {
            let mut journal = encoded(State::Open, Destination::File("/f".into()), &["one", "two"]);
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
