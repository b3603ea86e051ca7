//! The backlog: undelivered records of earlier sessions in a spool directory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

use resmon_record::spool::{Kind, Segment, SenderFile, Spool};

use crate::connection::{Connection, Delivered, Outcome};
use crate::request::{Request, Sessions};
use crate::spooled::{REQUEST_BYTES, Spooled, waiting_segments};

/// The undelivered records of ended sessions for one destination. No sender sends them while this is held.
#[derive(Debug)]
pub struct Backlog {
    spool: Spool,
    destination: String,
    lock: SenderFile,
}

/// The result of sending a backlog.
#[derive(Debug, Default)]
pub struct Sent {
    /// Records that arrived, quarantined ones excluded.
    pub accepted: u64,
    /// Records that arrived but were kept out of the table.
    pub quarantined: u64,
    /// Records that the endpoint refused for their content.
    pub refused: u64,
    /// Records that stay in the spool.
    pub left: u64,
    /// The reason why sending stopped, if records stay.
    pub problem: Option<String>,
}

impl Backlog {
    /// Reports crashed sessions, then claims the backlog of each destination. Skips a destination whose sender is
    /// running.
    #[must_use]
    pub fn all(spool: &Spool) -> Vec<Self> {
        spool.end_crashed_sessions(None, &|_| true);
        let mut destinations: Vec<_> =
            waiting_segments(spool).into_iter().map(|segment| segment.destination).collect();
        destinations.sort_unstable();
        destinations.dedup();
        let take = |destination: String| {
            let lock = SenderFile::open(spool, &destination).ok()?;
            let taken = lock.take().unwrap_or(false);
            taken.then(|| Self { spool: spool.clone(), destination, lock })
        };
        destinations.into_iter().filter_map(take).collect()
    }

    /// Releases the claim and sends nothing. Returns the number of undelivered records.
    #[must_use]
    pub fn leave(self) -> u64 {
        let Self { spool, destination, lock } = self;
        let left =
            Waiting::list(&spool, &destination, |session_id| !spool.is_alive(session_id)).unsent();
        lock.remove();
        left
    }

    /// Sends the backlog, oldest session first. Calls `progress` after each request, with its size in bytes.
    pub fn send(self, connection: &mut Connection, mut progress: impl FnMut(u64)) -> Sent {
        let Self { spool, destination, lock } = self;
        let mut left =
            Waiting::list(&spool, &destination, |session_id| !spool.is_alive(session_id));
        let mut sent = Sent::default();
        while sent.problem.is_none()
            && let Some(request) = left.next_request()
        {
            let results = connection.send(&request.body);
            for Delivered { records, outcome } in &results {
                let records = *records as u64;
                match outcome {
                    Outcome::Accepted { quarantined } => {
                        let quarantined = (*quarantined).min(records);
                        sent.quarantined += quarantined;
                        sent.accepted += records - quarantined;
                    }
                    Outcome::Refused(_) => sent.refused += records,
                    Outcome::GivenUp(reason) => sent.problem = Some(reason.clone()),
                }
            }
            request.settle(&mut left.sessions, results, |session, count, outcome| match outcome {
                Outcome::Accepted { .. } => true,
                Outcome::Refused(reason) => match set_aside(&spool, session, &destination, count) {
                    Ok(_) => true,
                    Err(error) => {
                        sent.problem = Some(format!("{reason}; cannot be set aside: {error}"));
                        false
                    }
                },
                Outcome::GivenUp(_) => false,
            });
            progress(request.body.len() as u64);
        }
        sent.left = left.unsent();
        lock.remove();
        sent
    }
}

/// The ended sessions with waiting records for one destination.
#[derive(Debug)]
pub(crate) struct Waiting {
    spool: Spool,
    destination: String,
    /// Sessions that have not been opened yet, oldest first.
    ahead: VecDeque<Vec<Segment>>,
    /// Sessions that have been opened.
    pub(crate) sessions: Sessions,
    segments: BTreeMap<String, Vec<Segment>>,
}

