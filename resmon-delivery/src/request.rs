//! Records of several sessions in one request.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use crate::connection::{Delivered, Outcome};
use crate::spooled::Spooled;

/// The sessions that records come from, sorted by id and so by age.
pub(crate) type Sessions = BTreeMap<String, Spooled>;

/// The records of one request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The records, one per line.
    pub(crate) body: Vec<u8>,
    /// The session id and number of records of each part, in the order of the body.
    parts: Vec<(String, usize)>,
    tests: usize,
    events: usize,
}

impl Request {
    /// Adds the first `records` of a session.
    pub(crate) fn add(&mut self, session: &Spooled, records: usize) -> io::Result<()> {
        if records == 0 {
            return Ok(());
        }
        let length = self.body.len();
        if let Err(error) = session.append_to(&mut self.body, records) {
            self.body.truncate(length);
            return Err(error);
        }
        let tests = session.tests_among(records);
        self.tests += tests;
        self.events += records - tests;
        self.parts.push((session.session_id().to_owned(), records));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the number of records.
    pub(crate) fn records(&self) -> usize {
        self.tests + self.events
    }

    /// Calls `settle` with each outcome, its session, and the number of first records of that session. If `settle`
    /// returns `true`, these records are done and forgotten.
    pub(crate) fn settle(
        &self,
        sessions: &mut Sessions,
        results: Vec<Delivered>,
        mut settle: impl FnMut(&Spooled, usize, &Outcome) -> bool,
    ) {
        let mut parts = self.parts.iter();
        let mut part = parts.next().map(|(id, records)| (id, *records));
        for Delivered { mut records, outcome } in results {
            while records > 0
                && let Some((id, rest)) = part
            {
                let count = rest.min(records);
                if let Some(session) = sessions.get_mut(id)
                    && settle(session, count, &outcome)
                {
                    session.forget(count);
                }
                records -= count;
                part = if rest > count {
                    Some((id, rest - count))
                } else {
                    parts.next().map(|(id, records)| (id, *records))
                };
            }
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Contents { tests: self.tests, events: self.events }.fmt(f)
    }
}

/// The numbers of test records and session events, in words.
pub(crate) struct Contents {
    pub(crate) tests: usize,
    pub(crate) events: usize,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        match (self.tests, self.events) {
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

/// A number of records, in words.
pub(crate) struct Records(pub(crate) usize);

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
