//! The records of one session in the spool.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead};
use std::ops::Range;

use resmon_record::spool::{Kind, Progress, Segment, Spool, read_at};

/// The maximum size of a request in bytes, except for a single batch that is larger.
pub const REQUEST_BYTES: u64 = 1 << 20;
/// The maximum size of a batch in bytes. A larger one is sent in parts: Tinybird takes 10 MB at once.
const BATCH_BYTES: u64 = 2 << 20;
/// The number of bytes to read at once, unless a line is longer.
const PIECE: usize = 256 << 10;
/// The maximum length of a record with its line feed, in bytes. Most have about 1 KiB.
const LONGEST: usize = 1 << 20;
/// The size of unsent records in bytes at which reading pauses: the rest waits on disk.
const AHEAD: u64 = 8 << 20;

/// A session's segments for one destination, read in order while the session may still append to the last one.
#[derive(Debug)]
pub struct Spooled {
    spool: Spool,
    session_id: String,
    destination: String,
    /// The segment that is being read.
    current: Option<(Segment, File)>,
    /// The number of the next segment to read, if `current` is `None`.
    next: u32,
    /// The offset up to which the current segment has been read.
    position: u64,
    /// Whether `position` is inside a line that is too long to be a record.
    is_within_line: bool,
    /// Records that have been read but not sent.
    records: VecDeque<Record>,
    bytes: u64,
    tests: usize,
    /// The position before which all records have arrived, or have been put elsewhere.
    done: Progress,
    /// Whether the session has ended and everything that it wrote has been read.
    complete: bool,
    /// Whether the session is one of the run, whose lines need not be parsed.
    is_of_the_run: bool,
}

#[derive(Debug)]
struct Record {
    segment: u32,
    place: Range<u64>,
    is_test: bool,
}

impl Spooled {
    /// Begins to read a session, behind the records that have already arrived.
    #[must_use]
    pub fn new(spool: &Spool, session_id: &str, destination: &str) -> Self {
        let done = Progress::read(spool, session_id, destination);
        Self {
            spool: spool.clone(),
            session_id: session_id.to_owned(),
            destination: destination.to_owned(),
            current: None,
            next: done.segment,
            position: 0,
            is_within_line: false,
            records: VecDeque::new(),
            bytes: 0,
            tests: 0,
            done,
            complete: false,
            is_of_the_run: false,
        }
    }

    /// Reads the records that the session has appended since the last call. `segments` are all segments of the session,
    /// in order. `alive` tells whether the session may write more, and must be read before `segments` are listed.
    /// Returns whether there was anything new.
    pub fn read(&mut self, segments: &[Segment], alive: bool) -> bool {
        let (records, was_complete) = (self.records.len(), self.complete);
        while self.bytes < AHEAD {
            let Some((segment, file)) = &self.current else {
                let Some(next) = segments.iter().find(|segment| segment.number >= self.next) else {
                    self.complete = !alive;
                    break;
                };
                self.open(next.clone());
                continue;
            };
            let number = segment.number;
            let mut piece = vec![0; if self.is_within_line { LONGEST } else { PIECE }];
            let mut length = read_at(file, &mut piece, self.position).unwrap_or(0);
            if length == PIECE && first_line(&piece).is_none() {
                // Not resized: that would be a loop in the dev profile.
                piece = vec![0; LONGEST];
                length = read_at(file, &mut piece, self.position).unwrap_or(0);
            }
            if self.take_lines(number, &piece[..length]) {
                continue;
            }
            // The bytes behind the last line feed are an unfinished line.
            let is_last = segments.iter().all(|segment| segment.number <= number);
            if is_last && alive {
                break;
            }
            self.current = None;
            self.next = number + 1;
            self.position = 0;
            self.is_within_line = false;
        }
        self.records.len() > records || self.complete != was_complete
    }

    fn open(&mut self, segment: Segment) {
        self.next = segment.number + 1;
        self.position = if segment.number == self.done.segment { self.done.offset } else { 0 };
        // The segment may have been dropped meanwhile for the size limit.
        if let Ok(file) = self.spool.open_file(&segment.path, &mut OpenOptions::new())
            && file.metadata().is_ok_and(|file| file.is_file())
        {
            self.current = Some((segment, file));
        }
    }

