//! The thread that sends.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Failure, Retry};
use super::queue::{REQUEST_BYTES, Request};
use super::shared::{Shared, Work};
use crate::config::{Delivery, Endpoint};
use crate::descriptor;
use crate::identity;
use crate::spool::{Left, Run, Spool};
use crate::warning::{Records, warn};

/// The longest wait that `Retry-After` is granted.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// After this many requests given up in a row the endpoint is not tried again.
const GIVE_UP: u32 = 3;
/// Tinybird takes 100 requests a second for a data source, and resmon is not the only one to send.
const REQUESTS_PER_SECOND: usize = 20;
/// So many requests one process of a run sends for the others.
const ROUNDS: u32 = 64;

/// All that the thread needs.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) shared: Arc<Shared>,
    pub(super) endpoint: Endpoint,
    pub(super) destination: String,
    pub(super) delivery: Delivery,
    pub(super) spool: Option<Spool>,
    pub(super) session_id: String,
    /// The run, if its processes share the work.
    pub(super) run: Option<Run>,
    /// What it has to send for the run.
    pub(super) run_work: Option<RunWork>,
}

/// What a process of a run has to send when it ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RunWork {
    /// A full batch.
    Batch,
    /// Whatever is left: no other process is alive.
    Last,
}

impl Sender {
    pub(super) fn spawn(self) -> io::Result<()> {
        crate::thread::spawn(true, move || {
            let shared = Arc::clone(&self.shared);
            // The exit of the process waits for this thread, so it must come to an end.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| {
                match &self.run {
                    // The tests have ended.
                    Some(run) if shared.has_left() => self.send_for_the_run(run),
                    _ => {
                        // Locks belong to a table of descriptors, so that none is taken before this.
                        descriptor::separate(shared.descriptor());
                        self.send_session();
                    }
                }
            }));
            shared.finish();
        })
    }

    /// Sends what this session records, and while there is nothing to send, what earlier ones left.
    fn send_session(&self) {
        let mut line = Wire::new(Client::new(self.endpoint.clone()));
        if let Some(spool) = &self.spool {
            spool.drop_oldest();
        }
        let mut left = self.left();
        loop {
            match self.shared.next(left.is_some()) {
                Work::Send(request) => {
                    self.send(&mut line, &request);
                    if line.is_dead() {
                        self.shared.stop();
                        left = None;
                    }
                }
                Work::End if left.is_none() => break,
                Work::End | Work::Wait => {
                    if !left.as_mut().is_some_and(|left| send_left(&mut line, left)) {
                        left = None;
                    }
                    if line.is_dead() {
                        self.shared.stop();
                    }
                }
            }
        }
    }

    fn send(&self, line: &mut Wire, request: &Request) {
        let sent = match self.shared.body(request) {
            Ok(body) => line.send(&body, request),
            Err(error) => Err(format!("they cannot be read from disk: {error}")),
        };
        match sent {
            Ok(()) => self.shared.delivered(request),
            Err(problem) => {
                let kept = self.shared.given_up(request);
                let kept = kept.map_or_else(String::new, |place| format!("; kept in {place:?}"));
                let more = if line.is_dead() { "; no more are sent" } else { "" };
                warn(format_args!(
                    "{request} not delivered to {}: {problem}{kept}{more}",
                    line.base()
                ));
            }
        }
    }

    /// Leaves the records of this process, at its end, to whoever sends for its run: another process, if one is alive to
    /// do so and there is no full batch yet, else this one.
    pub(super) fn is_needed(&mut self) -> bool {
        let left = self.shared.leave();
        let Some(run) = &self.run else { return true };
        self.run_work = self.work(run, run.leave());
        !left || self.run_work.is_some()
    }

    /// What there is to send where so many processes have left records.
    fn work(&self, run: &Run, waiting: u64) -> Option<RunWork> {
        // Each of them has a single test to tell of.
        if waiting >= self.delivery.batch_size {
            Some(RunWork::Batch)
        } else if run.goes_on(waiting) {
            None
        } else {
            Some(RunWork::Last)
        }
    }

    /// Sends what the processes of the run have left.
    fn send_for_the_run(&self, run: &Run) {
        self.send_while_there_is_work(run);
        run.end();
    }

    fn send_while_there_is_work(&self, run: &Run) {
        let Some(spool) = &self.spool else { return };
        let mut line = None;
        let mut next = self.run_work.clone();
        while let Some(work) = next {
            spool.end_crashed_sessions(Some(&self.session_id));
            let at_once = work == RunWork::Last;
            let left = spool.left(&self.destination, at_once, || run.taken());
            let Some(mut left) = left.ok().flatten() else { return };
            spool.drop_oldest();
            let line = line.get_or_insert_with(|| Wire::new(Client::new(self.endpoint.clone())));
            let before = line.delivered;
            while send_left(line, &mut left) {}
            // What cannot be read or removed is no reason to try for ever.
            if line.has_failed || line.delivered == before || line.delivered >= ROUNDS {
                return;
            }
            // A process that found this one sending has left its records to it.
            next = match run.waiting() {
                0 => None,
                waiting => self.work(run, waiting),
            };
        }
    }

    fn left(&self) -> Option<Left> {
        self.spool.as_ref()?.left(&self.destination, false, || {}).ok().flatten()
    }
}

