//! The sender: the process that sends the records that the test processes of a run append to the spool.
//!
//! Each destination of a spool directory has one sender. The first test process that needs it starts it. It ends soon
//! after the last test process, when all records have arrived or `RESMON_FLUSH_TIMEOUT` has passed. Killing it loses
//! nothing: undelivered records are in the spool, and the next sender continues there.

mod warnings;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::ErrorKind;
use std::panic;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender as Channel};
use std::thread;
use std::time::{Duration, Instant};

use resmon_record::config::{Config, Delivery, Destination, Endpoint, Output};
use resmon_record::spool::{Kind, Segment, SenderFile, SenderState, Spool, kept_id};

use self::warnings::Warnings;
use crate::backlog::{Waiting, append, set_aside};
use crate::connection::{Connection, Delivered, Outcome};
use crate::request::{Contents, Records, Request, Sessions};
use crate::spooled::{REQUEST_BYTES, Spooled, waiting_segments};

/// The number of failed requests in a row after which the sender gives up the endpoint.
const GIVE_UP: u32 = 3;
/// The shortest and the longest pause between two looks at the spool. The pause grows while nothing changes.
const TICKS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];
/// The longest pause after a look that took long.
const LONGEST_TICK: Duration = Duration::from_millis(500);
/// How long the sender of a process-per-test run waits for another test process.
const LINGER: Duration = Duration::from_secs(1);
/// How much earlier than a waiting test process the sender ends, at most, when `RESMON_FLUSH_TIMEOUT` has passed.
const EARLIER: Duration = Duration::from_millis(100);
/// How long a sender shows that it has given up the endpoint, so that waiting processes see it.
const SHOWN: Duration = Duration::from_millis(30);
/// How long no process may be alive, in a run with one process at a time, before waiting records are sent.
const BETWEEN: Duration = Duration::from_millis(100);
/// How long the records of an ended process wait for a full batch, in a process-per-test run.
const GATHER: Duration = Duration::from_secs(2);

/// Runs a sender for the endpoint and the spool directory of the environment, until it is no longer needed.
#[must_use]
pub fn main() -> ExitCode {
    let (config, _) = Config::from_env();
    let Config { output: Output::Tinybird(endpoint), delivery, spool: Some(directory), .. } =
        config
    else {
        return ExitCode::FAILURE;
    };
    let Ok(spool) = Spool::open(&directory) else { return ExitCode::FAILURE };
    // This session and later ones belong to the run.
    let first = env::var(resmon_record::spool::FIRST_SESSION).unwrap_or_default();
    let destination = endpoint.fingerprint();
    unblock_signals();
    loop {
        let Ok(file) = SenderFile::open(&spool, &destination) else { return ExitCode::FAILURE };
        let seen = match file.take() {
            Ok(true) => Sender::new(&spool, &destination, delivery, &endpoint, &first, file).run(),
            // Another sender is at work.
            Ok(false) if file.is_running() => return ExitCode::SUCCESS,
            // Another sender has just removed the file.
            Ok(false) => continue,
            Err(_) => return ExitCode::FAILURE,
        };
        // A process that began before this sender released its claim has relied on it.
        if !has_work(&spool, &destination, &seen) {
            return ExitCode::SUCCESS;
        }
    }
}

