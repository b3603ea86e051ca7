//! The records of a session for Tinybird: segments in the spool, which the sender reads and deletes.

use std::fs::OpenOptions;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use resmon_record::config::{Delivery, Endpoint};
use resmon_record::key;
use resmon_record::line::Line;
use resmon_record::spool::{self, Kind, LIMIT, SEGMENT_BYTES, Segment, Spool};

use super::sender::Sender;
use super::sink::{Place, Position, Sink, batch_num};
use super::warning::{Records, warn};
use crate::sys::descriptor::PinnedFile;

/// The sink for Tinybird. Appends each record to the session's current segment, and starts a sender to deliver it.
#[derive(Debug)]
pub(crate) struct Spooled {
    /// The spool. Without one all records are lost: it is the only way to the sender.
    spool: Option<Spool>,
    session_id: String,
    destination: String,
    delivery: Delivery,
    has_journal: bool,
    sender: Option<Sender>,
    state: Mutex<State>,
    lost: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// The number of the current segment.
    segment: u32,
    /// `None` where the process may have few files open: then the segment is opened for each record.
    file: Option<PinnedFile>,
    /// Bytes of whole records in the current segment.
    length: u64,
    tests: u64,
    /// The number of records of other sessions that were deleted for the size limit.
    deleted: u64,
    /// The error of the first lost record.
    problem: Option<io::Error>,
}

impl Spooled {
    pub(crate) fn open(delivery: Delivery, endpoint: &Endpoint, place: Place<'_>) -> Self {
        let Place { spool, session_id, has_journal, sender } = place;
        let destination = endpoint.fingerprint();
        let state =
            State { segment: 0, file: None, length: 0, tests: 0, deleted: 0, problem: None };
        let sender =
            spool.as_ref().map(|spool| Sender::new(spool, session_id, &delivery, endpoint, sender));
        Self {
            spool,
            session_id: session_id.to_owned(),
            destination,
            delivery,
            has_journal,
            sender,
            state: Mutex::new(state),
            lost: AtomicU64::new(0),
        }
    }

    fn append(&self, state: &mut State, line: &[u8]) {
        let Some(spool) = &self.spool else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if let Err(error) = self.try_append(state, spool, line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            state.problem.get_or_insert(error);
        }
    }

    fn try_append(&self, state: &mut State, spool: &Spool, line: &[u8]) -> io::Result<()> {
        if state.segment == 0 {
            self.next_segment(state, spool)?;
        } else if state.length >= SEGMENT_BYTES {
            self.next_segment(state, spool)?;
            // The new segment counts as full already.
            let dropped = spool.drop_oldest(LIMIT - SEGMENT_BYTES, Some(&self.session_id));
            self.lost.fetch_add(dropped.own, Ordering::Relaxed);
            state.deleted += dropped.others;
            if dropped.own > 0 && state.problem.is_none() {
                let problem = format!("more than {} MiB wait there", LIMIT >> 20);
                state.problem = Some(io::Error::other(problem));
            }
        }
        let result = self.write(state, spool, line);
        if result.is_ok() || state.length == 0 {
            return result;
        }
        // A test may have closed the descriptor, or the file may have the greatest size that the process may write.
        self.next_segment(state, spool)?;
        self.write(state, spool, line)
    }

    fn next_segment(&self, state: &mut State, spool: &Spool) -> io::Result<()> {
        let segment = self.segment(spool, state.segment + 1);
        let file = spool.open_file(&segment.path, OpenOptions::new().create_new(true))?;
        (state.segment, state.length) = (segment.number, 0);
        state.file = PinnedFile::new(file);
        Ok(())
    }

    /// Writes behind the last whole record, over the rest of a failed write.
    fn write(&self, state: &mut State, spool: &Spool, line: &[u8]) -> io::Result<()> {
        if let Some(file) = &state.file {
            spool::write_at(file.get()?, line, state.length)?;
        } else {
            let path = self.segment(spool, state.segment).path;
            let file = spool.open_file(&path, OpenOptions::new().create(true).truncate(false))?;
            let written = spool::write_at(&file, line, state.length);
            spool::close(file);
            written?;
        }
        state.length += line.len() as u64;
        Ok(())
    }

    fn segment(&self, spool: &Spool, number: u32) -> Segment {
        Segment::new(spool, &self.session_id, &self.destination, number, Kind::Waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Spooled {
    fn session(&self, line: Line) {
        let mut state = self.lock();
        self.append(&mut state, &line.finish());
        if state.tests == 0
            && self.has_journal
            && let Some(sender) = &self.sender
        {
            // The first record is already in the segment, so a sender that is about to end sees the session.
            sender.start();
        }
    }

    fn test(&self, mut line: Line) {
        let mut state = self.lock();
        line.field(key!(batch_num), &batch_num(state.tests, self.delivery.batch_size));
        state.tests += 1;
        self.append(&mut state, &line.finish());
    }

    fn position(&self) -> Position {
        let state = self.lock();
        let batch_num = batch_num(state.tests, self.delivery.batch_size);
        Position { batch_num, from: spool::position(state.segment, state.length) }
    }

    fn dropped(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn close(&self) {
        if let Some(sender) = &self.sender {
            sender.note_segments(self.lock().segment);
            if !self.has_journal {
                // Not started before: without a journal a sender takes the session for ended, and deletes its current
                // segment.
                sender.start();
            }
            sender.finish();
        }
        let state = self.lock();
        if let Some(spool) = self.spool.as_ref().filter(|_| state.deleted > 0) {
            let (deleted, limit) = (Records(state.deleted), LIMIT >> 20);
            warn(format_args!(
                "{deleted} of earlier sessions dropped: more than {limit} MiB wait in {:?}",
                spool.directory()
            ));
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        let lost = Records(lost);
        match (&self.spool, &state.problem) {
            (Some(spool), Some(problem)) => {
                warn(format_args!(
                    "{lost} lost: cannot write to {:?}: {problem}",
                    spool.directory()
                ));
            }
            _ => warn(format_args!("{lost} lost: there is no directory to keep them in")),
        }
    }
}