    /// Takes the whole lines at the start of `piece`. Returns `false` if there is none.
    fn take_lines(&mut self, segment: u32, piece: &[u8]) -> bool {
        let mut start = 0;
        while let Some(length) = first_line(&piece[start..]) {
            let line = &piece[start..start + length];
            let place = self.position + start as u64..self.position + (start + length) as u64;
            start += length;
            let is_end_of_another = std::mem::take(&mut self.is_within_line);
            let is_wanted = is_record(line) && (self.is_of_the_run || is_json(line));
            if !is_end_of_another && is_wanted {
                let is_test = line.starts_with(b"{\"event_type\":\"test\"");
                self.bytes += place.end - place.start;
                self.tests += usize::from(is_test);
                self.records.push_back(Record { segment, place, is_test });
            }
        }
        if start == 0 && piece.len() == LONGEST {
            // No record is that long: skip the rest of the line as well.
            self.is_within_line = true;
            start = piece.len();
        }
        self.position += start as u64;
        start > 0
    }

    /// Marks the session as one of the run. Its process writes whole records, and parsing each of them is slow in the
    /// dev profile.
    #[must_use]
    pub fn of_the_run(self) -> Self {
        Self { is_of_the_run: true, ..self }
    }

    /// Returns the id of the session.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Returns the number of waiting test records.
    #[must_use]
    pub fn tests(&self) -> usize {
        self.tests
    }

    /// Returns how many of the first `records` are test records.
    #[must_use]
    pub fn tests_among(&self, records: usize) -> usize {
        self.records.iter().take(records).filter(|record| record.is_test).count()
    }

    /// Returns the number of waiting records that have been read.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Whether the session has ended and none of its records waits.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.complete && self.records.is_empty()
    }

    /// Whether the session has ended and all of it has been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Returns how many records the next request takes, 0 if none is due. A session event is due at once, tests in
    /// whole batches, the last tests when the session has ended.
    #[must_use]
    pub fn due(&self, batch_size: usize) -> usize {
        let leading = self.records.iter().take_while(|record| record.is_test).count();
        if leading == 0 {
            return self.records.len().min(1);
        }
        // A session event after the tests ends their batch.
        let last = self.complete || leading < self.records.len();
        let fitting = self.fitting(leading, REQUEST_BYTES);
        if last && fitting == leading {
            return leading;
        }
        if leading < batch_size && !last && self.bytes <= BATCH_BYTES {
            return 0;
        }
        let batch = self.fitting(leading.min(batch_size), BATCH_BYTES);
        (fitting - fitting % batch_size).max(batch)
    }

    /// Returns how many of the first `records` fit into `bytes`, but at least one if there is one.
    #[must_use]
    pub fn fitting(&self, records: usize, bytes: u64) -> usize {
        let mut sum = 0;
        let fitting = self.records.iter().take(records).take_while(|record| {
            sum += record.place.end - record.place.start;
            sum <= bytes
        });
        fitting.count().max(records.min(self.records.len()).min(1))
    }

    /// Appends the first `records` to a body, unchanged.
    ///
    /// # Errors
    ///
    /// Errors of reading the files.
    pub fn append_to(&self, body: &mut Vec<u8>, records: usize) -> io::Result<()> {
        let mut file: Option<(u32, File)> = None;
        for record in self.records.iter().take(records) {
            if file.as_ref().is_none_or(|(number, _)| *number != record.segment) {
                let path = self.segment(record.segment).path;
                let opened = self.spool.open_file(&path, &mut OpenOptions::new())?;
                file = Some((record.segment, opened));
            }
            let Some((_, file)) = &file else { continue };
            let length =
                usize::try_from(record.place.end - record.place.start).map_err(io::Error::other)?;
            let start = body.len();
            body.resize(start + length, 0);
            let mut read = 0;
            while read < length {
                let place = record.place.start + read as u64;
                match read_at(file, &mut body[start + read..], place)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    more => read += more,
                }
            }
        }
        Ok(())
    }

    /// Marks the first `records` as done, and deletes the files that are no longer needed.
    pub fn forget(&mut self, records: usize) {
        self.drain(records);
        if self.is_finished() {
            self.remove();
            return;
        }
        // If this fails, a later sender sends these records again.
        let _ = self.done.write(&self.spool, &self.session_id, &self.destination);
        for segment in self.own_segments().filter(|segment| segment.number < self.done.segment) {
            let _ = fs::remove_file(segment.path);
        }
    }

    fn drain(&mut self, records: usize) {
        for record in self.records.drain(..records.min(self.records.len())) {
            self.bytes -= record.place.end - record.place.start;
            self.tests -= usize::from(record.is_test);
            self.done = Progress { segment: record.segment, offset: record.place.end };
        }
    }

    /// Skips the first records whose segments were deleted for the size limit. Returns whether there were any.
    pub fn skip_deleted(&mut self) -> bool {
        let is_there = |record: &Record| self.segment(record.segment).path.exists();
        let mut deleted = 0;
        while let Some(record) = self.records.get(deleted)
            && !is_there(record)
        {
            let number = record.segment;
            let same = self.records.iter().skip(deleted);
            deleted += same.take_while(|record| record.segment == number).count();
        }
        self.drain(deleted);
        deleted > 0
    }

    /// Deletes the files of a session that has nothing left to send.
    pub fn remove(&self) {
        // Keep a segment that appeared after the last one was read: a crash report of another process.
        for segment in self.own_segments().filter(|segment| segment.number < self.next) {
            let _ = fs::remove_file(segment.path);
        }
        Progress::remove(&self.spool, &self.session_id, &self.destination);
    }

    fn own_segments(&self) -> impl Iterator<Item = Segment> {
        self.spool.segments(Kind::Waiting).into_iter().filter(|segment| {
            segment.session_id == self.session_id && segment.destination == self.destination
        })
    }

    fn segment(&self, number: u32) -> Segment {
        Segment::new(&self.spool, &self.session_id, &self.destination, number, Kind::Waiting)
    }
}

