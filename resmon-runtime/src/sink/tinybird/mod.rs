//! Tinybird's Events API, by one background thread: a test never waits for the network.

mod client;
#[cfg(all(unix, feature = "collector"))]
mod direct;
mod queue;
mod sender;
mod shared;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(all(unix, feature = "collector"))]
pub(crate) use self::direct::Direct;
use self::queue::Kind;
use self::sender::Sender;
use self::shared::Shared;
use super::{Place, Position, Sink, batch_num};
use crate::config::{Delivery, Endpoint};
use crate::line::{Line, key};
use crate::spool::{Live, Run};
use crate::warning::{Records, warn};

#[derive(Debug)]
pub(crate) struct Tinybird {
    shared: Arc<Shared>,
    batch_size: u64,
    flush_timeout: Duration,
    /// That of a process whose run may do without it, which shows at the end.
    later: Mutex<Option<Sender>>,
}

impl Tinybird {
    pub(crate) fn open(delivery: Delivery, endpoint: Endpoint, place: Place<'_>) -> Self {
        let Place { spool, session_id, run_id } = place;
        let destination = endpoint.fingerprint();
        let live = spool.as_ref().and_then(|spool| {
            Live::create(spool, session_id, &destination)
                .inspect_err(|error| {
                    let directory = spool.directory();
                    warn(format_args!("nothing can be kept in {directory:?}: {error}"));
                })
                .ok()
        });
        // In a runner that starts a process for each test, whoever has time sends for all.
        let run = spool
            .as_ref()
            .filter(|_| delivery.process_per_test && live.is_some())
            .and_then(|spool| Run::join(spool, run_id, delivery.processes).ok());
        let shared = Arc::new(Shared::new(delivery, live));
        let sender = Sender {
            shared: Arc::clone(&shared),
            endpoint,
            spool,
            session_id: session_id.to_owned(),
            destination,
            run,
            run_work: None,
            delivery,
        };
        let mut later = Some(sender);
        if let Some(sender) = later.take_if(|sender| sender.run.is_none()) {
            start(&shared, sender);
        }
        Self {
            shared,
            batch_size: delivery.batch_size,
            flush_timeout: delivery.flush_timeout,
            later: Mutex::new(later),
        }
    }
}

fn start(shared: &Shared, sender: Sender) {
    if let Err(error) = sender.spawn() {
        warn(format_args!("records are not sent to Tinybird: no thread to send them: {error}"));
        shared.stop();
        shared.finish();
    }
}

impl Sink for Tinybird {
    fn session(&self, line: Line) {
        self.shared.push(&mut self.shared.lock(), Kind::Session, line);
    }

    fn test(&self, mut line: Line) {
        let mut state = self.shared.lock();
        // Numbered in the order in which they are sent.
        line.field(key!(batch_num), &batch_num(state.tests, self.batch_size));
        state.tests += 1;
        self.shared.push(&mut state, Kind::Test, line);
    }

    fn position(&self) -> Position {
        let batch_num = batch_num(self.shared.lock().tests, self.batch_size);
        Position { batch_num, from: self.shared.end() }
    }

    fn dropped(&self) -> u64 {
        let state = self.shared.lock();
        state.lost + state.given_up
    }

    fn close(&self) {
        self.shared.lock().queue.close();
        self.shared.work.notify_one();
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut sender) = later {
            if sender.is_needed() {
                start(&self.shared, sender);
            } else {
                self.shared.finish();
            }
        }
        let state = self.shared.lock();
        let (mut state, _) = self
            .shared
            .done
            .wait_timeout_while(state, self.flush_timeout, |state| !state.done)
            .unwrap_or_else(PoisonError::into_inner);
        let (memory, spooled) = state.queue.records();
        let (in_flight, on_disk) = state.in_flight.unwrap_or_default();
        let lost = state.lost + memory + in_flight - on_disk;
        let kept = spooled + on_disk;
        let where_to = self.shared.end_live(&mut state);
        if lost + kept == 0 {
            return;
        }
        let when = if state.done {
            "not delivered after that".to_owned()
        } else {
            let seconds = self.flush_timeout.as_secs_f64();
            format!(
                "not delivered: Tinybird did not take them in the {seconds} s that \
                 RESMON_FLUSH_TIMEOUT allows at exit"
            )
        };
        match where_to {
            Some(place) if kept > 0 && lost == 0 => {
                warn(format_args!("{} {when}; kept in {place:?}", Records(kept)));
            }
            Some(place) if kept > 0 => warn(format_args!(
                "{} {when}; {kept} of them kept in {place:?}, the others lost",
                Records(lost + kept)
            )),
            _ => warn(format_args!("{} {when}", Records(lost + kept))),
        }
    }
}
