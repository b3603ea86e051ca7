//! The sender, seen from the test process: its start, and the wait for it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use resmon_record::config::{self, Delivery, Endpoint};
use resmon_record::spool::{
    FIRST_SESSION, Kind, Segment, SenderFile, SenderState, Spool, warnings_file,
};

use super::warning::{Records, warn};
use crate::sys::spawn;

/// The argument that makes a program run as the sender.
const ARGUMENT: &str = "__sender";
/// How long a sender may take to show up after its start.
const STARTING: Duration = Duration::from_secs(5);
/// The pause between two checks whether the records have arrived.
const TICK: Duration = Duration::from_millis(2);
/// The age from which waiting records make a process wait for delivery, in a run with one process at a time: no process
/// knows whether it is the last one.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Sender {
    spool: Spool,
    session_id: String,
    destination: String,
    delivery: Delivery,
    /// The program to run as the sender, instead of [`programs`].
    program: Option<PathBuf>,
    /// The variables that differ from those of this process.
    variables: Vec<(&'static str, Option<OsString>)>,
    started: OnceLock<Result<Instant, String>>,
    /// The number of segments of the session.
    written: AtomicU32,
}

impl Sender {
    pub(crate) fn new(
        spool: &Spool,
        session_id: &str,
        delivery: &Delivery,
        endpoint: &Endpoint,
        program: Option<PathBuf>,
    ) -> Self {
        let text = |text: &str| Some(OsString::from(text));
        let mode = if delivery.process_per_test { text("process-per-test") } else { None };
        let variables = vec![
            (config::TOKEN, text(endpoint.token())),
            (config::API_URL, text(endpoint.base())),
            (config::DATASOURCE, text(endpoint.datasource())),
            (config::SPOOL_DIR, Some(spool.directory().into())),
            (config::BATCH_SIZE, text(&delivery.batch_size.to_string())),
            (config::FLUSH_TIMEOUT, text(&delivery.flush_timeout.as_secs_f64().to_string())),
            (FIRST_SESSION, text(session_id)),
            ("NEXTEST_EXECUTION_MODE", mode),
            (config::FILE, None),
            (config::DISABLE, None),
            (config::INTAKE, None),
            (config::CHILD, None),
        ];
        Self {
            spool: spool.clone(),
            session_id: session_id.to_owned(),
            destination: endpoint.fingerprint(),
            delivery: *delivery,
            program,
            variables,
            started: OnceLock::new(),
            written: AtomicU32::new(0),
        }
    }

    /// Starts a sender, unless one is running. Called when the session's first record is in the spool.
    pub(crate) fn start(&self) {
        if self.started.get().is_some() {
            return;
        }
        let _ = self.started.set(self.try_start().map(|_| Instant::now()));
    }

    /// Starts a sender, unless one is running or has just been started. Returns whether this call started one.
    fn try_start(&self) -> Result<bool, String> {
        let file =
            SenderFile::open(&self.spool, &self.destination).map_err(|error| error.to_string())?;
        let is_ours = !file.is_running() && !file.is_starting() && file.start();
        let result = if is_ours {
            let programs = self.program.clone().map_or_else(programs, |program| vec![program]);
            let started = spawn::detached(&programs, ARGUMENT, &self.variables);
            started.map(|()| true).inspect_err(|_| file.set_state(SenderState::Idle))
        } else {
            Ok(false)
        };
        file.close();
        result.map_err(|error| format!("no program to send them: {error}"))
    }

    /// Waits for delivery, unless another process of the run does, and warns about undelivered records.
    pub(crate) fn finish(&self) {
        let end = self.wait();
        self.print_warnings();
        let left: u64 = self.segments().iter().map(|left| self.spool.unsent_records(left)).sum();
        if left == 0 {
            return;
        }
        let (left, place) = (Records(left), self.spool.directory());
        match end {
            End::Left => {}
            End::Delivered | End::Down => {
                warn(format_args!("{left} not delivered after that; kept in {place:?}"));
            }
            End::Timeout => {
                let seconds = self.delivery.flush_timeout.as_secs_f64();
                warn(format_args!(
                    "{left} not delivered: Tinybird did not accept them within the {seconds} s that RESMON_FLUSH_TIMEOUT \
                     allows at exit; kept in {place:?}"
                ));
            }
            End::NoSender => {
                let why = self.started.get().and_then(|started| started.as_ref().err());
                let why = why.map_or("the sender has ended", String::as_str);
                warn(format_args!(
                    "{left} not sent ({why}); kept in {place:?}: `cargo resmon upload {}` sends them",
                    place.display()
                ));
            }
        }
    }

