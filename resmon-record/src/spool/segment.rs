//! Segments: files of records that wait for a destination.

use std::path::PathBuf;

use super::Spool;
use crate::session_id::{is_hex, is_session_id};

/// The size in bytes from which a session begins a new segment. The sender deletes only whole segments.
pub const SEGMENT_BYTES: u64 = 1 << 20;

/// A file of records of one session for one destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The id of the session.
    pub session_id: String,
    /// The number of the segment in its session, from 1.
    pub number: u32,
    /// The fingerprint of the endpoint.
    pub destination: String,
    /// Whether the records wait or were refused.
    pub kind: Kind,
    /// The path of the file.
    pub path: PathBuf,
}

/// The kind of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The records wait to be sent.
    Waiting,
    /// The endpoint refused the records for their content: no sender tries them again.
    Refused,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Waiting => ".ndjson",
            Self::Refused => ".refused",
        }
    }
}

impl Segment {
    /// Describes the segment with these parts. Creates no file.
    #[must_use]
    pub fn new(
        spool: &Spool,
        session_id: &str,
        destination: &str,
        number: u32,
        kind: Kind,
    ) -> Self {
        let path = spool.path(&format!("{session_id}-{destination}-{number:04}{}", kind.suffix()));
        let (session_id, destination) = (session_id.to_owned(), destination.to_owned());
        Self { session_id, number, destination, kind, path }
    }

    /// Parses the name of a segment file, without its suffix. `None` if it has another form.
    fn parse(name: &str, kind: Kind, path: PathBuf) -> Option<Self> {
        let mut parts = name.split('-');
        let (session_id, destination) = (parts.next()?, parts.next()?);
        let number = u32::try_from(parts.next()?.parse::<u64>().ok()?).ok()?;
        let is_one = is_session_id(session_id) && is_hex(destination, 16) && parts.next().is_none();
        is_one.then(|| Self {
            session_id: session_id.to_owned(),
            number,
            destination: destination.to_owned(),
            kind,
            path,
        })
    }
}

/// Returns the id under which a sender keeps records of a session that it has given up. This id is as old as the
/// session, and sorts before it.
#[must_use]
pub fn kept_id(session_id: &str) -> String {
    let (time, rest) = session_id.split_at(12);
    format!("{time}0000{}", &rest[4..16])
}

impl Spool {
    /// Lists the segments of this kind for all destinations, in no order. Sorting puts the oldest session first, and
    /// its segments in order.
    #[must_use]
    pub fn segments(&self, kind: Kind) -> Vec<Segment> {
        let files = self.files(kind.suffix()).into_iter();
        files.filter_map(|(name, path)| Segment::parse(&name, kind, path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let (id, to) = ("0123456789abcdef0123456789ab", "0123456789abcdef");
        let one = Segment::new(&spool, id, to, 1, Kind::Waiting);
        let ten_thousand = Segment::new(&spool, id, to, 10_000, Kind::Waiting);
        let refused = Segment::new(&spool, id, to, 2, Kind::Refused);
        for segment in [&ten_thousand, &one, &refused] {
            std::fs::write(&segment.path, "").unwrap();
        }
        for other in ["notes.ndjson", "x-y-1.ndjson", &format!("{id}-{to}.ndjson")] {
            std::fs::write(spool.path(other), "").unwrap();
        }
        let mut found = spool.segments(Kind::Waiting);
        found.sort();
        assert_eq!(found, [one, ten_thousand]);
        assert_eq!(spool.segments(Kind::Refused), [refused]);
    }
}
