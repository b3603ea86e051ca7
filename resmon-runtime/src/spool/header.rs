//! How a journal is written: a header of four lines, then a place of fixed size for each open test.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::line::Line;

/// The version of the format, which who does not know it leaves alone. Then comes the [`State`].
const MAGIC: &[u8] = b"resmon 2 ";
/// The room for an open test, of whose fields its name is the one that may be long.
pub(super) const SLOT: usize = 4096;
/// The room for the header is a multiple of this.
const BLOCK: usize = 4096;

/// Where a session's records go.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    File(PathBuf),
    /// By its fingerprint.
    Tinybird(String),
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Open,
    /// It comes to its end by itself, and writes the record of that at this place or after it.
    Ends(u64),
    /// All its records are where they belong, or on their way.
    Over,
}

/// What a journal begins with.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) state: State,
    pub(super) destination: Destination,
    /// The fields that all records of the session share.
    pub(super) common: Line,
    /// The fields that its `session_end` would have had.
    pub(super) totals: Line,
}

/// A test that was open.
#[derive(Debug)]
pub(super) struct Mark {
    /// The fields that its record had so far.
    pub(super) before: Line,
    /// Its record, if there is one, is at this place of the destination or after it.
    pub(super) from: u64,
    pub(super) batch_num: u64,
    /// When it began.
    pub(super) began: SystemTime,
}

impl State {
    /// The first line, as long in each state.
    pub(super) fn encode(self) -> Vec<u8> {
        let (name, place) = match self {
            Self::Open => ("open", 0),
            Self::Ends(place) => ("ends", place),
            Self::Over => ("over", 0),
        };
        [MAGIC, format!("{name} {place:020}").as_bytes()].concat()
    }

    fn decode(line: &[u8]) -> Option<Self> {
        let (name, place) = str::from_utf8(line.strip_prefix(MAGIC)?).ok()?.split_once(' ')?;
        match (name, place.parse().ok()?) {
            ("open", 0) => Some(Self::Open),
            ("ends", place) => Some(Self::Ends(place)),
            ("over", 0) => Some(Self::Over),
            _ => None,
        }
    }
}

impl Header {
    /// `None` if the destination's name cannot stand on a line.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let (kind, name) = match &self.destination {
            Destination::File(path) => ("file ", path.as_os_str().as_bytes()),
            Destination::Tinybird(fingerprint) => ("tinybird ", fingerprint.as_bytes()),
        };
        let destination = [kind.as_bytes(), name].concat();
        let (common, totals) = (self.common.unfinished(), self.totals.unfinished());
        let mut header =
            [&self.state.encode(), &destination, common, totals, &b""[..]].join(&b'\n');
        // Not resized, which takes a loop in the dev profile.
        header.extend_from_slice(&vec![0; header.len().next_multiple_of(BLOCK) - header.len()]);
        (!name.contains(&b'\n')).then_some(header)
    }
}

impl Mark {
    /// `None` if it is too long.
    pub(super) fn encode(
        before: &Line,
        from: u64,
        batch_num: u64,
        began: SystemTime,
    ) -> Option<Line> {
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
        // Nothing stands in one that was cleared or never used.
        if slot.first() != Some(&b',') {
            return None;
        }
        let mut lines = slot.split(|&byte| byte == b'\n');
        let before = Line::resume(lines.next()?)?;
        let mut numbers = str::from_utf8(lines.next()?).ok()?.split(' ');
        let mut number = || numbers.next()?.parse().ok();
        let (from, batch_num, millis) = (number()?, number()?, number()?);
        let began = UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
        // The line feed of the second line.
        lines.next().map(|_| Self { before, from, batch_num, began })
    }
}

/// Reads what another process has left: the header, and the tests that were open. `None` if it is no journal, or not
/// a whole one.
pub(super) fn decode(journal: &[u8]) -> Option<(Header, Vec<Mark>)> {
    let mut lines = journal.splitn(5, |&byte| byte == b'\n');
    let mut next = || lines.next();
    let state = State::decode(next()?)?;
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
    let open = slots.chunks(SLOT).filter_map(Mark::decode);
    Some((Header { state, destination, common, totals }, open.collect()))
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
        let header = Header { state, destination, common, totals };
        let mut journal = header.encode().unwrap();
        for text in open {
            let start = journal.len();
            let began = UNIX_EPOCH + Duration::from_millis(5);
            journal.extend_from_slice(Mark::encode(&line(text), 7, 3, began).unwrap().unfinished());
            journal.resize(start + SLOT, 0);
        }
        journal
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
        for state in [State::Open, State::Ends(u64::MAX), State::Over] {
            for destination in [
                Destination::File("/a b/c".into()),
                Destination::Tinybird("0123456789abcdef".into()),
            ] {
                let journal = encoded(state, destination, &["one", "two"]);
                let (header, open) = decode(&journal).unwrap();
                assert_eq!(header.state, state);
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
        assert_eq!(State::Over.encode().len(), length);
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