/// Unblocks all signals: the process that started this one had blocked them for the start.
fn unblock_signals() {
    #[cfg(unix)]
    {
        let mut none = std::mem::MaybeUninit::uninit();
        // SAFETY: the pointers are to a signal set of our own, which the first call fills in, or null where that is
        // allowed.
        unsafe {
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// Whether there are records of a running session, or of a session that is not in `seen`: its process may have ended
/// meanwhile.
fn has_work(spool: &Spool, destination: &str, seen: &BTreeSet<String>) -> bool {
    let mut segments = waiting_segments(spool);
    segments.retain(|segment| segment.destination == destination);
    segments
        .chunk_by(|one, next| one.session_id == next.session_id)
        .map(|group| group[0].session_id.as_str())
        .any(|id| !seen.contains(id) || spool.is_alive(id))
}

struct Sender {
    spool: Spool,
    destination: String,
    delivery: Delivery,
    base: String,
    /// The session that started this sender.
    first: String,
    file: SenderFile,
    state: SenderState,
    /// The time of the latest change of `state`.
    shown_since: Instant,
    warnings: Warnings,
    /// Sessions of the run.
    sessions: Sessions,
    /// The time at which a session was found to have ended, for sessions with waiting records.
    ended: BTreeMap<String, Instant>,
    /// Sessions that were running at the latest look.
    alive: BTreeSet<String>,
    /// The backlog of earlier sessions. `None` before the first look.
    leftovers: Option<Waiting>,
    /// Whether sending the backlog has failed, so that it is left to another sender.
    leaves_leftovers: bool,
    /// Sessions with records that this sender has given up.
    given_up: BTreeSet<String>,
    /// All sessions that this sender has seen.
    seen: BTreeSet<String>,
    /// The number of failed requests in a row with records of the run.
    failures: u32,
    /// The time since which no session is running.
    idle_since: Option<Instant>,
    requests: Channel<Vec<u8>>,
    results: Receiver<Vec<Delivered>>,
    in_flight: Option<(Request, bool)>,
}

impl Sender {
    fn new(
        spool: &Spool,
        destination: &str,
        delivery: Delivery,
        endpoint: &Endpoint,
        first: &str,
        file: SenderFile,
    ) -> Self {
        let (requests, results) = connect(endpoint.clone());
        file.set_state(SenderState::Busy);
        Self {
            spool: spool.clone(),
            destination: destination.to_owned(),
            delivery,
            base: endpoint.base().to_owned(),
            first: first.to_owned(),
            file,
            state: SenderState::Busy,
            shown_since: Instant::now(),
            warnings: Warnings::new(spool, destination),
            sessions: Sessions::new(),
            ended: BTreeMap::new(),
            alive: BTreeSet::new(),
            leftovers: None,
            leaves_leftovers: false,
            given_up: BTreeSet::new(),
            seen: BTreeSet::new(),
            failures: 0,
            idle_since: None,
            requests,
            results,
            in_flight: None,
        }
    }

    /// Sends until no session has run for a while and nothing is left to send, or until the flush timeout. Returns the
    /// sessions that the sender has seen.
    fn run(mut self) -> BTreeSet<String> {
        self.drop_oldest();
        let mut quiet_since = Instant::now();
        loop {
            let start = Instant::now();
            let changed = self.look();
            // A look at thousands of files takes a while: the looks may use a tenth of a CPU.
            let rest = (start.elapsed() * 9).min(LONGEST_TICK);
            if self.in_flight.is_none() {
                self.begin_request();
            }
            let is_busy = self.in_flight.is_some() || self.has_leftovers();
            if changed || is_busy {
                quiet_since = Instant::now();
            }
            self.show_state(is_busy);
            if self.is_over(is_busy) {
                break;
            }
            let tick = (quiet_since.elapsed() / 10).clamp(TICKS[0], TICKS[1]).max(rest);
            match self.results.recv_timeout(tick) {
                Ok(results) => self.settle(results),
                Err(RecvTimeoutError::Timeout) => {}
                // The thread that makes requests has panicked.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.file.remove();
        self.seen.append(&mut self.given_up);
        self.seen
    }

    /// Looks at the spool. Returns whether anything has changed.
    fn look(&mut self) -> bool {
        // Checked first: a session that is not alive now has written its last record, or its crash is reported next.
        // The segments that are listed after that are complete.
        let alive = self.spool.alive_sessions(None);
        let destination = Destination::Tinybird(self.destination.clone());
        let crashed = self.spool.end_crashed_sessions(None, &|other| *other == destination);
        let segments = waiting_segments(&self.spool);
        let mut changed = crashed > 0;
        let mut running = BTreeSet::new();
        for group in segments.chunk_by(|one, next| one.session_id == next.session_id) {
            let id = &group[0].session_id;
            if group[0].destination != self.destination {
                continue;
            }
            // After the first look the backlog is known, so any new session belongs to the run.
            let appeared = self.seen.insert(id.clone()) && self.leftovers.is_some();
            let is_known = self.sessions.contains_key(id);
            // A session that started meanwhile is not in `alive`.
            let is_alive = alive.contains(id) || !is_known && self.spool.is_alive(id);
            if is_alive {
                running.insert(id.clone());
            }
            if !is_known && self.is_of_the_run(id, is_alive || appeared) {
                let session = Spooled::new(&self.spool, id, &self.destination).of_the_run();
                self.sessions.insert(id.clone(), session);
                self.start_anew();
                changed = true;
            }
            if let Some(session) = self.sessions.get_mut(id) {
                changed |= session.read(group, is_alive);
                if !is_alive {
                    self.ended.entry(id.clone()).or_insert_with(Instant::now);
                }
            }
        }
        self.alive = running;
        if self.leftovers.is_none() {
            let is_left = |id: &str| {
                self.seen.contains(id)
                    && !self.sessions.contains_key(id)
                    && !self.spool.is_alive(id)
            };
            self.leftovers = Some(Waiting::list(&self.spool, &self.destination, is_left));
        }
        self.remove_finished();
        self.idle_since = match self.idle_since {
            _ if !self.alive.is_empty() => None,
            None => Some(Instant::now()),
            since => since,
        };
        changed
    }

    /// Whether a session is part of the run: `is_alive` (it is running, or has appeared since the first look), or it is
    /// not older than the session that started this sender. A short session may begin and end between two looks.
    fn is_of_the_run(&self, session_id: &str, is_alive: bool) -> bool {
        let is_new = !self.first.is_empty() && session_id >= self.first.as_str();
        (is_alive || is_new) && !self.given_up.contains(session_id)
    }

    /// Tries an endpoint that was given up again for a new session. All sessions of a process-per-test run count as
    /// one.
    fn start_anew(&mut self) {
        if !self.delivery.process_per_test {
            self.failures = 0;
        }
    }

    fn remove_finished(&mut self) {
        let Self { sessions, ended, .. } = self;
        sessions.retain(|id, session| {
            if session.is_finished() {
                session.remove();
                ended.remove(id);
            }
            !session.is_finished()
        });
    }

    fn is_down(&self) -> bool {
        self.failures >= GIVE_UP
    }

    fn has_leftovers(&self) -> bool {
        let left = self.leftovers.as_ref().is_some_and(|left| !left.is_empty());
        left && !self.is_down() && !self.leaves_leftovers
    }

    /// Shows the test processes whether there is something to wait for.
    fn show_state(&mut self, is_busy: bool) {
        let state = match (self.is_down() && self.in_flight.is_none(), is_busy) {
            (true, _) => SenderState::Down,
            (false, true) => SenderState::Busy,
            (false, false) => SenderState::Idle,
        };
        if state != self.state {
            self.state = state;
            self.shown_since = Instant::now();
            self.file.set_state(state);
        }
    }

    /// Whether the sender is no longer needed.
    fn is_over(&self, is_busy: bool) -> bool {
        let Some(idle) = self.idle_since.map(|since| since.elapsed()) else { return false };
        // A little earlier than the waiting process, so that the next process does not meet this sender.
        let timeout = self.delivery.flush_timeout;
        let timeout = timeout.saturating_sub((timeout / 10).min(EARLIER));
        let is_done = !is_busy && self.sessions.is_empty();
        // The next process of a process-per-test run may be about to start.
        let linger = if self.delivery.process_per_test { LINGER } else { Duration::ZERO };
        let is_down = self.is_down() && self.shown_since.elapsed() >= SHOWN;
        idle >= timeout || (is_done || is_down) && idle >= linger.min(timeout)
    }

    /// Begins the next request: records of the run first, then the backlog.
    fn begin_request(&mut self) {
        if self.is_down() {
            return;
        }
        let (mut request, is_leftover) = match self.next_of_the_run() {
            Some(request) => (request, false),
            None if self.leaves_leftovers => return,
            None => match self.leftovers.as_mut().and_then(Waiting::next_request) {
                Some(request) => (request, true),
                None => return,
            },
        };
        if self.requests.send(std::mem::take(&mut request.body)).is_ok() {
            self.in_flight = Some((request, is_leftover));
        }
    }

    fn next_of_the_run(&mut self) -> Option<Request> {
        if self.delivery.process_per_test {
            return self.next_of_many();
        }
        let batch_size = usize::try_from(self.delivery.batch_size).unwrap_or(usize::MAX);
        let mut unreadable = None;
        let mut request = Request::default();
        for (id, session) in &self.sessions {
            let due = session.due(batch_size);
            if request.add(session, due).is_err() {
                unreadable = Some(id.clone());
            }
            if !request.is_empty() || unreadable.is_some() {
                break;
            }
        }
        if let Some(id) = unreadable {
            self.leave(&id);
        }
        (!request.is_empty()).then_some(request)
    }

    /// Combines the records of ended processes that ran one test each. `None` if no request is due.
    fn next_of_many(&mut self) -> Option<Request> {
        let ended = || self.sessions.values().filter(|session| session.is_complete());
        let tests: usize = ended().map(Spooled::tests).sum();
        let is_full = tests as u64 >= self.delivery.batch_size;
        let is_late = self.ended.values().any(|ended| ended.elapsed() >= GATHER);
        let pause = if self.delivery.processes > 1 { TICKS[0] } else { BETWEEN };
        let is_last = self.idle_since.is_some_and(|since| since.elapsed() >= pause);
        if !(is_full || is_late || is_last) {
            return None;
        }
        let mut request = Request::default();
        let mut unreadable = Vec::new();
        for (id, session) in self.sessions.iter().filter(|(_, session)| session.is_complete()) {
            let room = REQUEST_BYTES.saturating_sub(request.body.len() as u64);
            let count = session.fitting(session.records(), room);
            if request.add(session, count).is_err() {
                unreadable.push(id.clone());
            }
            if request.body.len() as u64 >= REQUEST_BYTES {
                break;
            }
        }
        for id in unreadable {
            self.leave(&id);
        }
        (!request.is_empty()).then_some(request)
    }

    /// Handles a session that cannot be read. Skips records that were deleted for the size limit of the spool; if there
    /// are none, leaves the session to another sender.
    fn leave(&mut self, session_id: &str) {
        if self.sessions.get_mut(session_id).is_some_and(Spooled::skip_deleted) {
            return;
        }
        self.sessions.remove(session_id);
        self.ended.remove(session_id);
        self.given_up.insert(session_id.to_owned());
    }

    /// Handles the results of the request in flight: warns about failures, and settles the records.
    fn settle(&mut self, results: Vec<Delivered>) {
        let Some((request, is_leftover)) = self.in_flight.take() else { return };
        for delivered in &results {
            self.count(delivered, is_leftover);
        }
        let more = if self.is_down() && !is_leftover { "; no more are sent" } else { "" };
        let name = |records: usize| match (is_leftover, records == request.records()) {
            (true, _) => format!("{} of earlier sessions", Records(records)),
            (false, true) => request.to_string(),
            (false, false) => Records(records).to_string(),
        };
        let Self { spool, destination, base, sessions, leftovers, given_up, warnings, .. } = self;
        for Delivered { records, outcome } in &results {
            let what = name(*records);
            match outcome {
                Outcome::Accepted { quarantined } if *quarantined > 0 => warnings.add(&format!(
                    "{base} accepted {what} but quarantined {quarantined}: the data source does not fit, see its \
                     quarantine"
                )),
                Outcome::GivenUp(reason) if is_leftover => {
                    warnings.add(&format!("{what} not delivered to {base}: {reason}; they are kept"));
                }
                Outcome::GivenUp(reason) => {
                    let place = spool.directory();
                    warnings.add(&format!(
                        "{what} not delivered to {base}: {reason}; kept in {place:?}{more}"
                    ));
                }
                // A refusal is reported below, with the path of the file.
                Outcome::Accepted { .. } | Outcome::Refused(_) => {}
            }
        }
        let mut deleted = 0;
        let settle = |session: &Spooled, count: usize, outcome: &Outcome| match outcome {
            Outcome::Accepted { .. } => true,
            Outcome::Refused(reason) => {
                let tests = session.tests_among(count);
                let what = if is_leftover {
                    name(count)
                } else {
                    Contents { tests, events: count - tests }.to_string()
                };
                let set_aside = set_aside(spool, session, destination, count);
                let place = match &set_aside {
                    Ok(path) => format!("set aside in {path}"),
                    Err(error) => format!("cannot be set aside: {error}"),
                };
                warnings.add(&format!("{what} refused by {base}: {reason}; {place}{more}"));
                set_aside.is_ok()
            }
            Outcome::GivenUp(_) if is_leftover => false,
            Outcome::GivenUp(_) => match keep(spool, session, destination, count) {
                Ok(id) => {
                    given_up.insert(id);
                    true
                }
                // The records were dropped for the size limit while they were in flight.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    deleted += count;
                    false
                }
                // The records stay where they are, and are sent again.
                Err(_) => false,
            },
        };
        match leftovers.as_mut().filter(|_| is_leftover) {
            Some(leftovers) => request.settle(&mut leftovers.sessions, results, settle),
            None => request.settle(sessions, results, settle),
        }
        if deleted > 0 {
            let (deleted, limit) = (Records(deleted), resmon_record::spool::LIMIT >> 20);
            warnings.add(&format!("{deleted} of these not kept: more than {limit} MiB wait there"));
        }
        self.remove_finished();
    }

    /// Counts failures in a row.
    fn count(&mut self, delivered: &Delivered, is_leftover: bool) {
        match (&delivered.outcome, is_leftover) {
            (Outcome::Accepted { .. }, false) => self.failures = 0,
            (Outcome::Refused(_) | Outcome::GivenUp(_), false) => self.failures += 1,
            // The rest of the backlog waits for another sender.
            (Outcome::GivenUp(_), true) => self.leaves_leftovers = true,
            _ => {}
        }
    }

    fn drop_oldest(&mut self) {
        let dropped = self.spool.drop_oldest(resmon_record::spool::LIMIT, None);
        if dropped.others > 0 {
            let records = Records(usize::try_from(dropped.others).unwrap_or(usize::MAX));
            let limit = resmon_record::spool::LIMIT >> 20;
            self.warnings.add(&format!(
                "{records} of earlier sessions dropped: more than {limit} MiB wait in {:?}",
                self.spool.directory()
            ));
        }
    }
}

/// Copies the first `records` of a session to a segment for the next sender, so that this one can go on. Returns the
/// session id of that segment.
fn keep(
    spool: &Spool,
    session: &Spooled,
    destination: &str,
    records: usize,
) -> std::io::Result<String> {
    let mut lines = Vec::new();
    session.append_to(&mut lines, records)?;
    let id = kept_id(session.session_id());
    append(spool, &Segment::new(spool, &id, destination, 1, Kind::Waiting), &lines)?;
    Ok(id)
}

/// Starts the thread that makes requests. It ends with the channel.
fn connect(endpoint: Endpoint) -> (Channel<Vec<u8>>, Receiver<Vec<Delivered>>) {
    let (requests, bodies) = mpsc::channel::<Vec<u8>>();
    let (sender, results) = mpsc::channel();
    thread::spawn(move || {
        let mut connection = None;
        for body in bodies {
            let connection = connection.get_or_insert_with(|| Connection::new(&endpoint));
            let send = panic::AssertUnwindSafe(|| connection.send(&body));
            let Ok(results) = panic::catch_unwind(send) else { break };
            if sender.send(results).is_err() {
                break;
            }
        }
    });
    (requests, results)
}
