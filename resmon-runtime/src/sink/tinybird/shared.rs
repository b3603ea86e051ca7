//! What the tests' threads and the sender share.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::queue::{Kind, Lines, Queue, Request};
use crate::config::Delivery;
use crate::line::Line;
use crate::spool::Live;
use crate::warning::warn;

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to send, or nothing more will come.
    pub(super) work: Condvar,
    /// The sender has done all it can.
    pub(super) done: Condvar,
    /// Where each record is until it is acknowledged, should this process die.
    live: Option<Live>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) tests: u64,
    /// Of the request under way, how many records there are and how many of them are on disk too.
    pub(super) in_flight: Option<(u64, u64)>,
    /// Records that will not be sent and that no warning has counted.
    pub(super) lost: u64,
    /// Records that were given up, which a warning has counted, and are not on disk.
    pub(super) given_up: u64,
    /// Whether to send at all: not once the endpoint was given up.
    sending: bool,
    /// Whether the session's file has been left to whoever sends next.
    left: bool,
    /// Whether records given up are in the session's file.
    holds: bool,
    pub(super) done: bool,
}

/// What the sender is to do.
pub(super) enum Work {
    Send(Request),
    /// Nothing of this session for now.
    Wait,
    /// Nothing more will come.
    End,
}

impl Shared {
    pub(super) fn new(delivery: Delivery, live: Option<Live>) -> Self {
        let state = State {
            queue: Queue::new(delivery.batch_size, delivery.process_per_test),
            tests: 0,
            in_flight: None,
            lost: 0,
            given_up: 0,
            sending: true,
            left: false,
            holds: false,
            done: false,
        };
        let (work, done) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), work, done, live }
    }

    pub(super) fn push(&self, state: &mut State, kind: Kind, line: Line) {
        let line = line.finish();
        let line = self.keep(state, &line).map_or(Lines::Memory(line), Lines::Spooled);
        let is_lost = matches!(line, Lines::Memory(_)) && !state.sending;
        if is_lost || !state.queue.push(kind, line) {
            if state.sending && state.lost == 0 {
                warn(
                    "Tinybird is too slow: records wait in memory up to a limit, and further ones are lost",
                );
            }
            state.lost += 1;
        } else if state.sending && state.queue.is_ready() {
            self.work.notify_one();
        }
    }

    /// Puts a line on disk, in the place of older ones if there are too many.
    fn keep(&self, state: &mut State, record: &[u8]) -> Option<Range<u64>> {
        let live = self.live.as_ref()?;
        while live.is_full() {
            live.erase(&state.queue.drop_oldest()?);
            if state.lost == 0 {
                warn(
                    "Tinybird is too slow: more records wait on disk than there may, and the oldest are lost",
                );
            }
            state.lost += 1;
        }
        live.append(record).ok()
    }

    /// What to do next, after waiting for it unless there is other work.
    pub(super) fn next(&self, has_other_work: bool) -> Work {
        let state = self.lock();
        let mut state = self
            .work
            .wait_while(state, |state| {
                let ready = state.sending && state.queue.is_ready();
                !(ready || state.queue.is_closed() || has_other_work)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.sending
            && let Some(request) = state.queue.take()
        {
            state.in_flight = Some((request.records(), request.spooled));
            return Work::Send(request);
        }
        if state.queue.is_closed() { Work::End } else { Work::Wait }
    }

    /// Whether the records have been left to whoever sends for the run.
    pub(super) fn has_left(&self) -> bool {
        self.lock().left
    }

    /// The end of the session's file, where there is one.
    pub(super) fn end(&self) -> u64 {
        self.live.as_ref().map_or(0, Live::end)
    }

    /// What the sender needs to be open.
    pub(super) fn descriptor(&self) -> Option<i32> {
        self.live.as_ref().and_then(Live::descriptor)
    }

    /// The body of a request.
    pub(super) fn body(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(request.lines.iter().map(Lines::len).sum());
        for lines in &request.lines {
            match lines {
                Lines::Memory(lines) => body.extend_from_slice(lines),
                Lines::Spooled(place) => {
                    let live = self.live.as_ref().ok_or(io::ErrorKind::NotFound)?;
                    body.extend(live.read(place)?);
                }
            }
        }
        Ok(body)
    }

    /// Tinybird has the records.
    pub(super) fn delivered(&self, request: &Request) {
        if let Some(live) = &self.live {
            for lines in &request.lines {
                if let Lines::Spooled(place) = lines {
                    live.erase(place);
                }
            }
        }
        self.lock().in_flight = None;
    }

    /// The records were given up: those that are on disk stay there. Says where, if that is all of them.
    pub(super) fn given_up(&self, request: &Request) -> Option<PathBuf> {
        let mut state = self.lock();
        state.in_flight = None;
        state.holds |= request.spooled > 0;
        state.given_up += request.records() - request.spooled;
        let live = self.live.as_ref().filter(|_| request.spooled == request.records())?;
        live.directory()
    }

    /// Sends no more of this session.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.lost += state.queue.forget_memory();
        state.sending = false;
    }

    /// Leaves the records to whoever sends for the run; `false` if they are not on disk.
    pub(super) fn leave(&self) -> bool {
        let mut state = self.lock();
        let (memory, _) = state.queue.records();
        state.left = memory == 0 && self.live.as_ref().is_some_and(|live| live.leave().is_ok());
        if state.left {
            state.queue.clear();
        }
        state.left
    }

    /// Ends the session's file. Says where records are kept, if some are.
    pub(super) fn end_live(&self, state: &mut State) -> Option<PathBuf> {
        // Whoever sends what is left here must be the only one.
        state.sending = false;
        let live = self.live.as_ref().filter(|_| !state.left)?;
        let (_, spooled) = state.queue.records();
        let in_flight = state.in_flight.is_some_and(|(_, spooled)| spooled > 0);
        if !state.holds && spooled == 0 && !in_flight {
            live.remove();
            return None;
        }
        live.leave().ok().and_then(|()| live.directory())
    }

    pub(super) fn finish(&self) {
        self.lock().done = true;
        self.done.notify_all();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
