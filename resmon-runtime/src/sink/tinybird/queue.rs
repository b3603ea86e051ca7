//! Records on their way, in the order in which they came, and how they go into requests.

use std::collections::VecDeque;
use std::fmt;

/// A batch is sent when it is full; when several are, one request carries as many as fit here.
const REQUEST_BYTES: usize = 1 << 20;
/// A batch that is larger than this is sent in parts: Tinybird takes 10 MB at once.
const BATCH_BYTES: usize = 2 << 20;
/// What may wait while the endpoint is slow.
const QUEUE_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes at once, in a request of its own.
    Session,
    /// Goes with its batch.
    Test,
}

#[derive(Debug)]
pub(super) struct Queue {
    lines: VecDeque<(Kind, Vec<u8>)>,
    bytes: usize,
    batch_size: usize,
    /// Whether everything goes in one request at the end.
    whole_session: bool,
    closed: bool,
}

/// The body of a request and what it holds.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) body: Vec<u8>,
    pub(super) sessions: u64,
    pub(super) tests: u64,
}

impl Queue {
    pub(super) fn new(batch_size: u64, whole_session: bool) -> Self {
        let batch_size = usize::try_from(batch_size).unwrap_or(usize::MAX);
        Self { lines: VecDeque::new(), bytes: 0, batch_size, whole_session, closed: false }
    }

    /// Adds a record; `false` if there is no room.
    pub(super) fn push(&mut self, kind: Kind, mut line: Vec<u8>) -> bool {
        line.shrink_to_fit();
        if kind == Kind::Test && self.bytes + line.len() > QUEUE_BYTES {
            return false;
        }
        self.bytes += line.len();
        self.lines.push_back((kind, line));
        true
    }

    /// Nothing more will come, so that what is there goes even if it fills no batch.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn records(&self) -> u64 {
        self.lines.len() as u64
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.bytes = 0;
    }

    /// Whether there is a request to be made now.
    pub(super) fn is_ready(&self) -> bool {
        self.next_records() > 0
    }

    /// The next request, if there is one to be made now.
    pub(super) fn take(&mut self) -> Option<Request> {
        let records = self.next_records();
        if records == 0 {
            return None;
        }
        let mut request = Request { body: Vec::new(), sessions: 0, tests: 0 };
        for (kind, line) in self.lines.drain(..records) {
            self.bytes -= line.len();
            request.body.extend_from_slice(&line);
            match kind {
                Kind::Session => request.sessions += 1,
                Kind::Test => request.tests += 1,
            }
        }
        Some(request)
    }

    /// How many records the next request takes.
    fn next_records(&self) -> usize {
        if self.whole_session {
            let all = if self.closed { self.lines.len() } else { 0 };
            return self.fitting(all, BATCH_BYTES);
        }
        if self.lines.front().is_some_and(|(kind, _)| *kind == Kind::Session) {
            return 1;
        }
        // A session event behind them means that no more will come for the last batch.
        let session = self.lines.back().filter(|(kind, _)| *kind == Kind::Session).map(|_| 1);
        let tests = self.lines.len() - session.unwrap_or(0);
        let last = self.closed || session.is_some();
        let batch = self.fitting(tests.min(self.batch_size), BATCH_BYTES);
        let full = batch == self.batch_size || self.bytes > BATCH_BYTES;
        if !(full || last) {
            return 0;
        }
        let fitting = self.fitting(tests, REQUEST_BYTES);
        if last && fitting == tests {
            return tests;
        }
        (fitting - fitting % self.batch_size).max(batch)
    }

    /// How many of the first records have no more bytes than these together, at least one if there is one.
    fn fitting(&self, records: usize, bytes: usize) -> usize {
        let mut sum = 0;
        let more = self.lines.iter().take(records).take_while(|(_, line)| {
            sum += line.len();
            sum <= bytes
        });
        more.count().max(records.min(1))
    }
}

impl Request {
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
