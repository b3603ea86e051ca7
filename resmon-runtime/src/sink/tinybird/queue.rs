//! Records on their way, in the order in which they came, and how they go into requests.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

/// A batch is sent when it is full; when several are, one request carries as many as fit here.
pub(super) const REQUEST_BYTES: usize = 1 << 20;
/// A batch that is larger than this is sent in parts: Tinybird takes 10 MB at once.
const BATCH_BYTES: usize = 2 << 20;
/// What may wait in memory while the endpoint is slow.
const MEMORY_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes at once, in a request of its own.
    Session,
    /// Goes with its batch.
    Test,
}

/// Where lines wait.
#[derive(Debug)]
pub(super) enum Lines {
    Memory(Vec<u8>),
    /// A place in the session's file.
    Spooled(Range<u64>),
}

#[derive(Debug)]
struct Record {
    kind: Kind,
    line: Lines,
}

#[derive(Debug)]
pub(super) struct Queue {
    records: VecDeque<Record>,
    bytes: usize,
    memory: usize,
    batch_size: usize,
    /// Whether everything goes in one request at the end.
    whole_session: bool,
    closed: bool,
}

/// What a request is to hold.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) lines: Vec<Lines>,
    pub(super) sessions: u64,
    pub(super) tests: u64,
    /// How many of them are on disk too.
    pub(super) spooled: u64,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Memory(line) => line.len(),
            Self::Spooled(place) => usize::try_from(place.end - place.start).unwrap_or(0),
        }
    }
}

impl Queue {
    pub(super) fn new(batch_size: u64, whole_session: bool) -> Self {
        let batch_size = usize::try_from(batch_size).unwrap_or(usize::MAX);
        let records = VecDeque::new();
        Self { records, bytes: 0, memory: 0, batch_size, whole_session, closed: false }
    }

    /// Adds a record; `false` if there is no room.
    pub(super) fn push(&mut self, kind: Kind, mut line: Lines) -> bool {
        if let Lines::Memory(line) = &mut line {
            line.shrink_to_fit();
            if kind == Kind::Test && self.memory + line.len() > MEMORY_BYTES {
                return false;
            }
            self.memory += line.len();
        }
        self.bytes += line.len();
        self.records.push_back(Record { kind, line });
        true
    }

    /// Nothing more will come, so that what is there goes even if it fills no batch.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many records wait in memory and how many on disk.
    pub(super) fn records(&self) -> (u64, u64) {
        let spooled = self.records.iter().filter(|record| record.is_spooled()).count();
        ((self.records.len() - spooled) as u64, spooled as u64)
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        (self.bytes, self.memory) = (0, 0);
    }

    /// Takes out what waits in memory only, and says how many records that were.
    pub(super) fn forget_memory(&mut self) -> u64 {
        let before = self.records.len();
        self.records.retain(Record::is_spooled);
        self.bytes -= self.memory;
        self.memory = 0;
        (before - self.records.len()) as u64
    }

    /// Takes out the oldest record if it is on disk.
    pub(super) fn drop_oldest(&mut self) -> Option<Range<u64>> {
        let Lines::Spooled(place) = &self.records.front()?.line else { return None };
        let place = place.clone();
        self.bytes -= self.records.pop_front()?.line.len();
        Some(place)
    }

    /// Whether there is a request to be made now. Asked for every record, so that it counts none.
    pub(super) fn is_ready(&self) -> bool {
        if self.whole_session {
            return self.closed && !self.records.is_empty();
        }
        let (tests, last) = self.tests();
        let full = tests >= self.batch_size || self.bytes > BATCH_BYTES;
        self.begins_with_session() || tests > 0 && (full || last)
    }

    fn begins_with_session(&self) -> bool {
        self.records.front().is_some_and(Record::is_session)
    }

    /// How many test records there are where none of a session stands before them, and whether no more will come.
    fn tests(&self) -> (usize, bool) {
        // A session event behind them means that no more will come for the last batch.
        let sessions = usize::from(self.records.back().is_some_and(Record::is_session));
        (self.records.len() - sessions, self.closed || sessions > 0)
    }

    /// The next request, if there is one to be made now.
    pub(super) fn take(&mut self) -> Option<Request> {
        let records = self.next_records();
        if records == 0 {
            return None;
        }
        let mut request = Request::default();
        for Record { kind, line } in self.records.drain(..records) {
            self.bytes -= line.len();
            match kind {
                Kind::Session => request.sessions += 1,
                Kind::Test => request.tests += 1,
            }
            match line {
                Lines::Memory(_) => self.memory -= line.len(),
                Lines::Spooled(_) => request.spooled += 1,
            }
            request.add(line);
        }
        Some(request)
    }

    /// How many records the next request takes.
    fn next_records(&self) -> usize {
        if !self.is_ready() {
            return 0;
        }
        if self.whole_session {
            return self.fitting(self.records.len(), BATCH_BYTES);
        }
        if self.begins_with_session() {
            return 1;
        }
        let (tests, last) = self.tests();
        let fitting = self.fitting(tests, REQUEST_BYTES);
        if last && fitting == tests {
            return tests;
        }
        let batch = self.fitting(tests.min(self.batch_size), BATCH_BYTES);
        (fitting - fitting % self.batch_size).max(batch)
    }

    /// How many of the first records have no more bytes than these together, at least one if there is one.
    fn fitting(&self, records: usize, bytes: usize) -> usize {
        let mut sum = 0;
        let more = self.records.iter().take(records).take_while(|record| {
            sum += record.line.len();
            sum <= bytes
        });
        more.count().max(records.min(1))
    }
}

impl Record {
    fn is_session(&self) -> bool {
        self.kind == Kind::Session
    }

    fn is_spooled(&self) -> bool {
        matches!(self.line, Lines::Spooled(_))
    }
}

impl Request {
    /// Adds lines, as one place where they follow each other on disk.
    fn add(&mut self, line: Lines) {
        match (self.lines.last_mut(), line) {
            (Some(Lines::Spooled(last)), Lines::Spooled(next)) if last.end == next.start => {
                last.end = next.end;
            }
            (Some(Lines::Memory(last)), Lines::Memory(next)) => last.extend(next),
            (_, line) => self.lines.push(line),
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.sessions + self.tests
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        match (self.tests, self.sessions) {
            (0, events) => write!(f, "{events} session event{}", plural(events)),
            (tests, 0) => write!(f, "{tests} test record{}", plural(tests)),
            (tests, events) => write!(
                f,
                "{tests} test record{} and {events} session event{}",
                plural(tests),
                plural(events)
            ),
        }
    }
}
