//! Tinybird's Events API, by one background thread: a test never waits for the network.

mod client;
mod queue;
mod sender;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::queue::{Kind, Queue, Request};
use super::{Sink, batch_num};
use crate::config::{Delivery, Endpoint};
use crate::line::{Line, key};
use crate::warning::{Records, warn};

#[derive(Debug)]
pub(crate) struct Tinybird {
    shared: Arc<Shared>,
    batch_size: u64,
    flush_timeout: Duration,
}

/// What the tests' threads and the sender share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to send, or nothing more will come.
    work: Condvar,
    /// The sender has done all it can.
    done: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    tests: u64,
    /// Records of the request under way.
    in_flight: u64,
    /// Records that will not be sent and that no warning has counted.
    lost: u64,
    /// Whether to take records at all: not once the endpoint was given up.
    sending: bool,
    done: bool,
}

impl Tinybird {
    pub(crate) fn open(delivery: Delivery, endpoint: Endpoint) -> Self {
        let queue = Queue::new(delivery.batch_size, delivery.process_per_test);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue,
                tests: 0,
                in_flight: 0,
                lost: 0,
                sending: true,
                done: false,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        if let Err(error) = sender::spawn(Arc::clone(&shared), endpoint) {
            warn(format_args!("records are not sent to Tinybird: no thread to send them: {error}"));
            shared.stop();
            shared.finish();
        }
        Self { shared, batch_size: delivery.batch_size, flush_timeout: delivery.flush_timeout }
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

    fn close(&self) {
        let mut state = self.shared.lock();
        state.queue.close();
        self.shared.work.notify_one();
        let (state, timeout) = self
            .shared
            .done
            .wait_timeout_while(state, self.flush_timeout, |state| !state.done)
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && !state.done {
            let left = Records(state.lost + state.in_flight + state.queue.records());
            let seconds = self.flush_timeout.as_secs_f64();
            warn(format_args!(
                "{left} not delivered: Tinybird did not take them in the {seconds} s that \
                 RESMON_FLUSH_TIMEOUT allows at exit"
            ));
        } else if state.lost > 0 {
            warn(format_args!("not delivered after that: {}", Records(state.lost)));
        }
    }
}

impl Shared {
    fn push(&self, state: &mut State, kind: Kind, line: Line) {
        if !state.sending || !state.queue.push(kind, line.finish()) {
            if state.sending && state.lost == 0 {
                warn(
                    "Tinybird is too slow: records wait in memory up to a limit, and further ones are lost",
                );
            }
            state.lost += 1;
        } else if state.queue.is_ready() {
            self.work.notify_one();
        }
    }

    /// What to send next, as soon as there is something; `None` when all is sent and no more will come.
    fn next(&self) -> Option<Request> {
        let state = self.lock();
        let mut state = self
            .work
            .wait_while(state, |state| !state.queue.is_ready() && !state.queue.is_closed())
            .unwrap_or_else(PoisonError::into_inner);
        let request = state.queue.take();
        state.in_flight = request.as_ref().map_or(0, Request::records);
        request
    }

    /// The request under way has come to its end: its records are delivered, or a warning has counted them.
    fn settled(&self) {
        self.lock().in_flight = 0;
    }

    /// Takes no more records, and forgets those that wait.
    fn stop(&self) {
        let mut state = self.lock();
        state.lost += state.queue.records();
        state.queue.clear();
        state.sending = false;
    }

    fn finish(&self) {
        self.lock().done = true;
        self.done.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