impl Waiting {
    /// Lists the sessions of a destination for which `is_wanted` is true.
    pub(crate) fn list(spool: &Spool, destination: &str, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut segments = waiting_segments(spool);
        segments.retain(|segment| segment.destination == destination);
        let groups = segments.chunk_by(|one, next| one.session_id == next.session_id);
        let wanted = groups.filter(|group| is_wanted(&group[0].session_id));
        Self {
            spool: spool.clone(),
            destination: destination.to_owned(),
            ahead: wanted.map(<[Segment]>::to_vec).collect(),
            sessions: Sessions::new(),
            segments: BTreeMap::new(),
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.sessions.is_empty()
    }

    /// Builds a request from the oldest records, as many as fit. `None` if there are none.
    pub(crate) fn next_request(&mut self) -> Option<Request> {
        let mut request = Request::default();
        let mut opened: VecDeque<_> = self.sessions.keys().cloned().collect();
        while (request.body.len() as u64) < REQUEST_BYTES
            && let Some(id) = opened.pop_front().or_else(|| self.open_next())
            && let Some(session) = self.sessions.get_mut(&id)
        {
            let segments = self.segments.get(&id).map_or(&[][..], Vec::as_slice);
            session.read(segments, false);
            if session.is_finished() {
                session.remove();
                self.sessions.remove(&id);
                continue;
            }
            let room = REQUEST_BYTES - request.body.len() as u64;
            let count = session.fitting(session.records(), room);
            if request.add(session, count).is_err() {
                // A session that cannot be read stays for another sender.
                self.sessions.remove(&id);
            } else if count < session.records() || !session.is_complete() {
                break;
            }
        }
        (!request.is_empty()).then_some(request)
    }

    fn open_next(&mut self) -> Option<String> {
        let segments = self.ahead.pop_front()?;
        let id = segments[0].session_id.clone();
        self.sessions.insert(id.clone(), Spooled::new(&self.spool, &id, &self.destination));
        self.segments.insert(id.clone(), segments);
        Some(id)
    }

    /// Counts the records that have not been sent.
    fn unsent(&self) -> u64 {
        let opened: usize = self.sessions.values().map(Spooled::records).sum();
        let ahead = self.ahead.iter().flatten().map(|segment| self.spool.unsent_records(segment));
        opened as u64 + ahead.sum::<u64>()
    }
}

/// Appends the first `records` of a session to a file of refused records. Returns its path as text.
///
/// # Errors
///
/// Errors of reading and writing.
pub fn set_aside(
    spool: &Spool,
    session: &Spooled,
    destination: &str,
    records: usize,
) -> io::Result<String> {
    let mut lines = Vec::new();
    session.append_to(&mut lines, records)?;
    append(spool, &Segment::new(spool, session.session_id(), destination, 1, Kind::Refused), &lines)
}

/// Appends lines to a file of the spool. Returns its path as text.
pub(crate) fn append(spool: &Spool, segment: &Segment, lines: &[u8]) -> io::Result<String> {
    let mut file: File =
        spool.open_file(&segment.path, OpenOptions::new().create(true).append(true))?;
    file.write_all(lines)?;
    Ok(format!("{:?}", segment.path))
}

/// The numbers of sessions and files in a spool directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sessions with waiting records.
    pub sessions: usize,
    /// Files of records that an endpoint refused for their content.
    pub refused: usize,
}

impl Summary {
    /// Counts the sessions and files in a spool directory.
    #[must_use]
    pub fn of(spool: &Spool) -> Self {
        let mut sessions: Vec<_> =
            waiting_segments(spool).into_iter().map(|segment| segment.session_id).collect();
        sessions.dedup();
        Self { sessions: sessions.len(), refused: spool.segments(Kind::Refused).len() }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sessions {
            0 => f.write_str("nothing waits there")?,
            1 => f.write_str("records of 1 session wait there")?,
            sessions => write!(f, "records of {sessions} sessions wait there")?,
        }
        match self.refused {
            0 => Ok(()),
            1 => f.write_str(", and 1 file holds records that were refused (*.refused)"),
            refused => {
                write!(f, ", and {refused} files hold records that were refused (*.refused)")
            }
        }
    }
}

/// Whether a directory holds files of sessions.
#[must_use]
pub fn is_spool(directory: &std::path::Path) -> bool {
    let names = fs::read_dir(directory).into_iter().flatten().flatten();
    names.into_iter().any(|entry| {
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let id = name.split(['-', '.']).next().unwrap_or_default();
        resmon_record::session_id::is_session_id(id)
            && [".session", ".ndjson"].iter().any(|suffix| name.ends_with(suffix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let write = |number, kind| {
            let id = format!("{number:028x}");
            fs::write(Segment::new(&spool, &id, "0123456789abcdef", 1, kind).path, "").unwrap();
        };
        assert_eq!(Summary::of(&spool).to_string(), "nothing waits there");
        write(1, Kind::Refused);
        let one = "nothing waits there, and 1 file holds records that were refused (*.refused)";
        assert_eq!(Summary::of(&spool).to_string(), one);
        write(2, Kind::Refused);
        write(2, Kind::Waiting);
        let two = "records of 1 session wait there, and 2 files hold records that were refused (*.refused)";
        assert_eq!(Summary::of(&spool).to_string(), two);
    }
}