    fn wait(&self) -> End {
        let begin = Instant::now();
        if self.delivery.process_per_test && self.delivery.processes == 1 && !self.is_overdue() {
            return End::Left;
        }
        let (mut was_seen, mut is_down, mut is_restarted) = (false, false, false);
        let mut started = self.started.get().and_then(|started| started.as_ref().ok().copied());
        loop {
            let state = self.state();
            // Checked before the directory is listed, which may hold thousands of files by then.
            if self.delivery.process_per_test && state == Some(SenderState::Down) {
                return End::Down;
            }
            // Another process of the run will wait.
            if self.delivery.process_per_test && self.spool.is_another_alive(&self.session_id) {
                return End::Left;
            }
            was_seen |= state.is_some();
            is_down |= state == Some(SenderState::Down);
            let is_starting = !was_seen && started.is_some_and(|at| at.elapsed() < STARTING);
            match state {
                Some(SenderState::Idle)
                    if self.delivery.process_per_test && self.segments().is_empty() =>
                {
                    return End::Delivered;
                }
                None if self.segments().is_empty() => return End::Delivered,
                // The sender goes on for another run, which waits for the rest.
                Some(_)
                    if self.segments().is_empty()
                        && self.spool.is_another_alive(&self.session_id) =>
                {
                    return End::Delivered;
                }
                None if is_down => return End::Down,
                // The sender ends a little before the flush timeout.
                None if begin.elapsed() >= self.delivery.flush_timeout * 4 / 5 => {
                    return End::Timeout;
                }
                // The sender was killed, perhaps before it showed up. Another one may succeed.
                None if !is_restarted && started.is_some() && self.try_start() == Ok(true) => {
                    (is_restarted, was_seen) = (true, false);
                    started = Some(Instant::now());
                }
                None if !is_starting => return End::NoSender,
                _ => {}
            }
            if begin.elapsed() >= self.delivery.flush_timeout {
                return End::Timeout;
            }
            thread::sleep(TICK);
        }
    }

    /// Returns the state of the sender. `None` if none is running.
    fn state(&self) -> Option<SenderState> {
        let file = SenderFile::existing(&self.spool, &self.destination).ok()?;
        let state = file.is_running().then(|| file.state());
        file.close();
        state
    }

    /// Returns the undelivered segments of this session. Checks each name instead of listing the directory, which may
    /// hold thousands of other files.
    fn segments(&self) -> Vec<Segment> {
        let written = self.written.load(Ordering::Relaxed);
        let segment = |number| {
            Segment::new(&self.spool, &self.session_id, &self.destination, number, Kind::Waiting)
        };
        (1..=written).map(segment).filter(|segment| segment.path.exists()).collect()
    }

    /// Sets the number of segments of the session.
    pub(crate) fn note_segments(&self, written: u32) {
        self.written.store(written, Ordering::Relaxed);
    }

    /// Whether records of this destination have waited for longer than [`PATIENCE`].
    fn is_overdue(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.spool.segments(Kind::Waiting).iter().any(|segment| {
            let started = u64::from_str_radix(&segment.session_id[..12], 16).unwrap_or(u64::MAX);
            segment.destination == self.destination
                && Duration::from_millis(started) + PATIENCE < now
        })
    }

    /// Prints the messages of the sender, which has no stream of its own.
    fn print_warnings(&self) {
        let own = self.spool.path(&format!("{}.warnings", self.session_id));
        // Renamed first, so that no other process prints it too.
        if fs::rename(warnings_file(&self.spool, &self.destination), &own).is_ok() {
            for line in fs::read_to_string(&own).unwrap_or_default().lines() {
                warn(line);
            }
            let _ = fs::remove_file(own);
        }
    }
}

/// The end of the wait for delivery.
enum End {
    Delivered,
    /// Another process waits.
    Left,
    /// The sender has given up the endpoint.
    Down,
    Timeout,
    NoSender,
}

/// Returns the programs that may serve as the sender: the one that was built with this crate, and `cargo-resmon`.
fn programs() -> Vec<PathBuf> {
    let built = option_env!("RESMON_SENDER").map(PathBuf::from);
    let name = format!("cargo-resmon{}", env::consts::EXE_SUFFIX);
    let installed = env::var_os("PATH").into_iter().filter_map(move |path| {
        let folders: Vec<_> = env::split_paths(&path).map(|folder| folder.join(&name)).collect();
        folders.into_iter().find(|program| program.is_file())
    });
    built.into_iter().chain(installed).collect()
}