/// Lists the segments with waiting records: oldest session first, its segments in order.
#[must_use]
pub fn waiting_segments(spool: &Spool) -> Vec<Segment> {
    let mut segments = spool.segments(Kind::Waiting);
    segments.sort();
    segments
}

/// Returns the length of the first whole line, with its line feed. Uses the search of the standard library, which is
/// fast in the dev profile too.
fn first_line(mut text: &[u8]) -> Option<usize> {
    let whole = text;
    let length = text.skip_until(b'\n').ok()?;
    whole[..length].ends_with(b"\n").then_some(length)
}

/// Whether a line, with its line feed, looks like a record.
fn is_record(line: &[u8]) -> bool {
    line.len() <= LONGEST
        && line.starts_with(b"{\"event_type\":\"")
        && line.ends_with(b"}\n")
        && str::from_utf8(line).is_ok()
}

/// Whether a line is JSON. Lines that another program left in the directory are skipped.
fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789ab";
    const TO: &str = "0123456789abcdef";

    struct Session {
        _folder: tempfile::TempDir,
        spool: Spool,
    }

    impl Session {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let spool = Spool::open(&folder.path().join("spool")).unwrap();
            Self { _folder: folder, spool }
        }

        fn append(&self, number: u32, text: &str) {
            let path = Segment::new(&self.spool, ID, TO, number, Kind::Waiting).path;
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn read(&self, spooled: &mut Spooled, alive: bool) {
            spooled.read(&waiting_segments(&self.spool), alive);
        }

        fn files(&self) -> usize {
            fs::read_dir(self.spool.directory()).unwrap().count()
        }
    }

    fn test(n: u32) -> String {
        format!("{{\"event_type\":\"test\",\"n\":{n}}}\n")
    }

    fn body(spooled: &Spooled, records: usize) -> String {
        let mut body = Vec::new();
        spooled.append_to(&mut body, records).unwrap();
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn events_go_at_once_and_tests_in_batches() {
        let session = Session::new();
        let mut spooled = Spooled::new(&session.spool, ID, TO);
        let start = "{\"event_type\":\"session_start\"}\n";
        session.append(1, start);
        session.append(1, &test(1));
        session.read(&mut spooled, true);
        assert_eq!((spooled.due(2), body(&spooled, 1).as_str()), (1, start));
        spooled.forget(1);
        assert_eq!(spooled.due(2), 0);
        // The second test and a part of the third are in the next segment.
        session.append(2, &test(2));
        session.append(2, &test(3)[..9]);
        session.read(&mut spooled, true);
        assert_eq!((spooled.due(2), body(&spooled, 2)), (2, test(1) + &test(2)));
        spooled.forget(2);
        session.append(2, &test(3)[9..]);
        session.read(&mut spooled, true);
        assert_eq!(spooled.due(2), 0);
        session.read(&mut spooled, false);
        assert_eq!((spooled.due(2), body(&spooled, 1)), (1, test(3)));
        spooled.forget(1);
        assert!(spooled.is_finished());
        assert_eq!(session.files(), 0);
    }

    #[test]
    fn another_sender_goes_on_where_one_died() {
        let session = Session::new();
        let mut first = Spooled::new(&session.spool, ID, TO);
        session.append(1, &(test(1) + &test(2)));
        session.append(2, &(test(3) + &test(4)));
        session.read(&mut first, true);
        first.forget(3);
        let mut second = Spooled::new(&session.spool, ID, TO);
        session.read(&mut second, false);
        assert_eq!(body(&second, second.records()), test(4));
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let session = Session::new();
        session.append(1, "\n\0\0\nnoise\n{\"event_type\":\"test\",}\n");
        session.append(1, &test(1));
        session.append(1, "{\"event_type\":\"te");
        // A line that is too long, with the text of a record where the reading resumes.
        session.append(2, &"x".repeat(3 << 20));
        session.append(2, &test(3));
        session.append(3, &test(2));
        let mut spooled = Spooled::new(&session.spool, ID, TO);
        session.read(&mut spooled, false);
        assert_eq!(body(&spooled, spooled.records()), test(1) + &test(2));
    }

    #[test]
    fn a_long_record_is_one() {
        let session = Session::new();
        let of_length = |length: usize| {
            let rest = length - "{\"event_type\":\"test\",\"x\":\"\"}\n".len();
            format!("{{\"event_type\":\"test\",\"x\":\"{}\"}}\n", "x".repeat(rest))
        };
        let lengths = [100, PIECE, PIECE + 1, LONGEST, 100, LONGEST + 1, 100];
        session.append(1, &lengths.map(of_length).concat());
        let mut spooled = Spooled::new(&session.spool, ID, TO);
        session.read(&mut spooled, false);
        let found = spooled.records.iter().map(|record| record.place.end - record.place.start);
        let expected = [100, PIECE, PIECE + 1, LONGEST, 100, 100].map(|length| length as u64);
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_deleted_to_keep_the_bound_is_passed_over() {
        let session = Session::new();
        for number in 1..=3 {
            session.append(number, &test(number));
        }
        let mut spooled = Spooled::new(&session.spool, ID, TO);
        session.read(&mut spooled, true);
        for number in 1..=2 {
            let segment = Segment::new(&session.spool, ID, TO, number, Kind::Waiting);
            fs::remove_file(segment.path).unwrap();
        }
        assert!(spooled.append_to(&mut Vec::new(), 1).is_err());
        assert!(spooled.skip_deleted() && !spooled.skip_deleted());
        assert_eq!(body(&spooled, spooled.records()), test(3));
    }

    #[test]
    fn a_session_that_left_nothing_to_send_is_removed() {
        let session = Session::new();
        session.append(1, "noise\n");
        let mut spooled = Spooled::new(&session.spool, ID, TO);
        session.read(&mut spooled, false);
        assert!(spooled.is_finished());
        spooled.remove();
        assert_eq!(session.files(), 0);
    }
}