/// Sends a request's worth of what was left; `false` if there is no more, or no use.
fn send_left(line: &mut Wire, left: &mut Left) -> bool {
    let Some(chunk) = left.next(REQUEST_BYTES) else { return false };
    match line.send(&chunk.body, format_args!("{} of earlier sessions", Records(chunk.records))) {
        Ok(()) => chunk.forget(),
        Err(problem) => {
            left.keep();
            warn(format_args!(
                "{} of earlier sessions not delivered to {}: {problem}; they are kept",
                Records(chunk.records),
                line.base()
            ));
        }
    }
    !line.is_dead()
}

/// The way to the endpoint, and what is known of it.
pub(super) struct Wire {
    client: Client,
    /// Requests given up in a row.
    given_up: u32,
    has_failed: bool,
    /// Requests that were taken.
    delivered: u32,
    /// When the latest requests were made.
    requests: VecDeque<Instant>,
}

impl Wire {
    pub(super) fn new(client: Client) -> Self {
        Self { client, given_up: 0, has_failed: false, delivered: 0, requests: VecDeque::new() }
    }

    fn base(&self) -> &str {
        self.client.base()
    }

    fn is_dead(&self) -> bool {
        self.given_up >= GIVE_UP
    }

    /// Tries a request, and where that can help once more.
    fn send(&mut self, body: &[u8], what: impl std::fmt::Display) -> Result<(), String> {
        match self.try_twice(body) {
            Ok(quarantined) => {
                self.given_up = 0;
                self.delivered += 1;
                if quarantined > 0 {
                    warn(format_args!(
                        "{} accepted {what} but quarantined {quarantined}: \
                         the data source does not fit, see its quarantine",
                        self.base()
                    ));
                }
                Ok(())
            }
            Err(problem) => {
                self.given_up += 1;
                self.has_failed = true;
                Err(problem)
            }
        }
    }

    pub(super) fn try_twice(&mut self, body: &[u8]) -> Result<u64, String> {
        let failure = match self.post(body) {
            Ok(quarantined) => return Ok(quarantined),
            Err(failure) => failure,
        };
        thread::sleep(match failure.retry {
            Retry::Never => return Err(failure.to_string()),
            Retry::After(wait) => wait.min(RETRY_AFTER),
            // Many processes may have met the same trouble at the same moment.
            Retry::Soon => Duration::from_millis(200 + identity::random() % 300),
        });
        self.post(body).map_err(|second| match (failure.to_string(), second.to_string()) {
            (first, second) if first == second => format!("{first} (tried twice)"),
            (first, second) => format!("{first}, then {second}"),
        })
    }

    fn post(&mut self, body: &[u8]) -> Result<u64, Failure> {
        if self.requests.len() == REQUESTS_PER_SECOND
            && let Some(oldest) = self.requests.pop_front()
        {
            thread::sleep(Duration::from_secs(1).saturating_sub(oldest.elapsed()));
        }
        self.requests.push_back(Instant::now());
        self.client.post(body)
    }
}
